/** `GET /sessions/current/events`: who listens to a session is told when it ends, whatever ends it. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { END_SENTENCES } from '../../../src/domain/end-sentences.ts'
import type { EndReason } from '../../../src/domain/session.ts'
import type { SessionsEntrypoint } from '../../../src/entrypoint.ts'
import { MAX_STREAMS_OF_SESSION } from '../../../src/limits.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { breakD1, breakUserObjects } from '../../support/faults.ts'
import { fireUserAlarm, mirrored, userAlarm, userObject } from '../../support/objects.ts'
import { check, ORIGIN, send, signIn, type TestSession } from '../../support/requests.ts'
import { makeBearer, makeOperator, makeUser, type UserOptions } from '../../support/stores.ts'
import {
  askToListen,
  type Listener,
  listen,
  listenByEvents,
  readEvents,
  toldOf,
  UPGRADE,
} from '../../support/streams.ts'
import { changeUser, revoke } from './ends.ts'

const IDLE = { useInactivityBasedLogout: true, inactivityTimeoutSeconds: 900 }

async function operate(session: TestSession, method: string, path: string, json?: object): Promise<void> {
  const url = `/operator/identity-stores/${session.user.identityStoreId}${path}`
  const done = await send(url, { method, bearer: await makeOperator(), ...(json && { json }) })
  expect(done.ok, await done.clone().text()).toBe(true)
}

const ENDS: readonly (readonly [what: string, EndReason, UserOptions, (session: TestSession) => Promise<unknown>])[] = [
  ['a sign-out', 'logout', {}, ({ token }) => send('/sessions/current', { method: 'DELETE', bearer: token })],
  [
    'another sign-in of the same client',
    'replaced',
    {},
    ({ token, user }) => signIn(user, { cookie: token, transport: 'cookie' }),
  ],
  ['a back end', 'revoked', {}, revoke],
  [
    'the user, in another session',
    'revoked',
    {},
    async ({ user }) => {
      const { token } = await signIn(user)
      await send('/sessions?except=current', { method: 'DELETE', bearer: token })
    },
  ],
  [
    'an operator',
    'revoked',
    {},
    (session) => operate(session, 'POST', `/users/${session.user.userId}/sessions/end`, { all: true }),
  ],
  ['the limit', 'evicted', { config: { concurrentSessionLimit: 1 } }, ({ user }) => signIn(user)],
  ['a disable', 'user_disabled', {}, (session) => changeUser(session, { active: false })],
  ['a deletion', 'user_disabled', {}, (session) => operate(session, 'DELETE', `/users/${session.user.userId}`)],
  ['a new password', 'password_changed', {}, (session) => changeUser(session, { password: 'another good password' })],
  [
    'a shorter timeout in the config',
    'idle',
    {},
    async (session) => {
      advanceClock(120)
      await operate(session, 'PATCH', '/session-config', {
        inactivity_timeout_seconds: 60,
      })
    },
  ],
  [
    "a shorter life in the user's own settings",
    'expired',
    {},
    async (session) => {
      advanceClock(28_801)
      await operate(session, 'PUT', `/users/${session.user.userId}/session-settings`, {
        duration_seconds: 28_800,
        desktop_app_browser_quit: null,
      })
    },
  ],
  [
    'nobody: it idles out',
    'idle',
    { config: IDLE },
    async ({ user }) => {
      advanceClock(900)
      await fireUserAlarm(user)
    },
  ],
  [
    'nobody: it expires',
    'expired',
    { config: { sessionMinutes: 10 } },
    async ({ user }) => {
      advanceClock(600)
      await fireUserAlarm(user)
    },
  ],
]

describe.each(ENDS)('a session that is ended by %s', (_what, reason, options, end) => {
  test('is told so at once, on both kinds of streams, and in no other session', async () => {
    stopClock()
    const user = await makeUser(options)
    const session = await signIn(user)
    await mirrored(user)
    const listeners = [await listen(session), await listenByEvents(session)]
    await end(session)
    const refused = await askToListen(session)
    expect(refused.status).toBe(401)
    const { ended_at } = (await refused.json()) as { ended_at: string }
    for (const listener of listeners) {
      const told = await toldOf(listener, 'ended')
      expect(told).toEqual({ type: 'ended', reason, end_sentence: END_SENTENCES[reason], ended_at })
      await vi.waitFor(() => expect(listener.closed).not.toBeNull())
      expect(listener.told.filter(({ type }) => type !== 'ending_soon')).toEqual([told])
    }
    expect(listeners[0]?.closed).toEqual({ code: 1000, reason })
  })
})

/** A session that idles out after 15 minutes, with somebody who listens. */
async function listening(options: UserOptions = { config: IDLE }): Promise<[TestSession, Listener]> {
  stopClock()
  const session = await signIn(await makeUser(options))
  await mirrored(session.user)
  return [session, await listen(session)]
}

