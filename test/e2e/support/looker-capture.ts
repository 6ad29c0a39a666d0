/** The bytes that Looker's python client sent, with the answers that it got. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One request and its answer. */
export interface Exchange {
  /** Request line and headers, as they were captured. */
  readonly head: readonly string[]
  readonly body: string
  /** Whether the body came in a write of its own. */
  readonly apart: boolean
  readonly status: number
  readonly answer: unknown
}

const FILE = join(import.meta.dirname, '../../fixtures/looker/looker-py.txt')
const WRITE = '--- bytes from client\n'

/** The exchanges in order. Each body is as long as its header says. */
export function readCapture(): Exchange[] {
  const exchanges = readFileSync(FILE, 'utf8').matchAll(/([\s\S]*?)\n# -> (\d{3}) \{.*?\} ?(.*)\n/g)
  return [...exchanges].map(([, sent = '', status = '', answer = '']) => {
    const writes = sent.split(WRITE).slice(1)
    const [first = ''] = writes
    const end = first.indexOf('\r\n\r\n')
    const head = first.slice(0, end).split('\r\n')
    const body = (writes[1] ?? first.slice(end)).trim()
    const declared = head.flatMap((line) => /^content-length: (\d+)$/i.exec(line)?.[1] ?? [])
    if (Number(declared[0] ?? 0) !== body.length) throw new Error(`the capture is torn at ${head[0]}`)
    const json = answer === '' ? undefined : JSON.parse(answer)
    return { head, body, apart: writes.length > 1, status: Number(status), answer: json }
  })
}
