/** A user's own sessions: the check, the list, and their ends. */

import { forgetCookie, HOST_COOKIE, issueCookie } from '../../auth/session-carriers.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { acceptedAgeSeconds } from '../../http/cache-control.ts'
import { MAX_CHECK_AGE_SECONDS } from '../../limits.ts'
import { cookieSeconds, signOutCarried, withCookies } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'
import { parseQuery } from '../parse.ts'
import { empty } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { sessionBody } from '../session-body.ts'
import { asHolder } from '../session-holder.ts'
import { privateJson, privateText } from './body.ts'
import { listBody, oneMore } from './pages.ts'
import { rememberedText } from './remembered-text.ts'
import { CheckQuery, EndQuery, ListQuery } from './schemas.ts'

/** `GET /sessions/current`: the check. */
export async function checkSession(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, now, requestId } = context
  const query = parseQuery(request, CheckQuery)
  if (!query.ok) return query
  const { touch } = query.value
  const maxAgeSeconds = acceptedAgeSeconds(request, MAX_CHECK_AGE_SECONDS)
  const check = await asHolder(request, context, (caller) => {
    const { client } = context
    const options = { touch: touch === 'true', cookie: caller.cookieName !== null, client, maxAgeSeconds, requestId }
    return services.sessions.check(caller, options, now)
  })
  if (!check.ok) return check

  const { token, cookieName } = check.value.caller
  const { checked, ageSeconds } = check.value.value
  const response =
    maxAgeSeconds > 0
      ? privateText(rememberedText(checked), context, { headers: { age: String(ageSeconds) } })
      : privateJson(sessionBody(checked, token.sessionId), context)
  if (cookieName !== null && (checked.cookieDue || services.tokens.isStale(token))) {
    const cookie = {
      token: await services.tokens.sign(token),
      maxAgeSeconds: cookieSeconds(checked, now),
      // The cookie keeps its name: another API may read only that one.
      preferHost: cookieName === HOST_COOKIE,
    }
    response.headers.append('set-cookie', issueCookie(request, services.settings, cookie))
  }
  return ok(response)
}

/** `GET /sessions`: the holder's own sessions, newest first. */
export async function listSessions(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const query = parseQuery(request, ListQuery)
  if (!query.ok) return query
  const { services, client, now } = context
  const page = oneMore(query.value)
  const list = await asHolder(request, context, (caller) => services.sessions.listOwn(caller, client, page, now))
  return list.ok ? ok(privateJson(listBody(list.value.value, query.value), context)) : list
}

/**
 * `DELETE /sessions/current`: signs out, of every session that the request carries. Idempotent: an ended session and
 * no session at all are signed out.
 */
export async function signOut(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const done = await signOutCarried(request, context)
  return done.ok ? ended(done.value.forget) : done
}

/** `DELETE /sessions/{id}`: ends one of the holder's own sessions. */
export async function endSession(
  request: Request,
  { sessionId }: { readonly sessionId: string },
  context: RequestContext,
): HandlerResult {
  const { services, requestId, now } = context
  const done = await asHolder(request, context, async (caller) =>
    SESSION_ID_PATTERN.test(sessionId)
      ? services.sessions.endOwn(caller, { sessionId }, requestId, now)
      : fail({ code: 'session_not_found' }),
  )
  if (!done.ok) return done
  const { cookieName, token } = done.value.caller
  const own = cookieName !== null && sessionId === token.sessionId && done.value.value.length > 0
  return ended(own ? [forgetCookie(request, services.settings, cookieName)] : [])
}

/** `DELETE /sessions?except=current`: ends all the others. Without the query: refused, never "all" by omission. */
export async function endOtherSessions(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, requestId, now } = context
  const done = await asHolder(request, context, async (caller) => {
    const query = parseQuery(request, EndQuery)
    return query.ok ? services.sessions.endOwn(caller, 'others', requestId, now) : query
  })
  if (!done.ok) return done
  return ok(privateJson({ ended: done.value.value.length }, context))
}

/** The answer to an end. `forget`: what makes the browser forget the cookie whose session this request has ended. */
function ended(forget: readonly string[]): Result<Response, never> {
  return ok(withCookies(empty(), forget))
}
