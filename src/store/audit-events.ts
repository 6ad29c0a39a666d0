/** Audit events: who did what to whom. Append only; each is written in the transaction of the change it tells of. */
import { and, type SQL, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { firstIdAt, nextSessionId } from '../domain/session-id.ts'
import { CLOCKS_DIFFER_MILLISECONDS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { auditEvents } from './audit-schema.ts'
import { rowOfTable, type ScannedPage, scan } from './bounded-scan.ts'
import { attempt, type Database } from './database.ts'
import { insertWhere } from './insert-where.ts'

/** An audit event. */
export type AuditEvent = typeof auditEvents.$inferSelect

/** What an event has before it is sealed. */
export const UNSEALED = {
  number: null,
  salt: null,
  bodyHash: null,
  previousHash: null,
  hash: null,
  about: null,
} as const

/** What is known of an event before the change is made. */
export type AuditEntry = Omit<AuditEvent, 'before' | 'after' | keyof typeof UNSEALED>

/** What the database finds out as it makes the change. */
export interface AuditedChange {
  /** SQL of a JSON object; null where there was nothing before. */
  readonly before: SQL | null
  /** SQL of a JSON object; null where there is nothing after. */
  readonly after: SQL | null
  /** The very condition of the change: without the change there is no event. */
  readonly where: SQL
  /** SQL of one row, which the others may look at. */
  readonly from?: SQL
}

let newest: string | null = null

/** A new id for a record, UUID version 7: ids made by one isolate sort in the order of making. */
export function newRecordId(now: number): string {
  newest = nextSessionId(newest, now, crypto.getRandomValues(new Uint8Array(8)))
  return newest
}

/** The statement that writes an event. It goes before its change, in the same batch. */
export function insertAuditEvent(db: Database, entry: AuditEntry, { before, after, where, from }: AuditedChange) {
  return insertWhere(db, auditEvents, { ...entry, ...UNSEALED, before, after }, where, from)
}

/** Which events of a store. `after` (from then on) and `before` in epoch milliseconds. */
export interface AuditFilter {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  readonly after?: number | undefined
  readonly before?: number | undefined
}

/** A page of a store's events, newest first, older than the event `cursor`. */
export function listAuditEvents(
  db: Database,
  identityStoreId: string,
  { actor, action, subject, after, before }: AuditFilter,
  cursor: string | null,
  limit: number,
): Promise<Result<ScannedPage<AuditEvent>, Unavailable>> {
  // An id is made in the order of making, and may be of later than its event: by no more than a request takes.
  const until = firstIdAt(before === undefined ? MAX_ID_TIME : before + CLOCKS_DIFFER_MILLISECONDS)
  const to = cursor === null || until < cursor ? until : cursor
  const [index, ofSubject] =
    subject === undefined ? [sql``, sql``] : [sql` INDEXED BY audit_events_by_subject`, sql` AND subject = ${subject}`]
  return scan(db, {
    from: sql`SELECT * FROM audit_events${index}
WHERE identity_store_id = ${identityStoreId}${ofSubject} AND event_id < ${to} AND event_id >= ${firstIdAt(after ?? 0)}`,
    order: sql`event_id DESC`,
    filter: and(
      actor === undefined ? undefined : sql`actor = ${actor}`,
      action === undefined ? undefined : sql`action = ${action}`,
      after === undefined ? undefined : sql`at >= ${after}`,
      before === undefined ? undefined : sql`at < ${before}`,
    ),
    limit,
    toRow: (row) => rowOfTable(auditEvents, row),
  })
}

/** Later than any event. */
const MAX_ID_TIME = 2 ** 48 - 1

/** Writes an event of an action that changes nothing in D1. `after`: facts about the action. */
export async function recordAuditEvent(
  db: Database,
  entry: AuditEntry,
  after: Readonly<Record<string, unknown>>,
): Promise<Result<void, Unavailable>> {
  const change = { before: null, after: sql`${JSON.stringify(after)}`, where: sql`true` }
  const written = await attempt(async () => await insertAuditEvent(db, entry, change))
  return written.ok ? ok() : written
}
