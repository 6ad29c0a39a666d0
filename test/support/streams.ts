/** Who listens to a session. */
import { expect, vi } from 'vitest'
import { type RequestOptions, send, type TestSession } from './requests.ts'
import { look } from './secrets-shown.ts'

/** A message. */
export type Told = Readonly<Record<string, unknown>>

export interface Listener {
  /** What was told so far. */
  readonly told: readonly Told[]
  /** How the stream was closed; null while it is open. */
  readonly closed: { readonly code: number; readonly reason: string } | null
  readonly send: (text: string) => void
  readonly leave: () => void
}

const EVENTS = '/sessions/current/events'
export const UPGRADE = { upgrade: 'websocket' }

/** Asks for the stream of a session as a WebSocket, with its token as the bearer. */
export function askToListen(session: TestSession, options: RequestOptions = {}): Promise<Response> {
  const { address } = session.user
  return send(EVENTS, { address, bearer: session.token, ...options, headers: { ...UPGRADE, ...options.headers } })
}

/** Listens on a WebSocket. */
export async function listen(session: TestSession, options: RequestOptions = {}): Promise<Listener> {
  const response = await askToListen(session, options)
  const { webSocket } = response
  if (webSocket === null) throw new Error(`${response.status} ${await response.text()}`)
  expect(response.status).toBe(101)
  return listenTo(webSocket)
}

/** The same on a WebSocket that is there. */
export function listenTo(webSocket: WebSocket): Listener {
  const told: Told[] = []
  let closed: Listener['closed'] = null
  webSocket.addEventListener('message', ({ data }) => {
    look('a WebSocket', String(data))
    told.push(data === 'pong' ? { type: data } : JSON.parse(String(data)))
  })
  webSocket.addEventListener('close', ({ code, reason }) => {
    closed = { code, reason }
  })
  webSocket.accept()
  return {
    told,
    get closed() {
      return closed
    },
    send: (text) => webSocket.send(text),
    leave: () => webSocket.close(),
  }
}

/** Listens by server-sent events. */
export async function listenByEvents(session: TestSession, options: RequestOptions = {}): Promise<Listener> {
  const { address } = session.user
  const response = await send(EVENTS, { address, bearer: session.token, ...options })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  return readEvents(response.body as ReadableStream<Uint8Array>)
}

/** The same of a stream that is there. */
export function readEvents(body: ReadableStream<Uint8Array>): Listener {
  const told: Told[] = []
  let closed: Listener['closed'] = null
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const read = async () => {
    for (let text = ''; ; ) {
      const { done, value } = await reader.read()
      if (done) break
      const blocks = (text + decoder.decode(value, { stream: true })).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks.filter((one) => !one.startsWith(':'))) {
        const [, event, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
        const message = JSON.parse(data)
        expect(message.type).toBe(event)
        told.push(message)
      }
    }
    closed = { code: 0, reason: 'the end' }
  }
  read().catch(() => undefined)
  return {
    told,
    get closed() {
      return closed
    },
    send: () => undefined,
    leave: () => void reader.cancel(),
  }
}

/** Resolves once a listener was told something of a type; answers it. */
export function toldOf(listener: Listener, type: string): Promise<Told> {
  return vi.waitFor(
    () => {
      const found = listener.told.find((one) => one.type === type)
      if (found === undefined) throw new Error(`not told of ${type}: ${JSON.stringify(listener.told)}`)
      return found
    },
    { timeout: 10_000, interval: 5 },
  )
}
