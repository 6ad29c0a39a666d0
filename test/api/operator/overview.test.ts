/** An identity store in figures. */
import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { breakUserObjects } from '../../support/faults.ts'
import { fireJobAlarm, mirrored } from '../../support/objects.ts'
import { send, signIn } from '../../support/requests.ts'
import { makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { liveRecords, manyUsers } from '../slack/many.ts'
import { operate, patch } from './operator.ts'

const HOUR = 3_600_000

async function overview(identityStoreId: string, bearer?: string) {
  const { status, body } = await operate(`/identity-stores/${identityStoreId}/overview`, { ...(bearer && { bearer }) })
  expect(status).toBe(200)
  return body
}

async function wrongPassword(user: TestUser, username = user.username): Promise<void> {
  const { address } = user
  expect((await send('/sessions', { address, json: { username, password: 'wrong' } })).status).toBe(401)
}

test('says what lives, and what was opened, ended and refused in each hour', async () => {
  const start = stopClock()
  const identityStoreId = await makeStore()
  const [one, two] = [await makeUser({ identityStoreId }), await makeUser({ identityStoreId })]
  const [first] = [await signIn(one), await signIn(one, { userAgent: 'another' }), await signIn(two)]
  await wrongPassword(two)
  await wrongPassword(two, 'nobody@pie.example')
  const other = await makeUser()
  await wrongPassword(other)
  await signIn(other)
  await mirrored(one)
  await mirrored(two)
  advanceClock(3_600)
  await send('/sessions/current', { method: 'DELETE', bearer: first.token })
  await operate(`/identity-stores/${identityStoreId}/users/${two.userId}`, { method: 'PATCH', json: { active: false } })
  await mirrored(one)
  await mirrored(two)

  const body = await overview(identityStoreId)
  expect(body).toMatchObject({ live_sessions: 1, users_with_sessions: 1, source: 'mirror' })
  expect(body.hours).toHaveLength(24)
  const hour = (at: number) => new Date(at - (at % HOUR)).toISOString()
  const nothing = { opened: 0, ended: {}, failed_sign_ins: 0, lockouts: 0 }
  expect(body.hours.slice(-3)).toEqual([
    { hour: hour(start - HOUR), ...nothing },
    { hour: hour(start), ...nothing, opened: 3, failed_sign_ins: 1 },
    { hour: hour(start + HOUR), ...nothing, ended: { logout: 1, user_disabled: 1 } },
  ])
  advanceClock(24 * 3_600)
  const later = await overview(identityStoreId)
  expect(later).toMatchObject({ live_sessions: 1, users_with_sessions: 1 })
  expect(later.hours[0]).toEqual({ hour: hour(start + 2 * HOUR), ...nothing })
})

test('counts a lockout once, in the hour in which it begins, and another one after it', async () => {
  const start = stopClock()
  const user = await makeUser()
  const lockouts = async () => {
    const { hours } = await overview(user.identityStoreId)
    return hours.filter((hour: { lockouts: number }) => hour.lockouts > 0)
  }
  for (let times = 0; times < 4; times += 1) await wrongPassword(user)
  expect(await lockouts()).toEqual([])
  await wrongPassword(user)
  expect(await lockouts()).toMatchObject([{ lockouts: 1, failed_sign_ins: 5 }])
  const { address, username } = user
  const locked = { address, json: { username, password: 'wrong' } }
  expect((await send('/sessions', locked)).status).toBe(429)
  // From elsewhere, which is another count.
  await wrongPassword({ ...user, address: '203.0.113.77' })
  expect(await lockouts()).toMatchObject([{ lockouts: 1 }])
  advanceClock(2 * 3_600)
  for (let times = 0; times < 5; times += 1) await wrongPassword(user)
  const hour = (at: number) => new Date(at - (at % HOUR)).toISOString()
  expect(await lockouts()).toMatchObject([
    { hour: hour(start), lockouts: 1 },
    { hour: hour(start + 2 * HOUR), lockouts: 1 },
  ])
})

test('shows a week if that is asked for, and no more', async () => {
  stopClock()
  const identityStoreId = await makeStore()
  const user = await makeUser({ identityStoreId })
  await signIn(user)
  await mirrored(user)
  advanceClock(6 * 24 * 3_600)
  const week = await operate(`/identity-stores/${identityStoreId}/overview?hours=168`)
  expect(week.body.hours).toHaveLength(168)
  expect(week.body.hours.map(({ opened }: { opened: number }) => opened).reduce((a: number, b: number) => a + b)).toBe(
    1,
  )
  expect((await operate(`/identity-stores/${identityStoreId}/overview?hours=169`)).status).toBe(400)
})

test('names users and how they are signed in, those alone who are there', async () => {
  const identityStoreId = await makeStore()
  const [one, two] = [await makeUser({ identityStoreId }), await makeUser({ identityStoreId })]
  for (let sessions = 0; sessions < 16; sessions += 1) await signIn(one, { userAgent: `client ${sessions}` })
  await mirrored(one)
  const other = await makeUser()
  const ids = [one.userId, two.userId, other.userId, 'nobody']
  const { status, body } = await operate(`/identity-stores/${identityStoreId}/user-summaries?user_ids=${ids}`)
  expect(status).toBe(200)
  expect(body.users.toSorted((a: { user_id: string }) => (a.user_id === one.userId ? -1 : 1))).toEqual([
    {
      user_id: one.userId,
      username: one.username,
      live_sessions: { count: 15, exact: false },
      last_opened_at: expect.any(String),
    },
    {
      user_id: two.userId,
      username: two.username,
      live_sessions: { count: 0, exact: true },
      last_opened_at: null,
    },
  ])
})

test('looks at so many sessions of a user, and no more', async () => {
  const identityStoreId = await makeStore()
  const user = await makeUser({ identityStoreId })
  await env.DB.prepare(
    `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type)
     WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 500)
     SELECT ?1, ?2, printf('%08d', n), n, 1, 'web', n, 0, 0, 'password' FROM counted`,
  )
    .bind(identityStoreId, user.userId)
    .run()
  const counts = countCalls()
  const { body } = await operate(`/identity-stores/${identityStoreId}/user-summaries?user_ids=${user.userId}`)
  expect(body.users[0]).toMatchObject({
    live_sessions: { count: 15, exact: false },
    last_opened_at: new Date(500).toISOString(),
  })
  expect(counts.d1RowsRead).toBeLessThan(30)
})

test.each(['', 'a,,b', `${Array.from({ length: 101 }, (_, index) => `u${index}`)}`])(
  'summaries of %j are refused',
  async (ids) => {
    const identityStoreId = await makeStore()
    const { status } = await operate(`/identity-stores/${identityStoreId}/user-summaries?user_ids=${ids}`)
    expect(status).toBe(400)
  },
)

test('counts no job that is done, though what became of its sessions is kept', async () => {
  const session = await signIn(await makeUser())
  const { user } = session
  await mirrored(user)
  const store = `/identity-stores/${user.identityStoreId}`
  const json = { session_ids: [session.id] }
  expect((await operate(`${store}/sessions/end`, { method: 'POST', json })).status).toBe(202)
  await expect
    .poll(async () => {
      await fireJobAlarm(user.identityStoreId)
      return (await operate(`${store}/jobs`)).body.jobs.map(({ state }: { state: string }) => state)
    })
    .toEqual(['done'])
  expect(await overview(user.identityStoreId)).toMatchObject({ jobs: { unfinished: 0, failing: 0 } })
})

test('says who is locked out, who changed the config last, and what cannot be finished', async () => {
  const now = stopClock()
  const user = await makeUser()
  const store = `/identity-stores/${user.identityStoreId}`
  expect(await overview(user.identityStoreId)).toMatchObject({
    lockouts: { count: 0, exact: true },
    jobs: { unfinished: 0, failing: 0 },
    session_config: { version: 1, changed_at: new Date(now).toISOString(), changed_by: null },
  })
  for (let times = 0; times < 5; times += 1) await wrongPassword(user)
  await signIn({ ...user, address: '203.0.113.9' })
  await mirrored(user)
  const fault = breakUserObjects()
  advanceClock(60)
  expect((await patch(`${store}/session-config`, { overall_timeout_seconds: 3_600 })).status).toBe(200)
  await vi.waitFor(async () => {
    expect(await overview(user.identityStoreId)).toMatchObject({
      lockouts: { count: 1, exact: true },
      jobs: { failing: 1 },
      session_config: {
        version: 2,
        changed_at: new Date(now + 60_000).toISOString(),
        changed_by: expect.stringMatching(/^credential:/),
      },
    })
  })
  fault.repair()
})

test('reads as many rows of a store with 10 000 sessions as of one with 10', async () => {
  const read = async (sessions: number) => {
    const identityStoreId = await makeStore()
    await liveRecords(identityStoreId, await manyUsers(identityStoreId, sessions))
    const bearer = await makeOperator()
    const counts = countCalls()
    expect(await overview(identityStoreId, bearer)).toMatchObject({
      live_sessions: sessions,
      users_with_sessions: sessions,
    })
    expect(counts).toMatchObject({ d1RowsWritten: 0, jobCalls: 1, objectCalls: 0 })
    return counts.d1RowsRead
  }
  const few = await read(10)
  expect(await read(10_000)).toBe(few)
  // The caller, the store, an hour, the config and the version of it.
  expect(few).toBeLessThan(20)
})

test('reads no more rows however many hours and lockouts there are', async () => {
  const identityStoreId = await makeStore()
  await env.DB.prepare(
    `INSERT INTO session_counters (identity_store_id, hour, live_sessions, users_with_sessions, counts)
     WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 1000)
     SELECT ?1, n * 3600000, 7, 5, '{}' FROM counted`,
  )
    .bind(identityStoreId)
    .run()
  await env.DB.prepare(
    `INSERT INTO sign_in_attempts (identity_store_id, subject, user_store_id, attempts, window_ends_at, locked_at, locked_until)
     WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 5000)
     SELECT '*', ?1 || n, ?1, 5, ?2, n, ?2 FROM counted`,
  )
    .bind(identityStoreId, Date.now() + HOUR)
    .run()
  const counts = countCalls()
  expect(await overview(identityStoreId)).toMatchObject({ live_sessions: 7, lockouts: { count: 0, exact: false } })
  expect(counts.d1RowsRead).toBeLessThan(2 * 2_000 + 50)
})

test('is of a store that is there', async () => {
  expect(await operate('/identity-stores/nowhere/overview')).toMatchObject({
    status: 404,
    body: { code: 'identity_store_not_found' },
  })
})
