/** How a session token comes and goes: by cookie, or by `Authorization: Bearer`. */
import { clearCookie, cookieValues, setCookie } from '../http/cookies.ts'
import { cookiesAreSecure, type Origins } from './origins.ts'

/** The cookie's name in every API. */
export const COOKIE = 'sessionid'
/** The name that the own API prefers on https: only this host can have set it. */
export const HOST_COOKIE = '__Host-sessionid'

/** A token as it was presented; not yet verified. */
export interface PresentedToken {
  readonly token: string
  readonly carrier: 'cookie' | 'bearer'
  /** The cookie that it came in; null for a bearer. */
  readonly cookieName: string | null
}

/** The token in the session cookie; null for none, and for two different ones. */
export function cookieToken(request: Request, names: readonly string[] = [COOKIE]): PresentedToken | null {
  for (const name of names) {
    const values = cookieValues(request, name)
    if (values.length > 1) return null
    if (values[0] !== undefined) return { token: values[0], carrier: 'cookie', cookieName: name }
  }
  return null
}

/** The token after `Authorization: Bearer`. */
export function bearerToken(request: Request): PresentedToken | null {
  const match = /^Bearer +([^ ]+)$/i.exec(request.headers.get('authorization') ?? '')
  return match?.[1] === undefined ? null : { token: match[1], carrier: 'bearer', cookieName: null }
}

/** The header that hands a token to a browser. `maxAgeSeconds` null: until the browser ends. */
export function issueCookie(
  request: Request,
  origins: Origins,
  token: string,
  maxAgeSeconds: number | null,
  preferHost: boolean,
): string {
  const secure = cookiesAreSecure(request, origins)
  return setCookie(secure && preferHost ? HOST_COOKIE : COOKIE, token, maxAgeSeconds, secure)
}

/** The header that makes a browser forget one of its cookies. */
export function forgetCookie(request: Request, origins: Origins, name: string): string {
  return clearCookie(name, cookiesAreSecure(request, origins))
}

/** The headers that make a browser forget its token, under every name. */
export function forgetCookies(request: Request, origins: Origins): string[] {
  const secure = cookiesAreSecure(request, origins)
  return [clearCookie(COOKIE, secure), ...(secure ? [clearCookie(HOST_COOKIE, true)] : [])]
}
