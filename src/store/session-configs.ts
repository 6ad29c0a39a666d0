/** The session config of each identity store. D1 is the authority; only partial updates, each raises the version. */
import { eq, sql } from 'drizzle-orm'
import { DEFAULT_SESSION_CONFIG, type SessionConfig, type Versioned } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEntry } from './audit-events.ts'
import { auditView, insertRowEvent, shownValues } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { sessionConfigs } from './schema.ts'

type Row = typeof sessionConfigs.$inferSelect

const VIEW = auditView(sessionConfigs, [
  'allowPersistentSessions',
  'sessionMinutes',
  'concurrentSessionLimit',
  'useInactivityBasedLogout',
  'trackSessionLocation',
])

/** The store's config, or null if there is no such store. */
export async function readSessionConfig(
  db: Database,
  identityStoreId: string,
): Promise<Result<Versioned<SessionConfig> | null, Unavailable>> {
  const rows = await attempt(() =>
    db.select().from(sessionConfigs).where(eq(sessionConfigs.identityStoreId, identityStoreId)),
  )
  if (!rows.ok) return rows
  const row = rows.value[0]
  return ok(row === undefined ? null : versionedConfig(row))
}

/** A change of a store's config, as it was made. */
export interface ConfigChange {
  readonly before: SessionConfig
  readonly after: Versioned<SessionConfig>
}

/**
 * Changes the named fields in one atomic statement and raises the version; the audit event in the same
 * transaction says from what to what. Null if there is no such store.
 */
export async function updateSessionConfig(
  db: Database,
  changes: Partial<SessionConfig>,
  entry: AuditEntry,
): Promise<Result<ConfigChange | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const ofStore = eq(sessionConfigs.identityStoreId, identityStoreId)
  const written = await attempt(() =>
    db.batch([
      db.select().from(sessionConfigs).where(ofStore),
      insertRowEvent(db, entry, VIEW, ofStore, shownValues(VIEW, changes)),
      db
        .update(sessionConfigs)
        .set({ ...changes, version: sql`${sessionConfigs.version} + 1`, updatedAt: at })
        .where(ofStore)
        .returning(),
    ]),
  )
  if (!written.ok) return written
  const [before, after] = [written.value[0][0], written.value[2][0]]
  if (before === undefined || after === undefined) return ok(null)
  return ok({ before: versionedConfig(before).value, after: versionedConfig(after) })
}

/** The statement that gives a new store its config; nothing if it has one. */
export function insertSessionConfig(db: Database, identityStoreId: string, now: number) {
  return db
    .insert(sessionConfigs)
    .values({ identityStoreId, version: 1, ...DEFAULT_SESSION_CONFIG, updatedAt: now })
    .onConflictDoNothing()
}

/** The config in a row. */
export function versionedConfig(row: Row): Versioned<SessionConfig> {
  return {
    version: row.version,
    value: {
      allowPersistentSessions: row.allowPersistentSessions,
      sessionMinutes: row.sessionMinutes,
      concurrentSessionLimit: row.concurrentSessionLimit,
      useInactivityBasedLogout: row.useInactivityBasedLogout,
      trackSessionLocation: row.trackSessionLocation,
    },
  }
}
