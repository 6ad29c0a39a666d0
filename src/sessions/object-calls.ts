/** Calling an object: what it answers is a value, and what keeps it from answering becomes one. */

import type { SessionError } from '../domain/errors.ts'
import type { Result } from '../domain/result.ts'
import { OBJECT_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { isObjectBug, type PlatformError, within } from '../time-limit.ts'

/** Calls an object. Errors: its own; `unavailable` if it does not answer. `requestId` as for `within`. */
export async function ask<T>(
  call: () => Promise<Result<T, SessionError>>,
  requestId?: string,
): Promise<Result<T, SessionError>> {
  const answer = await within(OBJECT_TIMEOUT_MILLISECONDS, 'sessions', call, isObjectBug, requestId)
  return answer.ok ? answer.value : answer
}

/** Calls an object for something that may be done twice: once more if it was restarted meanwhile. */
// Not left to the platform: by itself it repeats what began only for methods marked `retryable()`, and workerd alone not even those.
export function askAgain<T>(
  call: () => Promise<Result<T, SessionError>>,
  requestId?: string,
): Promise<Result<T, SessionError>> {
  return ask(async () => {
    try {
      return await call()
    } catch (error) {
      if (!isRetryable(error)) throw error
      return call()
    }
  }, requestId)
}

function isRetryable(error: unknown): boolean {
  const { retryable, overloaded } = error as PlatformError
  return retryable === true && overloaded !== true
}
