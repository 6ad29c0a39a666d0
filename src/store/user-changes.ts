/**
 * Changes of users by operators. Every statement names the store, and every audit event is computed by the
 * database from the row that it changes, so that it is true whatever else goes on. The status version grows
 * with each change of the status and of the password, and when a user becomes a bot, never otherwise.
 */
import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { auditView, insertRowEvent, rowExists, shownRow, shownValues } from './audited-row.ts'
import { attempt, attemptUnique, type Database } from './database.ts'
import { firstErasure, otherErasure } from './erasure.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere, type RowOf } from './insert-where.ts'
import { jsonBoolean, jsonObjectWith } from './json-object.ts'
import { voidTokensMadeBy } from './login-tokens.ts'
import { issuerOfStore } from './openid-providers.ts'
import { PROFILE_BASE } from './profiles.ts'
import { revocation } from './revocation.ts'
import { sessionSettings, users } from './schema.ts'
import type { User } from './users.ts'

/** What an operator says about a user. */
export const USER_FIELDS = [
  'username',
  'groupId',
  'role',
  'userLevel',
  'loginMode',
  'bot',
  'active',
  'firstName',
  'lastName',
  'emailAddress',
] as const satisfies readonly (keyof User)[]
export type UserFields = Pick<User, (typeof USER_FIELDS)[number]> & { readonly username: string }

/** Changes of a user. `passwordHash` missing: as it is; null: no password sign-in any more. */
export type UserChanges = { readonly [Field in keyof UserFields]?: UserFields[Field] | undefined } & {
  readonly passwordHash?: string | null | undefined
  /** The user's `sub` at the store's OpenID provider. */
  readonly openidSubject?: string | null | undefined
}

/** Another user has the username, or the OpenID subject. */
export interface UsernameTaken {
  readonly code: 'username_taken' | 'openid_subject_taken'
}
const TAKEN = { 'users.username': 'username_taken', 'users.openid_subject': 'openid_subject_taken' } as const

/** Whether there is a password, not which. */
const VIEW = auditView(users, [...USER_FIELDS, 'openidSubject'], {
  has_password: jsonBoolean(sql`${users.passwordHash} IS NOT NULL`),
})

/** What a user's row has at first, when nothing has happened to the user yet. `at` in epoch milliseconds. */
export function neverSeen(at: number) {
  return {
    groupVersion: 0,
    sessionsValidFrom: 0,
    statusVersion: 1,
    emailByUser: false,
    profileVersion: null,
    profileBase: null,
    openidSubject: null,
    openidIssuer: null,
    firstLoginAt: null,
    signedInFrom: null,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  }
}

/** The store is gone, or the user changed since it was looked at. */
export interface ChangedMeanwhile {
  readonly code: 'changed_meanwhile'
}

/**
 * Creates, replaces or revives a user who was `seen` with this status version (null: there was none). The
 * caller decides by what it saw whether the user's sessions must be told, so a change in between is refused.
 * A revived user starts afresh: older sessions stay void, and its own settings are cleared.
 */
