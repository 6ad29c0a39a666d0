/** A receiver of webhooks on this machine, which takes whatever comes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Message {
  readonly headers: Record<string, string>
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly messages: readonly Message[]
  readonly stop: () => void
}

export async function receive(): Promise<Receiver> {
  const messages: Message[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    messages.push({ headers: request.headers as Record<string, string>, body })
    response.end('taken')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    messages,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
