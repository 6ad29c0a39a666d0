/** What the hourly cron removes, and what it leaves. */

import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DEFAULT_RETENTION } from '../../src/domain/retention.ts'
import worker from '../../src/index.ts'
import { ERASURE_BATCH_ROWS, REMOVAL_BATCH_ROWS, SPENT_LOOK_ROWS } from '../../src/limits.ts'
import { keepHouse, removeEndedSessions, removeSpent } from '../../src/store/housekeeping.ts'
import { finishJobs } from '../api/looker/support.ts'
import { intercept } from '../support/bindings.ts'
import { stopClock } from '../support/clock.ts'
import { breakD1Statements, breakUserObjects } from '../support/faults.ts'
import { fireJobAlarm, mirrored, mirroredByAlarm, storeJobs } from '../support/objects.ts'
import { check, send, signIn } from '../support/requests.ts'
import { db, makeBearer, makeOperator, makeStore, makeUser } from '../support/stores.ts'

const DAY = 86_400_000
const NOW = Date.now()

/** The hourly run, as the platform starts it. */
function cron(): Promise<void> {
  return worker.scheduled(createScheduledController(), env)
}

/** Writes session records of a store: `count` of them that ended so many days ago (null: that live). */
async function records(store: string, count: number, daysAgo: number | null): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, ended_at, end_reason)
     WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1)
     SELECT ?2, 'user-' || n, ?3 || '-' || n, n, 1, 'web', 0, 0, 0, 'password', ?4, iif(?4 IS NULL, NULL, 'logout') FROM counted`,
  )
    .bind(count, store, crypto.randomUUID(), daysAgo === null ? null : NOW - daysAgo * DAY)
    .run()
}

async function count(table: string, store: string, where = 'true'): Promise<number> {
  const text = `SELECT count(*) AS count FROM ${table} WHERE identity_store_id = ? AND ${where}`
  return (await env.DB.prepare(text).bind(store).first<number>('count')) ?? -1
}

async function auditEvent(store: string, daysAgo: number): Promise<void> {
  const at = NOW - daysAgo * DAY
  // An id of its own time: those of one isolate only grow.
  const id = `${at
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${crypto.randomUUID().slice(24)}`
  await env.DB.prepare(
    `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, request_id) VALUES (?, ?, ?, 'a', 'b', 'c', 'd')`,
  )
    .bind(store, id, at)
    .run()
}

beforeEach(() => {
  stopClock(NOW)
})

describe('what no rule looks at any more', () => {
  const COLUMNS = {
    call_counters: ['subject, calls, window_ends_at', "'subject-' || n, 1, ?3"],
    sign_in_attempts: ['subject, attempts, window_ends_at', "'subject-' || n, 1, ?3"],
    login_tokens: ['token_hash, user_id, created_at, expires_at', "?1 || '-' || n, 'user', 0, ?3"],
  } as const

  async function rows(table: keyof typeof COLUMNS, store: string, count: number, until: number): Promise<void> {
    const [columns, values] = COLUMNS[table]
    await env.DB.prepare(
      `INSERT INTO ${table} (identity_store_id, ${columns})
       WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?2) SELECT ?1, ${values} FROM counted`,
    )
      .bind(store, count, until)
      .run()
  }

  test.each(['call_counters', 'sign_in_attempts', 'login_tokens'] as const)(
    'is removed from %s whatever the backlog, in so many batches an hour, and what still counts stays',
    async (table) => {
      const [old, now] = [crypto.randomUUID(), crypto.randomUUID()]
      await cron()
      await rows(table, old, 2 * REMOVAL_BATCH_ROWS + 7, NOW - 1)
      await rows(table, now, 20, NOW + 1)
      await keepHouse(db, DEFAULT_RETENTION, NOW, 1)
      expect(await count(table, old)).toBe(REMOVAL_BATCH_ROWS + 7)
      await cron()
      expect([await count(table, old), await count(table, now)]).toEqual([0, 20])
    },
  )

  test.each(['call_counters', 'sign_in_attempts', 'login_tokens'] as const)(
    'is found in %s behind more that still counts than one look takes, and nothing is looked at twice',
    async (table) => {
      await cron()
      await env.DB.prepare(`DELETE FROM ${table}`).run()
      await rows(table, 'a', SPENT_LOOK_ROWS + 20, NOW + 1)
      await rows(table, 'b', 5, NOW - 1)
      const looks: unknown[] = []
      const leave = intercept(async (call, goOn) => {
        if (call.to === 'D1') looks.push(...call.statements.filter((text) => text.startsWith('SELECT')))
        return goOn()
      })
      expect(await removeSpent(db, table, NOW)).toEqual({ ok: true })
      leave()
      expect([await count(table, 'a'), await count(table, 'b')]).toEqual([SPENT_LOOK_ROWS + 20, 0])
      expect(looks).toHaveLength(2)
    },
  )
})

test('answers to idempotency keys are removed when they have run out, in so many batches an hour', async () => {
  const rows = (count: number, until: number) =>
    env.DB.prepare(
      `INSERT INTO idempotent_requests (key_hash, body_hash, expires_at)
       WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?2) SELECT ?1 || '-' || n, '', ?3 FROM counted`,
    )
      .bind(crypto.randomUUID(), count, until)
      .run()
  const left = () => env.DB.prepare('SELECT count(*) AS count FROM idempotent_requests').first<number>('count')
  await rows(REMOVAL_BATCH_ROWS + 7, NOW)
  await rows(20, NOW + 1)
  await keepHouse(db, DEFAULT_RETENTION, NOW, 1)
  expect(await left()).toBe(27)
  await cron()
  expect(await left()).toBe(20)
})

describe('records of ended sessions', () => {
  test('are kept for 90 days, and removed then', async () => {
    const store = await makeStore()
    await records(store, 3, 91)
    await records(store, 5, 89)
    await cron()
    expect(await count('sessions', store)).toBe(5)
  })

  test('are removed whatever the backlog, and no live one is touched', async () => {
    const store = await makeStore()
    await records(store, 2 * REMOVAL_BATCH_ROWS + 7, 400)
    await records(store, 50, null)
    await cron()
    expect(await count('sessions', store)).toBe(50)
    expect(await count('sessions', store, 'ended_at IS NULL')).toBe(50)
  })

  test('are removed in so many batches an hour, and the next hour goes on where the last one stopped', async () => {
    const store = await makeStore()
    await records(store, 3 * REMOVAL_BATCH_ROWS, 400)
    await records(store, 5, null)
    const left: number[] = []
    for (let hour = 0; hour < 4; hour += 1) {
      await keepHouse(db, DEFAULT_RETENTION, NOW, 1)
      left.push(await count('sessions', store))
    }
    expect(left).toEqual([2_005, 1_005, 5, 5])
  })

  test('one batch removes a thousand, reading no more than it removes', async () => {
    const store = await makeStore()
    await records(store, 2 * REMOVAL_BATCH_ROWS, 200)
    await records(store, 20_000, 1)
    const read = await env.DB.prepare(
      `SELECT session_id FROM sessions INDEXED BY ended_sessions_oldest_first WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ${REMOVAL_BATCH_ROWS}`,
    )
      .bind(NOW - 90 * DAY)
      .run()
    expect(read.meta.rows_read).toBeLessThanOrEqual(REMOVAL_BATCH_ROWS + 1)
    expect(await removeEndedSessions(db, NOW - 90 * DAY)).toEqual({ ok: true, value: REMOVAL_BATCH_ROWS })
    await cron()
    expect(await count('sessions', store)).toBe(20_000)
  })

  test('are removed although their object still knows how they ended', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    await send('/sessions/current', { method: 'DELETE', bearer: session.token })
    await mirrored(user)
    stopClock(NOW + 91 * DAY)
    await cron()
    expect(await count('sessions', user.identityStoreId)).toBe(0)
    expect(await (await check(session)).json()).toMatchObject({ code: 'session_ended', reason: 'logout' })
  })
})

describe('audit events', () => {
  test('are kept for 400 days, of every store', async () => {
    const stores = [await makeStore(), await makeStore(), await makeStore()]
    for (const store of stores) {
      await auditEvent(store, 401)
      await auditEvent(store, 399)
    }
    await cron()
    expect(await Promise.all(stores.map((store) => count('audit_events', store)))).toEqual([1, 1, 1])
  })

  test('are found by their ids, from store to store', async () => {
    const store = await makeStore()
    for (let n = 0; n < 30; n += 1) await auditEvent(store, 10)
    await cron()
    expect(await count('audit_events', store)).toBe(30)
  })
})

describe('credentials', () => {
  test('that were revoked or have expired are kept for 30 days', async () => {
    const store = await makeStore()
    const ago = (days: number) => NOW - days * DAY
    const kept = [{}, { revokedAt: ago(29) }, { expiresAt: ago(29) }, { expiresAt: ago(-1) }]
    for (const times of [...kept, { revokedAt: ago(31) }, { expiresAt: ago(31) }])
      await makeBearer(store, ['sessions:open'], times)
    await cron()
    const { results } = await env.DB.prepare(
      'SELECT revoked_at AS revokedAt, expires_at AS expiresAt FROM credentials WHERE identity_store_id = ? ORDER BY credential_id',
    )
      .bind(store)
      .all()
    expect(results).toEqual(kept.map((times) => ({ revokedAt: null, expiresAt: null, ...times })))
  })

  test("operators' stay, for they show that a first operator was made", async () => {
    await makeOperator({ revokedAt: 1 })
    await cron()
    expect(await count('credentials', '*', 'revoked_at = 1')).toBe(1)
  })
})

test('a deleted user leaves no name, address or user agent behind in D1', async () => {
  const user = await makeUser()
  const { identityStoreId, userId } = user
  const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
  const bearer = await makeOperator()
  const names = { first_name: 'Zaphod', last_name: 'Beeblebrox', email_address: 'zaphod@heart-of-gold.example' }
  expect((await send(path, { method: 'PATCH', bearer, json: names })).status).toBe(200)
  const session = await signIn(user, { address: '203.0.113.77', userAgent: 'Vogon/42' })
  await mirrored(user)
  // What D1 has not been told yet is told later, without it.
  const outage = breakD1Statements(/insert into "sessions"/i)
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  await check(session, { address: '203.0.113.78', userAgent: 'Marvin/1' })
  await signIn(user, { address: '203.0.113.79' })
  expect((await send(path, { method: 'DELETE', bearer })).status).toBe(204)
  outage.repair()
  await mirroredByAlarm(user)
  const texts = await Promise.all(
    ['users', 'sessions', 'audit_events'].map(async (table) => {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table} WHERE identity_store_id = ?`)
        .bind(identityStoreId)
        .all()
      return JSON.stringify(results)
    }),
  )
  for (const trace of [
    ...Object.values(names),
    user.username,
    '203.0.113.77',
    '203.0.113.78',
    '203.0.113.79',
    'Vogon/42',
    'Marvin/1',
  ])
    expect(texts.join()).not.toContain(trace)
  expect(texts[2]).toContain('user.deleted')
})

