/** Credentials end with those they depend on. */
import { and, eq, isNull, type SQL } from 'drizzle-orm'
import type { Database } from './database.ts'
import { credentials } from './schema.ts'

/** The statement that revokes the credentials of a store, or those of one owner, for good, on a condition. */
export function revocation(db: Database, identityStoreId: string, ownerUserId: string | null, where: SQL, at: number) {
  return db
    .update(credentials)
    .set({ revokedAt: at })
    .where(
      and(
        eq(credentials.identityStoreId, identityStoreId),
        ownerUserId === null ? undefined : eq(credentials.ownerUserId, ownerUserId),
        isNull(credentials.revokedAt),
        where,
      ),
    )
}
