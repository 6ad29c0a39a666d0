/** Responses that the APIs have in common. */

const NOT_STORED = { 'cache-control': 'no-store' }

/** JSON that no cache may keep. */
export function json(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: NOT_STORED })
}

/** Success without a body. */
export function empty(status: 200 | 204 = 204): Response {
  return new Response(null, { status, headers: NOT_STORED })
}

/** An instant as RFC 3339 writes it, in UTC. */
export function timestamp(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString()
}
