/** Which migrations the database has. wrangler writes them down as it applies them. */

import { sql } from 'drizzle-orm'
import type { Result } from '../domain/result.ts'
import { D1_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { causeOf, type Unavailable, within } from '../time-limit.ts'
import type { Database } from './database.ts'

/** A statement that does not fit the database: a migration is missing, or it is a bug. */
const MISFIT = /no such (table|column)|has no column named/

/**
 * Those of `needed`, file names in order, that the database lacks. Migrations that only a newer version knows are
 * ignored.
 */
export async function missingMigrations(
  db: Database,
  needed: readonly string[],
): Promise<Result<readonly string[], Unavailable>> {
  return within(D1_TIMEOUT_MILLISECONDS, 'D1', async () => {
    try {
      const applied = await db.all<{ name: string }>(sql`SELECT name FROM d1_migrations`)
      return needed.filter((name) => !applied.some((row) => row.name === name))
    } catch (error) {
      if (causeOf(error).message.includes('no such table: d1_migrations')) return needed
      throw error
    }
  })
}

/** Whether an error may come from a missing migration. */
export function misfits(error: unknown): boolean {
  return MISFIT.test(causeOf(error).message)
}
