/** Signing in with user name and password, as the own API and APIO do. */
import { DEVICE_COOKIE } from '../auth/device-cookies.ts'
import { cookiesAreSecure } from '../auth/origins.ts'
import type { SessionError } from '../domain/errors.ts'
import type { Result } from '../domain/result.ts'
import { normalizeUsername } from '../domain/text.ts'
import { cookieValues, MAX_COOKIE_SECONDS, setCookie } from '../http/cookies.ts'
import { signIn } from '../identity/sign-in.ts'
import type { KnownUser, User } from '../store/users.ts'
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

/** Lets the browser of an answer to a good sign-in be known at the next one. */
export function rememberDevice(response: Response, request: Request, context: RequestContext, user: User): void {
  const { settings, devices } = context.services
  const value = devices.issue(normalizeUsername(user.username ?? ''))
  const travel = { sameSite: settings.cookieSameSite, secure: cookiesAreSecure(request, settings) }
  response.headers.append('set-cookie', setCookie(DEVICE_COOKIE, value, MAX_COOKIE_SECONDS, travel))
}
