/** Lists as lines of JSON, however long they are. */
import type { SessionError } from '../domain/errors.ts'
import { ok, type Result } from '../domain/result.ts'
import type { HandlerResult } from './route.ts'

export const NDJSON = 'application/x-ndjson'

/** Some lines, and where the next ones begin; null: there are no more. */
export interface Lines {
  readonly lines: readonly unknown[]
  readonly nextCursor: string | null
}

/** Whether a request names the media type among those that it takes. */
export function acceptsNdjson(request: Request): boolean {
  const accepted = (request.headers.get('accept') ?? '').split(',')
  return accepted.some((range) => range.split(';')[0]?.trim().toLowerCase() === NDJSON)
}

/**
 * Streams all that `read` has. A page is read when the reader has taken the one before, and none once it has gone. If
 * one cannot be read the stream breaks off, so that nobody takes a part for the whole.
 */
export async function streamLines(
  cursor: string | null,
  read: (cursor: string | null) => Promise<Result<Lines, SessionError>>,
): HandlerResult {
  const first = await read(cursor)
  if (!first.ok) return first
  let page = first.value
  let isRead = true
  let isGone = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (!isGone) {
          if (!isRead) {
            const next = await read(page.nextCursor)
            if (isGone) return
            if (!next.ok) return controller.error(new Error(next.error.code))
            page = next.value
          }
          isRead = page.nextCursor === null
          if (page.lines.length > 0) {
            controller.enqueue(new TextEncoder().encode(page.lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
          }
          if (page.nextCursor === null) return controller.close()
          if (page.lines.length > 0) return
        }
      },
      cancel() {
        isGone = true
      },
    },
    { highWaterMark: 0 },
  )
  return ok(new Response(body, { headers: { 'content-type': NDJSON, 'cache-control': 'no-store' } }))
}
