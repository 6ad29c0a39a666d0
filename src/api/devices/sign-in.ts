/** `/sign-in` and `/sign-out`: signing in and out by forms, with the own API's cookie. */
import { originAllowed } from '../../auth/origins.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok } from '../../domain/result.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { carriedSessions, signOutCarried, withCookies } from '../carried-sessions.ts'
import type { RequestContext } from '../context.ts'
import { parseForm, parseQuery } from '../parse.ts'
import { handOver, openAfterPassword, signInByPassword } from '../password-sign-in.ts'
import type { HandlerResult } from '../route.ts'
import { asHolder } from '../session-holder.ts'
import { seeOther } from './page.ts'
import { otherOrigin, returnTarget } from './return-target.ts'
import { SignInForm, SignInQuery } from './schemas.ts'
import { signInPage } from './sign-in-view.ts'

/**
 * `GET /sign-in`. A user who is signed in is told so, and not sent on: an application that does not see the session
 * would send the browser back, for ever.
 */
export async function showSignIn(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const query = parseQuery(request, SignInQuery)
  if (!query.ok) return query
  const view = viewFor(request, context, query.value.return_to)
  // Not the user's activity: a browser may load the page without its user.
  const how = { touch: false, cookie: false, client: null, maxAgeSeconds: 0 }
  const check = await asHolder(request, context, (caller) => context.services.sessions.check(caller, how, context.now))
  if (check.ok) return ok(signInPage({ ...view, signedIn: true }, context))
  const { error } = check
  return ok(signInPage(query.value.done === undefined ? { ...view, error } : { ...view, signedOut: true }, context))
}

/** `POST /sign-in`: opens a session, as `POST /sessions` does, and leads on. */
export async function signIn(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  if (!originAllowed(request, context.services.settings)) return fail({ code: 'origin_not_allowed' })
  const query = parseQuery(request, SignInQuery)
  if (!query.ok) return query
  const view = viewFor(request, context, query.value.return_to)
  const input = await parseForm(request, SignInForm)
  if (!input.ok) return ok(signInPage({ ...view, error: input.error }, context))
  const { username, password, persistent, ...others } = input.value
  const again = (error: SessionError) => ok(signInPage({ ...view, username, error }, context))
  const found = await carriedSessions(request, context)
  const carried = found.ok ? found.value : []
  const user = await signInByPassword(request, context, { username, password })
  if (!user.ok) return again(user.error)
  const endSessions = Object.keys(others).filter((id) => SESSION_ID_PATTERN.test(id))
  const asked = { persistent: persistent !== undefined, cookie: true, endSessions }
  const opened = await openAfterPassword(context, user.value, asked, carried)
  if (!opened.ok) return again(opened.error)
  const response = seeOther(view.target?.href ?? '/devices')
  return ok(handOver(response, request, context, { opened: opened.value, user: user.value.user, carried }))
}

/** `POST /sign-out`: ends every session that the request carries. */
export async function signOut(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const done = await signOutCarried(request, context)
  return done.ok ? ok(withCookies(seeOther('/sign-in?done=signed_out'), done.value.forget)) : done
}

/** What the page is shown with: where it leads on to. */
export function viewFor(request: Request, { services }: RequestContext, returnTo: string | undefined) {
  const target = returnTarget(request, services.settings, returnTo)
  return { target, otherOrigin: otherOrigin(request, target) }
}
