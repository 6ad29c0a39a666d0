/** Sends requests over a socket, as they are written. */
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { type HostileRequest, waitFor } from './requests.ts'
import { signedHeaders } from './signing.ts'
import type { Answer } from './verdict.ts'

/** Longer than any answer may take. */
const PATIENCE_MILLISECONDS = 30_000

/** A request that was cut off may be answered or not. */
const CUT_OFF_MILLISECONDS = 2_000

const agent = new Agent({ keepAlive: true, maxSockets: 4 })

/**
 * The answer; null where it cannot be sent, or was cut off and nobody answered. Status 0: there was none in time.
 * @param host as the request says it
 */
export function sendOver(url: URL, host: string, request: HostileRequest): Promise<Answer | null> {
  const { method, target, body, delivery } = request
  const broken = delivery === 'broken' && body !== null && body.length > 0
  /** For how long an answer may come, or not. */
  const hopeMilliseconds = broken ? CUT_OFF_MILLISECONDS : waitFor(request)
  const headers = [
    ...signedHeaders(request, host).filter(([, value]) => value !== ''),
    ...(body === null
      ? []
      : delivery === 'in pieces' || delivery === 'slowly'
        ? [['transfer-encoding', 'chunked']]
        : [['content-length', String(body.length)]]),
  ]
  const begun = performance.now()
  return new Promise((resolve) => {
    const none = (status: number) => ({
      status,
      headers: new Headers(),
      text: '',
      milliseconds: performance.now() - begun,
    })
    let outgoing: ReturnType<typeof httpRequest>
    try {
      const options = {
        host: url.hostname,
        port: url.port,
        method,
        path: target,
        agent: broken || delivery === 'stalled' ? false : agent,
      }
      outgoing = httpRequest({ ...options, headers: headers.flat() as unknown as Record<string, string> })
    } catch {
      // Node writes no such header or path.
      return resolve(null)
    }
    const late = setTimeout(() => {
      outgoing.destroy()
      resolve(hopeMilliseconds === null ? none(0) : null)
    }, hopeMilliseconds ?? PATIENCE_MILLISECONDS)
    const done = (answer: Answer | null) => {
      clearTimeout(late)
      resolve(answer)
    }
    outgoing.on('response', (response) =>
      readWhole(response).then(
        (text) => done({ ...headOf(response), text, milliseconds: performance.now() - begun }),
        () => done(hopeMilliseconds === null ? none(0) : null),
      ),
    )
    outgoing.on('error', () => done(null))
    if (body === null) return void outgoing.end()
    if (delivery === 'slowly') return void writeSlowly(outgoing, body)
    const middle = Math.ceil(body.length / 2)
    outgoing.write(body.subarray(0, middle))
    if (delivery === 'stalled') return
    if (broken) return void outgoing.socket?.end()
    outgoing.end(body.subarray(middle))
  })
}

/** In eight pieces, some milliseconds apart. */
async function writeSlowly(outgoing: ClientRequest, body: Uint8Array): Promise<void> {
  const size = Math.max(1, Math.ceil(body.length / 8))
  for (let at = 0; at < body.length && !outgoing.destroyed; at += size) {
    outgoing.write(body.subarray(at, at + size))
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  outgoing.end()
}

function headOf(response: IncomingMessage) {
  const headers = new Headers()
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    headers.append(response.rawHeaders[at] ?? '', response.rawHeaders[at + 1] ?? '')
  }
  return { status: response.statusCode ?? 0, headers }
}

async function readWhole(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) {
    chunks.push(chunk)
    // Such a stream goes on until its session ends; to leave closes it.
    if (response.headers['content-type'] === 'text/event-stream') break
  }
  return Buffer.concat(chunks).toString()
}
