/** A user's own sessions: the check, the list, and their ends. */
import { forgetCookies, HOST_COOKIE, issueCookie } from '../../auth/session-carriers.ts'
import type { SessionError } from '../../domain/errors.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { acceptedAgeSeconds } from '../../http/cache-control.ts'
import { MAX_AGE_SECONDS } from '../../sessions/check-memory.ts'
import type { RequestContext } from '../context.ts'
import { parseQuery } from '../parse.ts'
import { privateJson, privateText, rememberedText, sessionBody } from './body.ts'
import { type SessionCaller, sessionCaller } from './caller.ts'
import { renderError } from './errors.ts'
import { CheckQuery, EndQuery, ListQuery } from './schemas.ts'

/** `GET /sessions/current`: the check. */
export async function checkSession(request: Request, context: RequestContext): Promise<Response> {
  const { services, client, now, later } = context
  const query = parseQuery(request, CheckQuery)
  if (!query.ok) return renderError(query.error, context)
  const caller = await sessionCaller(request, context)
  if (!caller.ok) return renderError(caller.error, context)
  const { verified, carrier, cookieName } = caller.value
  const options = {
    touch: query.value.touch === 'true',
    cookie: carrier === 'cookie',
    client,
    maxAgeSeconds: acceptedAgeSeconds(request, MAX_AGE_SECONDS),
  }
  const check = await services.sessions.check(verified, options, now, later)
  if (!check.ok) return renderEnd(check.error, caller.value, request, context)

  const { checked, ageSeconds } = check.value
  const { token } = verified
  const response =
    options.maxAgeSeconds > 0
      ? privateText(rememberedText(checked), context, { headers: { age: String(ageSeconds) } })
      : privateJson(sessionBody(checked, token.sessionId), context)
  if (options.cookie && (checked.cookieDue || services.tokens.isStale(token))) {
    const maxAgeSeconds = checked.persistentCookie ? (checked.expiresAt - now) / 1000 : null
    const reissued = await services.tokens.sign(token)
    // Under the name that it has: another API may know only that one.
    const host = cookieName === HOST_COOKIE
    response.headers.append('set-cookie', issueCookie(request, services.settings, reissued, maxAgeSeconds, host))
  }
  return response
}

/** `GET /sessions`: the holder's own sessions, newest first. */
export async function listSessions(request: Request, context: RequestContext): Promise<Response> {
  const query = parseQuery(request, ListQuery)
  if (!query.ok) return renderError(query.error, context)
  const caller = await sessionCaller(request, context)
  if (!caller.ok) return renderError(caller.error, context)
  const { services, client, now, later } = context
  const { limit, cursor } = query.value
  const page = { before: cursor ?? null, limit: limit + 1 }
  const list = await services.sessions.listOwn(caller.value.verified, client, page, now, later)
  if (!list.ok) return renderEnd(list.error, caller.value, request, context)
  const currentId = list.value.current.session.id
  const found = list.value.sessions.map((view) => sessionBody(view, currentId)).reverse()
  const sessions = found.slice(0, limit)
  const nextCursor = found.length > limit ? (sessions.at(-1)?.id ?? null) : null
  return privateJson({ sessions, next_cursor: nextCursor }, context)
}

/** `DELETE /sessions/current`: signs out. Idempotent: an ended session and no session at all are signed out. */
export async function signOut(request: Request, context: RequestContext): Promise<Response> {
  const { services, requestId, now, later } = context
  const caller = await sessionCaller(request, context)
  if (!caller.ok && caller.error.code !== 'unauthenticated') return renderError(caller.error, context)
  if (caller.ok) {
    const ended = await services.sessions.endOwn(caller.value.verified, 'current', requestId, now, later)
    if (!ended.ok && ended.error.code !== 'unauthenticated') return renderError(ended.error, context)
  }
  return gone(request, context, !request.headers.has('authorization'))
}

/** `DELETE /sessions/{id}`: ends one of the holder's own sessions. */
export async function endSession(
  request: Request,
  parameters: Record<string, string>,
  context: RequestContext,
): Promise<Response> {
  const caller = await sessionCaller(request, context)
  if (!caller.ok) return renderError(caller.error, context)
  const sessionId = parameters.sessionId ?? ''
  if (!SESSION_ID_PATTERN.test(sessionId)) return renderError({ code: 'session_not_found' }, context)
  const { services, requestId, now, later } = context
  const { verified, carrier } = caller.value
  const ended = await services.sessions.endOwn(verified, { sessionId }, requestId, now, later)
  if (!ended.ok) return renderEnd(ended.error, caller.value, request, context)
  return gone(request, context, carrier === 'cookie' && sessionId === verified.token.sessionId)
}

/** `DELETE /sessions?except=current`: ends all the others. Without the query: refused, never "all" by omission. */
export async function endOtherSessions(request: Request, context: RequestContext): Promise<Response> {
  const caller = await sessionCaller(request, context)
  if (!caller.ok) return renderError(caller.error, context)
  const query = parseQuery(request, EndQuery)
  if (!query.ok) return renderError(query.error, context)
  const { services, requestId, now, later } = context
  const ended = await services.sessions.endOwn(caller.value.verified, 'others', requestId, now, later)
  if (!ended.ok) return renderEnd(ended.error, caller.value, request, context)
  return privateJson({ ended: ended.value.length }, context)
}

/** The answer to an end. `forget`: the browser's own session is the one that ended. */
function gone(request: Request, context: RequestContext, forget: boolean): Response {
  const headers = new Headers({ 'cache-control': 'no-store' })
  const cookies = forget ? forgetCookies(request, context.services.settings) : []
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 204, headers })
}

/** A browser whose session has ended need not send its token any more. */
function renderEnd(error: SessionError, caller: SessionCaller, request: Request, context: RequestContext): Response {
  const response = renderError(error, context)
  if (error.code === 'session_ended' && caller.carrier === 'cookie') {
    for (const cookie of forgetCookies(request, context.services.settings))
      response.headers.append('set-cookie', cookie)
  }
  return response
}
