/** A `fetch` for who asks every few seconds: what has not changed is not sent again. */

/** How many answers are kept: what a screen asks for, and the screens before. */
const KEPT = 20

interface Kept {
  readonly tag: string
  readonly text: string
}

/** Makes one that keeps the last answers with an `ETag`, and gives them out where the service says 304. */
export function frugal(send: (request: Request) => Promise<Response>): typeof fetch {
  const kept = new Map<string, Kept>()
  return async (input, init) => {
    const request = new Request(input, init)
    if (request.method !== 'GET') return send(request)
    const { url } = request
    const known = kept.get(url)
    if (known !== undefined) request.headers.set('if-none-match', known.tag)
    const response = await send(request)
    kept.delete(url)
    const { headers } = response
    if (response.status === 304 && known !== undefined) {
      kept.set(url, known)
      return new Response(known.text, { headers: { 'content-type': 'application/json' } })
    }
    const tag = headers.get('etag')
    if (response.status !== 200 || tag === null) return response
    const text = await response.text()
    kept.set(url, { tag, text })
    for (const oldest of [...kept.keys()].slice(0, -KEPT)) kept.delete(oldest)
    return new Response(text, { headers })
  }
}
