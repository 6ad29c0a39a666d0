/** Who may use the cookie: pages of our own origins and of the configured ones. */
import { mediaType } from '../http/body.ts'

export interface Origins {
  readonly publicOrigins: readonly string[]
  readonly allowedOrigins: readonly string[]
}

/**
 * Whether an unsafe request that uses or sets the cookie may do so. Browsers send `Origin` with those; old
 * ones at least `Sec-Fetch-Site`. A client that sends neither is no browser, or a form: JSON only.
 */
export function originAllowed(request: Request, origins: Origins): boolean {
  const origin = request.headers.get('origin')
  if (origin !== null) return isAllowedOrigin(origin, origins)
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  return hasNoBody(request) || mediaType(request) === 'application/json'
}

/** Whether a request may change something. */
export function isUnsafe({ method }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/**
 * Whether an unsafe request that administers by a cookie is meant by the page that makes it: one of these origins, with
 * a header that no form can send, nor a foreign page without asking first. Unlike above, no client may leave them out.
 */
export function isMeant(request: Request, origins: readonly string[]): boolean {
  const origin = request.headers.get('origin')
  return origin !== null && origins.includes(origin) && request.headers.get('latchkey-console') === '1'
}

/** Whether pages of an origin may use the cookie. */
export function isAllowedOrigin(origin: string, origins: Origins): boolean {
  return origins.publicOrigins.includes(origin) || origins.allowedOrigins.includes(origin)
}

/**
 * Whether cookies must be `Secure`: always, but where the request's own origin is configured as plain http.
 */
export function cookiesAreSecure(request: Request, origins: Origins): boolean {
  const { protocol, origin } = new URL(request.url)
  return protocol !== 'http:' || !origins.publicOrigins.includes(origin)
}

/** Decided by the headers, since a proxy may add an empty body where there was none. A form always names its type. */
function hasNoBody(request: Request): boolean {
  const length = request.headers.get('content-length')
  return request.headers.get('content-type') === null && (length === null || length === '0')
}
