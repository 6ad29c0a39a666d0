/** What no answer may be, whatever was asked. */
import type { HostileRequest } from './requests.ts'
import { MARKUP } from './texts.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly milliseconds: number
}

/** A body is waited for 10 s. */
const LONGEST_MILLISECONDS = 15_000
/** Words of the platform, of D1 and of our own source. */
export const INTERNAL =
  /SQLITE|D1_ERROR|no such (?:table|column)|\bat \w+ \(|\.ts:\d|drizzle|Cannot read propert|is not a function|internal error; reference/
/** Slack answers 200 to a bug too. */
const SLACK_BUG = /^\{"ok":false,"error":"(?:internal_error|fatal_error)"/

/** What is wrong with an answer; null if nothing is. `marks` are words that nobody who asks may read. */
export function findingIn(request: HostileRequest, answer: Answer, marks: readonly string[]): string | null {
  const { status, headers, text, milliseconds } = answer
  const { operation } = request
  if (milliseconds > LONGEST_MILLISECONDS) return `answered after ${milliseconds} ms`
  if (status === 503 && operation.statuses.has(503) && headers.has('retry-after')) return null
  if (status >= 500 && !(operation.statuses.has(status) && status !== 500)) return `answered ${status}: ${cut(text)}`
  if (SLACK_BUG.test(text)) return `answered a bug: ${cut(text)}`
  if (marks.some((mark) => text.includes(mark))) return `shows what the caller may not see: ${cut(text)}`
  const said = `${decodeURIComponentSafely(request.target)} ${new TextDecoder().decode(request.body ?? new Uint8Array())}`
  const internal = INTERNAL.exec(text)?.[0]
  if (internal !== undefined && !said.includes(internal)) return `speaks of its inside: ${cut(text)}`
  return formOf(headers, text)
}

/** What no answer may look like, whatever it says. */
export function formOf(headers: Headers, text: string): string | null {
  for (const name of ['x-request-id', 'x-content-type-options', 'content-security-policy', 'referrer-policy']) {
    if (!headers.has(name)) return `has no ${name}`
  }
  const type = headers.get('content-type') ?? ''
  if (type.includes('json') && text !== '' && !isJson(text)) return `is no JSON: ${cut(text)}`
  if (type.startsWith('text/html') && MARKUP.some((markup) => text.includes(markup)))
    return `has foreign markup: ${cut(text)}`
  if (text !== '' && type === '') return 'has no media type'
  const foreign = headers
    .getSetCookie()
    .filter((cookie) => !/^(?:__Host-)?(?:sessionid|latchkey_device|latchkey-operator)=/.test(cookie))
  if (foreign.length > 0) return `sets a foreign cookie: ${foreign.join()}`
  return /evil\.example/.test(headers.get('location') ?? '') ? 'leads to a foreign page' : null
}

function isJson(text: string): boolean {
  try {
    for (const line of text.split('\n')) if (line !== '') JSON.parse(line)
    return true
  } catch {
    return false
  }
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

/** A request as a person can read it, and send again. */
export function show({ operation, method, target, headers, body, delivery, signer }: HostileRequest): string {
  const text = body === null ? '' : `\n${JSON.stringify(new TextDecoder('latin1').decode(body.subarray(0, 2_000)))}`
  const lines = headers.map(([name, value]) => `${name}: ${JSON.stringify(value.slice(0, 300))}`)
  const how = `${delivery}${body === null ? '' : `, ${body.length} bytes`}${signer === null ? '' : `, signed (${signer.fault})`}`
  return `${operation.id}: ${method} ${target.slice(0, 2_000)} (${how})\n${lines.join('\n')}${text}`
}
