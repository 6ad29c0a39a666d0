/** Who calls the own API: the holder of a session, or a back end with a credential. */
import { authenticateApiClient, authenticateBearer, type Caller, requireScope } from '../../auth/credentials.ts'
import { originAllowed } from '../../auth/origins.ts'
import type { Scope } from '../../auth/scopes.ts'
import { bearerToken, COOKIE, cookieToken, HOST_COOKIE, type PresentedToken } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { VerifiedToken } from '../../sessions/service.ts'
import type { RequestContext } from '../context.ts'

/** A session token that came with the request, verified; no object was asked yet. */
export interface SessionCaller {
  readonly carrier: PresentedToken['carrier']
  readonly cookieName: PresentedToken['cookieName']
  readonly verified: VerifiedToken
}

/**
 * The session that the request is made with: by `Authorization: Bearer`, else by cookie.
 * Errors: `unauthenticated`; `origin_not_allowed` for an unsafe request with a cookie from a foreign page.
 */
export async function sessionCaller(
  request: Request,
  context: RequestContext,
): Promise<Result<SessionCaller, SessionError>> {
  const bearer = bearerToken(request)
  const byHeader = bearer !== null || request.headers.has('authorization')
  const unsafe = request.method !== 'GET' && request.method !== 'HEAD'
  // Also without a cookie: the answer may set one.
  if (!byHeader && unsafe && !originAllowed(request, context.services.settings)) {
    return fail({ code: 'origin_not_allowed' })
  }
  const presented = byHeader ? bearer : cookieToken(request, [HOST_COOKIE, COOKIE])
  if (presented === null) return fail({ code: 'unauthenticated' })
  const { token, carrier, cookieName } = presented
  const verified = await context.services.sessions.verify(token, 'web')
  return verified.ok ? ok({ carrier, cookieName, verified: verified.value }) : verified
}

/** A back end: a bearer credential, or an API client by HTTP Basic. Errors: as for credentials; `forbidden`. */
export async function backEnd(
  request: Request,
  scope: Scope,
  context: RequestContext,
): Promise<Result<Caller, SessionError>> {
  const { services } = context
  const basic = basicCredentials(request)
  const caller =
    basic === null
      ? await authenticateBearer(services.db, request, context)
      : await authenticateApiClient(services.db, basic.id, basic.secret, context)
  return caller.ok ? requireScope(caller.value, scope) : caller
}

/** RFC 6749, section 2.3.1: id and secret are form-encoded before they are joined. */
function basicCredentials(request: Request): { id: string; secret: string } | null {
  const match = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers.get('authorization') ?? '')
  if (match?.[1] === undefined) return null
  try {
    const text = atob(match[1])
    const at = text.indexOf(':')
    if (at < 0) return null
    const [id, secret] = [text.slice(0, at), text.slice(at + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    )
    return id === undefined || secret === undefined ? null : { id, secret }
  } catch {
    return null
  }
}
