/** WebSockets of an application on Workers that end with the session. */
import { expect, test, vi } from 'vitest'
import { endWithSession, sessionMiddleware } from '../../packages/client/src/fetch.ts'
import { createTestClient } from '../../packages/client/src/testing.ts'

test('a WebSocket is cut off when its session ends, and hands on everything until then', async () => {
  const latchkey = createTestClient()
  const withSession = sessionMiddleware(latchkey, { cookie: 'sessionid' })
  const heard: unknown[] = []
  const closed: number[] = []
  const open = async () => {
    const cookie = `sessionid=${await latchkey.signIn('ada')}`
    const response = await withSession(new Request('https://app.pie.example/', { headers: { cookie } }), (request) => {
      const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
      server.accept()
      server.addEventListener('message', ({ data }) => {
        heard.push(data)
        server.send(`echo ${data}`)
      })
      server.addEventListener('close', ({ code }) => void closed.push(code))
      return endWithSession(request, new Response(null, { status: 101, webSocket: client }))
    })
    const { webSocket } = response
    if (webSocket === null) throw new Error('no socket')
    const answers: unknown[] = []
    webSocket.addEventListener('message', ({ data }) => void answers.push(data))
    webSocket.addEventListener('close', ({ code, reason }) => void answers.push([code, reason]))
    webSocket.accept()
    return { webSocket, answers }
  }
  const [left, cut] = [await open(), await open()]
  cut.webSocket.send('hello')
  await vi.waitFor(() => expect(cut.answers).toEqual(['echo hello']))
  expect(heard).toEqual(['hello'])
  await vi.waitFor(() => expect(latchkey.followers()).toBe(2))

  left.webSocket.close(1000)
  await vi.waitFor(() => expect(closed).toEqual([1000]))
  await vi.waitFor(() => expect(latchkey.followers()).toBe(1))

  latchkey.disableUser('ada')
  await vi.waitFor(() => expect(cut.answers).toEqual(['echo hello', [1008, 'user_disabled']]))
  await vi.waitFor(() => expect(closed).toEqual([1000, 1008]))
})
