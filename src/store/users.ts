/** Reading users, with the rules that hold for them. Writing is in `user-changes.ts`. */
import { and, eq, getTableColumns, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { Role } from '../domain/authority.ts'
import type { UserKey } from '../domain/ids.ts'
import type { UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { usernameSpellings } from '../domain/text.ts'
import type { Unavailable } from '../time-limit.ts'
import { rowOfTable, type ScannedPage, scan } from './bounded-scan.ts'
import { isCredential, isLive } from './credentials.ts'
import { attempt, type Database } from './database.ts'
import { configOfStore, RULES, settingsOfUser } from './rules.ts'
import {
  credentials,
  identityStores,
  type LoginMode,
  type StoreState,
  sessionConfigs,
  sessionSettings,
  users,
} from './schema.ts'

/** A user's row. */
export type User = typeof users.$inferSelect

/** A user who is not deleted, in a store that is not deleted, and everything that a sign-in needs to know. */
export interface KnownUser {
  readonly user: User
  readonly rules: UserRules
  /** The user's own, else the store's default. */
  readonly loginMode: LoginMode
  readonly storeState: StoreState
  /** The store's setting for users of SSO_LOGIN_DEDICATED. */
  readonly updateProfileToBsDbSso: boolean
}

/** The user of a username, however it is spelled; null if there is none. */
export function findUserByUsername(db: Database, username: string): Promise<Result<KnownUser | null, Unavailable>> {
  return findKnownUser(selectUserByUsername(db, username))
}

/** The same as a statement for a batch; `knownUserIn` its rows. */
export function selectUserByUsername(db: Database, username: string) {
  const [form, ...others] = usernameSpellings(username)
  const known = selectKnownUser(db, inArray(users.username, [form, ...others]))
  return others.length === 0 ? known.orderBy() : known.orderBy(sql`${users.username} = ${form} DESC`)
}

/** One user of a store, or null if there is none. */
export function findUser(
  db: Database,
  { identityStoreId, userId }: UserKey,
): Promise<Result<KnownUser | null, Unavailable>> {
  return findKnownUser(selectKnownUser(db, and(eq(users.identityStoreId, identityStoreId), eq(users.userId, userId))))
}

/** The same for whom an API client acts; null also if the client is revoked, has expired or is gone. */
export function findUserOfApiClient(
  db: Database,
  { identityStoreId, userId }: UserKey,
  apiClientId: string,
  now: number,
): Promise<Result<KnownUser | null, Unavailable>> {
  const clientLives = sql`EXISTS (SELECT 1 FROM ${credentials}
    WHERE ${isCredential(identityStoreId, apiClientId)} AND ${isLive(sql`${credentials}`, now)})`
  const isUser = and(eq(users.identityStoreId, identityStoreId), eq(users.userId, userId))
  return findKnownUser(selectKnownUser(db, and(isUser, clientLives)))
}

/** A user's row, also a deleted one's; null if there never was one. */
export async function readUserRow(db: Database, key: UserKey): Promise<Result<User | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select()
      .from(users)
      .where(and(eq(users.identityStoreId, key.identityStoreId), eq(users.userId, key.userId))),
  )
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

/** Which users of a store. */
export interface UserFilter {
  /** How the user name begins, in its one form. */
  readonly username?: string | undefined
  readonly active?: boolean | undefined
  readonly role?: Role | undefined
  readonly groupId?: string | undefined
}

/** A page of a store's users, by id; where a user name is named, by user name. After the id, or user name, `cursor`. */
export function listUsers(
  db: Database,
  identityStoreId: string,
  { username, active, role, groupId }: UserFilter,
  cursor: string | null,
  limit: number,
): Promise<Result<ScannedPage<User>, Unavailable>> {
  const ofStore = sql`identity_store_id = ${identityStoreId}`
  const after = cursor ?? ''
  const [from, order] =
    username === undefined
      ? [sql`SELECT * FROM users WHERE ${ofStore} AND user_id > ${after}`, sql`user_id`]
      : [
          sql`SELECT * FROM users INDEXED BY users_of_store_by_username WHERE ${ofStore} AND username IS NOT NULL
AND username >= ${username} AND username < ${username + LAST_CHARACTER} AND username > ${after}`,
          sql`username`,
        ]
  return scan(db, {
    from,
    order,
    filter: and(
      sql`deleted_at IS NULL`,
      active === undefined ? undefined : sql`active = ${active ? 1 : 0}`,
      role === undefined ? undefined : sql`role = ${role}`,
      groupId === undefined ? undefined : sql`group_id = ${groupId}`,
    ),
    limit,
    toRow: (row) => rowOfTable(users, row),
  })
}

/** No text has a character after it. */
const LAST_CHARACTER = '\u{10FFFF}'

function selectKnownUser(db: Database, which: SQL | undefined) {
  return db
    .select({
      user: getTableColumns(users),
      defaultLoginMode: identityStores.defaultLoginMode,
      storeState: identityStores.state,
      updateProfileToBsDbSso: identityStores.updateProfileToBsDbSso,
      rules: RULES,
    })
    .from(users)
    .innerJoin(identityStores, eq(identityStores.identityStoreId, users.identityStoreId))
    .innerJoin(sessionConfigs, configOfStore)
    .leftJoin(sessionSettings, settingsOfUser)
    .where(and(which, isNull(users.deletedAt), isNull(identityStores.deletedAt)))
}

type KnownUserRows = Awaited<ReturnType<typeof selectKnownUser>>

async function findKnownUser(query: PromiseLike<KnownUserRows>): Promise<Result<KnownUser | null, Unavailable>> {
  const rows = await attempt(async () => query)
  return rows.ok ? ok(knownUserIn(rows.value)) : rows
}

/** The user in rows of `selectUserByUsername`; null if there is none. */
export function knownUserIn([row]: KnownUserRows): KnownUser | null {
  if (row === undefined) return null
  const { user, rules, defaultLoginMode, ...store } = row
  return { user, rules, loginMode: user.loginMode ?? defaultLoginMode, ...store }
}
