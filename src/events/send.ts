/** One attempt to deliver a message: what was answered, or why nothing was. */
import { DELIVERY_TIMEOUT_MILLISECONDS, MAX_ANSWER_LENGTH } from '../limits.ts'
import { causeOf } from '../time-limit.ts'
import { parseRetryAfter } from './retries.ts'

/** What came of an attempt. */
export interface Answer {
  /** Null: nothing was answered, and `text` says why. */
  readonly status: number | null
  /** The beginning of the body. */
  readonly text: string
  /** What the endpoint asked for, in milliseconds. */
  readonly retryAfter: number | null
}

/** Whether a message was taken: it was answered with 2xx. */
export function isTaken(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300
}

/** Posts a message. No redirect is followed: whoever answers is the one that was named. */
export async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
  // Reading the answer is within the limit too.
  const signal = AbortSignal.timeout(DELIVERY_TIMEOUT_MILLISECONDS)
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal,
      headers: { 'content-type': 'application/json', 'user-agent': 'Latchkey-Webhooks/1', ...headers },
      body,
    })
    const retryAfter = parseRetryAfter(response.headers.get('retry-after'), Date.now())
    return { status: response.status, text: await beginningOf(response), retryAfter }
  } catch (error) {
    const seconds = DELIVERY_TIMEOUT_MILLISECONDS / 1000
    const text = signal.aborted ? `no answer within ${seconds} s` : causeOf(error).message.slice(0, MAX_ANSWER_LENGTH)
    return { status: null, text, retryAfter: null }
  }
}

/** As much of a body as is kept; the rest is not read. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  let text = ''
  while (text.length < MAX_ANSWER_LENGTH) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  await reader.cancel()
  return text.slice(0, MAX_ANSWER_LENGTH)
}
