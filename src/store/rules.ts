/** The rules that hold for one user: status, own settings, the group's and the store's config, each with its version. */

import { and, eq, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { userObjectName } from '../domain/ids.ts'
import { GROUP_CHANGE, type UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { jsonBoolean, jsonBooleanOrNull, jsonObject } from './json-object.ts'
import { groupSessionConfigs, sessionConfigs, sessionSettings, users } from './schema.ts'
import { statement } from './statement.ts'

/** A store's config as a JSON object, `SessionConfig`. */
export const CONFIG_OBJECT = jsonObject({
  allowPersistentSessions: jsonBoolean(sessionConfigs.allowPersistentSessions),
  sessionMinutes: sessionConfigs.sessionMinutes,
  concurrentSessionLimit: sessionConfigs.concurrentSessionLimit,
  clientKindLimits: sql`json(${sessionConfigs.clientKindLimits})`,
  whenLimitReached: sessionConfigs.whenLimitReached,
  useInactivityBasedLogout: jsonBoolean(sessionConfigs.useInactivityBasedLogout),
  inactivityTimeoutSeconds: sessionConfigs.inactivityTimeoutSeconds,
  trackSessionLocation: jsonBoolean(sessionConfigs.trackSessionLocation),
})

/** The part of the version that counts the user's changes of group. In the text: a parameter would be one more each time. */
const GROUP_VERSION = sql`${users.groupVersion} * ${sql.raw(String(GROUP_CHANGE))}`

/**
 * The column of a user's rules, for a select that joins `settingsOfUser` and `configOfStore`. A statement that drizzle
 * does not run answers it as text: `rulesFrom`.
 */
export const RULES = jsonObject({
  status: jsonObject({
    version: users.statusVersion,
    value: jsonObject({
      active: jsonBoolean(users.active),
      deleted: jsonBoolean(sql`${users.deletedAt} IS NOT NULL`),
      sessionsValidFrom: users.sessionsValidFrom,
    }),
  }),
  settings: jsonObject({
    version: sql`coalesce(${sessionSettings.version}, 0)`,
    value: jsonObject({
      durationSeconds: sessionSettings.durationSeconds,
      desktopAppBrowserQuit: jsonBooleanOrNull(sessionSettings.desktopAppBrowserQuit),
    }),
  }),
  group: sql`coalesce((SELECT ${jsonObject({
    version: sql`${GROUP_VERSION} + ${groupSessionConfigs.version}`,
    value: sql`json(${groupSessionConfigs.config})`,
  })} FROM ${groupSessionConfigs} WHERE ${groupSessionConfigs.identityStoreId} = ${users.identityStoreId}
    AND ${groupSessionConfigs.groupId} = ${users.groupId}), ${jsonObject({ version: GROUP_VERSION, value: sql`json('{}')` })})`,
  config: jsonObject({
    version: sessionConfigs.version,
    value: CONFIG_OBJECT,
  }),
})
  .mapWith(rulesFrom)
  .as('rules')

/** The rules in the text of `RULES`. */
export function rulesFrom(text: string): UserRules {
  return JSON.parse(text)
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
export interface OwnedRules {
  readonly storeId: string
  readonly userId: string
  readonly rules: string
  /** JSON array of the endpoints that the store's events are sent to; null: there are none. */
  readonly endpoints: string | null
}

/** The statement that reads the rules of the users in `owners`, of any stores. */
export const rulesOfUsers = statement((db) =>
  db
    .select({
      storeId: sql<string>`${users.identityStoreId}`.as('storeId'),
      userId: sql<string>`${users.userId}`.as('userId'),
      rules: RULES,
      endpoints: sql<string | null>`(SELECT event_stores.endpoints FROM event_stores
        WHERE event_stores.identity_store_id = ${users.identityStoreId})`.as('endpoints'),
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
  return new Map(rows.map(({ storeId, userId, rules }) => [userObjectName(storeId, userId), rulesFrom(rules)]))
}

/** The endpoints in rows of `rulesOfUsers`, by store: those that have any. */
export function endpointsByStore(rows: readonly OwnedRules[]): ReadonlyMap<string, readonly string[]> {
  const withAny = rows.filter(({ endpoints }) => endpoints !== null && endpoints !== '[]')
  return new Map(withAny.map(({ storeId, endpoints }) => [storeId, JSON.parse(endpoints as string)]))
}
