/** Cross-origin access, for configured origins only, with the cookie. */

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const HEADERS = 'Authorization, Content-Type, Cache-Control, Idempotency-Key, If-Match, If-None-Match, Latchkey-Console'
const EXPOSED = 'Age, ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id'

/** The answer to a preflight request; null if the request is none. */
export function preflight(request: Request, isAllowed: (origin: string) => boolean): Response | null {
  if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method')) return null
  const headers = new Headers()
  const origin = request.headers.get('origin')
  if (origin !== null && isAllowed(origin)) {
    headers.set('access-control-allow-origin', origin)
    headers.set('access-control-allow-credentials', 'true')
    headers.set('access-control-allow-methods', METHODS)
    headers.set('access-control-allow-headers', HEADERS)
    headers.set('access-control-max-age', '600')
  }
  return new Response(null, { status: 204, headers })
}

/** Lets an allowed origin read an answer. */
export function allowOrigin(request: Request, response: Response, isAllowed: (origin: string) => boolean): void {
  const origin = request.headers.get('origin')
  if (origin === null || !isAllowed(origin)) return
  response.headers.set('access-control-allow-origin', origin)
  response.headers.set('access-control-allow-credentials', 'true')
  response.headers.set('access-control-expose-headers', EXPOSED)
}
