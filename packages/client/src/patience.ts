/** How long a call may take, and when it is tried again. */
import { LatchkeyError } from './error.ts'

/** The code of what was asked before with the same key, and has no answer yet. */
export const RUNNING = 'idempotent_request_running'

/** What could not be asked. Never taken for an answer. */
export interface Unavailable {
  readonly ok: false
  readonly code: 'unavailable'
  readonly retryAfterSeconds: number
}

export function unavailable(retryAfterSeconds = 1): Unavailable {
  return { ok: false, code: 'unavailable', retryAfterSeconds }
}

export function isUnavailable(answer: unknown): answer is Unavailable {
  return (answer as Partial<Unavailable>).code === 'unavailable'
}

export interface Patience {
  /** Of the whole call, waiting and repeating included. */
  readonly timeoutMilliseconds: number
  /** How often it is tried again. 0 for what must not be done twice. */
  readonly retries: number
  readonly signal?: AbortSignal | undefined
}

const FIRST_PAUSE_MILLISECONDS = 50

/**
 * Tries until there is an answer, there is no try left, or the next one would come too late. What is thrown counts as
 * no answer, unless it is a `LatchkeyError`. Rejects with the reason of the caller's own signal.
 */
export async function patiently<T>(
  attempt: (signal: AbortSignal) => Promise<T | Unavailable>,
  { timeoutMilliseconds, retries, signal }: Patience,
): Promise<T | Unavailable> {
  const until = Date.now() + timeoutMilliseconds
  const limit = AbortSignal.timeout(timeoutMilliseconds)
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit])
  const aborted = new Promise<Unavailable>((resolve) => {
    either.addEventListener('abort', () => resolve(unavailable()))
  })
  for (let tried = 0; ; tried += 1) {
    signal?.throwIfAborted()
    const answer = await Promise.race([
      attempt(either).catch((thrown) => {
        if (thrown instanceof LatchkeyError) throw thrown
        return unavailable(0)
      }),
      aborted,
    ])
    signal?.throwIfAborted()
    if (!isUnavailable(answer)) return answer
    const backOff = FIRST_PAUSE_MILLISECONDS * 2 ** tried * (1 + Math.random())
    const pause = Math.max(backOff, answer.retryAfterSeconds * 1000)
    if (either.aborted || tried >= retries || Date.now() + pause >= until) {
      return unavailable(Math.max(1, answer.retryAfterSeconds))
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, pause)), aborted])
  }
}
