/** Signing in with user name and password, as the own API, its pages and APIO do. */
import { DEVICE_COOKIE } from '../auth/device-cookies.ts'
import { cookiesAreSecure } from '../auth/origins.ts'
import { type CarriedToken, signInCookies } from '../auth/session-carriers.ts'
import type { SessionError } from '../domain/errors.ts'
import type { Result } from '../domain/result.ts'
import { normalizeUsername } from '../domain/text.ts'
import { cookieValues, MAX_COOKIE_SECONDS, setCookie } from '../http/cookies.ts'
import { signIn } from '../identity/sign-in.ts'
import type { Opened } from '../sessions/object/calls.ts'
import type { KnownUser, User } from '../store/users.ts'
import { cookieSeconds, withCookies } from './carried-sessions.ts'
import type { RequestContext } from './context.ts'

/** Verifies a user name and password; a browser that the user has signed in with before comes first. Errors as for `signIn`. */
export function signInByPassword(
  request: Request,
  context: RequestContext,
  input: { readonly username: string; readonly password: string },
): Promise<Result<KnownUser, SessionError>> {
  const { settings, hashers, devices, signInGate: gate, applicationServer } = context.services
  const username = normalizeUsername(input.username)
  const device = devices.deviceOf(cookieValues(request, DEVICE_COOKIE), username)
  const deps = { hashers, gate, applicationServer, throttle: settings.throttle }
  return signIn(deps, { username, password: input.password, device }, context.client, context.now)
}

/** A session that was opened, with its token. */
export type NewSession = Opened & { readonly token: string }

/**
 * Opens a session for a user whose password was verified; it takes the place of the `carried` ones, with which the
 * client came. Errors as for `Sessions.open`.
 */
export function openAfterPassword(
  { services, client, location, requestId }: RequestContext,
  { user, rules }: KnownUser,
  asked: { readonly persistent: boolean; readonly cookie: boolean; readonly endSessions?: readonly string[] },
  carried: readonly CarriedToken[],
): Promise<Result<NewSession, SessionError>> {
  const how = { kind: 'web', credentialsType: 'password', actor: null, apiClientId: null } as const
  const by = { caller: `user:${user.userId}`, requestId }
  return services.sessions.open(user, { ...how, ...asked, client, location, by }, rules, carried)
}

/** What came of a sign-in by a browser. */
interface SignedIn {
  readonly opened: NewSession
  readonly user: User
  /** The sessions with which the browser came. */
  readonly carried: readonly CarriedToken[]
  /** As `NewCookie` has it. Default: true. */
  readonly preferHost?: boolean
}

/** Hands a new session over to a browser: an answer gets its cookies. */
export function handOver(
  response: Response,
  request: Request,
  context: RequestContext,
  { opened: { token, ...view }, user, carried, preferHost = true }: SignedIn,
): Response {
  const cookie = { token, maxAgeSeconds: cookieSeconds(view, context.now), preferHost }
  withCookies(response, signInCookies(request, context.services.settings, cookie, carried))
  rememberDevice(response, request, context, user)
  return response
}

/** Lets the browser of an answer to a good sign-in be known at the next one. */
export function rememberDevice(response: Response, request: Request, context: RequestContext, user: User): void {
  const { settings, devices } = context.services
  const value = devices.issue(normalizeUsername(user.username ?? ''))
  const travel = { sameSite: settings.cookieSameSite, secure: cookiesAreSecure(request, settings) }
  response.headers.append('set-cookie', setCookie(DEVICE_COOKIE, value, MAX_COOKIE_SECONDS, travel))
}
