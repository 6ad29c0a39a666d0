/**
 * The outbox: what happened in stores that want to know. The triggers of migration 0009 write it, in the transaction of
 * what it tells of, and number it in the order of commits: nothing is ever inserted before an event that was read.
 */
import { randomBytes } from 'node:crypto'
import { and, asc, eq, gt, lt, min, sql } from 'drizzle-orm'
import type { StoreEvent } from '../domain/events.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { attempt, type Database } from './database.ts'
import { eventEndpoints, eventStores, events } from './event-schema.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'
import { jsonBoolean, jsonObject } from './json-object.ts'

/** What is kept of a store's events, besides them. */
export type EventStore = typeof eventStores.$inferSelect

/** A stretch of a store's events. */
export interface EventPage {
  readonly events: readonly StoreEvent[]
  /** The first that is kept; null: none is. */
  readonly firstNumber: number | null
}

/** The events of a store after a number and, if `before` is said, before another, in their order. */
export async function readEvents(
  db: Database,
  identityStoreId: string,
  after: number,
  limit: number,
  before: number | null = null,
): Promise<Result<EventPage, Unavailable>> {
  const ofStore = eq(events.identityStoreId, identityStoreId)
  const read = await attempt(() =>
    db.batch([
      db
        .select({ number: events.number, type: events.type, at: events.at, data: events.data })
        .from(events)
        .where(and(ofStore, gt(events.number, after), before === null ? undefined : lt(events.number, before)))
        .orderBy(asc(events.number))
        .limit(limit),
      db
        .select({ number: min(events.number) })
        .from(events)
        .where(ofStore),
    ]),
  )
  return read.ok ? ok({ events: read.value[0], firstNumber: read.value[1][0]?.number ?? null }) : read
}

/** A store's row; null where events were never asked for. */
export async function findEventStore(
  db: Database,
  identityStoreId: string,
): Promise<Result<EventStore | null, Unavailable>> {
  const rows = await attempt(() => db.select().from(eventStores).where(ofStore(identityStoreId)))
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

const SHOWN = jsonObject({ enabled: jsonBoolean(eventStores.feed) })

/** Turns a store's feed on or off. Null: no such store. */
export async function setFeed(
  db: Database,
  enabled: boolean,
  entry: AuditEntry,
): Promise<Result<EventStore | null, Unavailable>> {
  const { identityStoreId } = entry
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`(SELECT ${SHOWN} FROM ${eventStores} WHERE ${ofStore(identityStoreId)})`,
        after: sql`${JSON.stringify({ enabled })}`,
        where: storeExists(identityStoreId),
      }),
      ensureEventStore(db, identityStoreId),
      db.update(eventStores).set({ feed: enabled }).where(ofStore(identityStoreId)),
      reckonEventStore(db, identityStoreId),
    ]),
  )
  return written.ok ? ok(written.value[3][0] ?? null) : written
}

/** The statement that gives a store its row, if it is there and has none. */
export function ensureEventStore(db: Database, identityStoreId: string) {
  const tag = randomBytes(6).toString('hex')
  const row = { identityStoreId, tag, feed: false, recording: false, endpoints: [], lastNumber: 0 }
  return insertWhere(db, eventStores, row, storeExists(identityStoreId)).onConflictDoNothing()
}

/** The statement that follows a change of the feed or of endpoints, in its transaction: what the row says of them. */
export function reckonEventStore(db: Database, identityStoreId: string) {
  const endpoints = sql`FROM ${eventEndpoints} WHERE ${eventEndpoints.identityStoreId} = ${identityStoreId}`
  return db
    .update(eventStores)
    .set({
      recording: sql`${eventStores.feed} OR EXISTS (SELECT 1 ${endpoints})`,
      endpoints: sql`(SELECT json_group_array(${eventEndpoints.endpointId}) ${endpoints} AND ${eventEndpoints.disabledAt} IS NULL)`,
    })
    .where(ofStore(identityStoreId))
    .returning()
}

/** SQL of the number of a store's last event. */
export function lastNumberOf(identityStoreId: string) {
  return sql`coalesce((SELECT ${eventStores.lastNumber} FROM ${eventStores} WHERE ${ofStore(identityStoreId)}), 0)`
}

/** Stores with endpoints that are sent to, by id after `after`, and these endpoints. */
export function endpointsOfStores(
  db: Database,
  after: string,
  limit: number,
): Promise<Result<readonly Pick<EventStore, 'identityStoreId' | 'endpoints'>[], Unavailable>> {
  return attempt(() =>
    db
      .select({ identityStoreId: eventStores.identityStoreId, endpoints: eventStores.endpoints })
      .from(eventStores)
      .where(and(gt(eventStores.identityStoreId, after), sql`${eventStores.endpoints} <> '[]'`))
      .orderBy(asc(eventStores.identityStoreId))
      .limit(limit),
  )
}

function ofStore(identityStoreId: string) {
  return sql`${eventStores.identityStoreId} = ${identityStoreId}`
}
