/** Where a page leads on to: own paths, and pages of allowed origins. Nothing else, or anybody could lead users astray. */
import { isAllowedOrigin, type Origins } from '../../auth/origins.ts'

/**
 * The address to go on to; null where there is none, or none that is allowed. It is read as browsers read it, and used
 * whole: of `/.//evil.example` the path alone would be another host.
 */
export function returnTarget(request: Request, origins: Origins, asked: string | undefined): URL | null {
  const url = asked === undefined ? null : URL.parse(asked, new URL('/', request.url))
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null
  return isAllowedOrigin(url.origin, origins) ? url : null
}

/** The other origin that an address leads to; null for our own. */
export function otherOrigin(request: Request, target: URL | null): string | null {
  return target === null || target.origin === new URL(request.url).origin ? null : target.origin
}
