/** Who calls APIO: the holder of a session, by the cookie `sessionid` and nothing else. */

import { isBearerToken } from '../../auth/credentials.ts'
import { originAllowed } from '../../auth/origins.ts'
import { COOKIE, issueCookie, tokensInCookies } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { stillHolds } from '../../domain/session.ts'
import { cookieValues } from '../../http/cookies.ts'
import { PROFILE_CHANGES_PER_MINUTE } from '../../limits.ts'
import type { CheckedSession } from '../../sessions/object/user-sessions.ts'
import type { VerifiedToken } from '../../sessions/service.ts'
import { countCall } from '../../store/admissions.ts'
import { findUser, type KnownUser } from '../../store/users.ts'
import { cookieSeconds, withCookies } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'

/** One request of a caller who is known. */
export interface ApioContext extends RequestContext {
  readonly verified: VerifiedToken
  readonly session: CheckedSession
  readonly caller: KnownUser
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

/**
 * The session token in the cookie; no object was asked. Errors: `unauthenticated` (none, two of them, or none of
 * ours), `wrong_token_kind`.
 */
async function cookieSession(
  request: Request,
  { services: { tokens, sessions } }: RequestContext,
): Promise<Result<VerifiedToken, SessionError>> {
  const found = await tokensInCookies(request, COOKIE, tokens)
  // It is no session token. If it is a credential, the caller is told so.
  if (found?.length === 0) return sessions.verify(cookieValues(request, COOKIE).find(isBearerToken) ?? '', 'web')
  const [only] = found ?? []
  return only === undefined || found?.length !== 1
    ? fail({ code: 'unauthenticated' })
    : sessions.verify(only.text, 'web')
}

/**
 * The live session that the request is made with; this is activity of its user. Errors: `unauthenticated`,
 * `wrong_token_kind`, `session_ended`, `unavailable`; of an unsafe request also those of `requireOrigin`.
 */
export async function authenticate(
  request: Request,
  _parameters: object,
  context: RequestContext,
): Promise<Result<ApioContext, SessionError>> {
  const { services, client, now } = context
  const unsafe = request.method !== 'GET' && request.method !== 'HEAD'
  const origin = unsafe ? requireOrigin(request, context) : ok()
  if (!origin.ok) return origin
  const cookie = await cookieSession(request, context)
  if (!cookie.ok) return cookie
  const verified = cookie.value
  const options = { touch: true, cookie: true, client, maxAgeSeconds: 0 }
  const check = await services.sessions.check(verified, options, now)
  if (!check.ok) return check
  const { checked } = check.value
  const user = await findUser(services.db, checked)
  if (!user.ok) return user
  if (user.value === null || !stillHolds(checked.session, user.value.user)) return fail({ code: 'unauthenticated' })
  return ok({ ...context, verified, session: checked, caller: user.value })
}

/** Counts a change that a user is about to make. Errors: `rate_limited`, `unavailable`. */
export function admitChange({ services, now, caller }: ApioContext): Promise<Result<void, SessionError>> {
  const { user } = caller
  const subject = { identityStoreId: user.identityStoreId, caller: `user:${user.userId}`, method: 'change' }
  return countCall(services.db, subject, PROFILE_CHANGES_PER_MINUTE, now)
}

/** JSON that no cache may give to anybody else, with its cookies. */
export function sessionJson(body: unknown, cookies: readonly string[], status = 200): Response {
  return withCookies(Response.json(body, { status, headers: { 'cache-control': 'no-store', vary: 'Cookie' } }), cookies)
}

/**
 * The cookie of the session that a request was made with: it goes with each answer, since its life slides with the
 * session's use. Under the newest key.
 */
export async function slidingCookie(
  request: Request,
  { services, now, verified: { text, token }, session }: ApioContext,
): Promise<readonly string[]> {
  const current = services.tokens.isStale(token) ? await services.tokens.sign(token) : text
  const cookie = { token: current, maxAgeSeconds: cookieSeconds(session, now), preferHost: false }
  return [issueCookie(request, services.settings, cookie)]
}

/**
 * The same after work that took a while: none if the session has ended meanwhile. Another sign-in of this browser may
 * have ended it, and its new cookie must not be replaced by this one.
 */
export async function slidingCookieIfLive(request: Request, context: ApioContext): Promise<readonly string[]> {
  const options = { touch: false, cookie: true, client: null, maxAgeSeconds: 0 }
  const check = await context.services.sessions.check(context.verified, options, context.now)
  return check.ok ? slidingCookie(request, { ...context, session: check.value.checked }) : []
}