describe('a deadline', () => {
  test('is told a minute before, once', async () => {
    const [{ user }, listener] = await listening()
    const endsAt = Date.now() + 900_000
    expect(await userAlarm(user)).toBe(endsAt - 60_000)
    advanceClock(839)
    await fireUserAlarm(user)
    expect(listener.told).toEqual([])
    advanceClock(1)
    await fireUserAlarm(user)
    const told = { type: 'ending_soon', reason: 'idle', ends_at: new Date(endsAt).toISOString() }
    expect(await toldOf(listener, 'ending_soon')).toEqual(told)
    expect(await userAlarm(user)).toBe(endsAt)
    await fireUserAlarm(user)
    advanceClock(60)
    await fireUserAlarm(user)
    await toldOf(listener, 'ended')
    expect(listener.told.map(({ type }) => type)).toEqual(['ending_soon', 'ended'])
  })

  test('is told at half of a timeout that is shorter than two minutes', async () => {
    const [{ user }, listener] = await listening({ config: { ...IDLE, inactivityTimeoutSeconds: 60 } })
    expect(await userAlarm(user)).toBe(Date.now() + 30_000)
    advanceClock(30)
    await fireUserAlarm(user)
    await toldOf(listener, 'ending_soon')
  })

  test('that activity has put off is told again when it comes', async () => {
    const [session, listener] = await listening()
    const { user } = session
    advanceClock(840)
    await fireUserAlarm(user)
    await toldOf(listener, 'ending_soon')
    advanceClock(59)
    await check(session)
    const endsAt = Date.now() + 900_000
    advanceClock(1)
    await fireUserAlarm(user)
    expect(await userAlarm(user)).toBe(endsAt - 60_000)
    advanceClock(839)
    await fireUserAlarm(user)
    const told = { type: 'ending_soon', reason: 'idle', ends_at: new Date(endsAt).toISOString() }
    await vi.waitFor(() => expect(listener.told[1]).toEqual(told))
  })

  test('is told at once to who comes when it is near', async () => {
    const [session] = await listening()
    advanceClock(850)
    await toldOf(await listen(session), 'ending_soon')
  })

  test('that has passed while D1 is away has who listens ask again, which ends the session', async () => {
    const [session, listener] = await listening()
    advanceClock(900)
    const broken = breakD1()
    await fireUserAlarm(session.user)
    await vi.waitFor(() => expect(listener.closed).toMatchObject({ code: 1012 }))
    expect(listener.told).toEqual([])
    expect(await (await askToListen(session)).json()).toMatchObject({ code: 'session_ended', reason: 'idle' })
    broken.repair()
  })
})

