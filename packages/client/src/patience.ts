/** How long a call may take, and when it is tried again. */

/** What could not be asked. Never taken for an answer. */
export class Unavailable {
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds = 1) {
    this.retryAfterSeconds = retryAfterSeconds
  }
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
 * no answer, unless it `isBug`. Rejects with the reason of the caller's own signal.
 */
export async function patiently<T>(
  attempt: (signal: AbortSignal) => Promise<T | Unavailable>,
  isBug: (thrown: unknown) => boolean,
  { timeoutMilliseconds, retries, signal }: Patience,
): Promise<T | Unavailable> {
  signal?.throwIfAborted()
  const until = Date.now() + timeoutMilliseconds
  const limit = AbortSignal.timeout(timeoutMilliseconds)
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit])
  const aborted = new Promise<Unavailable>((resolve) => {
    either.addEventListener('abort', () => resolve(new Unavailable()), { once: true })
  })
  for (let tried = 0; ; tried += 1) {
    const answer = await Promise.race([
      attempt(either).catch((thrown) => {
        if (isBug(thrown)) throw thrown
        return new Unavailable(0)
      }),
      aborted,
    ])
    signal?.throwIfAborted()
    if (!(answer instanceof Unavailable)) return answer
    const backOff = FIRST_PAUSE_MILLISECONDS * 2 ** tried * (1 + Math.random())
    const pause = Math.max(backOff, answer.retryAfterSeconds * 1000)
    if (either.aborted || tried >= retries || Date.now() + pause >= until) {
      return new Unavailable(Math.max(1, answer.retryAfterSeconds))
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, pause)), aborted])
    signal?.throwIfAborted()
  }
}
