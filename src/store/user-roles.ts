/** What decides whether a caller may act on users. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Party } from '../domain/authority.ts'
import type { Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { users } from './schema.ts'

/** Those of some ids that are users of the store. */
export function findUserRoles(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
): Promise<Result<readonly Party[], Unavailable>> {
  return attempt(() =>
    db
      .select({ identityStoreId: users.identityStoreId, userId: users.userId, role: users.role, bot: users.bot })
      .from(users)
      .where(
        and(
          eq(users.identityStoreId, identityStoreId),
          sql`${users.userId} IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`,
          isNull(users.deletedAt),
        ),
      ),
  )
}
