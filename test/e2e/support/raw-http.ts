/** HTTP by the byte, for requests that were captured from a client and are to be sent as they were. */
import { connect, type Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { lookInAnswer } from '../../support/secrets-shown.ts'

export interface RawResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A connection that stays open from one request to the next. */
export class RawConnection {
  private readonly socket: Socket
  private received = Buffer.alloc(0)
  private wake = () => {}

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.socket = connect(Number(port), hostname)
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
      this.wake()
    })
    this.socket.on('close', () => this.wake())
  }

  /** Sends the parts of one request, each in a write of its own, and waits for the whole answer. */
  async send(parts: readonly string[]): Promise<RawResponse> {
    for (const part of parts) await new Promise((written) => this.socket.write(part, written))
    const head = (await this.until('\r\n\r\n')).toString('latin1').split('\r\n')
    const headers = new Map(
      head.slice(1).flatMap((line) => {
        const at = line.indexOf(':')
        return at < 0 ? [] : [[line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const]
      }),
    )
    const body = await this.body(headers)
    const zipped = body.length > 0 && headers.get('content-encoding') === 'gzip'
    const plain = (zipped ? gunzipSync(body) : body).toString()
    lookInAnswer(plain, false)
    return { status: Number(head[0]?.split(' ')[1]), headers, body: plain }
  }

  close(): void {
    this.socket.destroy()
  }

  private async body(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    if (headers.get('transfer-encoding') !== 'chunked') {
      return this.take(Number(headers.get('content-length') ?? 0))
    }
    const chunks: Buffer[] = []
    for (;;) {
      const size = Number.parseInt((await this.until('\r\n')).toString(), 16)
      chunks.push(await this.take(size))
      await this.until('\r\n')
      if (size === 0) return Buffer.concat(chunks)
    }
  }

  private async until(mark: string): Promise<Buffer> {
    while (!this.received.includes(mark)) await this.more()
    const found = await this.take(this.received.indexOf(mark) + mark.length)
    return found.subarray(0, -mark.length)
  }

  private async take(length: number): Promise<Buffer> {
    while (this.received.length < length) await this.more()
    const taken = this.received.subarray(0, length)
    this.received = this.received.subarray(length)
    return taken
  }

  private async more(): Promise<void> {
    if (this.socket.closed) throw new Error(`the connection was closed after ${this.received.toString()}`)
    await new Promise<void>((resolve) => {
      this.wake = resolve
    })
  }
}
