/** Audit events: who did what to whom. Append only; each is written in the transaction of the change it tells of. */
import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { nextSessionId } from '../domain/session-id.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { insertWhere } from './insert-where.ts'
import { auditEvents } from './schema.ts'

/** An audit event. */
export type AuditEvent = typeof auditEvents.$inferSelect

/** What is known of an event before the change is made. */
export type AuditEntry = Omit<AuditEvent, 'before' | 'after'>

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
  return insertWhere(db, auditEvents, { ...entry, before, after }, where, from)
}

/** A page of a store's events, newest first, older than the event `before`. */
export async function listAuditEvents(
  db: Database,
  identityStoreId: string,
  before: string | null,
  limit: number,
): Promise<Result<readonly AuditEvent[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select()
      .from(auditEvents)
      .where(
        and(
          eq(auditEvents.identityStoreId, identityStoreId),
          before === null ? undefined : lt(auditEvents.eventId, before),
        ),
      )
      .orderBy(desc(auditEvents.eventId))
      .limit(limit),
  )
  return rows.ok ? ok(rows.value) : rows
}

/** Writes an event that tells of no change in D1. `after` is what is to be known of the deed. */
export async function recordAuditEvent(
  db: Database,
  entry: AuditEntry,
  after: Readonly<Record<string, unknown>>,
): Promise<Result<void, Unavailable>> {
  const change = { before: null, after: sql`${JSON.stringify(after)}`, where: sql`true` }
  const written = await attempt(async () => await insertAuditEvent(db, entry, change))
  return written.ok ? ok() : written
}