describe('to listen', () => {
  test('is no activity', async () => {
    const [session] = await listening()
    const openedAt = Date.now()
    advanceClock(600)
    await listen(session)
    const { address } = session.user
    const looked = await send('/sessions/current?touch=false', { address, bearer: session.token })
    expect(await looked.json()).toMatchObject({ last_seen_at: new Date(openedAt).toISOString() })
  })

  test('is to be told of one session, and of no other', async () => {
    const [session, listener] = await listening()
    const other = await signIn(session.user)
    const othersListener = await listen(other)
    await send('/sessions/current', { method: 'DELETE', bearer: other.token })
    await toldOf(othersListener, 'ended')
    expect(listener.told).toEqual([])
  })

  test('survives that the object loses its memory', async () => {
    const [session, listener] = await listening()
    const bySse = await listenByEvents(session)
    await evictDurableObject(userObject(session.user))
    advanceClock(840)
    await fireUserAlarm(session.user)
    await toldOf(listener, 'ending_soon')
    await evictDurableObject(userObject(session.user))
    await fireUserAlarm(session.user)
    await evictDurableObject(userObject(session.user))
    await revoke(session)
    for (const one of [listener, bySse]) {
      await toldOf(one, 'ended')
      expect(one.told.map(({ type }) => type)).toEqual(['ending_soon', 'ended'])
    }
  })

  test('takes pings without waking the object, and nothing else', async () => {
    const [session, listener] = await listening()
    await evictDurableObject(userObject(session.user))
    listener.send('ping')
    await toldOf(listener, 'pong')
    listener.send('anything')
    await vi.waitFor(() => expect(listener.closed).toMatchObject({ code: 1008 }))
    expect((await check(session)).status).toBe(200)
  })

  test('is bounded for each session: who is there stays, and who is silent gives way', async () => {
    const [session] = await listening()
    const first = [...Array(MAX_STREAMS_OF_SESSION - 1).keys()]
    const listeners = await Promise.all(first.map(() => listen(session)))
    const refused = await askToListen(session)
    expect(refused.status).toBe(409)
    expect(await refused.json()).toMatchObject({ code: 'conflict' })
    const other = await signIn(session.user)
    expect((await askToListen(other)).status).toBe(101)
    listeners[0]?.leave()
    await vi.waitFor(async () => expect((await askToListen(session)).status).toBe(101))
    advanceClock(121)
    expect((await askToListen(session)).status).toBe(101)
  })

  test.each([
    ['a foreign page', { origin: 'https://evil.example' }, 403],
    ['a foreign page that hides its origin', { origin: 'null' }, 403],
    ['a foreign page, of an old browser', { origin: null, headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    ['a page of our own', { origin: ORIGIN }, 101],
    ['a page of our own, by an event source', { origin: null, headers: { 'sec-fetch-site': 'same-origin' } }, 101],
    ['no page at all', { origin: null }, 101],
  ] as const)('with a cookie is refused to all but our own pages: %s', async (_who, options, status) => {
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    const { bearer: _, ...asked } = { bearer: undefined, cookie: session.token, ...options }
    const how = { ...asked, headers: { ...UPGRADE, ...('headers' in options ? options.headers : {}) } }
    expect((await send('/sessions/current/events', how)).status).toBe(status)
    const { upgrade: __, ...plain } = how.headers
    const byEvents = await send('/sessions/current/events', { ...asked, headers: plain })
    expect(byEvents.status).toBe(status === 101 ? 200 : status)
    await byEvents.body?.cancel()
  })

  test('is refused without a live session, and where nobody can say', async () => {
    expect((await send('/sessions/current/events', { headers: UPGRADE })).status).toBe(401)
    const session = await signIn(await makeUser())
    expect((await askToListen({ ...session, token: `${session.token.slice(0, -2)}AA` })).status).toBe(401)
    const bearer = await makeBearer(session.user.identityStoreId, ['sessions:introspect'])
    const credential = await send('/sessions/current/events', { bearer, headers: UPGRADE })
    expect(await credential.json()).toMatchObject({ code: 'wrong_token_kind' })
    const broken = breakUserObjects()
    expect((await askToListen(session)).status).toBe(503)
    broken.repair()
  })
})

test('a bound Worker is told, of its own store', async () => {
  const session = await signIn(await makeUser())
  const bound = (identityStoreId: string) => {
    const entrypoint = exports.SessionsEntrypoint as unknown as (options: object) => Pick<SessionsEntrypoint, 'events'>
    return entrypoint({ props: { identityStoreId, scopes: ['sessions:introspect'] } })
  }
  const { token } = session
  const foreign = await bound((await makeUser()).identityStoreId).events({ token })
  expect(foreign).toMatchObject({ ok: false, error: { code: 'unauthenticated' } })
  const events = await bound(session.user.identityStoreId).events({ token })
  if (!events.ok) throw new Error(events.error.code)
  const listener = readEvents(events.value)
  await revoke(session)
  expect(await toldOf(listener, 'ended')).toMatchObject({ reason: 'revoked' })
})

test('who stops listening by events is gone from the object too', async () => {
  const session = await signIn(await makeUser())
  const listener = await listenByEvents(session)
  const streams = () => runInDurableObject(userObject(session.user), (_object, state) => state.getWebSockets().length)
  expect(await streams()).toBe(1)
  listener.leave()
  await vi.waitFor(async () => expect(await streams()).toBe(0), { timeout: 5_000 })
})
