/** What decides whether a caller may act on users. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Result } from '../domain/result.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { type Role, users } from './schema.ts'

/** A user's role. */
export interface UserRole {
  readonly userId: string
  readonly role: Role
  readonly bot: boolean
}

/** Those of some ids that are users of the store. */
export function findUserRoles(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
): Promise<Result<readonly UserRole[], Unavailable>> {
  return attempt(() =>
    db
      .select({ userId: users.userId, role: users.role, bot: users.bot })
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
