/** The application's session cookie. */
import type { Session } from './session.ts'

/** Name of the cookie, unless told otherwise: only the host itself can have set it, over https. */
export const COOKIE = '__Host-sessionid'
/** Longest life that browsers give a cookie, in seconds. The session decides when it ends, not its cookie. */
const MAX_COOKIE_SECONDS = 400 * 86_400

export interface CookieOptions {
  /** Default: `__Host-sessionid`, which needs https; on http only `localhost` has it, in most browsers. */
  readonly name?: string
  /** Default: `Lax`. */
  readonly sameSite?: 'Lax' | 'Strict'
  /** Default: true. */
  readonly secure?: boolean
}

/** A `Set-Cookie` header with a session's token, which scripts cannot read. */
export function sessionCookie(
  session: Pick<Session, 'persistent'>,
  token: string,
  options: CookieOptions = {},
): string {
  return setCookie(token, session.persistent ? MAX_COOKIE_SECONDS : null, options)
}

/** A `Set-Cookie` header that makes the browser forget the token. */
export function clearSessionCookie(options: CookieOptions = {}): string {
  return setCookie('', 0, options)
}

function setCookie(value: string, maxAgeSeconds: number | null, options: CookieOptions): string {
  const { name = COOKIE, sameSite = 'Lax', secure = true } = options
  const life = maxAgeSeconds === null ? '' : `; Max-Age=${maxAgeSeconds}`
  return `${name}=${value}; Path=/; HttpOnly; SameSite=${sameSite}${secure ? '; Secure' : ''}${life}`
}

/** The value of a cookie; null if there is none, or two: nobody can tell which of them is the browser's own. */
export function cookieValue(header: string | null | undefined, name: string): string | null {
  const values = new Set(
    (header ?? '').split(/[;,]/).flatMap((pair) => {
      const at = pair.indexOf('=')
      return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
    }),
  )
  const [only = null] = values
  return values.size === 1 ? only : null
}
