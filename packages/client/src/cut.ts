/** Cuts off what outlives its request when the session ends: streamed answers and WebSockets. Speaks of no framework. */
import type { EndedOptions } from './client.ts'
import { sessionOf, visitOf } from './guard.ts'
import type { SessionOver } from './session-over.ts'

/** RFC 6455, section 7.4.1. */
const [NORMAL, POLICY_VIOLATED] = [1000, 1008]
const NO_CODES = [1005, 1006, 1015]

/** A WebSocket of Workers, which an answer may have. */
interface Socket {
  accept(): void
  send(data: unknown): void
  close(code?: number, reason?: string): void
  addEventListener(
    type: 'message' | 'close',
    listener: (event: { data: unknown; code: number; reason: string }) => void,
  ): void
}

/**
 * A signal that is aborted when the session of a request ends, as `sessions.ended` has it. Hand it a `signal` that is
 * aborted when the answer is done: until then a connection is held.
 */
export function sessionEnded(request: object, options: EndedOptions = {}): AbortSignal {
  const visit = visitOf(request)
  if (visit === undefined) throw new Error('sessionEnded needs sessionMiddleware before it.')
  return visit.ended(options)
}

/**
 * The same answer, streamed or with a WebSocket of Workers, cut off when the session of its request ends. That of a request
 * without a session stays as it is.
 */
export function endWithSession(request: object, response: Response): Response {
  if (sessionOf(request) === null) return response
  const { webSocket } = response as { webSocket?: Socket | null }
  if (webSocket) return relayed(request, response, webSocket)
  return response.body === null ? response : new Response(limited(request, response.body), response)
}

function limited(request: object, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const done = new AbortController()
  const ended = sessionEnded(request, { signal: done.signal })
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>({
    start(controller) {
      ended.addEventListener('abort', () => {
        controller.close()
        reader.cancel(ended.reason).catch(() => undefined)
      })
    },
    async pull(controller) {
      const read = await reader.read()
      if (ended.aborted) return
      if (!read.done) return controller.enqueue(read.value)
      done.abort()
      controller.close()
    },
    cancel(reason) {
      done.abort()
      return reader.cancel(reason)
    },
  })
}

function relayed(request: object, response: Response, inner: Socket): Response {
  const { WebSocketPair } = globalThis as unknown as { WebSocketPair: new () => Record<string, Socket> }
  const [webSocket, outer] = Object.values(new WebSocketPair()) as [Socket, Socket]
  const done = new AbortController()
  for (const [from, to] of [
    [inner, outer],
    [outer, inner],
  ] as const) {
    from.accept()
    from.addEventListener('message', ({ data }) => to.send(data))
    from.addEventListener('close', ({ code, reason }) => {
      done.abort()
      // What says that there was no code cannot be sent.
      to.close(NO_CODES.includes(code) ? NORMAL : code, reason)
    })
  }
  const ended = sessionEnded(request, { signal: done.signal })
  ended.addEventListener('abort', () => {
    for (const socket of [inner, outer]) socket.close(POLICY_VIOLATED, (ended.reason as SessionOver).reason)
  })
  return new Response(null, { status: 101, headers: response.headers, webSocket } as ResponseInit)
}
