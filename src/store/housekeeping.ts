/**
 * What the hourly cron removes, so that D1 does not only grow: counters and tokens that no rule looks at any more, and
 * records that were kept for as long as they are to be kept. In batches, oldest first: an hour that leaves something
 * behind is followed by one that goes on there. What lives is never touched.
 */

import { NO_STORE } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Retention } from '../domain/retention.ts'
import { COUNTED_HOURS_MILLISECONDS, MAX_REMOVAL_BATCHES, REMOVAL_BATCH_ROWS, SPENT_LOOK_ROWS } from '../limits.ts'
import { log } from '../log.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { removeGivenUpWork } from './failing-work.ts'

export const DAY_MILLISECONDS = 86_400_000

/** Removes what is due. A failure is logged, and the rest is removed all the same. */
export async function keepHouse(
  db: Database,
  retention: Retention,
  now: number,
  maxBatches = MAX_REMOVAL_BATCHES,
): Promise<void> {
  const before = (days: number) => now - days * DAY_MILLISECONDS
  const credentialsBefore = before(retention.credentialDays)
  const tasks: Readonly<Record<string, () => Promise<Result<void, Unavailable>>>> = {
    'call counters': () => removeSpent(db, 'call_counters', now, maxBatches),
    'sign-in attempts': () => removeSpent(db, 'sign_in_attempts', now, maxBatches),
    'login tokens': () => removeSpent(db, 'login_tokens', now, maxBatches),
    'idempotent requests': () => inBatches(maxBatches, () => removeIdempotentRequests(db, now)),
    'session records': () => inBatches(maxBatches, () => removeEndedSessions(db, before(retention.sessionRecordDays))),
    'failing work': () => removeGivenUpWork(db, now),
    'counted hours': () => inBatches(maxBatches, () => removeCountedHours(db, now - COUNTED_HOURS_MILLISECONDS)),
    events: () => inBatches(maxBatches, () => removeEvents(db, before(retention.eventDays))),
    'revoked credentials': () =>
      inBatches(maxBatches, () => removeDeadCredentials(db, 'revoked_at', credentialsBefore)),
    'expired credentials': () =>
      inBatches(maxBatches, () => removeDeadCredentials(db, 'expires_at', credentialsBefore)),
  }
  for (const [what, remove] of Object.entries(tasks)) {
    const removed = await remove()
    if (!removed.ok) log('housekeeping.failed', { what })
  }
}

/** Repeats a removal until it finds less than a whole batch, but not without end. */
async function inBatches(
  maxBatches: number,
  remove: () => Promise<Result<number, Unavailable>>,
): Promise<Result<void, Unavailable>> {
  for (let batches = 0; batches < maxBatches; batches += 1) {
    const removed = await remove()
    if (!removed.ok) return removed
    if (removed.value < REMOVAL_BATCH_ROWS) break
  }
  return ok()
}

/** Tables that have no index by age: their primary keys, and a condition for rows that no rule needs any more. */
const SPENT = {
  call_counters: { key: ['identity_store_id', 'subject'], due: 'window_ends_at < ?1' },
  sign_in_attempts: {
    key: ['identity_store_id', 'subject'],
    due: 'window_ends_at < ?1 AND coalesce(locked_until, 0) < ?1',
  },
  login_tokens: { key: ['token_hash'], due: 'expires_at <= ?1' },
} as const

/** Removes rows that no rule needs any more. Goes once through the table by its primary key, a batch at a time. */
export async function removeSpent(
  db: Database,
  table: keyof typeof SPENT,
  now: number,
  maxBatches = MAX_REMOVAL_BATCHES,
): Promise<Result<void, Unavailable>> {
  const { key, due } = SPENT[table]
  const columns = key.join(', ')
  let after: readonly unknown[] = key.map(() => '')
  for (let batches = 0; batches < maxBatches; batches += 1) {
    const look = `SELECT ${columns}, due, place FROM (
        SELECT ${columns}, ${due} AS due, row_number() OVER (ORDER BY ${columns}) AS place FROM ${table}
        WHERE (${columns}) > (${key.map((_, index) => `?${index + 2}`)}) ORDER BY ${columns} LIMIT ${SPENT_LOOK_ROWS})
      WHERE due OR place = ${SPENT_LOOK_ROWS} LIMIT ${REMOVAL_BATCH_ROWS}`
    const looked = await attempt(() =>
      db.$client
        .prepare(look)
        .bind(now, ...after)
        .raw<unknown[]>(),
    )
    if (!looked.ok) return looked
    const rows = looked.value.map((row) => ({ key: row.slice(0, -2), due: row.at(-2) === 1, place: row.at(-1) }))
    const spent = JSON.stringify(rows.filter((row) => row.due).map((row) => row.key))
    // One that counts again meanwhile stays.
    const these = `(${columns}) IN (SELECT ${key.map((_, index) => `value ->> ${index}`)} FROM json_each(?2)) AND ${due}`
    const removed = await attempt(() =>
      db.$client.prepare(`DELETE FROM ${table} WHERE ${these}`).bind(now, spent).run(),
    )
    if (!removed.ok) return removed
    const last = rows.at(-1)
    if (last === undefined || (rows.length < REMOVAL_BATCH_ROWS && last.place !== SPENT_LOOK_ROWS)) break
    after = last.key
  }
  return ok()
}

