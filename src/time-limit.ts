/** Waiting, with a limit, for something that may not answer: an outage becomes a value, a bug is thrown again. */

import type { SessionError } from './domain/errors.ts'
import { fail, ok, type Result } from './domain/result.ts'
import { RETRY_AFTER_SECONDS } from './limits.ts'
import { log } from './log.ts'

export type Unavailable = Extract<SessionError, { code: 'unavailable' }>

/**
 * Runs `work` and answers `unavailable` if it fails or takes too long.
 * @param isBug tells an error that must not be taken for an outage; it is thrown on
 * @param requestId for the log, of work that runs in no log context
 */
export async function within<T>(
  milliseconds: number,
  what: string,
  work: () => Promise<T>,
  isBug: (error: unknown) => boolean = () => false,
  requestId?: string,
): Promise<Result<T, Unavailable>> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await new Promise<Result<T, Unavailable>>((resolve, reject) => {
      // Not `scheduler.wait` with a signal: to abort one costs the CPU time of half a check.
      timer = setTimeout(() => {
        logUnavailable(what, `no answer within ${milliseconds} ms`, requestId)
        resolve(unavailable(what))
      }, milliseconds)
      work().then((value) => resolve(ok(value)), reject)
    })
  } catch (error) {
    if (isBug(error)) throw error
    logUnavailable(what, causeOf(error).message, requestId)
    return unavailable(what)
  } finally {
    clearTimeout(timer)
  }
}

/** Logs that something did not answer, and whom it kept waiting. */
export function logUnavailable(what: string, error: string, requestId?: string): void {
  log('dependency.unavailable', { what, error, ...(requestId && { requestId }) })
}

function unavailable(what: string) {
  return fail<Unavailable>({ code: 'unavailable', what, retryAfterSeconds: RETRY_AFTER_SECONDS })
}

/** What went wrong, without the statement's parameters, which drizzle puts into its own message. */
export function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? causeOf(error.cause) : error
}

/** Errors of the platform, as opposed to ours, carry these marks. */
export interface PlatformError {
  readonly remote?: boolean
  readonly retryable?: boolean
  readonly overloaded?: boolean
}

/** An error that the own code of a Durable Object threw. */
export function isObjectBug(error: unknown): boolean {
  const { remote, retryable, overloaded } = error as PlatformError
  return remote === true && retryable !== true && overloaded !== true
}
