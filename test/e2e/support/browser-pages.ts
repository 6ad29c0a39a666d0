/** Pages for a browser, and what stands between it and the service. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const PAGE = '<!doctype html><title>An application</title>'

export interface Pages {
  /** `http://127.0.0.1:port`, under which the service is reached too. */
  readonly origin: string
  /** The same port under the name `localhost`: another site. */
  readonly otherSite: string
  /** Holds the requests for a path back until `release`; resolves when one is held. */
  readonly hold: (path: string) => Promise<void>
  readonly release: () => void
  readonly stop: () => Promise<void>
}

/** Serves an empty page at `/page`, and hands everything else to the service. */
export async function servePages(port: number, service: string): Promise<Pages> {
  let heldPath: string | null = null
  let held: () => void = () => {}
  let waiting: (() => void)[] = []
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/page') {
      outgoing.setHeader('content-type', 'text/html')
      outgoing.end(PAGE)
    } else if (heldPath !== null && incoming.url === heldPath) {
      waiting.push(() => pass(incoming, outgoing, service))
      held()
    } else pass(incoming, outgoing, service)
  })
  server.on('upgrade', (incoming, socket) => passSocket(incoming, socket as Socket, service))
  await listen(server, port)
  return {
    origin: `http://127.0.0.1:${port}`,
    otherSite: `http://localhost:${port}`,
    hold(path) {
      heldPath = path
      return new Promise<void>((resolve) => {
        held = resolve
      })
    },
    release() {
      heldPath = null
      const those = waiting
      waiting = []
      for (const go of those) go()
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, service: string): void {
  const { method = 'GET', url = '/', headers } = incoming
  const onward = request(String(new URL(url, service)), {
    method,
    headers: { ...headers, host: new URL(service).host },
  })
  onward.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}

/** A WebSocket: what comes after the handshake is handed on as it is. */
function passSocket(incoming: IncomingMessage, socket: Socket, service: string): void {
  const { url = '/', headers } = incoming
  const onward = request(String(new URL(url, service)), { headers: { ...headers, host: new URL(service).host } })
  onward.on('upgrade', ({ rawHeaders }, other) => {
    const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []))
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
    socket.pipe(other).pipe(socket)
    for (const [one, two] of [
      [socket, other],
      [other, socket],
    ] as const) {
      one.on('error', () => two.destroy())
      one.on('close', () => two.destroy())
    }
  })
  onward.on('response', (answer) => {
    socket.end(`HTTP/1.1 ${answer.statusCode} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
    answer.resume()
  })
  onward.on('error', () => socket.destroy())
  onward.end()
}