test('of a great many sessions the rest is erased by a job, and nothing of another user or of the next one of the id', async () => {
  const user = await makeUser()
  const other = await makeUser({ identityStoreId: user.identityStoreId })
  const { identityStoreId, userId } = user
  const kept = (whose: string) => count('sessions', identityStoreId, `user_id = '${whose}' AND address IS NOT NULL`)
  const sessionsOf = (whose: string, count: number) =>
    env.DB.prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, address, ended_at, end_reason)
       WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?1)
       SELECT ?2, ?3, '0000-' || n, n, 1, 'web', 0, 0, 0, 'password', '203.0.113.80', 1, 'logout' FROM counted`,
    )
      .bind(count, identityStoreId, whose)
      .run()
  await sessionsOf(userId, 3 * ERASURE_BATCH_ROWS + 7)
  await sessionsOf(other.userId, 3)
  // A job whose deletion was not made finds nothing to do.
  const erase = { kind: 'erase_user', userId: other.userId, deletionEventId: 'none' } as const
  const job = { ...erase, until: { sessionId: '', eventId: '' } }
  await storeJobs(identityStoreId).enqueue(identityStoreId, { id: 'erase_user:none', job })
  await fireJobAlarm(identityStoreId)
  const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
  const bearer = await makeOperator()
  expect((await send(path, { method: 'DELETE', bearer })).status).toBe(204)
  expect(await kept(userId)).toBeLessThanOrEqual(2 * ERASURE_BATCH_ROWS + 7)
  expect((await send(path, { method: 'PUT', bearer, json: { username: user.username } })).status).toBe(201)
  await finishJobs(identityStoreId, 60)
  expect([await kept(userId), await kept(other.userId)]).toEqual([0, 3])
})

test('nor does an object that learns of the deletion only when it copies to D1', async () => {
  const user = await makeUser()
  const { identityStoreId, userId } = user
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const outage = breakD1Statements(/insert into "sessions"/i)
  const session = await signIn(user, { address: '203.0.113.79', userAgent: 'Vogon/44' })
  await send('/sessions/current', { method: 'DELETE', bearer: session.token })
  const deaf = breakUserObjects({ only: (call) => call.to === 'USERS' && call.method === 'applyRules' })
  const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
  await send(path, { method: 'DELETE', bearer: await makeOperator() })
  expect(deaf.hits).toBeGreaterThan(0)
  outage.repair()
  await mirroredByAlarm(user)
  const { results } = await env.DB.prepare('SELECT * FROM sessions WHERE identity_store_id = ?')
    .bind(identityStoreId)
    .all()
  expect(results).toMatchObject([{ end_reason: 'logout', address: null, user_agent: null }])
})

test('what fails does not keep the rest from being removed', async () => {
  const store = await makeStore()
  await records(store, 3, 91)
  // What is removed after them.
  await makeBearer(store, ['sessions:open'], { revokedAt: 1 })
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const outage = breakD1Statements(/DELETE FROM sessions/)
  await cron()
  outage.repair()
  expect(logged).toHaveBeenCalledWith(
    expect.objectContaining({ event: 'housekeeping.failed', what: 'session records' }),
  )
  expect([await count('sessions', store), await count('credentials', store)]).toEqual([3, 0])
  await cron()
  expect(await count('sessions', store)).toBe(0)
})
