/** When users first signed in. */
import { and, eq, isNull } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { users } from './schema.ts'

/** Notes a sign-in, and answers whether it was the user's first. Of two at once one is. */
export async function noteFirstLogin(db: Database, user: UserKey, now: number): Promise<Result<boolean, Unavailable>> {
  const rows = await attempt(() =>
    db
      .update(users)
      .set({ firstLoginAt: now })
      .where(
        and(eq(users.identityStoreId, user.identityStoreId), eq(users.userId, user.userId), isNull(users.firstLoginAt)),
      )
      .returning({ userId: users.userId }),
  )
  return rows.ok ? ok(rows.value.length > 0) : rows
}
