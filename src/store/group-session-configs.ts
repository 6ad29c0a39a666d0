/** The session configs of groups: a layer between the store's config and the user. Each change raises the version. */
import { and, eq, sql } from 'drizzle-orm'
import type { GroupConfig, Versioned } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { attempt, type Database } from './database.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'
import { groupSessionConfigs } from './schema.ts'

/** What a group says; null where nothing was ever said of it. One that was removed says nothing. */
export async function readGroupConfig(
  db: Database,
  identityStoreId: string,
  groupId: string,
): Promise<Result<Versioned<GroupConfig> | null, Unavailable>> {
  const rows = await attempt(() => db.select().from(groupSessionConfigs).where(keyIs(identityStoreId, groupId)))
  if (!rows.ok) return rows
  const row = rows.value[0]
  return ok(row === undefined ? null : { version: row.version, value: row.config })
}

/**
 * Sets what a group says; nothing, to remove it. The audit event in the same transaction says from what to what. Null if
 * there is no such store.
 */
export async function putGroupConfig(
  db: Database,
  groupId: string,
  config: GroupConfig,
  entry: AuditEntry,
): Promise<Result<Versioned<GroupConfig> | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const where = sql`${storeExists(identityStoreId)}`
  const key = keyIs(identityStoreId, groupId)
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`(SELECT ${groupSessionConfigs.config} FROM ${groupSessionConfigs} WHERE ${key})`,
        after: sql`${JSON.stringify(config)}`,
        where,
      }),
      insertWhere(db, groupSessionConfigs, { identityStoreId, groupId, version: 1, config, updatedAt: at }, where)
        .onConflictDoUpdate({
          target: [groupSessionConfigs.identityStoreId, groupSessionConfigs.groupId],
          set: { version: sql`${groupSessionConfigs.version} + 1`, config, updatedAt: at },
        })
        .returning(),
    ]),
  )
  if (!written.ok) return written
  const row = written.value[1][0]
  return ok(row === undefined ? null : { version: row.version, value: row.config })
}

function keyIs(identityStoreId: string, groupId: string) {
  return and(eq(groupSessionConfigs.identityStoreId, identityStoreId), eq(groupSessionConfigs.groupId, groupId))
}
