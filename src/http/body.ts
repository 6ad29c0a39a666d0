/** Bodies of requests and answers, read whole within limits of size and time. */

/** Largest body of an ordinary request, in bytes (64 KiB). */
export const MAX_BODY_BYTES = 65_536
/** Largest body of a bulk request, in bytes (2 MiB). */
export const MAX_BULK_BODY_BYTES = 2_097_152
/** Longest wait for a whole body, in milliseconds. */
const BODY_TIMEOUT_MILLISECONDS = 10_000

/** Why a body could not be read. */
export type BodyFault =
  | { readonly code: 'request_too_large'; readonly limitBytes: number }
  /** It broke off, or was not complete in time. */
  | { readonly code: 'request_timeout' }

export type BodyResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: BodyFault }

/** The raw bytes of a body; empty if there is none. */
export async function readBody(
  message: Pick<Request, 'headers' | 'body'>,
  limitBytes = MAX_BODY_BYTES,
): Promise<BodyResult<Uint8Array>> {
  const tooLarge = { ok: false, error: { code: 'request_too_large', limitBytes } } as const
  const declared = Number(message.headers.get('content-length') ?? 0)
  if (declared > limitBytes) return tooLarge
  if (message.body === null) return { ok: true, value: new Uint8Array() }

  const reader = message.body.getReader()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), BODY_TIMEOUT_MILLISECONDS)
  })
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const part = await Promise.race([reader.read(), late])
      if (part === 'late') break
      if (part.done) return { ok: true, value: concatenate(chunks, size) }
      size += part.value.length
      if (size > limitBytes) {
        void reader.cancel().catch(() => undefined)
        return tooLarge
      }
      chunks.push(part.value)
    }
  } catch {
    // The client went away in the middle.
  } finally {
    clearTimeout(timer)
  }
  void reader.cancel().catch(() => undefined)
  return { ok: false, error: { code: 'request_timeout' } }
}

/** The media type of a request without its parameters, in lower case; null if there is none. */
export function mediaType(request: Request): string | null {
  // Some documentation prints the value in quotes, and some clients send it so.
  const header = request.headers.get('content-type')?.replaceAll('"', '')
  return header?.split(';')[0]?.trim().toLowerCase() || null
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Bytes as UTF-8 text; null if they are none. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return UTF_8.decode(bytes)
  } catch {
    return null
  }
}

function concatenate(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const only = chunks[0]
  if (chunks.length === 1 && only !== undefined) return only
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}
