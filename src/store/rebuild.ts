/**
 * Filling D1 again from the users' objects, after it has lost what it knew: its records were deleted, or it was restored
 * to an earlier point. Versions never go back, so where an object knows a newer one, D1 has lost a change.
 */
import { and, asc, eq, gt, isNull, lt, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { GROUP_CHANGE, type UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { attempt, type Database } from './database.ts'
import { configOfStore, RULES, settingsOfUser } from './rules.ts'
import { sessionConfigs, sessionSettings, users } from './schema.ts'

/** Rules whose versions are older than what an object knows. */
export type LostRules = Partial<Pick<UserRules, 'status' | 'settings' | 'group'>>

/** New versions are this far ahead of the highest one known: others may have seen versions in between. */
const VERSIONS_AHEAD = 1_000

/**
 * Counts the live sessions of a store anew, since the totals, which triggers keep, may no longer fit the records. It is
 * one statement, so that the triggers go on exactly from what it has counted.
 */
export function recountSessions(db: Database, identityStoreId: string): Promise<Result<unknown, Unavailable>> {
  return attempt(() =>
    db.$client
      .prepare(
        `INSERT INTO session_counters (identity_store_id, hour, live_sessions, users_with_sessions, counts)
         SELECT ?1, max(coalesce((SELECT max(hour) FROM session_counters WHERE identity_store_id = ?1), 0),
             unixepoch() / 3600 * 3600000), count(*), count(DISTINCT user_id), '{}'
         FROM sessions INDEXED BY live_sessions_of_user
         WHERE identity_store_id = ?1 AND ended_at IS NULL AND kind = 'web'
         ON CONFLICT (identity_store_id, hour) DO UPDATE SET
           live_sessions = excluded.live_sessions, users_with_sessions = excluded.users_with_sessions`,
      )
      .bind(identityStoreId)
      .run(),
  )
}

/** How many users a store has, deleted ones too. */
export async function countUsers(db: Database, identityStoreId: string): Promise<Result<number, Unavailable>> {
  const counted = await attempt(() => db.$count(users, eq(users.identityStoreId, identityStoreId)))
  return counted
}

/** The next users of a store, deleted ones too, and what D1 says holds for them. */
export function usersAfter(
  db: Database,
  identityStoreId: string,
  after: string,
  limit: number,
): Promise<Result<readonly { readonly userId: string; readonly rules: UserRules }[], Unavailable>> {
  return attempt(() =>
    db
      .select({ userId: users.userId, rules: RULES })
      .from(users)
      .innerJoin(sessionConfigs, configOfStore)
      .leftJoin(sessionSettings, settingsOfUser)
      .where(and(eq(users.identityStoreId, identityStoreId), gt(users.userId, after)))
      .orderBy(asc(users.userId))
      .limit(limit),
  )
}

/**
 * Brings the version of a store's config past one that was seen elsewhere, if that is newer: what D1 says holds again,
 * and everywhere. Answers whether it was behind.
 */
export async function passConfig(
  db: Database,
  identityStoreId: string,
  seen: number | null,
): Promise<Result<boolean, Unavailable>> {
  if (seen === null) return ok(false)
  const raised = await attempt(() =>
    db
      .update(sessionConfigs)
      .set({ version: seen + VERSIONS_AHEAD })
      .where(and(eq(sessionConfigs.identityStoreId, identityStoreId), lt(sessionConfigs.version, seen)))
      .returning({ version: sessionConfigs.version }),
  )
  return raised.ok ? ok(raised.value.length > 0) : raised
}

/**
 * Brings a user's rules up to what the user's object knows. Of settings that is all there is to know. Of the status it is
 * whether the user is active, and not which password is the right one by now: the user has none until one is set. The
 * group is D1's, and its version is brought past the one that is known.
 */
export async function catchUp(
  db: Database,
  { identityStoreId, userId }: UserKey,
  { status, settings, group }: LostRules,
  entry: AuditEntry,
): Promise<Result<void, Unavailable>> {
  const isUser = and(eq(users.identityStoreId, identityStoreId), eq(users.userId, userId))
  const { at } = entry
  const after = sql`${JSON.stringify({
    ...(status && { active: status.value.active && status.value.deleted !== true, has_password: false }),
    ...(settings && { session_settings: settings.value }),
  })}`
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, { before: null, after, where: sql`true` }),
      ...(status === undefined
        ? []
        : [
            db
              .update(users)
              .set({
                active: status.value.active && status.value.deleted !== true,
                passwordHash: null,
                statusVersion: status.version,
                updatedAt: at,
              })
              .where(and(isUser, lt(users.statusVersion, status.version), isNull(users.deletedAt))),
          ]),
      ...(settings === undefined
        ? []
        : [
            db
              .insert(sessionSettings)
              .values({ identityStoreId, userId, version: settings.version, ...settings.value, updatedAt: at })
              .onConflictDoUpdate({
                target: [sessionSettings.identityStoreId, sessionSettings.userId],
                set: { version: settings.version, ...settings.value, updatedAt: at },
                setWhere: lt(sessionSettings.version, settings.version),
              }),
          ]),
      ...(group === undefined
        ? []
        : [
            db
              .update(users)
              .set({ groupVersion: Math.floor(group.version / GROUP_CHANGE) + 1 })
              .where(isUser),
          ]),
    ]),
  )
  return written.ok ? ok() : written
}
