/** Where a store's events are sent to. */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import type { DisabledReason } from '../domain/events.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { MAX_ENDPOINTS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { type AuditView, auditView, insertRowEvent, shownValues } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { eventEndpoints, eventStores } from './event-schema.ts'
import { type EventStore, ensureEventStore, lastNumberOf, reckonEventStore } from './events.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'
import { jsonBoolean } from './json-object.ts'

/** An endpoint. Its secrets are sealed for the store and the endpoint. */
export type EventEndpointRow = typeof eventEndpoints.$inferSelect

/** An endpoint as it was changed, and what is kept of its store's events. */
export interface ChangedEndpoint {
  readonly endpoint: EventEndpointRow
  readonly store: EventStore
}

const ENABLED = jsonBoolean(sql`${eventEndpoints.disabledAt} IS NULL`)
/** Without secrets. */
const VIEW = auditView(eventEndpoints, ['kind', 'url', 'types', 'description'], { enabled: ENABLED })
/** The same of a stream. */
export const STREAM_VIEW = auditView(
  eventEndpoints,
  ['kind', 'url', 'eventsRequested', 'description', 'receiver', 'streamStatus', 'statusReason'],
  { enabled: ENABLED },
)

/** Makes an endpoint, which is sent what comes from now on. Null: no such store. Errors: `too_many`. */
export async function insertEndpoint(
  db: Database,
  row: Omit<EventEndpointRow, 'fromNumber'>,
  entry: AuditEntry,
): Promise<Result<ChangedEndpoint | null, Unavailable | { readonly code: 'too_many' }>> {
  const { identityStoreId } = row
  const room = sql`(SELECT count(*) FROM ${eventEndpoints} WHERE ${eventEndpoints.identityStoreId} = ${identityStoreId}) < ${MAX_ENDPOINTS}`
  const where = sql`${storeExists(identityStoreId)} AND ${room}`
  const shown = { ...shownValues(row.receiver === null ? VIEW : STREAM_VIEW, row), enabled: true }
  const written = await attempt(() =>
    db.batch([
      ensureEventStore(db, identityStoreId),
      insertAuditEvent(db, entry, { before: null, after: sql`${JSON.stringify(shown)}`, where }),
      insertWhere(db, eventEndpoints, { ...row, fromNumber: lastNumberOf(identityStoreId) }, where).returning(),
      reckonEventStore(db, identityStoreId),
    ]),
  )
  if (!written.ok) return written
  const [, , [endpoint], [store]] = written.value
  if (store === undefined) return ok(null)
  return endpoint === undefined ? fail({ code: 'too_many' }) : ok({ endpoint, store })
}

/** A store's endpoints, oldest first. */
export function listEndpoints(
  db: Database,
  identityStoreId: string,
): Promise<Result<readonly EventEndpointRow[], Unavailable>> {
  return attempt(() =>
    db
      .select()
      .from(eventEndpoints)
      .where(eq(eventEndpoints.identityStoreId, identityStoreId))
      .orderBy(asc(eventEndpoints.endpointId)),
  )
}

/** An endpoint and its store's row; null if there is none. */
export async function findEndpoint(
  db: Database,
  identityStoreId: string,
  endpointId: string,
): Promise<Result<ChangedEndpoint | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ endpoint: eventEndpoints, store: eventStores })
      .from(eventEndpoints)
      .innerJoin(eventStores, eq(eventStores.identityStoreId, eventEndpoints.identityStoreId))
      .where(keyIs(identityStoreId, endpointId)),
  )
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

/** What may be changed of an endpoint. */
export type EndpointChanges = {
  readonly [Field in 'url' | 'types' | 'description' | 'sealedSigningKey' | 'publicKey']?:
    | EventEndpointRow[Field]
    | undefined
} & { readonly enabled?: boolean | undefined }

