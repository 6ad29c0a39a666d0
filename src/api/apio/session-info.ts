/** `/session/user_login_info/`: the session's user, and the changes that users may make of themselves. */
import type { RequestContext } from '../context.ts'
import type { Handler } from '../route.ts'
import { parseObject, sessionInfoBody } from './body.ts'
import { admitChange, liveSession, requireOrigin, sessionAnswer, slidingCookie, slidingCookieIfLive } from './caller.ts'
import { renderError } from './errors.ts'
import { ProfileInput } from './schemas.ts'

/** Since when the alias is deprecated: 2026-01-01, epoch seconds (RFC 9745). */
const DEPRECATED_SINCE = 1_767_225_600
const SUCCESSOR = '/api/v1/session/user_login_info/'

/** `GET`: from our database in every login mode, so it works whatever the application server does. */
export async function readSessionInfo(request: Request, context: RequestContext): Promise<Response> {
  const caller = await liveSession(request, context)
  if (!caller.ok) return renderError(caller.error, context)
  const cookies = await slidingCookie(request, context, caller.value)
  return sessionAnswer(sessionInfoBody(caller.value.user.user), cookies)
}

/** `PUT`: changes what is named, in the databases that the login mode says. */
export async function changeSessionInfo(request: Request, context: RequestContext): Promise<Response> {
  const { services, requestId, now } = context
  const origin = requireOrigin(request, context)
  if (!origin.ok) return renderError(origin.error, context)
  const caller = await liveSession(request, context)
  if (!caller.ok) return renderError(caller.error, context)
  const input = await parseObject(request, ProfileInput)
  if (!input.ok) return renderError(input.error, context)
  const admitted = await admitChange(caller.value, context)
  if (!admitted.ok) return renderError(admitted.error, context)
  const { first_name: firstName, last_name: lastName, emailAddress } = input.value
  const { user } = caller.value.user
  const changed = await services.profiles.change(user, { firstName, lastName, emailAddress }, requestId, now)
  if (!changed.ok) return renderError(changed.error, context)
  const cookies = await slidingCookieIfLive(request, context, caller.value)
  return sessionAnswer(sessionInfoBody({ ...user, ...changed.value }), cookies)
}

/** The same under its old URL: every answer says where the new one is. */
export function deprecated(handle: (request: Request, context: RequestContext) => Promise<Response>): Handler {
  return async (request, _parameters, context) => {
    const response = await handle(request, context)
    response.headers.set('deprecation', `@${DEPRECATED_SINCE}`)
    response.headers.set('link', `<${SUCCESSOR}>; rel="successor-version"`)
    return response
  }
}