export async function putUser(
  db: Database,
  userId: string,
  fields: UserFields,
  passwordHash: string | null | undefined,
  seen: number | null,
  entry: AuditEntry,
): Promise<Result<User, Unavailable | UsernameTaken | ChangedMeanwhile>> {
  const { identityStoreId, at } = entry
  const key = { identityStoreId, userId }
  const where = sql`${storeExists(identityStoreId)} AND coalesce((SELECT ${users.statusVersion} FROM ${users} WHERE ${keyIs(key)}), 0) = ${seen ?? 0}`
  const before = shownRow(VIEW, thereIs(key))
  const newPassword = passwordHash === undefined ? sql`false` : sql`${users.passwordHash} IS NOT excluded.password_hash`
  // Who replaces the whole user has read the address here; only another one, or one that is named alone, is said to be the user's.
  const writtenBack = sql`lower(${users.emailAddress}) IS lower(excluded.email_address)`
  const voids = sql`(${users.deletedAt} IS NOT NULL OR ${newPassword})`
  const row: RowOf<typeof users> = {
    ...key,
    ...fields,
    passwordHash: passwordHash ?? null,
    ...neverSeen(at),
  }
  const revives = sql`${where} AND EXISTS (SELECT 1 FROM ${users} WHERE ${keyIs(key)} AND ${users.deletedAt} IS NOT NULL)`
  const written = await attemptUnique(TAKEN, () =>
    db.batch([
      // An older version of the service deletes a user without this.
      revocation(db, identityStoreId, userId, revives, at),
      db
        .update(sessionSettings)
        .set({
          durationSeconds: null,
          desktopAppBrowserQuit: null,
          version: sql`${sessionSettings.version} + 1`,
          updatedAt: at,
        })
        .where(and(eq(sessionSettings.identityStoreId, identityStoreId), eq(sessionSettings.userId, userId), revives)),
      insertAuditEvent(db, entry, {
        before,
        after: jsonObjectWith(
          sql`coalesce(${before}, '{"has_password":false,"openid_subject":null}')`,
          membersOf(fields, passwordHash),
        ),
        where,
      }),
      insertWhere(db, users, row, where)
        .onConflictDoUpdate({
          target: [users.identityStoreId, users.userId],
          set: {
            ...Object.fromEntries(USER_FIELDS.map((field) => [field, sql.raw(`excluded.${users[field].name}`)])),
            passwordHash: passwordHash === undefined ? sql`${users.passwordHash}` : sql`excluded.password_hash`,
            groupVersion: sql`${users.groupVersion} + (${users.groupId} IS NOT excluded.group_id)`,
            sessionsValidFrom: sql`iif(${voids}, ${at}, ${users.sessionsValidFrom})`,
            statusVersion: sql`${users.statusVersion} + (${voids} OR ${users.active} <> excluded.active OR excluded.bot > ${users.bot})`,
            emailByUser: sql`iif(${users.deletedAt} IS NULL AND ${writtenBack}, ${users.emailByUser}, 0)`,
            ...profileMarks(sql`excluded.username`),
            firstLoginAt: sql`iif(${users.deletedAt} IS NULL, ${users.firstLoginAt}, NULL)`,
            createdAt: sql`iif(${users.deletedAt} IS NULL, ${users.createdAt}, ${at})`,
            updatedAt: at,
            deletedAt: null,
          },
        })
        .returning(),
      voidTokensMadeBy(
        db,
        identityStoreId,
        userId,
        rowExists(users, sql`${keyIs(key)} AND ${users.statusVersion} > ${seen ?? 0}`),
      ),
    ]),
  )
  if (!written.ok) return written
  const user = written.value[3][0]
  return user === undefined ? fail({ code: 'changed_meanwhile' }) : ok(user)
}

/** Changes what is named. Null if there is no such user. Errors: `username_taken`. */
export async function updateUser(
  db: Database,
  userId: string,
  changes: UserChanges,
  entry: AuditEntry,
): Promise<Result<User | null, Unavailable | UsernameTaken>> {
  const { identityStoreId, at } = entry
  const key = { identityStoreId, userId }
  const { passwordHash, active } = changes
  const newPassword = passwordHash === undefined ? sql`false` : sql`${users.passwordHash} IS NOT ${passwordHash}`
  const newStatus = active === undefined ? sql`false` : sql`${users.active} <> ${active ? 1 : 0}`
  const newBot = changes.bot === true ? sql`NOT ${users.bot}` : sql`false`
  const raises = sql`(${newPassword} OR ${newStatus} OR ${newBot})`
  const written = await attemptUnique(TAKEN, () =>
    db.batch([
      insertRowEvent(db, entry, VIEW, thereIs(key), membersOf(changes, passwordHash)),
      voidTokensMadeBy(db, identityStoreId, userId, rowExists(users, sql`${thereIs(key)} AND ${raises}`)),
      db
        .update(users)
        .set({
          ...(changes as Partial<User>),
          ...(changes.emailAddress === undefined ? {} : { emailByUser: false }),
          ...(changes.openidSubject === undefined
            ? {}
            : { openidIssuer: changes.openidSubject === null ? null : issuerOfStore(identityStoreId) }),
          ...(changes.groupId === undefined
            ? {}
            : { groupVersion: sql`${users.groupVersion} + (${users.groupId} IS NOT ${changes.groupId})` }),
          sessionsValidFrom: sql`iif(${newPassword}, ${at}, ${users.sessionsValidFrom})`,
          statusVersion: sql`${users.statusVersion} + ${raises}`,
          ...profileMarks(changes.username === undefined ? sql`${users.username}` : sql`${changes.username}`),
          updatedAt: at,
        })
        .where(thereIs(key))
        .returning(),
    ]),
  )
  return written.ok ? ok(written.value[2][0] ?? null) : written
}

