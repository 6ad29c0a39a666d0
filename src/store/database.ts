/** D1 through drizzle, with a time limit. An outage is a value; a statement that is wrong is a bug and throws. */

import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1'
import { fail, type Result } from '../domain/result.ts'
import { D1_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { causeOf, type Unavailable, within } from '../time-limit.ts'

export type Database = DrizzleD1Database & { readonly $client: D1Database }

/** The database behind a binding. */
export function openDatabase(binding: D1Database): Database {
  return drizzle(binding)
}

/** Runs some D1 work within the time limit. After a time-out it is unknown whether a write was done. */
export async function attempt<T>(work: () => Promise<T>): Promise<Result<T, Unavailable>> {
  return within(D1_TIMEOUT_MILLISECONDS, 'D1', work, isBug)
}

/**
 * As `attempt`; that another row already has a unique value is an error value too.
 * @param codes what to call that, by a column that tells the index: `table.column`
 */
export async function attemptUnique<T, Code extends string>(
  codes: Readonly<Record<string, Code>>,
  work: () => Promise<T>,
): Promise<Result<T, Unavailable | { readonly code: Code }>> {
  try {
    return await attempt(work)
  } catch (error) {
    const [, columns] = /UNIQUE constraint failed: ([\w., ]+)/.exec(causeOf(error).message) ?? []
    const code = Object.keys(codes).find((column) => columns?.split(', ').includes(column))
    if (code === undefined) throw error
    return fail({ code: codes[code] as Code })
  }
}

/** SQLite's own complaints about a statement, as opposed to D1 being out of reach. */
function isBug(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return true
  return /SQLITE_(CONSTRAINT|ERROR|MISMATCH)|no such (table|column)|syntax error/.test(causeOf(error).message)
}
