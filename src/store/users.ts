/** Reading users, with the rules that hold for them. Writing is in `user-changes.ts`. */
import { and, asc, eq, getTableColumns, gt, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import type { UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { usernameSpellings } from '../domain/text.ts'
import type { Unavailable } from '../time-limit.ts'
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

/** A page of a store's users by id, after the id `after`. */
export async function listUsers(
  db: Database,
  identityStoreId: string,
  after: string | null,
  limit: number,
): Promise<Result<readonly User[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select()
      .from(users)
      .where(
        and(
          eq(users.identityStoreId, identityStoreId),
          isNull(users.deletedAt),
          after === null ? undefined : gt(users.userId, after),
        ),
      )
      .orderBy(asc(users.userId))
      .limit(limit),
  )
  return rows.ok ? ok(rows.value) : rows
}

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
