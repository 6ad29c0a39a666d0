/** Each field of the session config, as it acts on sessions that were open before it was changed. */
import { runInDurableObject } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { sessionNumber } from '../../../src/domain/session-id.ts'
import { sessions } from '../../../src/store/schema.ts'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { breakKv, breakStoreJobs, breakUserObjects } from '../../support/faults.ts'
import { Gate } from '../../support/gate.ts'
import { KvDouble } from '../../support/kv-double.ts'
import { fireUserAlarm, mirrored, userObject } from '../../support/objects.ts'
import { check, send, signIn, tokenInCookie } from '../../support/requests.ts'
import { db, makeBearer, makeUser, type TestUser } from '../../support/stores.ts'
import { type Variant, workerWith } from '../../support/variants.ts'
import { finishJobs, type LoggedIn, logIn, looker, patchConfig } from './support.ts'

const CF = { city: 'Turin', region: 'Piedmont', country: 'IT' } as const
const MINUTE = 60

async function people(config = {}) {
  const admin = await logIn('admin', { config })
  const user = await makeUser({ identityStoreId: admin.user.identityStoreId })
  return { admin, user, store: admin.user.identityStoreId }
}

/** Why each of the user's sessions ended as D1 has it, oldest first; null for the live ones. */
async function ends(user: TestUser): Promise<(string | null)[]> {
  await mirrored(user)
  const rows = await db.select().from(sessions).where(eq(sessions.userId, user.userId)).orderBy(sessions.sessionId)
  return rows.map(({ endReason }) => endReason)
}

/** The sessions in the user's own list, in Looker's, and in Slack's across all users, which reads D1 alone. */
async function listed(token: string, user: TestUser, admin: LoggedIn): Promise<(string | number)[][]> {
  const own = (await (await send('/sessions', { bearer: token })).json()) as { sessions: { id: string }[] }
  const { body } = await looker('GET', `/users/${user.userId}/sessions`, admin.token)
  const bearer = await makeBearer(user.identityStoreId, ['admin.users:read'], { ownerUserId: admin.user.userId })
  const answer = await send('/api/admin.users.session.list', { method: 'POST', bearer })
  const slack = (await answer.json()) as { active_sessions: { session_id: number }[] }
  return [
    own.sessions.map(({ id }) => id),
    body.map(({ id }: { id: string }) => id),
    slack.active_sessions.map((session) => session.session_id),
  ]
}

describe('session_minutes', () => {
  test('lowered, drops untouched sessions from every list and from D1, and refuses them', async () => {
    stopClock()
    const { admin, user, store } = await people({ sessionMinutes: 100 })
    const old = await signIn(user)
    advanceClock(30 * MINUTE)
    const young = await signIn(user)
    await mirrored(user)
    await patchConfig(admin.token, { session_minutes: 20 })
    await finishJobs(store)
    expect(await ends(user)).toEqual(['expired', null])
    expect(await listed(young.token, user, admin)).toEqual([[young.id], [young.id], [sessionNumber(young.id)]])
    expect((await check(old)).status).toBe(401)
    expect((await check(young)).status).toBe(200)
  })

  test('lowered, sets the alarm for the new deadline', async () => {
    stopClock()
    const { admin, user, store } = await people({ sessionMinutes: 100 })
    await signIn(user)
    await mirrored(user)
    await patchConfig(admin.token, { session_minutes: 20 })
    await finishJobs(store)
    advanceClock(21 * MINUTE)
    await fireUserAlarm(user)
    expect(await ends(user)).toEqual(['expired'])
  })

  for (const [name, lose] of [
    ['', () => ({ repair() {} })],
    [
      ', though nobody told the object',
      () => breakUserObjects({ only: (c) => c.to === 'USERS' && c.method === 'applyRules' }),
    ],
  ] as const) {
    test(`raised, never ends a session by an old alarm${name}`, async () => {
      stopClock()
      const { admin, user } = await people({ sessionMinutes: 10 })
      const session = await signIn(user)
      await mirrored(user)
      const fault = lose()
      await patchConfig(admin.token, { session_minutes: 20 })
      advanceClock(11 * MINUTE)
      await fireUserAlarm(user)
      expect((await check(session)).status).toBe(200)
      expect(await ends(user)).toEqual([null])
      fault.repair()
      advanceClock(9 * MINUTE)
      expect((await check(session)).status).toBe(401)
    })
  }
})

