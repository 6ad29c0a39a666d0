/** Who calls: the holder of an access token, that is, of a session of kind `api`. */
import { administers, mayDo } from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { CheckedSession } from '../../sessions/object/user-sessions.ts'
import type { VerifiedToken } from '../../sessions/service.ts'
import { type AuditEntry, newRecordId } from '../../store/audit-events.ts'
import { findUser, findUserOfApiClient, type KnownUser } from '../../store/users.ts'
import type { RequestContext } from '../context.ts'
import type { Handler } from '../route.ts'
import { renderError } from './errors.ts'

/** One request of a caller who is known. */
export interface Operation {
  readonly request: Request
  readonly parameters: Record<string, string>
  readonly context: RequestContext
  readonly verified: VerifiedToken
  readonly session: CheckedSession
  readonly user: KnownUser
  readonly identityStoreId: string
  /** Whether the user's role may change the config and see others' sessions. */
  readonly administers: boolean
  /** The caller in records and the audit log: who really acts, and as whom. */
  readonly actor: string
}

/** What a handler comes to. */
export type Outcome = Promise<Result<Response, SessionError>>

/** A handler that only callers with a live access token reach. */
export function withCaller(act: (operation: Operation) => Outcome): Handler {
  return async (request, parameters, context) => {
    const caller = await authenticate(request, context)
    if (!caller.ok) return renderError(caller.error, context)
    const outcome = await act({ request, parameters, context, ...caller.value })
    return outcome.ok ? outcome.value : renderError(outcome.error, context)
  }
}

/** The access token of a request, verified; no object was asked yet. Errors: `unauthenticated`. */
export function accessToken(request: Request, context: RequestContext): Promise<Result<VerifiedToken, SessionError>> {
  // Looker documents `token`; its clients send `Bearer`.
  const match = /^(?:Bearer|token) +([^ ]+)$/i.exec(request.headers.get('authorization') ?? '')
  return context.services.sessions.verify(match?.[1] ?? '', 'api')
}

/** What the audit log needs of a request. */
export function auditFacts({ now, requestId }: RequestContext) {
  return { eventId: newRecordId(now), at: now, requestId }
}

/** The audit entry for what the caller is about to do. */
export function auditEntry(
  { context, identityStoreId, actor }: Operation,
  action: string,
  subject: string,
): AuditEntry {
  return { ...auditFacts(context), identityStoreId, actor, action, subject }
}

/** An answer that no cache may keep. */
export function answer(body: object): Result<Response, never> {
  return ok(Response.json(body, { headers: { 'cache-control': 'no-store' } }))
}

/** The answer to what leaves nothing to show. */
export function answerNothing(): { readonly ok: true; readonly value: Response } {
  return ok(new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } }))
}

/** Only a role that administers the store may do it. */
export function requireAdministrator(operation: Operation): Result<void, SessionError> {
  return operation.administers ? ok() : fail({ code: 'forbidden', needed: [], provided: [] })
}

async function authenticate(
  request: Request,
  context: RequestContext,
): Promise<Result<Omit<Operation, 'request' | 'parameters' | 'context'>, SessionError>> {
  const { services, client, now } = context
  const verified = await accessToken(request, context)
  if (!verified.ok) return verified
  const session = await services.apiSessions.check(verified.value, { client }, auditFacts(context))
  if (!session.ok) return session
  const { identityStoreId, userId } = session.value
  const { apiClientId } = session.value.session
  const key = { identityStoreId, userId }
  const user = await (apiClientId === null
    ? findUser(services.db, key)
    : findUserOfApiClient(services.db, key, apiClientId, now))
  if (!user.ok) return user
  // Disabled a moment ago, and the user's object may not have been told yet; or the API client is no more.
  if (user.value === null || !user.value.user.active) return fail({ code: 'unauthenticated' })

  const by = session.value.session.actor
  if (by !== null) {
    // Roles may have changed since: whoever acts for another must still be above.
    const actor = await findUser(services.db, { identityStoreId, userId: by.userId })
    if (!actor.ok) return actor
    if (actor.value === null || !actor.value.user.active) return fail({ code: 'unauthenticated' })
    if (!mayDo(actor.value.user, 'sudo', user.value.user)) {
      return fail({ code: 'forbidden', needed: [], provided: [] })
    }
  }
  return ok({
    verified: verified.value,
    session: session.value,
    user: user.value,
    identityStoreId,
    administers: administers(user.value.user.role),
    actor: by === null ? `user:${userId}` : `user:${by.userId} as user:${userId}`,
  })
}
