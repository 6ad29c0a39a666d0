/** Server-sent events made of what comes on a WebSocket: for how long somebody is taken to read them. */
import { afterEach, expect, test, vi } from 'vitest'
import { eventStream } from '../../src/http/event-stream.ts'

const BEAT = 20_000

afterEach(() => void vi.useRealTimers())

/** A stream, and what its other side was sent. */
function opened() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const [near, far] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
  const pings: unknown[] = []
  far.accept()
  far.addEventListener('message', ({ data }) => pings.push(data))
  const reader = eventStream(near, BEAT).getReader()
  return { far, pings, reader }
}

test('who reads is pinged for at each beat; who has vanished without a word is not, and nothing piles up', async () => {
  const { far, pings, reader } = opened()
  await reader.read()
  for (let beats = 1; beats <= 3; beats += 1) {
    vi.advanceTimersByTime(BEAT)
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(': \n\n')
    await vi.waitFor(() => expect(pings).toHaveLength(beats))
  }
  vi.advanceTimersByTime(10 * BEAT)
  far.send('{"type":"ended"}')
  let text = ''
  while (!text.includes('event:')) text += new TextDecoder().decode((await reader.read()).value)
  expect(text).toBe(': \n\nevent: ended\ndata: {"type":"ended"}\n\n')
  // One beat passes before it is seen that nobody has read the one before.
  expect(pings).toHaveLength(4)
  await reader.cancel()
})
