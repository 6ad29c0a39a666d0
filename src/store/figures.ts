/** The state of the whole deployment in figures, for monitoring. No more rows are read than the bounds say. */
import { ok, type Result } from '../domain/result.ts'
import { FAILING_GRACE_MILLISECONDS, MAX_COUNTED_STORES, MAX_SCANNED_ROWS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { MIRROR_WORK } from './failing-work.ts'

const HOUR_MILLISECONDS = 3_600_000

export interface Figures {
  readonly stores: number
  readonly liveSessions: number
  readonly usersWithSessions: number
  /** What happened in the hour that is not over: `opened`, `sign_in_failed`, and the reasons of ends. */
  readonly thisHour: Readonly<Record<string, number>>
  readonly lockouts: number
  readonly endpoints: number
  readonly disabledEndpoints: number
  /** By kind: how much does not succeed, and since when, epoch milliseconds. */
  readonly failing: readonly { readonly kind: string; readonly count: number; readonly since: number }[]
  /** How old the change was that a copy brought to D1 late, in the last minutes; 0: none came late. */
  readonly mirrorLagMilliseconds: number
  /** When a session config was last changed, epoch milliseconds; null: there is none. */
  readonly configChangedAt: number | null
  readonly databaseBytes: number
  /** False: there is more than the bounds let be looked at, and what is counted is a part of it. */
  readonly complete: boolean
}

/** The newest hour of each store that has any: one step from store to store. */
const NEWEST_HOURS = `WITH RECURSIVE stores (id) AS (
    SELECT min(identity_store_id) FROM session_counters
    UNION ALL
    SELECT (SELECT min(identity_store_id) FROM session_counters WHERE identity_store_id > stores.id)
    FROM stores WHERE stores.id IS NOT NULL LIMIT ${MAX_COUNTED_STORES + 1})
  SELECT newest.hour, newest.live_sessions, newest.users_with_sessions, newest.counts
  FROM stores CROSS JOIN session_counters AS newest ON newest.identity_store_id = stores.id
    AND newest.hour = (SELECT max(hour) FROM session_counters WHERE identity_store_id = stores.id)`

const LOCKOUTS = `SELECT count(*) FILTER (WHERE locked_until > ?1) AS count, count(*) AS looked_at
  FROM (SELECT locked_until FROM sign_in_attempts INDEXED BY lockouts_of_store_newest_first
    WHERE locked_until IS NOT NULL LIMIT ${MAX_SCANNED_ROWS})`

const STORES = `SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS count, count(*) AS looked_at
  FROM (SELECT deleted_at FROM identity_stores LIMIT ${MAX_COUNTED_STORES + 1})`

const ENDPOINTS = `SELECT count(*) AS looked_at, count(disabled_at) AS disabled
  FROM (SELECT disabled_at FROM event_endpoints LIMIT ${MAX_SCANNED_ROWS})`

const FAILING = `SELECT kind, count(*) AS count, min(since) AS since, max(seen_at - since) AS lag
  FROM (SELECT * FROM failing_work LIMIT ${MAX_SCANNED_ROWS}) WHERE next_at > ?1 GROUP BY kind ORDER BY kind`

const CONFIGS = `SELECT max(updated_at) AS changed_at
  FROM (SELECT updated_at FROM session_configs LIMIT ${MAX_COUNTED_STORES + 1})`

/** Reads them, in one round trip to D1. */
export async function readFigures(db: Database, now: number): Promise<Result<Figures, Unavailable>> {
  const { $client: d1 } = db
  const read = await attempt(() =>
    d1.batch([
      d1.prepare(NEWEST_HOURS),
      d1.prepare(LOCKOUTS).bind(now),
      d1.prepare(STORES),
      d1.prepare(ENDPOINTS),
      d1.prepare(FAILING).bind(now - FAILING_GRACE_MILLISECONDS),
      d1.prepare(CONFIGS),
    ]),
  )
  if (!read.ok) return read
  const [hours = [], lockouts, stores, endpoints, failing = [], configs] = read.value.map(
    ({ results }) => results as Row[],
  )
  const number = (value: unknown) => (typeof value === 'number' ? value : 0)
  const sum = (field: string) => hours.reduce((total, row) => total + number(row[field]), 0)
  const looked = [number(stores?.[0]?.looked_at) <= MAX_COUNTED_STORES, hours.length <= MAX_COUNTED_STORES]
  const scanned = [lockouts, endpoints].map((rows) => number(rows?.[0]?.looked_at) < MAX_SCANNED_ROWS)
  return ok({
    stores: number(stores?.[0]?.count),
    liveSessions: sum('live_sessions'),
    usersWithSessions: sum('users_with_sessions'),
    thisHour: countsOf(hours.filter(({ hour }) => hour === now - (now % HOUR_MILLISECONDS))),
    lockouts: number(lockouts?.[0]?.count),
    endpoints: number(endpoints?.[0]?.looked_at),
    disabledEndpoints: number(endpoints?.[0]?.disabled),
    failing: failing
      .filter(({ kind }) => kind !== MIRROR_WORK)
      .map((row) => ({ kind: String(row.kind), count: number(row.count), since: number(row.since) })),
    mirrorLagMilliseconds: number(failing.find(({ kind }) => kind === MIRROR_WORK)?.lag),
    configChangedAt: (configs?.[0]?.changed_at as number | null | undefined) ?? null,
    databaseBytes: number(read.value[0]?.meta.size_after),
    complete: [...looked, ...scanned].every(Boolean),
  })
}

type Row = Readonly<Record<string, unknown>>

function countsOf(hours: readonly Row[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { counts: text } of hours) {
    const ofStore: Readonly<Record<string, number>> = JSON.parse(String(text))
    for (const [event, count] of Object.entries(ofStore)) counts[event] = (counts[event] ?? 0) + count
  }
  return counts
}