/**
 * Deletes a user: nobody can sign in as it, its credentials are revoked, its username is free. The row stays, so that its versions
 * never go back, without names; so do the records of its sessions and its audit events, without names, addresses and
 * user agents: the first thousand of each now, the rest by `eraseNext`. Null if there is no such user.
 */
export async function deleteUser(
  db: Database,
  userId: string,
  entry: AuditEntry,
): Promise<Result<{ readonly userId: string } | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const key = { identityStoreId, userId }
  const isThere = rowExists(users, thereIs(key))
  // An index leads to the lockouts of a name, and no statement may look through all of them for one.
  const named = await attempt(() => db.select({ username: users.username }).from(users).where(thereIs(key)))
  if (!named.ok) return named
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, thereIs(key), null),
      revocation(db, identityStoreId, userId, isThere, at),
      voidTokensMadeBy(db, identityStoreId, userId, isThere),
      ...firstErasure(db, key, isThere),
      ...otherErasure(db, key, named.value[0]?.username ?? null, isThere),
      db
        .update(users)
        .set({
          active: false,
          username: null,
          firstName: null,
          lastName: null,
          emailAddress: null,
          passwordHash: null,
          openidSubject: null,
          signedInFrom: null,
          openidIssuer: null,
          profileBase: null,
          statusVersion: sql`${users.statusVersion} + 1`,
          updatedAt: at,
          deletedAt: at,
        })
        .where(thereIs(key))
        .returning({ userId: users.userId }),
    ]),
  )
  if (!written.ok) return written
  const deleted = written.value.at(-1) as readonly unknown[]
  return ok(deleted.length > 0 ? { userId } : null)
}

/** What the audit log shows of changes, under its names. */
function membersOf(changes: UserChanges, passwordHash: string | null | undefined): Record<string, unknown> {
  const password = passwordHash === undefined ? {} : { has_password: passwordHash !== null }
  return { ...shownValues(VIEW, changes), ...password }
}

/**
 * What is kept of the application server's copy of the profile when an operator writes ours. It knows users by
 * name: another name is another profile there, of other versions. A revived user starts afresh.
 */
function profileMarks(username: SQL) {
  const renamed = sql`${users.username} IS NOT ${username}`
  return {
    profileVersion: sql`iif(${renamed}, NULL, ${users.profileVersion})`,
    profileBase: sql`CASE WHEN ${users.deletedAt} IS NOT NULL THEN NULL
      WHEN ${renamed} THEN json_set(${PROFILE_BASE}, '$.version', NULL) ELSE ${PROFILE_BASE} END`,
  }
}

function keyIs({ identityStoreId, userId }: UserKey): SQL {
  return sql`${users.identityStoreId} = ${identityStoreId} AND ${users.userId} = ${userId}`
}

function thereIs(key: UserKey): SQL {
  return sql`${keyIs(key)} AND ${users.deletedAt} IS NULL`
}
