/** The session config of each identity store. D1 is the authority; only partial updates, each raises the version. */
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { DEFAULT_SESSION_CONFIG, type SessionConfig, type Versioned } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEntry } from './audit-events.ts'
import { auditView, insertRowEvent, shownValues } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { insertWhere, type RowOf } from './insert-where.ts'
import { CONFIG_OBJECT } from './rules.ts'
import { sessionConfigs, sessionConfigVersions } from './schema.ts'

type Row = typeof sessionConfigs.$inferSelect

const FIELDS = Object.keys(DEFAULT_SESSION_CONFIG) as (keyof SessionConfig)[]
const VIEW = auditView(sessionConfigs, FIELDS)

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

/** Changes of a config, also from APIs that cannot express all of it. */
export interface ConfigChanges extends Partial<SessionConfig> {
  /** From an API that has only whole minutes: an overall timeout that rounds down to them stays as it is. */
  readonly wholeSessionMinutes?: number
  /**
   * From an API that knows no number, only whether there is a limit: an existing limit stays; where there is none, it
   * becomes 1.
   */
  readonly limited?: true
}

/** A change of a store's config, as it was made. */
export interface ConfigChange {
  readonly before: SessionConfig
  readonly after: Versioned<SessionConfig>
}

/** The config was changed since somebody looked at it. */
export interface ConfigMoved {
  readonly code: 'precondition_failed'
  readonly version: number
}

/**
 * Changes the named fields in one atomic statement and raises the version; the audit event in the same transaction says
 * from what to what, and both versions are kept. Null if there is no such store.
 * @param seen the version that the change is meant for; null for whichever there is
 */
export async function updateSessionConfig(
  db: Database,
  { wholeSessionMinutes, limited, ...named }: ConfigChanges,
  entry: AuditEntry,
  seen: number | null = null,
): Promise<Result<ConfigChange | null, Unavailable | ConfigMoved>> {
  const { identityStoreId, at } = entry
  const { sessionMinutes, concurrentSessionLimit } = sessionConfigs
  const changes = {
    ...named,
    ...(wholeSessionMinutes === undefined
      ? {}
      : {
          sessionMinutes: sql`iif(CAST(${sessionMinutes} AS INTEGER) = ${wholeSessionMinutes}, ${sessionMinutes}, CAST(${wholeSessionMinutes} AS INTEGER))`,
        }),
    ...(limited === undefined ? {} : { concurrentSessionLimit: sql`coalesce(${concurrentSessionLimit}, 1)` }),
  }
  const ofStore = eq(sessionConfigs.identityStoreId, identityStoreId)
  const asSeen = seen === null ? undefined : eq(sessionConfigs.version, seen)
  const written = await attempt(() =>
    db.batch([
      db.select().from(sessionConfigs).where(ofStore),
      keepVersion(db, identityStoreId, null),
      insertRowEvent(db, entry, VIEW, ofStore, shownValues(VIEW, changes), asSeen),
      db
        .update(sessionConfigs)
        .set({ ...changes, version: sql`${sessionConfigs.version} + 1`, updatedAt: at })
        .where(and(ofStore, asSeen))
        .returning(),
      // Writes nothing where the change was not made: that version is kept already.
      keepVersion(db, identityStoreId, entry),
    ]),
  )
  if (!written.ok) return written
  const [before, after] = [written.value[0][0], written.value[3][0]]
  if (before === undefined) return ok(null)
  if (after === undefined) return fail({ code: 'precondition_failed', version: before.version })
  return ok({ before: versionedConfig(before).value, after: versionedConfig(after) })
}

/** The statement that keeps the version that the config has now, if it is not kept yet. `entry`: who made it. */
function keepVersion(db: Database, identityStoreId: string, entry: AuditEntry | null) {
  const row: RowOf<typeof sessionConfigVersions> = {
    identityStoreId,
    version: sql`${sessionConfigs.version}`,
    config: CONFIG_OBJECT,
    changedAt: sql`${sessionConfigs.updatedAt}`,
    actor: entry?.actor ?? null,
    requestId: entry?.requestId ?? null,
  }
  const ofStore = sql`${sessionConfigs.identityStoreId} = ${identityStoreId}`
  return insertWhere(db, sessionConfigVersions, row, ofStore, sql`${sessionConfigs}`).onConflictDoNothing()
}

/** A version of a store's config, and who made it; null: that was not noted. */
export type ConfigVersion = typeof sessionConfigVersions.$inferSelect

/** Versions of a store's config before one, the newest first. */
export function listConfigVersions(
  db: Database,
  identityStoreId: string,
  before: number,
  limit: number,
): Promise<Result<readonly ConfigVersion[], Unavailable>> {
  const { identityStoreId: store, version } = sessionConfigVersions
  return attempt(() =>
    db
      .select()
      .from(sessionConfigVersions)
      .where(and(eq(store, identityStoreId), lt(version, before)))
      .orderBy(desc(version))
      .limit(limit),
  )
}

/** The statement that gives a new store its config; nothing if it has one. */
export function insertSessionConfig(db: Database, identityStoreId: string, now: number) {
  return db
    .insert(sessionConfigs)
    .values({ identityStoreId, version: 1, ...DEFAULT_SESSION_CONFIG, updatedAt: now })
    .onConflictDoNothing()
}

/** The config in a row. */
function versionedConfig({ version, identityStoreId: _, updatedAt: __, ...value }: Row): Versioned<SessionConfig> {
  return { version, value }
}
