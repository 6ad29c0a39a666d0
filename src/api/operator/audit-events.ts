/** What was done in an identity store, and to the operators' credentials. */
import type { z } from 'zod'
import { NO_STORE } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { MAX_PAGE_ENTRIES } from '../../limits.ts'
import { type AuditEvent, listAuditEvents } from '../../store/audit-events.ts'
import type { Database } from '../../store/database.ts'
import { wasIdentityStore } from '../../store/identity-stores.ts'
import type { Unavailable } from '../../time-limit.ts'
import { acceptsNdjson, streamLines } from '../ndjson.ts'
import { parseQuery } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import type { OwnerPath } from './credentials.ts'
import type { AuditEventListBody } from './history-schemas.ts'
import { AuditQuery } from './overview-schemas.ts'

/** `GET …/audit-events`: of an identity store, also of a deleted one, else of the operators' own credentials. */
export async function listEvents(request: Request, path: OwnerPath, context: OperatorContext): HandlerResult {
  const identityStoreId = ownerOf(path)
  const query = parseQuery(request, AuditQuery)
  if (!query.ok) return query
  const { limit, cursor = null, ...filter } = query.value
  const { db } = context.services
  const known = await hasAuditLog(db, identityStoreId)
  if (!known.ok) return known
  if (!known.value) return fail({ code: 'identity_store_not_found' })

  const read = async (after: string | null, size: number) => {
    const page = await listAuditEvents(db, identityStoreId, filter, after, size)
    if (!page.ok) return page
    const { rows, scanned, last } = page.value
    return ok({ lines: rows.map(eventBody), nextCursor: last?.eventId ?? null, scanned })
  }
  if (acceptsNdjson(request)) return streamLines(cursor, (after) => read(after, MAX_PAGE_ENTRIES))
  const page = await read(cursor, limit)
  if (!page.ok) return page
  const { lines, nextCursor, scanned } = page.value
  const body: z.infer<typeof AuditEventListBody> = { audit_events: lines, next_cursor: nextCursor, scanned }
  return ok(json(body))
}

/** Whose audit log a path names. */
export function ownerOf({ identity_store_id: identityStoreId = NO_STORE }: OwnerPath): string {
  return identityStoreId
}

/** Whether there is such an audit log: of a store, also of a deleted one, or the operators' own. */
export async function hasAuditLog(db: Database, identityStoreId: string): Promise<Result<boolean, Unavailable>> {
  return identityStoreId === NO_STORE ? ok(true) : wasIdentityStore(db, identityStoreId)
}

function eventBody(event: AuditEvent): z.infer<typeof AuditEventListBody>['audit_events'][number] {
  return {
    event_id: event.eventId,
    at: timestamp(event.at),
    actor: event.actor,
    action: event.action,
    subject: event.subject,
    before: event.before === null ? null : JSON.parse(event.before),
    after: event.after === null ? null : JSON.parse(event.after),
    request_id: event.requestId,
    seal: sealOf(event),
  }
}

function sealOf({ number, salt, bodyHash, previousHash, hash, about }: AuditEvent) {
  if (number === null || bodyHash === null || previousHash === null || hash === null) return null
  return { number, about, salt, body_hash: bodyHash, previous_hash: previousHash, hash }
}
