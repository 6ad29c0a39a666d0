/**
 * Users' own session settings. A row's version only grows; cleared settings are a row of nulls. Many users are
 * changed at once or not at all: a constant number of statements in one transaction, the ids as one JSON value.
 */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Role } from '../domain/authority.ts'
import { NO_SESSION_SETTINGS, type SessionSettings, type UserRules } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { auditEvents } from './audit-schema.ts'
import { attempt, type Database } from './database.ts'
import { insertWhere } from './insert-where.ts'
import { jsonBooleanOrNull, jsonObject } from './json-object.ts'
import { configOfStore, RULES, settingsOfUser } from './rules.ts'
import { sessionConfigs, sessionSettings, users } from './schema.ts'

/** Settings to be changed; what is missing stays, what is null is cleared. */
export type SettingsChanges = { readonly [Field in keyof SessionSettings]?: SessionSettings[Field] | undefined }

/** Some users are not there, are bots, or have a role that the caller may not change: nothing was changed. */
export type SettingsFault =
  | { readonly code: 'user_not_found' }
  | { readonly code: 'user_is_bot' }
  | { readonly code: 'role_not_within' }

/** A user and the user's own settings. */
export interface UserSettings extends SessionSettings {
  readonly userId: string
}

/** The settings of users, in the order of their ids. Errors: `user_not_found`, `user_is_bot`. */
export async function readSessionSettings(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
): Promise<Result<readonly UserSettings[], Unavailable | SettingsFault>> {
  const rows = await attempt(() =>
    db
      .select({
        userId: users.userId,
        bot: users.bot,
        durationSeconds: sessionSettings.durationSeconds,
        desktopAppBrowserQuit: sessionSettings.desktopAppBrowserQuit,
      })
      .from(users)
      .leftJoin(sessionSettings, settingsOfUser)
      .where(and(eq(users.identityStoreId, identityStoreId), oneOf(userIds), isNull(users.deletedAt))),
  )
  if (!rows.ok) return rows
  const found = new Map(rows.value.map(({ bot, ...settings }) => [settings.userId, { bot, settings }]))
  const inOrder = userIds.flatMap((id) => found.get(id) ?? [])
  if (inOrder.length < userIds.length) return fail({ code: 'user_not_found' })
  if (inOrder.some(({ bot }) => bot)) return fail({ code: 'user_is_bot' })
  return ok(inOrder.map(({ settings }) => settings))
}

/** What is known of users once their settings were changed. */
export interface ChangedUsers {
  /** Whether any of them has a live web session, as far as D1 knows. */
  readonly anySignedIn: boolean
}

/** Changes settings of all these users, who must differ and have these roles. The audit event tells what was before. */
export function changeSessionSettings(
  db: Database,
  userIds: readonly string[],
  roles: readonly Role[],
  changes: SettingsChanges,
  entry: AuditEntry,
): Promise<Result<ChangedUsers, Unavailable | SettingsFault>> {
  return changeAll(db, userIds, roles, changes, entry, eachOf(userIds))
}

/** Clears the settings of all these users, who must differ and have these roles: the store's config decides again. */
export function clearSessionSettings(
  db: Database,
  userIds: readonly string[],
  roles: readonly Role[],
  entry: AuditEntry,
): Promise<Result<ChangedUsers, Unavailable | SettingsFault>> {
  // Nobody without settings needs a row of nulls. The join is a `CROSS` one, so that it is made in this order.
  const withSettings = sql`${eachOf(userIds)} CROSS JOIN session_settings AS own
  ON own.identity_store_id = ${entry.identityStoreId} AND own.user_id = json_each.value`
  return changeAll(db, userIds, roles, NO_SESSION_SETTINGS, entry, withSettings)
}

/** The rules that hold for some users; `signedInOnly`: for those who have live web sessions, as far as D1 knows. */
export function readRulesOfUsers(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
  signedInOnly: boolean,
): Promise<Result<readonly { readonly userId: string; readonly rules: UserRules }[], Unavailable>> {
  // No `EXISTS`, which SQLite makes a join and puts last: users who are not signed in are not looked up.
  const isSignedIn = sql`(SELECT 1 FROM sessions WHERE ${isLiveSessionOf(identityStoreId)} LIMIT 1)`
  return attempt(() =>
    db
      .select({ userId: users.userId, rules: RULES })
      .from(eachOf(userIds))
      .crossJoin(users)
      .innerJoin(sessionConfigs, configOfStore)
      .leftJoin(sessionSettings, settingsOfUser)
      .where(
        and(
          eq(users.identityStoreId, identityStoreId),
          eq(users.userId, sql`json_each.value`),
          signedInOnly ? isSignedIn : undefined,
        ),
      ),
  )
}

/**
 * Two statements in one transaction. The first writes the event, while what was before is still there, if all the users
 * are there, none is a bot, and all have the roles; the second makes the change, if the first found it allowed. So
 * every user is looked up once, and an event that came back says that all was done.
 *
 * It also says whether anybody is signed in. D1 learns of a session after it was opened, by `mirrorSessions`,
 * whose transaction ends with a look at the settings. D1 has one writer, so the two transactions do not
 * overlap: a session that is not seen here is mirrored later, and sees what is written here.
 * @param writtenUsers SQL of those of the users who are written, each the `value` of `json_each`
 */
