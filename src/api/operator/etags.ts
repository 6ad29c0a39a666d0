/** `ETag` and `If-None-Match`: who asks again is not sent what it has. It saves bytes, not reads: the answer is made all the same. */
import { hash } from 'node:crypto'
import type { HandlerResult } from '../route.ts'

/** A JSON answer with an `ETag` (its own, or one made of its text); 304 instead where the request names that tag. */
export async function withEtag(request: Request, result: Awaited<HandlerResult>): HandlerResult {
  if (!result.ok || result.value.headers.get('content-type') !== 'application/json') return result
  const { status, headers } = result.value
  const text = await result.value.text()
  const tag = headers.get('etag') ?? `W/"${hash('sha256', text, 'base64url').slice(0, TAG_LENGTH)}"`
  headers.set('etag', tag)
  const isKnown = (request.headers.get('if-none-match') ?? '').split(/,\s*/).some((one) => weak(one) === weak(tag))
  if (!isKnown) return { ok: true, value: new Response(text, { status, headers }) }
  headers.delete('content-type')
  return { ok: true, value: new Response(null, { status: 304, headers }) }
}

/** Enough that no two answers are taken for each other. */
const TAG_LENGTH = 22

/** A proxy that compresses makes a tag weak. */
function weak(tag: string): string {
  return tag.replace(/^W\//, '')
}
