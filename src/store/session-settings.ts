/**
 * Users' own session settings. A row's version only grows; cleared settings are a row of nulls. Many users are
 * changed at once or not at all: a constant number of statements in one transaction, the ids as one JSON value.
 */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import { type Knowledge, NO_SESSION_SETTINGS, type SessionSettings } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { type AuditEntry, insertAuditEvent, jsonObject } from './audit-events.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { insertWhere } from './insert-where.ts'
import { configOfStore, RULE_COLUMNS, rulesFrom, settingsOfUser } from './rules.ts'
import { sessionConfigs, sessionSettings, users } from './schema.ts'

/** Settings to be changed; what is missing stays. */
export type SettingsChanges = {
  readonly [Field in keyof SessionSettings]?: NonNullable<SessionSettings[Field]> | undefined
}

/** Some users are not there, or are bots: nothing was changed. */
export type SettingsFault = { readonly code: 'user_not_found' } | { readonly code: 'user_is_bot' }

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

/** Changes settings of all these users, who must differ. The audit event tells what was before. */
export function changeSessionSettings(
  db: Database,
  userIds: readonly string[],
  changes: SettingsChanges,
  entry: AuditEntry,
): Promise<Result<void, Unavailable | SettingsFault>> {
  const { identityStoreId, at } = entry
  const { durationSeconds, desktopAppBrowserQuit } = changes
  const after = { duration_seconds: durationSeconds, desktop_app_browser_quit: desktopAppBrowserQuit }
  const row = {
    identityStoreId,
    userId: sql`value`,
    version: 1,
    durationSeconds: durationSeconds ?? null,
    desktopAppBrowserQuit: desktopAppBrowserQuit ?? null,
    updatedAt: at,
  }
  return changeAll(db, userIds, after, entry, (where) =>
    insertWhere(db, sessionSettings, row, where, sql`json_each(${JSON.stringify(userIds)})`).onConflictDoUpdate({
      target: [sessionSettings.identityStoreId, sessionSettings.userId],
      set: {
        version: sql`${sessionSettings.version} + 1`,
        updatedAt: at,
        ...(durationSeconds === undefined ? {} : { durationSeconds }),
        ...(desktopAppBrowserQuit === undefined ? {} : { desktopAppBrowserQuit }),
      },
    }),
  )
}

/** Clears the settings of all these users, who must differ: the store's config decides again. */
export function clearSessionSettings(
  db: Database,
  userIds: readonly string[],
  entry: AuditEntry,
): Promise<Result<void, Unavailable | SettingsFault>> {
  const { identityStoreId, at } = entry
  const after = { duration_seconds: null, desktop_app_browser_quit: null }
  return changeAll(db, userIds, after, entry, (where) =>
    db
      .update(sessionSettings)
      .set({ ...NO_SESSION_SETTINGS, version: sql`${sessionSettings.version} + 1`, updatedAt: at })
      .where(
        and(
          eq(sessionSettings.identityStoreId, identityStoreId),
          sql`${sessionSettings.userId} IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`,
          where,
        ),
      ),
  )
}

/** The rules that hold for those of some users who have live web sessions, as far as D1 knows. */
export async function rulesOfSignedInUsers(
  db: Database,
  identityStoreId: string,
  userIds: readonly string[],
): Promise<Result<readonly { readonly userId: string; readonly rules: Knowledge }[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ userId: users.userId, ...RULE_COLUMNS })
      .from(users)
      .innerJoin(sessionConfigs, configOfStore)
      .leftJoin(sessionSettings, settingsOfUser)
      .where(and(eq(users.identityStoreId, identityStoreId), oneOf(userIds), HAS_LIVE_SESSION)),
  )
  return rows.ok ? ok(rows.value.map(({ userId, ...row }) => ({ userId, rules: rulesFrom(row) }))) : rows
}

async function changeAll(
  db: Database,
  userIds: readonly string[],
  after: Readonly<Record<string, unknown>>,
  entry: AuditEntry,
  change: (where: SQL) => BatchItem<'sqlite'>,
): Promise<Result<void, Unavailable | SettingsFault>> {
  const { identityStoreId } = entry
  const ids = JSON.stringify(userIds)
  const looked = sql`json_each(${ids}) LEFT JOIN users ON users.identity_store_id = ${identityStoreId}
  AND users.user_id = json_each.value AND users.deleted_at IS NULL`
  const faulty = sql`(users.user_id IS NULL OR users.bot)`
  const where = sql`NOT EXISTS (SELECT 1 FROM ${looked} WHERE ${faulty})`
  const before = sql`(SELECT json_group_object(user_id, ${BEFORE}) FROM session_settings
WHERE identity_store_id = ${identityStoreId} AND user_id IN (SELECT value FROM json_each(${ids})))`
  const written = await attempt(() =>
    db.batch([
      db
        .select({ missing: sql<number>`users.user_id IS NULL`.as('missing') })
        .from(looked)
        .where(faulty)
        .orderBy(sql`missing DESC`)
        .limit(1),
      insertAuditEvent(db, entry, { before, after: sql`${JSON.stringify({ ...after, user_ids: userIds })}`, where }),
      change(where),
    ]),
  )
  if (!written.ok) return written
  const fault = written.value[0][0]
  if (fault === undefined) return ok()
  return fail(fault.missing === 1 ? { code: 'user_not_found' } : { code: 'user_is_bot' })
}

/** What the audit log says of settings. A boolean that is null stays null. */
const BEFORE = jsonObject({
  duration_seconds: sql`duration_seconds`,
  desktop_app_browser_quit: sql`json(CASE desktop_app_browser_quit WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)`,
})

function oneOf(userIds: readonly string[]): SQL {
  return sql`${users.userId} IN (SELECT value FROM json_each(${JSON.stringify(userIds)}))`
}

/** By the primary key: it reads one user's records, and stops at the first live one. */
const HAS_LIVE_SESSION = sql`EXISTS (SELECT 1 FROM sessions AS s WHERE s.identity_store_id = ${users.identityStoreId}
  AND s.user_id = ${users.userId} AND s.ended_at IS NULL AND s.kind = 'web')`