describe('unlimited_sessions_per_user', () => {
  test("turned off, leaves each user's newest session; turned on, allows any number again", async () => {
    const { admin, user, store } = await people()
    const other = await makeUser({ identityStoreId: store })
    const mine = [await signIn(user), await signIn(user), await signIn(user)]
    const theirs = [await signIn(other), await signIn(other)]
    await Promise.all([mirrored(user), mirrored(other)])
    await patchConfig(admin.token, { unlimited_sessions_per_user: false })
    await finishJobs(store)
    expect(await ends(user)).toEqual(['evicted', 'evicted', null])
    expect(await ends(other)).toEqual(['evicted', null])
    const statuses = await Promise.all([...mine, ...theirs].map(async (one) => (await check(one)).status))
    expect(statuses).toEqual([401, 401, 200, 401, 200])
    expect((await looker('GET', '/user', admin.token)).status).toBe(200)

    await patchConfig(admin.token, { unlimited_sessions_per_user: true })
    await signIn(user)
    expect((await ends(user)).filter((end) => end === null)).toHaveLength(2)
  })

  test('turned off, holds for those who sign in from then on', async () => {
    const { admin, user } = await people()
    await patchConfig(admin.token, { unlimited_sessions_per_user: false })
    for (const _ of [1, 2, 3]) await signIn(user)
    expect(await ends(user)).toEqual(['evicted', 'evicted', null])
  })
})

describe('use_inactivity_based_logout', () => {
  test('turned on, ends what has been idle for 15 minutes, and not what has been used', async () => {
    stopClock()
    const { admin, user, store } = await people()
    const [idle, used] = [await signIn(user), await signIn(user)]
    await mirrored(user)
    advanceClock(20 * MINUTE)
    await check(used)
    await patchConfig(admin.token, { use_inactivity_based_logout: true })
    await finishJobs(store)
    expect(await ends(user)).toEqual(['idle', null])
    const refused = await check(idle)
    expect([refused.status, await refused.json()]).toMatchObject([401, { reason: 'idle' }])
    advanceClock(15 * MINUTE)
    expect((await check(used)).status).toBe(401)
  })

  test('turned off, lets an idle session live', async () => {
    stopClock()
    const { admin, user } = await people({ useInactivityBasedLogout: true })
    const session = await signIn(user)
    await mirrored(user)
    advanceClock(14 * MINUTE)
    await patchConfig(admin.token, { use_inactivity_based_logout: false })
    advanceClock(60 * MINUTE)
    await fireUserAlarm(user)
    expect((await check(session)).status).toBe(200)
  })
})

describe('allow_persistent_sessions', () => {
  const cookieOf = (response: Response) => response.headers.getSetCookie()[0] ?? ''

  test('turned off, makes the cookie of a live session end with the browser, and turned on, outlive it again', async () => {
    const { admin, user } = await people()
    const { username, password, address } = user
    const json = { username, password, persistent: true }
    const signedIn = await send('/sessions', { address, json })
    expect(cookieOf(signedIn)).toMatch(/Max-Age=\d+/)
    const cookie = tokenInCookie(signedIn) ?? ''
    const checked = async () => {
      const response = await send('/sessions/current', { address, cookie })
      expect(response.status).toBe(200)
      const { persistent } = (await response.json()) as { persistent: boolean }
      return { persistent, cookie: cookieOf(response) }
    }
    expect(await checked()).toEqual({ persistent: true, cookie: '' })

    await patchConfig(admin.token, { allow_persistent_sessions: false })
    const off = await checked()
    expect(off.persistent).toBe(false)
    expect(off.cookie).toContain(cookie)
    expect(off.cookie).not.toMatch(/Max-Age|Expires/i)
    expect(await checked()).toEqual({ persistent: false, cookie: '' })

    await patchConfig(admin.token, { allow_persistent_sessions: true })
    const on = await checked()
    expect(on.persistent).toBe(true)
    expect(on.cookie).toMatch(/Max-Age=\d+/)
    expect((await checked()).cookie).toBe('')
  })

  test('gives a session that did not ask for it no cookie that outlives the browser', async () => {
    const { admin, user } = await people({ allowPersistentSessions: false })
    const session = await signIn(user, { transport: 'cookie' })
    await patchConfig(admin.token, { allow_persistent_sessions: true })
    const response = await send('/sessions/current', { address: user.address, cookie: session.token })
    expect([response.status, cookieOf(response)]).toEqual([200, ''])
  })
})

