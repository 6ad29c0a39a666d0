/** Reading and writing cookies. */
import { stringifySetCookie } from 'cookie'

/** Longest life that browsers give a cookie, in seconds (400 days). Source: RFC 6265bis, section 5.5. */
export const MAX_COOKIE_SECONDS = 400 * 86_400

/**
 * Every different value of a cookie in a request. A client with two of one name cannot be told apart
 * from one that was given a second by somebody else, so the caller must see both.
 */
export function cookieValues(request: Request, name: string): string[] {
  const header = request.headers.get('cookie')
  if (header === null || !header.includes(name)) return []
  // Two Cookie headers arrive joined by a comma.
  const values = header.split(/[;,]/).flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  return [...new Set(values)]
}

/** Which requests that pages of other sites cause may carry a cookie. */
export type SameSite = 'lax' | 'strict' | 'none'

/** How a cookie travels. `none` is always Secure too, without which browsers drop it, and Partitioned. */
export interface CookieTravel {
  readonly sameSite: SameSite
  /** Over https only. */
  readonly secure: boolean
}

/**
 * A Set-Cookie header for a cookie that scripts cannot read: HttpOnly, Path=/.
 * @param maxAgeSeconds null for a cookie that ends with the browser
 */
export function setCookie(name: string, value: string, maxAgeSeconds: number | null, travel: CookieTravel): string {
  const everywhere = travel.sameSite === 'none'
  return stringifySetCookie({
    name,
    value,
    path: '/',
    httpOnly: true,
    sameSite: travel.sameSite,
    secure: travel.secure || everywhere,
    partitioned: everywhere,
    ...(maxAgeSeconds === null ? {} : { maxAge: Math.max(0, Math.min(Math.floor(maxAgeSeconds), MAX_COOKIE_SECONDS)) }),
  })
}

/** A Set-Cookie header that makes the client forget a cookie. */
export function clearCookie(name: string, travel: CookieTravel): string {
  return setCookie(name, '', 0, travel)
}
