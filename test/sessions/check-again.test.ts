/** A check of a session that this isolate has checked before: the object answers less, and means the same. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test } from 'vitest'
import { proofOf } from '../../src/sessions/object/token-secrets.ts'
import { storeTag } from '../../src/store/store-tag.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { mirrored, userObject } from '../support/objects.ts'
import { check, send, signIn, type TestSession, tokenInCookie } from '../support/requests.ts'
import { makeUser } from '../support/stores.ts'
import { newUser } from '../support/users.ts'
import { readToken } from '../support/variants.ts'

const BY = { caller: 'credential:test', requestId: 'request-1' }

beforeEach(() => {
  stopClock()
})

/** A signed-in user whose session this isolate has checked, with everything done that follows. */
async function checkedSession(config: NonNullable<Parameters<typeof makeUser>[0]>['config'] = {}) {
  const user = await newUser({ config })
  const session = await signIn(user)
  await bodyOf(session)
  await mirrored(user)
  return { user, session }
}

async function bodyOf(session: TestSession): Promise<Record<string, unknown>> {
  const response = await check(session)
  expect(response.status).toBe(200)
  return response.json()
}

/** The methods of users' objects that are called from now on. */
function callsOfObjects(): string[] {
  const methods: string[] = []
  intercept((call, goOn) => {
    if (call.to === 'USERS') methods.push(call.method)
    return goOn()
  })
  return methods
}

test('asks the object each time, for no more than has changed', async () => {
  const { session } = await checkedSession()
  const calls = callsOfObjects()
  await bodyOf(session)
  await bodyOf(session)
  expect(calls).toEqual(['checkAgain', 'checkAgain'])
})

test('says when the user was last seen, and when the session idles out from then', async () => {
  const { session } = await checkedSession({ useInactivityBasedLogout: true })
  const before = await bodyOf(session)
  for (const seconds of [10, 600]) {
    const now = advanceClock(seconds)
    expect(await bodyOf(session)).toEqual({
      ...before,
      last_seen_at: new Date(now).toISOString(),
      idles_out_at: new Date(now + 900_000).toISOString(),
    })
  }
})

test('that is no activity leaves both as they were', async () => {
  const { session } = await checkedSession({ useInactivityBasedLogout: true })
  const before = await bodyOf(session)
  advanceClock(300)
  const { user, token } = session
  const look = await send('/sessions/current?touch=false', { address: user.address, bearer: token })
  expect(await look.json()).toEqual(before)
})

test('finds at once what the object was told behind the back of this isolate', async () => {
  const { user, session } = await checkedSession()
  const before = await bodyOf(session)
  const openedAt = Date.parse(String(before.opened_at))
  await userObject(user).applyRules(user.key, {
    settings: { version: 1, value: { durationSeconds: 28_800, desktopAppBrowserQuit: null } },
  })
  expect(await bodyOf(session)).toEqual({ ...before, expires_at: new Date(openedAt + 28_800_000).toISOString() })
  await userObject(user).applyRules(user.key, { config: user.config({ useInactivityBasedLogout: true }) })
  expect(await bodyOf(session)).toMatchObject({ idles_out_at: new Date(Date.now() + 900_000).toISOString() })
})

test('finds at once that another client uses the session', async () => {
  const { user, session } = await checkedSession()
  const proof = proofOf(await readToken(session.token))
  const client = { address: '198.51.100.7', userAgent: 'Elsewhere' }
  await userObject(user).check(proof, { touch: true, cookie: false, client }, {})
  const look = await send('/sessions/current?touch=false', { address: user.address, bearer: session.token })
  expect(await look.json()).toMatchObject({ address: client.address })
})

test('finds at once that the session has ended', async () => {
  const { user, session } = await checkedSession()
  await userObject(user).end({ only: [session.id] }, 'revoked', BY)
  const response = await check(session)
  expect(response.status).toBe(401)
  expect(await response.json()).toMatchObject({ code: 'session_ended', reason: 'revoked' })
})

test('is answered whole by an object that was restarted, and then again in short', async () => {
  const { user, session } = await checkedSession()
  const before = await bodyOf(session)
  await evictDurableObject(userObject(user))
  const calls = callsOfObjects()
  expect(await bodyOf(session)).toEqual(before)
  expect(await bodyOf(session)).toEqual(before)
  expect(calls).toEqual(['checkAgain', 'checkAgain'])
})

test('hands on a config that the object does not know', async () => {
  const { user, session } = await checkedSession()
  const openedAt = Date.parse(String((await bodyOf(session)).opened_at))
  const config = user.config({ sessionMinutes: 60 })
  await env.CONFIG.put(`session-config/${storeTag(user.identityStoreId)}`, JSON.stringify(config))
  advanceClock(31)
  const calls = callsOfObjects()
  for (let time = 0; time < 2; time += 1) {
    expect(await bodyOf(session)).toMatchObject({ expires_at: new Date(openedAt + 3_600_000).toISOString() })
  }
  expect(calls).toEqual(['check', 'checkAgain'])
})

test('issues a cookie anew when it is due, and once', async () => {
  const user = await makeUser({ settings: { durationSeconds: 90 * 86_400 } })
  const { token } = await signIn(user, { transport: 'cookie', persistent: true })
  const look = () => send('/sessions/current', { address: user.address, cookie: token })
  expect(tokenInCookie(await look())).toBeNull()
  advanceClock(31 * 86_400)
  expect(tokenInCookie(await look())).not.toBeNull()
  expect(tokenInCookie(await look())).toBeNull()
})
