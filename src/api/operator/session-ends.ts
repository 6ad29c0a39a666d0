/** `POST …/sessions/end`: a job that ends exactly the sessions that there are when it is asked for. */
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { MAX_ENDS_OF_JOB, MAX_GROWTH_OF_ENDS } from '../../limits.ts'
import type { EndItem } from '../../sessions/jobs/end-parts.ts'
import { endOnRecord } from '../../sessions/recorded-end.ts'
import { type SessionSearch, scanSessions } from '../../sessions/session-search.ts'
import { findRecords } from '../../store/session-lists.ts'
import type { SessionRecord } from '../../store/session-records.ts'
import { findUserRoles } from '../../store/user-roles.ts'
import { auditEntry } from '../audit.ts'
import { parseJson } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type OperatorContext, requireConfirmed } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { jobBody, jobPath } from './jobs.ts'
import { searchFor } from './session-lists.ts'
import { EndSessionsInput } from './session-schemas.ts'

/** Takes the job on; 202 with its place. */
export async function endSessions(request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, EndSessionsInput)
  if (!input.ok) return input
  const { identity_store_id: identityStoreId } = path
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { session_ids: ids = [], filter, expected = 0, over_seconds: overSeconds } = input.value
  const isWholeStore = filter !== undefined && Object.values(filter).every((value) => value === undefined)
  const confirmed = isWholeStore ? requireConfirmed(context.caller.session, context.now) : ok()
  if (!confirmed.ok) return confirmed
  const items =
    filter === undefined
      ? await named(identityStoreId, [...new Set(ids)], context)
      : await found(searchFor(identityStoreId, 'live', filter), expected, context)
  if (!items.ok) return items
  const { services, actor, requestId } = context
  const entry = auditEntry(context, identityStoreId, 'sessions.end_requested', 'sessions')
  const pending = items.value.filter(({ outcome }) => outcome === 'pending').length
  const accepted = await endOnRecord(services.db, entry, { ...input.value, sessions: pending }, () =>
    services.sessions.changes.endSessions(identityStoreId, items.value, overSeconds, { caller: actor, requestId }),
  )
  if (!accepted.ok) return accepted
  const response = json(jobBody(identityStoreId, accepted.value), 202)
  response.headers.set('location', jobPath(identityStoreId, accepted.value.id))
  return ok(response)
}

/** The sessions of these ids. Of those that cannot be ended it is said why. */
async function named(
  identityStoreId: string,
  ids: readonly string[],
  context: OperatorContext,
): Promise<Result<readonly EndItem[], SessionError>> {
  const records = await findRecords(context.services.db, identityStoreId, ids)
  if (!records.ok) return records
  const allowed = await allowedUsers(identityStoreId, records.value, context)
  if (!allowed.ok) return allowed
  const byId = new Map(records.value.map((record) => [record.sessionId, record]))
  return ok(
    ids.map((sessionId): EndItem => {
      const record = byId.get(sessionId)
      if (record === undefined) return { sessionId, userId: null, outcome: 'not_found' }
      const { userId, endedAt } = record
      const outcome = !allowed.value.has(userId) ? 'forbidden' : endedAt === null ? 'pending' : 'already_ended'
      return { sessionId, userId, outcome }
    }),
  )
}

/** The live sessions that fit and that the caller may end. Errors: `more_than_expected`; `invalid_request` for too many. */
async function found(
  search: SessionSearch,
  expected: number,
  context: OperatorContext,
): Promise<Result<readonly EndItem[], SessionError>> {
  const all = await scanSessions(context.services.db, search, null, {
    limit: Number.POSITIVE_INFINITY,
    mostRows: MAX_ENDS_OF_JOB,
  })
  if (!all.ok) return all
  if (all.value.next !== null) {
    const message = `Fits too much: one job looks at ${MAX_ENDS_OF_JOB} sessions. Say when they were opened, and send several.`
    return fail({ code: 'invalid_request', issues: [{ field: 'filter', code: 'invalid', message }] })
  }
  const allowed = await allowedUsers(search.identityStoreId, all.value.found, context)
  if (!allowed.ok) return allowed
  const items = all.value.found
    .filter(({ userId }) => allowed.value.has(userId))
    .map(({ sessionId, userId }): EndItem => ({ sessionId, userId, outcome: 'pending' }))
  return items.length > expected * MAX_GROWTH_OF_ENDS
    ? fail({ code: 'more_than_expected', count: items.length })
    : ok(items)
}

/** The users among those of these records whose sessions the caller may end. */
async function allowedUsers(
  identityStoreId: string,
  records: readonly SessionRecord[],
  { services, caller }: OperatorContext,
): Promise<Result<ReadonlySet<string>, SessionError>> {
  const userIds = [...new Set(records.map(({ userId }) => userId))]
  const roles = await findUserRoles(services.db, identityStoreId, userIds)
  if (!roles.ok) return roles
  return ok(new Set(roles.value.filter((user) => caller.mayDo('end_sessions', user)).map(({ userId }) => userId)))
}
