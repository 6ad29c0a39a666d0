/** The rules that hold for one user: status, own settings and store's config, each with its version. */

import { and, eq, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { userObjectName } from '../domain/ids.ts'
import type { UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { sessionConfigs, sessionSettings, users } from './schema.ts'
import { statement } from './statement.ts'

/**
 * The columns that make up a user's rules, for a select that joins `settingsOfUser` and `configOfStore`.
 * Each has a name of its own, that of its field: a batch maps columns by name, and the joined tables share names.
 */
export const RULE_COLUMNS = {
  ruleActive: sql<number>`${users.active}`.as('ruleActive'),
  ruleDeleted: sql<number>`${users.deletedAt} IS NOT NULL`.as('ruleDeleted'),
  ruleValidFrom: sql<number>`${users.sessionsValidFrom}`.as('ruleValidFrom'),
  ruleStatusVersion: sql<number>`${users.statusVersion}`.as('ruleStatusVersion'),
  ruleSettingsVersion: sql<number | null>`${sessionSettings.version}`.as('ruleSettingsVersion'),
  ruleDurationSeconds: sql<number | null>`${sessionSettings.durationSeconds}`.as('ruleDurationSeconds'),
  ruleBrowserQuit: sql<number | null>`${sessionSettings.desktopAppBrowserQuit}`.as('ruleBrowserQuit'),
  ruleConfigVersion: sql<number>`${sessionConfigs.version}`.as('ruleConfigVersion'),
  ruleAllowPersistent: sql<number>`${sessionConfigs.allowPersistentSessions}`.as('ruleAllowPersistent'),
  ruleSessionMinutes: sql<number>`${sessionConfigs.sessionMinutes}`.as('ruleSessionMinutes'),
  ruleSessionLimit: sql<number | null>`${sessionConfigs.concurrentSessionLimit}`.as('ruleSessionLimit'),
  ruleInactivity: sql<number>`${sessionConfigs.useInactivityBasedLogout}`.as('ruleInactivity'),
  ruleTrackLocation: sql<number>`${sessionConfigs.trackSessionLocation}`.as('ruleTrackLocation'),
}

/** A user's rules as a row has them. */
export interface RuleRow {
  readonly ruleActive: number
  readonly ruleDeleted: number
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

/** The rules that hold for one user, or null for a user that never was. */
export async function readRules(db: Database, owner: UserKey): Promise<Result<UserRules | null, Unavailable>> {
  const read = await attempt(() => rulesOfUsers(db, { owners: ownersParameter([owner]) }).all<OwnedRules>())
  return read.ok
    ? ok(rulesByUser(read.value.results).get(userObjectName(owner.identityStoreId, owner.userId)) ?? null)
    : read
}

/** A user's rules, and whose they are. */
export interface OwnedRules extends RuleRow {
  readonly ruleStoreId: string
  readonly ruleUserId: string
}

/** The statement that reads the rules of the users in `owners`, of any stores. */
export const rulesOfUsers = statement((db) =>
  db
    .select({
      ruleStoreId: sql<string>`${users.identityStoreId}`.as('ruleStoreId'),
      ruleUserId: sql<string>`${users.userId}`.as('ruleUserId'),
      ...RULE_COLUMNS,
    })
    .from(sql`json_each(${sql.placeholder('owners')}) AS owner`)
    .innerJoin(users, and(eq(users.identityStoreId, sql`owner.value ->> 0`), eq(users.userId, sql`owner.value ->> 1`)))
    .innerJoin(sessionConfigs, configOfStore)
    .leftJoin(sessionSettings, settingsOfUser),
)

/** The value of `owners`. */
export function ownersParameter(owners: readonly UserKey[]): string {
  return JSON.stringify(owners.map(({ identityStoreId, userId }) => [identityStoreId, userId]))
}

/** The rules in rows of `rulesOfUsers`, by the names of the users' objects. */
export function rulesByUser(rows: readonly OwnedRules[]): Map<string, UserRules> {
  return new Map(rows.map((row) => [userObjectName(row.ruleStoreId, row.ruleUserId), rulesFrom(row)]))
}

/** The rules in a row that was selected with `RULE_COLUMNS`. */
export function rulesFrom(row: RuleRow): UserRules {
  return {
    status: {
      version: row.ruleStatusVersion,
      value: {
        active: row.ruleActive === 1,
        deleted: row.ruleDeleted === 1,
        sessionsValidFrom: row.ruleValidFrom,
      },
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
