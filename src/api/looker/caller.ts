/** Who calls: the holder of an access token, that is, of a session of kind `api`. */
import { administers, mayDo } from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { stillHolds } from '../../domain/session.ts'
import type { CheckedSession } from '../../sessions/object/user-sessions.ts'
import type { VerifiedToken } from '../../sessions/service.ts'
import { findUser, findUserOfApiClient, type KnownUser } from '../../store/users.ts'
import { auditFacts } from '../audit.ts'
import type { RequestContext } from '../context.ts'

/** One request of a caller who is known. */
export interface LookerContext extends RequestContext {
  readonly verified: VerifiedToken
  readonly session: CheckedSession
  readonly caller: KnownUser
  readonly identityStoreId: string
  /** Whether the user's role may change the config and see others' sessions. */
  readonly administers: boolean
  /** The caller in records and the audit log: who really acts, and as whom. */
  readonly actor: string
}

/** The access token of a request, verified; no object was asked yet. Errors: `unauthenticated`. */
export function accessToken(request: Request, context: RequestContext): Promise<Result<VerifiedToken, SessionError>> {
  // Looker documents `token`; its clients send `Bearer`.
  const match = /^(?:Bearer|token) +([^ ]+)$/i.exec(request.headers.get('authorization') ?? '')
  return context.services.sessions.verify(match?.[1] ?? '', 'api')
}

/** Only a role that administers the store may do it. */
export function requireAdministrator({ administers }: LookerContext): Result<void, SessionError> {
  return administers ? ok() : fail({ code: 'forbidden', needed: [], provided: [] })
}

/**
 * The holder of a live access token. Errors: `unauthenticated`, `session_ended`, `unavailable`; `forbidden` where a
 * user acts for another and may not any more.
 */
export async function authenticate(
  request: Request,
  _parameters: object,
  context: RequestContext,
): Promise<Result<LookerContext, SessionError>> {
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
  // Or the API client is no more.
  if (user.value === null || !stillHolds(session.value.session, user.value.user)) {
    return fail({ code: 'unauthenticated' })
  }

  const { actor } = session.value.session
  if (actor !== null) {
    // Roles may have changed since: whoever acts for another must still be above.
    const acting = await findUser(services.db, { identityStoreId, userId: actor.userId })
    if (!acting.ok) return acting
    if (acting.value === null || !acting.value.user.active) return fail({ code: 'unauthenticated' })
    if (!mayDo(acting.value.user, 'sudo', user.value.user)) {
      return fail({ code: 'forbidden', needed: [], provided: [] })
    }
  }
  return ok({
    ...context,
    verified: verified.value,
    session: session.value,
    caller: user.value,
    identityStoreId,
    administers: administers(user.value.user.role),
    actor: actor === null ? `user:${userId}` : `user:${actor.userId} as user:${userId}`,
  })
}
