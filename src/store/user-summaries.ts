/** What lists say of the users that they name, by one statement for all of them. */
import { sql } from 'drizzle-orm'
import type { Result } from '../domain/result.ts'
import { MAX_SUMMARIZED_SESSIONS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'

/** A user in a line. */
export interface UserSummary {
  readonly userId: string
  readonly username: string
  /** Live web sessions as D1 has them; counted to `MAX_SUMMARIZED_SESSIONS` and one more. */
  readonly liveSessions: number
  /** Epoch milliseconds; null: there is no record of a session. */
  readonly lastOpenedAt: number | null
}

/** The summaries of those users who exist. A bounded number of rows of sessions is read for each. */
export function readUserSummaries(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
): Promise<Result<readonly UserSummary[], Unavailable>> {
  return attempt(() =>
    db.all<UserSummary>(sql`SELECT users.user_id AS userId, username,
(SELECT count(*) FROM (SELECT 1 FROM sessions INDEXED BY live_sessions_of_user
WHERE identity_store_id = users.identity_store_id AND user_id = users.user_id AND ended_at IS NULL AND kind = 'web'
LIMIT ${MAX_SUMMARIZED_SESSIONS + 1})) AS liveSessions,
(SELECT opened_at FROM sessions WHERE identity_store_id = users.identity_store_id AND user_id = users.user_id
ORDER BY session_id DESC LIMIT 1) AS lastOpenedAt
FROM json_each(${JSON.stringify(userIds)}) AS wanted CROSS JOIN users
ON users.identity_store_id = ${identityStoreId} AND users.user_id = wanted.value
WHERE deleted_at IS NULL`),
  )
}
