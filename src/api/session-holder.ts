/** The holder of a web session: whose session a request is made with. */
import { isBearerToken } from '../auth/credentials.ts'
import { isUnsafe, originAllowed } from '../auth/origins.ts'
import {
  bearerToken,
  type CarriedToken,
  COOKIE,
  HOST_COOKIE,
  saysBearer,
  tokensInCookies,
} from '../auth/session-carriers.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { cookieValues } from '../http/cookies.ts'
import type { RequestContext } from './context.ts'

/**
 * Acts as the session that the request is made with: that of `Authorization: Bearer`, else of a cookie. Of the two
 * cookie names the one that only this host can have set is tried first; if its session has ended, the other is tried,
 * which another API may have set since. Errors: those of `act`; `unauthenticated`; `wrong_token_kind`;
 * `origin_not_allowed` for an unsafe request with a cookie from a foreign page.
 */
export async function asHolder<T>(
  request: Request,
  context: RequestContext,
  act: (caller: CarriedToken) => Promise<Result<T, SessionError>>,
): Promise<Result<{ readonly caller: CarriedToken; readonly value: T }, SessionError>> {
  const callers = await holdersOf(request, context)
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

async function holdersOf(
  request: Request,
  { services }: RequestContext,
): Promise<Result<readonly CarriedToken[], SessionError>> {
  const { tokens, sessions, settings } = services
  if (saysBearer(request)) {
    const verified = await sessions.verify(bearerToken(request) ?? '', 'web')
    return verified.ok ? ok([{ ...verified.value, cookieName: null }]) : verified
  }
  if (isUnsafe(request) && !originAllowed(request, settings)) return fail({ code: 'origin_not_allowed' })
  const callers: CarriedToken[] = []
  for (const name of [HOST_COOKIE, COOKIE]) {
    const found = await tokensInCookies(request, name, tokens)
    // Of two genuine tokens in cookies of one name, nobody can tell which is the browser's own.
    if (found === null || found.length > 1) return ok([])
    const [only] = found
    if (only === undefined) continue
    const verified = await sessions.verify(only.text, 'web')
    if (!verified.ok) return verified
    callers.push(only)
  }
  if (callers.length > 0) return ok(callers)
  // It is no session token. If it is a credential, the caller is told so.
  const credential = [HOST_COOKIE, COOKIE].flatMap((name) => cookieValues(request, name)).find(isBearerToken)
  const verified = credential === undefined ? null : await sessions.verify(credential, 'web')
  return verified === null || verified.ok ? ok(callers) : verified
}
