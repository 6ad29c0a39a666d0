/** Streams of security events: endpoints that their receivers, each known by a credential, manage themselves. */
import { and, asc, eq, sql } from 'drizzle-orm'
import { fail, ok, type Result } from '../domain/result.ts'
import type { StreamStatus } from '../domain/security-events.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEntry } from './audit-events.ts'
import { shownValues } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import {
  type ChangedEndpoint,
  changeEndpoint,
  type EventEndpointRow,
  enabledState,
  keyIs,
  STREAM_VIEW,
} from './event-endpoints.ts'
import { eventEndpoints, eventStores } from './event-schema.ts'
import { credentials } from './schema.ts'

/** A stream. */
export interface StreamRow extends EventEndpointRow {
  readonly kind: 'ssf_push' | 'ssf_poll'
  readonly receiver: string
}

/** Whether an endpoint is a stream. */
export function isStream(row: EventEndpointRow): row is StreamRow {
  return row.receiver !== null
}

/** How a stream stands. */
export function statusOf({ disabledAt, streamStatus }: EventEndpointRow): StreamStatus {
  if (disabledAt === null) return 'enabled'
  return streamStatus === 'disabled' ? 'disabled' : 'paused'
}

/** The streams of a receiver, oldest first. */
export async function listStreams(
  db: Database,
  identityStoreId: string,
  receiver: string,
): Promise<Result<readonly StreamRow[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select()
      .from(eventEndpoints)
      .where(and(eq(eventEndpoints.identityStoreId, identityStoreId), eq(eventEndpoints.receiver, receiver)))
      .orderBy(asc(eventEndpoints.endpointId)),
  )
  return rows.ok ? ok(rows.value.filter(isStream)) : rows
}

/** A stream, and whether its receiver may still be told anything. */
export interface StandingEndpoint extends ChangedEndpoint {
  readonly stands: boolean
}

/** An endpoint for its object: a stream stands with the credential of its receiver. Null: there is no such endpoint. */
export async function findStandingEndpoint(
  db: Database,
  identityStoreId: string,
  endpointId: string,
  now: number,
): Promise<Result<StandingEndpoint | null, Unavailable>> {
  const stands = sql<number>`(${eventEndpoints.receiver} IS NULL OR EXISTS (SELECT 1 FROM ${credentials}
    WHERE ${credentials.identityStoreId} = ${eventEndpoints.identityStoreId}
      AND ${credentials.credentialId} = ${eventEndpoints.receiver} AND ${credentials.revokedAt} IS NULL
      AND coalesce(${credentials.expiresAt} > ${now}, true)))`
  const rows = await attempt(() =>
    db
      .select({ endpoint: eventEndpoints, store: eventStores, stands })
      .from(eventEndpoints)
      .innerJoin(eventStores, eq(eventStores.identityStoreId, eventEndpoints.identityStoreId))
      .where(keyIs(identityStoreId, endpointId)),
  )
  if (!rows.ok) return rows
  const [found] = rows.value
  return ok(found === undefined ? null : { ...found, stands: found.stands === 1 })
}

/** What a receiver says of its stream. */
export type StreamChanges = Partial<
  Pick<StreamRow, 'kind' | 'url' | 'types' | 'eventsRequested' | 'description' | 'sealedSecret'>
>

/** Changes what is named of a receiver's stream. Null: it has none such. */
export function updateStream(
  db: Database,
  { endpointId, receiver }: Pick<StreamRow, 'endpointId' | 'receiver'>,
  changes: StreamChanges,
  entry: AuditEntry,
): Promise<Result<ChangedEndpoint | null, Unavailable>> {
  const key = ofReceiver(entry.identityStoreId, endpointId, receiver)
  return changeEndpoint(db, key, entry, STREAM_VIEW, shownValues(STREAM_VIEW, changes), changes)
}

/**
 * Changes how a receiver's stream stands. Errors: `operator_paused`, which the receiver may not undo. Null: it has no
 * such stream.
 */
export async function updateStreamStatus(
  db: Database,
  { endpointId, receiver, disabledReason }: StreamRow,
  status: StreamStatus,
  statusReason: string | null,
  entry: AuditEntry,
): Promise<Result<ChangedEndpoint | null, Unavailable | { readonly code: 'operator_paused' }>> {
  if (disabledReason === 'operator') return fail({ code: 'operator_paused' })
  const { identityStoreId, at } = entry
  const key = sql`${ofReceiver(identityStoreId, endpointId, receiver)} AND ${eventEndpoints.disabledReason} IS NOT 'operator'`
  const state =
    status === 'enabled'
      ? { ...enabledState(identityStoreId), statusReason }
      : {
          disabledAt: sql`coalesce(${eventEndpoints.disabledAt}, ${at})`,
          disabledReason: 'receiver',
          streamStatus: status,
          statusReason,
        }
  const shown = { stream_status: status, status_reason: statusReason, enabled: status === 'enabled' }
  return changeEndpoint(db, key, entry, STREAM_VIEW, shown, state)
}

function ofReceiver(identityStoreId: string, endpointId: string, receiver: string) {
  return sql`${keyIs(identityStoreId, endpointId)} AND ${eventEndpoints.receiver} = ${receiver}`
}
