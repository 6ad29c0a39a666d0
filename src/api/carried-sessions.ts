/** The sessions that come with a request which opens or ends one: all of them, however they are carried. */

import { originAllowed } from '../auth/origins.ts'
import {
  bearerToken,
  type CarriedToken,
  COOKIE,
  forgetCookie,
  HOST_COOKIE,
  saysBearer,
  tokensInCookies,
} from '../auth/session-carriers.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { SessionView } from '../domain/session-view.ts'
import type { RequestContext } from './context.ts'

/**
 * The session tokens of kind `web` that the request carries: by bearer, and in cookies under either name. No object is
 * asked. Errors: `origin_not_allowed` for cookies, or nothing, from a foreign page; `wrong_token_kind` for a genuine
 * token of another kind; `invalid_request` for more cookies than are looked at.
 */
export async function carriedSessions(
  request: Request,
  { services }: RequestContext,
): Promise<Result<readonly CarriedToken[], SessionError>> {
  const { tokens, sessions, settings } = services
  const text = bearerToken(request)
  const bearer = text === null ? null : await tokens.verify(text)
  const inCookies = await Promise.all([HOST_COOKIE, COOKIE].map((name) => tokensInCookies(request, name, tokens)))
  const carried: CarriedToken[] = text === null || bearer === null ? [] : [{ text, token: bearer, cookieName: null }]
  for (const found of inCookies) {
    if (found === null) {
      return fail({
        code: 'invalid_request',
        issues: [{ field: 'Cookie', code: 'invalid', message: 'Too many of a name.' }],
      })
    }
    carried.push(...found)
  }
  const byCookie = !saysBearer(request) || carried.some(({ cookieName }) => cookieName !== null)
  if (byCookie && !originAllowed(request, settings)) return fail({ code: 'origin_not_allowed' })
  for (const { text } of carried) {
    const verified = await sessions.verify(text, 'web')
    if (!verified.ok) return verified
  }
  return ok(carried)
}

/**
 * Signs out: ends every session that the request carries. Answers how many there were, and the headers by which the
 * browser forgets the cookies whose sessions ended by this request and no other: where one had ended before, the
 * browser may have another session by now. Errors: as above; `unavailable`, and some may have ended.
 */
export async function signOutCarried(
  request: Request,
  context: RequestContext,
): Promise<Result<{ readonly carried: number; readonly forget: readonly string[] }, SessionError>> {
  const { services, requestId, now } = context
  const carried = await carriedSessions(request, context)
  if (!carried.ok) return carried
  const ends = await Promise.all(
    carried.value.map((session) => services.sessions.endOwn(session, 'current', requestId, now)),
  )
  const names = new Set<string>()
  for (const [index, ended] of ends.entries()) {
    // What its object does not know is no session any more.
    if (!ended.ok && ended.error.code !== 'unauthenticated') return ended
    const name = carried.value[index]?.cookieName ?? null
    if (ended.ok && ended.value.length > 0 && name !== null) names.add(name)
  }
  const forget = Array.from(names, (name) => forgetCookie(request, services.settings, name))
  return ok({ carried: carried.value.length, forget })
}

/** Gives an answer its cookies. */
export function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}

/** The seconds that a session's cookie lives; null: until the browser ends. */
export function cookieSeconds(view: SessionView, now: number): number | null {
  return view.persistentCookie ? (view.expiresAt - now) / 1000 : null
}
