/** `/session/user_login_info/`: the session's user, and the changes that users may make of themselves. */
import { ok } from '../../domain/result.ts'
import type { HandlerResult, Route } from '../route.ts'
import { parseObject, sessionInfoBody } from './body.ts'
import { type ApioContext, admitChange, sessionJson, slidingCookie, slidingCookieIfLive } from './caller.ts'
import { renderError } from './errors.ts'
import { ProfileInput } from './schemas.ts'

/** Since when the alias is deprecated: 2026-01-01, epoch seconds (RFC 9745). */
const DEPRECATED_SINCE = 1_767_225_600
const SUCCESSOR = '/api/v1/session/user_login_info/'

/** `GET`: from our database in every login mode, so it works whatever the application server does. */
export async function readSessionInfo(request: Request, _parameters: object, context: ApioContext): HandlerResult {
  return ok(sessionJson(sessionInfoBody(context.caller.user), await slidingCookie(request, context)))
}

/** `PUT`: changes what is named, in the databases that the login mode says. */
export async function changeSessionInfo(request: Request, _parameters: object, context: ApioContext): HandlerResult {
  const input = await parseObject(request, ProfileInput)
  if (!input.ok) return input
  const admitted = await admitChange(context)
  if (!admitted.ok) return admitted
  const { services, caller, requestId, now } = context
  const { first_name: firstName, last_name: lastName, emailAddress } = input.value
  const { user } = caller
  const changed = await services.profiles.change(user, { firstName, lastName, emailAddress }, requestId, now)
  if (!changed.ok) return changed
  return ok(sessionJson(sessionInfoBody({ ...user, ...changed.value }), await slidingCookieIfLive(request, context)))
}

/** The same under its old URL: every response says where the new one is. */
export function deprecated({ handle, ...route }: Route, operationId: string): Route {
  return {
    ...route,
    path: '/session/login_info/',
    operationId,
    summary: `Deprecated; use \`/session/user_login_info/\`. ${route.summary}`,
    async handle(request, parameters, context) {
      const result = await handle(request, parameters, context)
      const response = result.ok ? result.value : renderError(result.error, context)
      response.headers.set('deprecation', `@${DEPRECATED_SINCE}`)
      response.headers.set('link', `<${SUCCESSOR}>; rel="successor-version"`)
      return ok(response)
    },
  }
}
