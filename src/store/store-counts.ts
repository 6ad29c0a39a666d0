/** How large identity stores are, by one statement for all of them. */
import { sql } from 'drizzle-orm'
import type { Result } from '../domain/result.ts'
import { MAX_COUNTED_USERS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'

/** A store in figures. */
export interface StoreCounts {
  readonly identityStoreId: string
  /** Users who are not deleted; counted to `MAX_COUNTED_USERS` and one more. */
  readonly users: number
  /** Live web sessions, as they are counted (`session-counters.ts`); null where there never was one. */
  readonly liveSessions: number | null
}

/** The figures of these stores. At most `MAX_COUNTED_USERS` and one more rows of users are read for each. */
export function readStoreCounts(
  db: Database,
  identityStoreIds: readonly string[],
): Promise<Result<readonly StoreCounts[], Unavailable>> {
  return attempt(() =>
    db.all<StoreCounts>(sql`SELECT value AS identityStoreId,
(SELECT count(*) FROM (SELECT 1 FROM users INDEXED BY users_of_store_by_username
WHERE identity_store_id = value AND username IS NOT NULL LIMIT ${MAX_COUNTED_USERS + 1})) AS users,
(SELECT live_sessions FROM session_counters WHERE identity_store_id = value ORDER BY hour DESC LIMIT 1) AS liveSessions
FROM json_each(${JSON.stringify(identityStoreIds)})`),
  )
}