/** Changes what is named. Null: no such endpoint. */
export function updateEndpoint(
  db: Database,
  endpointId: string,
  { enabled, ...changes }: EndpointChanges,
  entry: AuditEntry,
  reason: DisabledReason = 'operator',
): Promise<Result<ChangedEndpoint | null, Unavailable>> {
  const { disabledAt, disabledReason, receiver, streamStatus } = eventEndpoints
  const state =
    enabled === undefined
      ? {}
      : enabled
        ? enabledState(entry.identityStoreId)
        : {
            disabledAt: sql`coalesce(${disabledAt}, ${entry.at})`,
            // What a receiver has stopped, it may start again; not what an operator has.
            disabledReason:
              reason === 'operator'
                ? sql`coalesce(nullif(${disabledReason}, 'receiver'), ${reason})`
                : sql`coalesce(${disabledReason}, ${reason})`,
            streamStatus: sql`iif(${receiver} IS NULL, NULL, iif(${disabledAt} IS NULL, 'paused', ${streamStatus}))`,
            statusReason: sql`iif(${disabledAt} IS NULL, NULL, ${eventEndpoints.statusReason})`,
          }
  const shown = { ...shownValues(VIEW, changes), ...(enabled === undefined ? {} : { enabled }) }
  const key = keyIs(entry.identityStoreId, endpointId)
  return changeEndpoint(db, key, entry, VIEW, shown, { ...changes, ...state })
}

/** The columns of an endpoint that is sent to. What happened while a stream was `disabled` is not for it. */
export function enabledState(identityStoreId: string) {
  const { receiver, streamStatus, fromNumber } = eventEndpoints
  return {
    disabledAt: null,
    disabledReason: null,
    fromNumber: sql`iif(${streamStatus} = 'disabled', ${lastNumberOf(identityStoreId)}, ${fromNumber})`,
    streamStatus: sql`iif(${receiver} IS NULL, NULL, 'enabled')`,
    statusReason: null,
  }
}

/** Gives an endpoint a new secret; the one that it has signs too until `oldUntil`. Null: no such endpoint. */
export function rotateEndpointSecret(
  db: Database,
  endpointId: string,
  sealedSecret: string,
  oldUntil: number,
  entry: AuditEntry,
): Promise<Result<ChangedEndpoint | null, Unavailable>> {
  return changeEndpoint(
    db,
    keyIs(entry.identityStoreId, endpointId),
    entry,
    VIEW,
    {},
    {
      sealedSecret,
      previousSealedSecret: sql`${eventEndpoints.sealedSecret}`,
      previousValidUntil: oldUntil,
    },
  )
}

/** Changes an endpoint that fits a condition. Null: there is none. */
export async function changeEndpoint(
  db: Database,
  key: SQL,
  entry: AuditEntry,
  view: AuditView,
  shown: Readonly<Record<string, unknown>>,
  values: object,
): Promise<Result<ChangedEndpoint | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, view, key, shown),
      db
        .update(eventEndpoints)
        .set({ ...values, updatedAt: at })
        .where(key)
        .returning(),
      reckonEventStore(db, identityStoreId),
    ]),
  )
  if (!written.ok) return written
  const [, [endpoint], [store]] = written.value
  return ok(endpoint === undefined || store === undefined ? null : { endpoint, store })
}

/** Removes an endpoint. Answers its store's row; null: there was no such endpoint. */
export async function deleteEndpoint(
  db: Database,
  endpointId: string,
  entry: AuditEntry,
): Promise<Result<EventStore | null, Unavailable>> {
  const { identityStoreId } = entry
  const key = keyIs(identityStoreId, endpointId)
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, key, null),
      db.delete(eventEndpoints).where(key).returning({ id: eventEndpoints.endpointId }),
      reckonEventStore(db, identityStoreId),
    ]),
  )
  if (!written.ok) return written
  const [, [deleted], [store]] = written.value
  return ok(deleted === undefined ? null : (store ?? null))
}

/** SQL of which endpoint. */
export function keyIs(identityStoreId: string, endpointId: string): SQL {
  return sql`${and(eq(eventEndpoints.identityStoreId, identityStoreId), eq(eventEndpoints.endpointId, endpointId))}`
}
