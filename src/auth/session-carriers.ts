/** How a session token comes and goes: by cookie, or by `Authorization: Bearer`. */

import { type SessionToken, TOKEN_PATTERN } from '../domain/token.ts'
import { type CookieTravel, clearCookie, cookieValues, type SameSite, setCookie } from '../http/cookies.ts'
import { MAX_VERIFIED_COOKIES } from '../limits.ts'
import { cookiesAreSecure, type Origins } from './origins.ts'
import type { SessionTokens } from './session-tokens.ts'

/** The cookie's name in every API. */
export const COOKIE = 'sessionid'
/** The name that the own API prefers on https: only this host can have set it. */
export const HOST_COOKIE = '__Host-sessionid'

/** What decides how the session cookie is set. */
export interface CookieSettings extends Origins {
  readonly cookieSameSite: SameSite
}

/** A token that came with a request and that we signed; of whatever kind. */
export interface CarriedToken {
  readonly text: string
  readonly token: SessionToken
  /** The cookie that it came in; null for a bearer. */
  readonly cookieName: string | null
}

/**
 * Whether the request says by `Authorization: Bearer` whose it is. Any other scheme is for somebody who stands in
 * front of us, and browsers send it by themselves, as they send cookies.
 */
export function saysBearer(request: Request): boolean {
  return /^Bearer\b/i.test(request.headers.get('authorization') ?? '')
}

/** What comes after `Authorization: Bearer`; null if that is not one word. */
export function bearerToken(request: Request): string | null {
  return /^Bearer +([^ ]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? null
}

/**
 * The tokens in the cookies of a name, each session's once. Other applications set cookies of the same name: values
 * that we did not sign do not count. Null if more look like ours than are looked at.
 */
export async function tokensInCookies(
  request: Request,
  name: string,
  tokens: SessionTokens,
): Promise<readonly CarriedToken[] | null> {
  const values = cookieValues(request, name)
  const likely = values.length > MAX_VERIFIED_COOKIES ? values.filter((value) => TOKEN_PATTERN.test(value)) : values
  if (likely.length > MAX_VERIFIED_COOKIES) return null
  const found: CarriedToken[] = []
  for (const text of likely) {
    const token = tokens.remembered(text) ?? (await tokens.verify(text))
    if (token === null || found.some((other) => other.token.sessionId === token.sessionId)) continue
    found.push({ text, token, cookieName: name })
  }
  return found
}

/** A session cookie as it is to be issued. */
export interface NewCookie {
  readonly token: string
  /** Null: until the browser ends. */
  readonly maxAgeSeconds: number | null
  /** Whether on https it has the name that only this host can have set. */
  readonly preferHost: boolean
}

/** The header that hands a token to a browser. */
export function issueCookie(
  request: Request,
  settings: CookieSettings,
  { token, maxAgeSeconds, preferHost }: NewCookie,
): string {
  const travel = travelOf(request, settings)
  return setCookie(travel.secure && preferHost ? HOST_COOKIE : COOKIE, token, maxAgeSeconds, travel)
}

/**
 * The headers that hand a new session to a browser. Browsers keep partitioned and other cookies apart and send both:
 * one of the same name that travelled otherwise, before the setting was changed, must go, or there are two for ever.
 * It goes first: a browser that knows no partitions takes the two for one.
 */
export function signInCookies(
  request: Request,
  settings: CookieSettings,
  issued: NewCookie,
  carried: readonly CarriedToken[],
): string[] {
  const cookie = issueCookie(request, settings, issued)
  const name = cookie.slice(0, cookie.indexOf('='))
  const before = carried.filter(({ cookieName }) => cookieName === name).length
  const partitioned = settings.cookieSameSite === 'none'
  if (before < (partitioned ? 1 : 2)) return [cookie]
  return [clearCookie(name, { sameSite: partitioned ? 'lax' : 'none', secure: true }), cookie]
}

/** The header that makes a browser forget one of its cookies. */
export function forgetCookie(request: Request, settings: CookieSettings, name: string): string {
  return clearCookie(name, travelOf(request, settings))
}

function travelOf(request: Request, settings: CookieSettings): CookieTravel {
  return { sameSite: settings.cookieSameSite, secure: cookiesAreSecure(request, settings) }
}
