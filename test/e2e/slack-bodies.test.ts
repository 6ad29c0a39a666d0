/** A body that does not come: shown on workerd's own socket. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Served, serve } from './support/served.ts'

let server: Served

beforeAll(async () => {
  server = await serve()
})

afterAll(async () => {
  await server?.stop()
})

/** Sends the head of a request and a part of its body; answers what comes back, and after how many milliseconds. */
function sendPart(part: string, halfClose: boolean): Promise<{ answer: string; after: number }> {
  const { hostname, port } = server.socket
  const started = Date.now()
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('data', (text: string) => {
      answer += text
      if (!answer.includes('}')) return
      socket.destroy()
      resolve({ answer, after: Date.now() - started })
    })
    socket.on('end', () => resolve({ answer, after: Date.now() - started }))
    socket.write(
      [
        'POST /api/admin.users.session.list HTTP/1.1',
        `Host: ${hostname}`,
        'Authorization: Bearer nope',
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 100',
        '',
        part,
      ].join('\r\n'),
    )
    if (halfClose) socket.end()
  })
}

test('a body that breaks off, and one that is not complete within 10 s, are answered request_timeout', async () => {
  const [broken, stalled] = await Promise.all([sendPart('limit=', true), sendPart('limit=', false)])
  for (const { answer } of [broken, stalled]) {
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toContain('{"ok":false,"error":"request_timeout"}')
  }
  expect(broken.after).toBeLessThan(9_000)
  expect(stalled.after).toBeGreaterThanOrEqual(9_900)
})
