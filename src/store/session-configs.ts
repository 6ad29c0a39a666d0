/** The session config of each identity store. D1 is the authority; only partial updates, each raises the version. */
import { eq, sql } from 'drizzle-orm'
import { DEFAULT_SESSION_CONFIG, type SessionConfig, type Versioned } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { sessionConfigs } from './schema.ts'

type Row = typeof sessionConfigs.$inferSelect

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

/** Changes the named fields in one atomic statement and raises the version. Null if there is no such store. */
export async function updateSessionConfig(
  db: Database,
  identityStoreId: string,
  changes: Partial<SessionConfig>,
  now: number,
): Promise<Result<Versioned<SessionConfig> | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .update(sessionConfigs)
      .set({ ...changes, version: sql`${sessionConfigs.version} + 1`, updatedAt: now })
      .where(eq(sessionConfigs.identityStoreId, identityStoreId))
      .returning(),
  )
  if (!rows.ok) return rows
  const row = rows.value[0]
  return ok(row === undefined ? null : versionedConfig(row))
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
