/** Who calls APIO: the holder of a session, by the cookie `sessionid` and nothing else. */
import { originAllowed } from '../../auth/origins.ts'
import { COOKIE, cookieToken, forgetCookie, issueCookie } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { VerifiedToken } from '../../sessions/service.ts'
import type { CheckedSession, SessionView } from '../../sessions/user-sessions.ts'
import { countCall } from '../../store/admissions.ts'
import { findUser, type KnownUser } from '../../store/users.ts'
import type { RequestContext } from '../context.ts'
import { renderError } from './errors.ts'

/** Most changes that one user may make in a minute: each is an event of the audit log. */
const CHANGES_PER_MINUTE = 120

/** A live session with its user. */
export interface ApioCaller {
  readonly verified: VerifiedToken
  readonly checked: CheckedSession
  readonly user: KnownUser
}

/**
 * Whether an unsafe request may use or set the cookie. Errors: `origin_not_allowed` from a foreign page;
 * `unsupported_media_type` from a client that does not say where from and sends no JSON, as only a form would.
 */
export function requireOrigin(request: Request, { services }: RequestContext): Result<void, SessionError> {
  if (originAllowed(request, services.settings)) return ok()
  const saysWhereFrom = request.headers.has('origin') || request.headers.has('sec-fetch-site')
  return fail(
    saysWhereFrom ? { code: 'origin_not_allowed' } : { code: 'unsupported_media_type', accepted: ['application/json'] },
  )
}

/** The session token in the cookie, verified; no object was asked. Null: none, two of them, or none of ours. */
export async function cookieSession(request: Request, context: RequestContext): Promise<VerifiedToken | null> {
  const presented = cookieToken(request, [COOKIE])
  if (presented === null) return null
  const verified = await context.services.sessions.verify(presented.token, 'web')
  return verified.ok ? verified.value : null
}

/**
 * The live session that the request is made with; this is activity of its user. Errors: `unauthenticated`,
 * `session_ended`, `unavailable`.
 */
export async function liveSession(
  request: Request,
  context: RequestContext,
): Promise<Result<ApioCaller, SessionError>> {
  const { services, client, now, later } = context
  const verified = await cookieSession(request, context)
  if (verified === null) return fail({ code: 'unauthenticated' })
  const options = { touch: true, cookie: true, client, maxAgeSeconds: 0 }
  const check = await services.sessions.check(verified, options, now, later)
  if (!check.ok) return check
  const { checked } = check.value
  const user = await findUser(services.db, checked)
  if (!user.ok) return user
  return user.value === null ? fail({ code: 'unauthenticated' }) : ok({ verified, checked, user: user.value })
}

/** Counts a change that a user is about to make. Errors: `rate_limited`, `unavailable`. */
export async function admitChange(
  { user: { user } }: ApioCaller,
  { services, now }: RequestContext,
): Promise<Result<void, SessionError>> {
  const subject = { identityStoreId: user.identityStoreId, caller: `user:${user.userId}`, method: 'change' }
  const counted = await countCall(services.db, subject, CHANGES_PER_MINUTE, 60, now)
  if (!counted.ok) return counted
  return counted.value === null ? ok() : fail({ code: 'rate_limited', retryAfterSeconds: counted.value })
}

/** An answer with a session: the cookie goes with each, since its life slides with the session's use. */
export async function sessionAnswer(
  request: Request,
  context: RequestContext,
  body: unknown,
  session: { readonly token: string; readonly view: SessionView },
  status = 200,
): Promise<Response> {
  const { view, token } = session
  const maxAgeSeconds = view.persistentCookie ? (view.expiresAt - context.now) / 1000 : null
  const cookie = issueCookie(request, context.services.settings, token, maxAgeSeconds, false)
  return Response.json(body, {
    status,
    headers: { 'set-cookie': cookie, 'cache-control': 'no-store', vary: 'Cookie' },
  })
}

/** The token to be set again: the same one, or the same session under the newest key. */
export async function tokenOf({ verified }: ApioCaller, { services }: RequestContext): Promise<string> {
  const { text, token } = verified
  return services.tokens.isStale(token) ? services.tokens.sign(token) : text
}

/** An error; a client whose session is no more need not send its cookie any more. */
export function renderCallerError(error: SessionError, request: Request, context: RequestContext): Response {
  const response = renderError(error, context)
  if (response.status === 401 && cookieToken(request, [COOKIE]) !== null) {
    response.headers.append('set-cookie', forgetCookie(request, context.services.settings, COOKIE))
  }
  return response
}