async function changeAll(
  db: Database,
  userIds: readonly string[],
  roles: readonly Role[],
  changes: SettingsChanges,
  entry: AuditEntry,
  writtenUsers: SQL,
): Promise<Result<ChangedUsers, Unavailable | SettingsFault>> {
  const { identityStoreId, eventId, at } = entry
  const { durationSeconds, desktopAppBrowserQuit } = changes
  const after = {
    duration_seconds: durationSeconds,
    desktop_app_browser_quit: desktopAppBrowserQuit,
    user_ids: userIds,
  }
  const row = {
    identityStoreId,
    userId: sql`json_each.value`,
    version: 1,
    durationSeconds: durationSeconds ?? null,
    desktopAppBrowserQuit: desktopAppBrowserQuit ?? null,
    updatedAt: at,
  }
  const isEvent = and(eq(auditEvents.identityStoreId, identityStoreId), eq(auditEvents.eventId, eventId))
  const looked = sql`(SELECT total(${isFaulty(roles)}) AS faulty,
  json_group_object(own.user_id, ${BEFORE}) FILTER (WHERE own.user_id IS NOT NULL) AS before
  FROM ${lookedUp(identityStoreId, userIds)} LEFT JOIN session_settings AS own
  ON own.identity_store_id = ${identityStoreId} AND own.user_id = json_each.value) AS looked`
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`looked.before`,
        after: sql`${JSON.stringify(after)}`,
        where: sql`looked.faulty = 0`,
        from: looked,
      }).returning({
        anySignedIn: sql<number>`EXISTS (SELECT 1 FROM ${eachOf(userIds)} CROSS JOIN sessions
  ON ${isLiveSessionOf(identityStoreId)})`.as('any_signed_in'),
      }),
      insertWhere(
        db,
        sessionSettings,
        row,
        sql`${isEvent}`,
        sql`${auditEvents} CROSS JOIN ${writtenUsers}`,
      ).onConflictDoUpdate({
        target: [sessionSettings.identityStoreId, sessionSettings.userId],
        set: {
          version: sql`${sessionSettings.version} + 1`,
          updatedAt: at,
          ...(durationSeconds === undefined ? {} : { durationSeconds }),
          ...(desktopAppBrowserQuit === undefined ? {} : { desktopAppBrowserQuit }),
        },
      }),
    ]),
  )
  if (!written.ok) return written
  const event = written.value[0][0]
  if (event === undefined) return findFault(db, identityStoreId, userIds, roles)
  return ok({ anySignedIn: event.anySignedIn !== 0 })
}

/** Why users were refused. */
async function findFault(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
  roles: readonly Role[],
): Promise<Result<never, Unavailable | SettingsFault>> {
  const faults = await attempt(() =>
    db
      .select({
        fault: sql<SettingsFault['code']>`CASE WHEN users.user_id IS NULL THEN 'user_not_found'
  WHEN users.bot THEN 'user_is_bot' ELSE 'role_not_within' END`.as('fault'),
      })
      .from(lookedUp(identityStoreId, userIds))
      .where(isFaulty(roles))
      .orderBy(sql`users.user_id IS NULL DESC, users.bot DESC`)
      .limit(1),
  )
  if (!faults.ok) return faults
  // All well by now: somebody who was missing has just been made. Nothing was changed.
  return fail({ code: faults.value[0]?.fault ?? 'user_not_found' })
}

/** Some users by their ids; a row of nulls for each that is not there. */
function lookedUp(identityStoreId: string, userIds: readonly string[]): SQL {
  return sql`${eachOf(userIds)} LEFT JOIN users
  ON users.identity_store_id = ${identityStoreId} AND users.user_id = json_each.value AND users.deleted_at IS NULL`
}

function isFaulty(roles: readonly Role[]): SQL {
  const within = sql.join(
    // No `IN`, for which SQLite makes a table and reads it for each user.
    [sql`false`, ...roles.map((role) => sql`users.role = ${role}`)],
    sql` OR `,
  )
  return sql`(users.user_id IS NULL OR users.bot OR NOT (${within}))`
}

/** By the primary key: it reads one user's records, and stops at the first live one. */
function isLiveSessionOf(identityStoreId: string): SQL {
  return sql`sessions.identity_store_id = ${identityStoreId} AND sessions.user_id = json_each.value
  AND sessions.ended_at IS NULL AND sessions.kind = 'web'`
}

/** What the audit log says of settings. */
const BEFORE = jsonObject({
  duration_seconds: sql`duration_seconds`,
  desktop_app_browser_quit: jsonBooleanOrNull(sql`desktop_app_browser_quit`),
})

function oneOf(userIds: readonly string[]): SQL {
  return sql`${users.userId} IN (SELECT value FROM ${eachOf(userIds)})`
}

/** SQL of ids as rows, each the `value` of `json_each`. */
function eachOf(userIds: readonly string[]): SQL {
  return sql`json_each(${JSON.stringify(userIds)})`
}