/** Removes a batch of the answers that are kept no longer, and answers how many. */
function removeIdempotentRequests(db: Database, now: number): Promise<Result<number, Unavailable>> {
  return remove(
    db,
    `DELETE FROM idempotent_requests WHERE key_hash IN (
       SELECT key_hash FROM idempotent_requests WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ${REMOVAL_BATCH_ROWS})`,
    now,
  )
}

/** Removes a batch of the records of sessions that ended before an instant, and answers how many. */
export function removeEndedSessions(db: Database, before: number): Promise<Result<number, Unavailable>> {
  return remove(
    db,
    `DELETE FROM sessions WHERE (identity_store_id, user_id, session_id) IN (
       SELECT identity_store_id, user_id, session_id FROM sessions INDEXED BY ended_sessions_oldest_first
       WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at LIMIT ${REMOVAL_BATCH_ROWS})`,
    before,
  )
}

/**
 * Removes a batch of the hours before an instant, and answers how many. The newest of each store has its totals, and
 * stays.
 */
export function removeCountedHours(db: Database, before: number): Promise<Result<number, Unavailable>> {
  return remove(
    db,
    `DELETE FROM session_counters WHERE (identity_store_id, hour) IN (
       ${storesIn('session_counters')}
       SELECT old.identity_store_id, old.hour FROM stores CROSS JOIN session_counters AS old
       WHERE old.identity_store_id = stores.id AND old.hour < ?1
         AND old.hour < (SELECT max(hour) FROM session_counters WHERE identity_store_id = stores.id)
       LIMIT ${REMOVAL_BATCH_ROWS})`,
    before,
  )
}

/**
 * Removes a batch of the events from before an instant, and answers how many: of each store those before the first that
 * is to be kept, so that what is left has no gaps. What is looked at is what is removed, and one more of each store.
 */
export function removeEvents(db: Database, before: number): Promise<Result<number, Unavailable>> {
  const kept = `(SELECT kept.number FROM events AS kept WHERE kept.identity_store_id = stores.id AND kept.at >= ?1
         ORDER BY kept.number LIMIT 1)`
  return remove(
    db,
    `DELETE FROM events WHERE (identity_store_id, number) IN (
       ${storesIn('events')}
       SELECT old.identity_store_id, old.number FROM stores CROSS JOIN events AS old
       WHERE old.identity_store_id = stores.id AND old.number < coalesce(${kept}, ${Number.MAX_SAFE_INTEGER})
       LIMIT ${REMOVAL_BATCH_ROWS})`,
    before,
  )
}

/** SQL of the ids of stores that have rows in a table whose primary key they begin: one step each. */
function storesIn(table: 'session_counters' | 'events'): string {
  return `WITH RECURSIVE stores (id) AS (
         SELECT min(identity_store_id) FROM ${table}
         UNION ALL
         SELECT (SELECT min(identity_store_id) FROM ${table} WHERE identity_store_id > stores.id)
         FROM stores WHERE stores.id IS NOT NULL)`
}

/**
 * Removes a batch of the credentials that were revoked, or had expired, before an instant, and answers how many.
 * Operators' stay: they show that a first operator was made.
 */
export function removeDeadCredentials(
  db: Database,
  end: 'revoked_at' | 'expires_at',
  before: number,
): Promise<Result<number, Unavailable>> {
  const index = end === 'revoked_at' ? 'revoked_credentials_oldest_first' : 'credentials_by_expiry'
  return remove(
    db,
    `DELETE FROM credentials WHERE (identity_store_id, credential_id) IN (
       SELECT identity_store_id, credential_id FROM credentials INDEXED BY ${index}
       WHERE ${end} IS NOT NULL AND ${end} < ?1 AND identity_store_id <> '${NO_STORE}'
       ORDER BY ${end} LIMIT ${REMOVAL_BATCH_ROWS})`,
    before,
  )
}

async function remove(db: Database, text: string, before: number): Promise<Result<number, Unavailable>> {
  const done = await attempt(() => db.$client.prepare(text).bind(before).run())
  return done.ok ? ok(done.value.meta.changes) : done
}