describe('track_session_location', () => {
  async function locations(user: TestUser) {
    await mirrored(user)
    const rows = await db.select().from(sessions).where(eq(sessions.userId, user.userId)).orderBy(sessions.sessionId)
    const inObject = await runInDurableObject(userObject(user), (_object, { storage }) =>
      storage.sql.exec<{ location: string | null }>('SELECT location FROM sessions ORDER BY id').toArray(),
    )
    return [rows.map(({ location }) => location), inObject.map(({ location }) => location)]
  }
  const cities = async (admin: string, user: TestUser) => {
    const { body } = await looker('GET', `/users/${user.userId}/sessions`, admin)
    return body.map(({ city }: { city: string | null }) => city)
  }

  test('turned off, clears what was kept, of live and ended sessions, in D1 and in the objects', async () => {
    const { admin, user, store } = await people({ trackSessionLocation: true })
    const gone = await makeUser({ identityStoreId: store }) // has only sessions that have ended
    const [live, ended, other] = [
      await signIn(user, { cf: CF }),
      await signIn(user, { cf: CF }),
      await signIn(gone, { cf: CF }),
    ]
    for (const { token } of [ended, other]) await send('/sessions/current', { method: 'DELETE', bearer: token })
    expect(await cities(admin.token, user)).toEqual(['Turin'])
    for (const one of [user, gone]) expect((await locations(one)).flat()).not.toContain(null)

    await patchConfig(admin.token, { track_session_location: false })
    await finishJobs(store)
    expect(await cities(admin.token, user)).toEqual([null])
    expect(await (await check(live)).json()).toMatchObject({ location: null })
    expect(await locations(user)).toEqual([
      [null, null],
      [null, null],
    ])
    expect(await locations(gone)).toEqual([[null], [null]])
    await signIn(user, { cf: CF })
    expect((await locations(user)).flat()).toEqual(Array(6).fill(null))
  })

  test('turned off where it was off, starts nothing', async () => {
    const { admin, store } = await people()
    const scans: string[] = []
    intercept((call, goOn) => {
      if (call.to === 'D1') scans.push(...call.statements.filter((text) => text.includes('sessions_with_location')))
      return goOn()
    })
    await patchConfig(admin.token, { track_session_location: false })
    await finishJobs(store)
    expect(scans).toEqual([])
    await patchConfig(admin.token, { track_session_location: true })
    await patchConfig(admin.token, { track_session_location: false })
    await finishJobs(store)
    expect(scans).not.toEqual([])
  })

  test('turned off, is not written again by an object that had not mirrored it yet', async () => {
    const { admin, user, store } = await people({ trackSessionLocation: true })
    // The mirror of the opening arrives in D1 only after everything was cleared.
    const gate = new Gate()
    const leave = intercept(async (call, goOn) => {
      if (call.to === 'D1' && call.statements.some((text) => /^insert into "sessions"/i.test(text))) await gate.pass()
      return goOn()
    })
    await signIn(user, { cf: CF })
    await patchConfig(admin.token, { track_session_location: false })
    leave()
    await finishJobs(store)
    gate.open()
    expect(await locations(user)).toEqual([[null], [null]])
  })

  test('turned on, keeps where sessions come from that are opened from then on', async () => {
    const { admin, user } = await people()
    await signIn(user, { cf: CF })
    await patchConfig(admin.token, { track_session_location: true })
    await signIn(user, { cf: CF })
    expect(await cities(admin.token, user)).toEqual([null, 'Turin'])
  })
})

describe('a change holds elsewhere within two minutes', () => {
  const faults: [string, () => unknown][] = [
    ['with a KV that shows nothing for an hour', () => new KvDouble([3_600])],
    ['with a KV that shows writes in another order', () => new KvDouble([100, 1])],
    ['with a KV that fails', () => breakKv()],
    [
      'though the request died right after the change',
      () => breakStoreJobs({ only: (call) => call.to === 'JOBS' && call.method === 'confirm' }),
    ],
  ]
  for (const [name, fail] of faults) {
    test(`${name}; what is read is the newest at once`, async () => {
      stopClock()
      const { admin, user, store } = await people({ sessionMinutes: 100 })
      const session = await signIn(user)
      advanceClock(30 * MINUTE)
      await mirrored(user)
      const there: Variant = workerWith()
      const at = async (path: string, bearer: string) => there.send(path, { bearer, address: user.address })
      expect((await at('/sessions/current?touch=false', session.token)).status).toBe(200)
      fail()
      await patchConfig(admin.token, { session_minutes: 25 })
      const read = await at('/session_config', admin.token)
      expect(await read.json()).toMatchObject({ session_minutes: 25 })
      await finishJobs(store, 120)
      expect((await at('/sessions/current', session.token)).status).toBe(401)
      expect(await ends(user)).toEqual(['expired'])
    })
  }
})
