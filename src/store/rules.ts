/** The rules that hold for one user: status, own settings and store's config, each with its version. */
import { and, eq, sql } from 'drizzle-orm'
import type { Knowledge } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { sessionConfigs, sessionSettings, users } from './schema.ts'

/** Whose sessions: the two parts of every key. */
export interface UserKey {
  readonly identityStoreId: string
  readonly userId: string
}

/**
 * The columns that make up a user's rules, for a select that joins `settingsOfUser` and `configOfStore`.
 * Each has a name of its own: a batch maps columns by name, and the joined tables share names.
 */
export const RULE_COLUMNS = {
  ruleActive: sql<number>`${users.active}`.as('rule_active'),
  ruleValidFrom: sql<number>`${users.sessionsValidFrom}`.as('rule_valid_from'),
  ruleStatusVersion: sql<number>`${users.statusVersion}`.as('rule_status_version'),
  ruleSettingsVersion: sql<number | null>`${sessionSettings.version}`.as('rule_settings_version'),
  ruleDurationSeconds: sql<number | null>`${sessionSettings.durationSeconds}`.as('rule_duration_seconds'),
  ruleBrowserQuit: sql<number | null>`${sessionSettings.desktopAppBrowserQuit}`.as('rule_browser_quit'),
  ruleConfigVersion: sql<number>`${sessionConfigs.version}`.as('rule_config_version'),
  ruleAllowPersistent: sql<number>`${sessionConfigs.allowPersistentSessions}`.as('rule_allow_persistent'),
  ruleSessionMinutes: sql<number>`${sessionConfigs.sessionMinutes}`.as('rule_session_minutes'),
  ruleSessionLimit: sql<number | null>`${sessionConfigs.concurrentSessionLimit}`.as('rule_session_limit'),
  ruleInactivity: sql<number>`${sessionConfigs.useInactivityBasedLogout}`.as('rule_inactivity'),
  ruleTrackLocation: sql<number>`${sessionConfigs.trackSessionLocation}`.as('rule_track_location'),
}

interface RuleRow {
  readonly ruleActive: number
  readonly ruleValidFrom: number
  readonly ruleStatusVersion: number
  readonly ruleSettingsVersion: number | null
  readonly ruleDurationSeconds: number | null
  readonly ruleBrowserQuit: number | null
  readonly ruleConfigVersion: number
  readonly ruleAllowPersistent: number
  readonly ruleSessionMinutes: number
  readonly ruleSessionLimit: number | null
  readonly ruleInactivity: number
  readonly ruleTrackLocation: number
}

/** Joins a user's settings. */
export const settingsOfUser = and(
  eq(sessionSettings.identityStoreId, users.identityStoreId),
  eq(sessionSettings.userId, users.userId),
)
/** Joins a user's store's config. */
export const configOfStore = eq(sessionConfigs.identityStoreId, users.identityStoreId)

/** The statement that reads one user's rules. */
export function rulesQuery(db: Database, owner: UserKey) {
  return db
    .select(RULE_COLUMNS)
    .from(users)
    .innerJoin(sessionConfigs, configOfStore)
    .leftJoin(sessionSettings, settingsOfUser)
    .where(and(eq(users.identityStoreId, owner.identityStoreId), eq(users.userId, owner.userId)))
}

/** The rules that hold for one user, or null for a user that never was. */
export async function readRules(db: Database, owner: UserKey): Promise<Result<Knowledge | null, Unavailable>> {
  const rows = await attempt(() => rulesQuery(db, owner))
  if (!rows.ok) return rows
  const row = rows.value[0]
  return ok(row === undefined ? null : rulesFrom(row))
}

/** The rules in a row that was selected with `RULE_COLUMNS`. */
export function rulesFrom(row: RuleRow): Knowledge {
  return {
    status: {
      version: row.ruleStatusVersion,
      value: { active: row.ruleActive === 1, sessionsValidFrom: row.ruleValidFrom },
    },
    settings: {
      version: row.ruleSettingsVersion ?? 0,
      value: {
        durationSeconds: row.ruleDurationSeconds,
        desktopAppBrowserQuit: row.ruleBrowserQuit === null ? null : row.ruleBrowserQuit === 1,
      },
    },
    config: {
      version: row.ruleConfigVersion,
      value: {
        allowPersistentSessions: row.ruleAllowPersistent === 1,
        sessionMinutes: row.ruleSessionMinutes,
        concurrentSessionLimit: row.ruleSessionLimit,
        useInactivityBasedLogout: row.ruleInactivity === 1,
        trackSessionLocation: row.ruleTrackLocation === 1,
      },
    },
  }
}
