/** D1 through drizzle, with a time limit. An outage is a value; a statement that is wrong is a bug and throws. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'

/** What a log line is to say of where it comes from: a request, or an object. Set where work begins. */
export const logContext = new AsyncLocalStorage<Readonly<Record<string, string>>>()

/** Longest wait for D1, in milliseconds. */
export const D1_TIMEOUT_MILLISECONDS = 2_000

export type Database = DrizzleD1Database & { readonly $client: D1Database }
export type Unavailable = Extract<SessionError, { code: 'unavailable' }>

/** The database behind a binding. */
export function openDatabase(binding: D1Database): Database {
  return drizzle(binding)
}

/** Runs some D1 work within the time limit. After a time-out it is unknown whether a write was done. */
export async function attempt<T>(work: () => Promise<T>): Promise<Result<T, Unavailable>> {
  return within(D1_TIMEOUT_MILLISECONDS, 'D1', work, isBug)
}

/**
 * Runs `work` and answers `unavailable` if it fails or takes too long.
 * @param isBug tells an error that must not be taken for an outage; it is thrown on
 */
export async function within<T>(
  milliseconds: number,
  what: string,
  work: () => Promise<T>,
  isBug: (error: unknown) => boolean = () => false,
): Promise<Result<T, Unavailable>> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await new Promise<Result<T, Unavailable>>((resolve, reject) => {
      // Not `scheduler.wait` with a signal: to abort one costs the CPU time of half a check.
      timer = setTimeout(() => {
        logUnavailable(what, `no answer within ${milliseconds} ms`)
        resolve(unavailable(what))
      }, milliseconds)
      work().then((value) => resolve(ok(value)), reject)
    })
  } catch (error) {
    if (isBug(error)) throw error
    logUnavailable(what, causeOf(error).message)
    return unavailable(what)
  } finally {
    clearTimeout(timer)
  }
}

/** Logs that something did not answer, and whom it kept waiting. */
export function logUnavailable(what: string, error: string): void {
  console.warn('unavailable', { what, error, ...logContext.getStore() })
}

function unavailable(what: string) {
  return fail<Unavailable>({ code: 'unavailable', what, retryAfterSeconds: 5 })
}

/** What went wrong, without the statement's parameters, which drizzle puts into its own message. */
export function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? causeOf(error.cause) : error
}

/** SQLite's own complaints about a statement, as opposed to D1 being out of reach. */
function isBug(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return true
  return /SQLITE_(CONSTRAINT|ERROR|MISMATCH)|no such (table|column)|syntax error/.test(causeOf(error).message)
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
