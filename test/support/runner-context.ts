/**
 * Whether tests still run where they began. Vitest has workerd go on, once a promise is resolved, in the request that
 * resolves it: a test that waits for a promise which the Worker resolves goes on as a request of the Worker, and so does
 * every test after it. When that request is over, its timers and all that it waits for are gone, without a word.
 */
import { ofIsolate } from './of-isolate.ts'

/** What only the request that made it may use. */
const mine = ofIsolate('runner-context', () => {
  const [socket] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
  socket.accept()
  return socket
})

export function isInRunner(): boolean {
  try {
    mine.send('')
    return true
  } catch {
    return false
  }
}
