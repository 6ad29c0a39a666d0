/** Who calls the own API: the holder of a session, or a back end with a credential. */
import {
  authenticateApiClient,
  authenticateBearer,
  type Caller,
  isBearerToken,
  requireScope,
} from '../../auth/credentials.ts'
import { originAllowed } from '../../auth/origins.ts'
import type { Scope } from '../../auth/scopes.ts'
import {
  bearerToken,
  type CarriedToken,
  COOKIE,
  HOST_COOKIE,
  saysBearer,
  tokensInCookies,
} from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { cookieValues } from '../../http/cookies.ts'
import type { RequestContext } from '../context.ts'
import { credentialError } from '../wrong-token.ts'

/**
 * Acts as the session that the request is made with: that of `Authorization: Bearer`, else of a cookie, the name that
 * only this host can have set first. Where the first one's session has ended, another API may have set the second.
 * Errors: those of `act`; `unauthenticated`; `wrong_token_kind`; `origin_not_allowed` for an unsafe request with a cookie
 * from a foreign page.
 */
export async function asCaller<T>(
  request: Request,
  context: RequestContext,
  act: (caller: CarriedToken) => Promise<Result<T, SessionError>>,
): Promise<Result<{ readonly caller: CarriedToken; readonly value: T }, SessionError>> {
  const callers = await callersOf(request, context)
  if (!callers.ok) return callers
  let refused: Result<never, SessionError> = fail({ code: 'unauthenticated' })
  for (const [index, caller] of callers.value.entries()) {
    const done = await act(caller)
    if (done.ok) return ok({ caller, value: done.value })
    if (done.error.code !== 'session_ended' && done.error.code !== 'unauthenticated') return done
    if (index === 0) refused = done
  }
  return refused
}

async function callersOf(
  request: Request,
  { services }: RequestContext,
): Promise<Result<readonly CarriedToken[], SessionError>> {
  const { tokens, sessions, settings } = services
  if (saysBearer(request)) {
    const verified = await sessions.verify(bearerToken(request) ?? '', 'web')
    return verified.ok ? ok([{ ...verified.value, cookieName: null }]) : verified
  }
  const unsafe = request.method !== 'GET' && request.method !== 'HEAD'
  if (unsafe && !originAllowed(request, settings)) return fail({ code: 'origin_not_allowed' })
  const callers: CarriedToken[] = []
  for (const name of [HOST_COOKIE, COOKIE]) {
    const found = await tokensInCookies(request, name, tokens)
    // Of two genuine ones nobody can tell which is the browser's own.
    if (found === null || found.length > 1) return ok([])
    const [only] = found
    if (only === undefined) continue
    const verified = await sessions.verify(only.text, 'web')
    if (!verified.ok) return verified
    callers.push(only)
  }
  if (callers.length > 0) return ok(callers)
  // No session's token at all: it may be a credential, which is told so.
  const credential = [HOST_COOKIE, COOKIE].flatMap((name) => cookieValues(request, name)).find(isBearerToken)
  const verified = credential === undefined ? null : await sessions.verify(credential, 'web')
  return verified === null || verified.ok ? ok(callers) : verified
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
  return caller.ok ? requireScope(caller.value, scope) : fail(await credentialError(caller.error, request, context))
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
