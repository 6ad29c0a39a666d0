/**
 * Whether tests still run where they began. Vitest has workerd go on, once a promise is resolved, in the request that
 * resolves it: a test that waits for a promise which the Worker resolves goes on as a request of the Worker, and so does
 * every test after it. When that request is over, its timers and all that it waits for are gone, without a word.
 */

const MINE = Symbol.for('latchkey.runner-context')

/** What only the request that made it may use. The isolate's: all files of tests are run by one. */
const mine = (Reflect.get(globalThis, MINE) as WebSocket | undefined) ?? make()

function make(): WebSocket {
  const [socket] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
  socket.accept()
  Reflect.set(globalThis, MINE, socket)
  return socket
}

export function isInRunner(): boolean {
  try {
    mine.send('')
    return true
  } catch {
    return false
  }
}
