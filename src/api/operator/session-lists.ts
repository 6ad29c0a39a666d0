/** Looking for the sessions of a store, and counting them. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { MIRROR_RETRY_MILLISECONDS } from '../../limits.ts'
import { countSessions, listSessions, type SessionSearch } from '../../sessions/session-search.ts'
import type { Position } from '../../store/session-lists.ts'
import { parseQuery } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { SessionCountQuery, type SessionFilter, type SessionListBody, SessionQuery } from './session-schemas.ts'
import { operatorSessionBody } from './session-story-body.ts'

/** `GET …/sessions`: the newest first, as D1 has them. */
export async function list(request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const query = parseQuery(request, SessionQuery)
  if (!query.ok) return query
  const { limit, cursor, state, end_reason: endReason, ...filter } = query.value
  const after = positionIn(cursor, state === 'ended' && filter.user_id === undefined)
  if (!after.ok) return after
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const { db, settings } = context.services
  const search = searchFor(path.identity_store_id, state, filter, endReason ?? null)
  const page = await listSessions(db, search, after.value, limit, settings.limits)
  if (!page.ok) return page
  const { found, scanned, next } = page.value
  const body: z.infer<typeof SessionListBody> = {
    sessions: found.map(operatorSessionBody),
    next_cursor: next === null ? null : cursorOf(next, search),
    scanned,
    source: 'mirror',
    kept_days: settings.retention.sessionRecordDays,
    may_be_behind_seconds: MIRROR_RETRY_MILLISECONDS / 1000,
  }
  return ok(json(body))
}

/** `GET …/sessions/count`, by the same filters. */
export async function count(request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const query = parseQuery(request, SessionCountQuery)
  if (!query.ok) return query
  const { state, end_reason: endReason, ...filter } = query.value
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const search = searchFor(path.identity_store_id, state, filter, endReason ?? null)
  const counted = await countSessions(context.services.db, search)
  return counted.ok ? ok(json(counted.value)) : counted
}

/** What a filter looks for. */
export function searchFor(
  identityStoreId: string,
  state: SessionSearch['state'],
  filter: z.infer<typeof SessionFilter>,
  endReason: SessionSearch['endReason'] = null,
): SessionSearch {
  const instant = (text: string | undefined) => (text === undefined ? null : Date.parse(text))
  return {
    identityStoreId,
    state,
    userId: filter.user_id ?? null,
    clientKind: filter.client_kind ?? null,
    credentialsType: filter.credentials_type ?? null,
    country: filter.country ?? null,
    address: filter.address ?? null,
    openedAfter: instant(filter.opened_after),
    openedBefore: instant(filter.opened_before),
    endReason,
    openedBy: filter.opened_by ?? null,
  }
}

function cursorOf({ sessionId, endedAt }: Position, { state, userId }: SessionSearch): string {
  return state === 'ended' && userId === null ? `${endedAt}~${sessionId}` : sessionId
}

/** @param byEnd whether the list is in the order of ends */
function positionIn(cursor: string | undefined, byEnd: boolean): Result<Position | null, SessionError> {
  if (cursor === undefined) return ok(null)
  const [sessionId = '', endedAt] = cursor.split('~').reverse()
  if (SESSION_ID_PATTERN.test(sessionId) && (endedAt !== undefined) === byEnd) {
    return ok({ sessionId, endedAt: endedAt === undefined ? null : Number(endedAt) })
  }
  const message = 'Must be the `next_cursor` of a page of the same list.'
  return fail({ code: 'invalid_request', issues: [{ field: 'cursor', code: 'invalid', message }] })
}
