/** Credentials: what callers prove themselves with. Secrets are here as hashes, or sealed. */
import { and, asc, eq, getTableColumns, gt, isNull, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { NO_STORE } from '../domain/ids.ts'
import type { UserRules } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { rowExists } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'
import { configOfStore, RULES, rulesFrom, settingsOfUser } from './rules.ts'
import { type CredentialKind, credentials, sessionConfigs, sessionSettings, spentSecrets, users } from './schema.ts'
import { statement } from './statement.ts'

type Row = typeof credentials.$inferSelect

/** The columns under the names of their fields. */
const NAMED_COLUMNS = Object.fromEntries(
  Object.entries(getTableColumns(credentials)).map(([field, column]) => [field, sql`${column}`.as(field)]),
)

/** An earlier secret of a credential, which is good for a while after a rotation. */
export interface PreviousSecret {
  readonly secret_hash: string | null
  readonly sealed_secret: string | null
  /** Epoch milliseconds. */
  readonly valid_until: number
}

/** A credential. */
export interface Credential
  extends Omit<Row, 'scopes' | 'addressAllowList' | 'delegatedStoreIds' | 'limitedStoreIds' | 'previousSecrets'> {
  readonly scopes: readonly string[]
  /** Other identity stores that it administers. */
  readonly delegatedStoreIds: readonly string[]
  /** Of an operator: the identity stores that it is limited to; null for all. */
  readonly limitedStoreIds: readonly string[] | null
  /** Addresses and CIDR blocks; null for any address. */
  readonly addressAllowList: readonly string[] | null
  /** Oldest first; some may be past their time. */
  readonly previousSecrets: readonly PreviousSecret[]
}

/** Whether the store and the owner of a credential exist: `gone` once one of them is deleted. */
export type Standing = 'good' | 'owner_disabled' | 'gone'

/** A credential that a caller shows. It may be revoked or expired. */
export interface ShownCredential extends Credential {
  readonly standing: Standing
}

/** SQL of the standing, found with the credential. */
export const STANDING = sql<Standing>`CASE
  WHEN credentials.identity_store_id <> ${sql.raw(`'${NO_STORE}'`)} AND NOT EXISTS (SELECT 1 FROM identity_stores AS its_store
    WHERE its_store.identity_store_id = credentials.identity_store_id AND its_store.deleted_at IS NULL) THEN 'gone'
  WHEN credentials.owner_user_id IS NULL THEN 'good'
  ELSE coalesce((SELECT iif(its_owner.active, 'good', 'owner_disabled') FROM users AS its_owner
    WHERE its_owner.identity_store_id = credentials.identity_store_id AND its_owner.user_id = credentials.owner_user_id
      AND its_owner.deleted_at IS NULL), 'gone') END`.as('standing')

/** The condition of the credential with this public part. */
export function isShown(kind: CredentialKind | Placeholder, publicId: string | Placeholder): SQL | undefined {
  return and(eq(credentials.publicId, publicId), eq(credentials.kind, kind))
}

/** What is found by a credential's public part. */
export interface FoundCredential {
  readonly credential: ShownCredential
}

/** The credential with this public part. */
export async function findCredential(
  db: Database,
  kind: CredentialKind,
  publicId: string,
): Promise<Result<FoundCredential | null, Unavailable>> {
  const rows = await attempt(() =>
    db.select({ row: credentials, standing: STANDING }).from(credentials).where(isShown(kind, publicId)),
  )
  if (!rows.ok) return rows
  const found = rows.value[0]
  return ok(found === undefined ? null : { credential: shownCredential(found.row, found.standing) })
}

/** A credential from its row, and its standing. */
export function shownCredential(row: Row, standing: Standing): ShownCredential {
  return { ...credentialFrom(row), standing }
}

/** A user for whom a session is to be opened. */
export interface UserToOpenFor {
  readonly bot: boolean
  readonly rules: UserRules
}

/** A credential, and the user of its store for whom it is used; null if there is no such user. */
export interface CredentialAndUser extends FoundCredential {
  readonly user: UserToOpenFor | null
}

const credentialAndUser = statement((db) =>
  db
    .select({ ...NAMED_COLUMNS, standing: STANDING, userBot: sql`${users.bot}`.as('userBot'), rules: RULES })
    .from(credentials)
    .leftJoin(
      users,
      and(
        eq(users.identityStoreId, credentials.identityStoreId),
        eq(users.userId, sql.placeholder('userId')),
        isNull(users.deletedAt),
      ),
    )
    .leftJoin(sessionConfigs, configOfStore)
    .leftJoin(sessionSettings, settingsOfUser)
    .where(isShown(sql.placeholder('kind'), sql.placeholder('publicId'))),
)

interface RowWithUser extends Row {
  readonly standing: Standing
  /** Null: there is no such user. */
  readonly userBot: number | null
  readonly rules: string
}

/** As `findCredential`, with the user that it is used for, in the same statement. An operator's has no users. */
export async function findCredentialAndUser(
  db: Database,
  kind: CredentialKind,
  publicId: string,
  userId: string,
): Promise<Result<CredentialAndUser | null, Unavailable>> {
  const rows = await attempt(() => credentialAndUser(db, { kind, publicId, userId }).all<RowWithUser>())
  if (!rows.ok) return rows
  const row = rows.value.results[0]
  if (row === undefined) return ok(null)
  const { standing, userBot, rules, ...credential } = row
  const user = userBot === null ? null : { bot: userBot === 1, rules: rulesFrom(rules) }
  return ok({ credential: shownCredential(credential, standing), user })
}

/** A page of a store's credentials, in the order in which they were made, after the credential `after`. */
export async function listCredentials(
  db: Database,
  identityStoreId: string,
  after: string | null,
  limit: number,
): Promise<Result<readonly Credential[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select()
      .from(credentials)
      .where(
        and(
          eq(credentials.identityStoreId, identityStoreId),
          after === null ? undefined : gt(credentials.credentialId, after),
        ),
      )
      .orderBy(asc(credentials.credentialId))
      .limit(limit),
  )
  return rows.ok ? ok(rows.value.map(credentialFrom)) : rows
}

/** What must hold for a new credential to be written. */
export type CredentialCondition =
  /** The store is there, and so is the owner if there is one. */
  | 'store_and_owner'
  /** It is an operator's: nothing. */
  | 'none'
  /** The access key that it is issued from may be used, is no temporary one, and administers the same stores. */
  | 'parent_usable'

/** Writes a new credential and its audit event. False if the condition does not hold: nothing is written. */
export async function insertCredential(
  db: Database,
  credential: Credential,
  condition: CredentialCondition,
  entry: AuditEntry,
): Promise<Result<boolean, Unavailable>> {
  const written = await attempt(() => db.batch(insertion(db, credential, conditionOf(credential, condition), entry)))
  return written.ok ? ok(written.value[1].length > 0) : written
}

/**
 * Writes an operator's credential that a secret of the deployment makes, which is spent by it. False if the secret
 * makes none: it has made one before; or, where it is to make the `first` one, there ever was an operator.
 */
export async function insertOperatorBySecret(
  db: Database,
  credential: Credential,
  secretHash: string,
  which: 'first' | 'another',
  entry: AuditEntry,
): Promise<Result<boolean, Unavailable>> {
  const { credentialId, createdAt } = credential
  // An older version of the service makes a first operator without spending the secret.
  const where =
    which === 'first'
      ? sql`NOT EXISTS (SELECT 1 FROM ${spentSecrets}) AND NOT EXISTS (SELECT 1 FROM credentials AS other WHERE other.identity_store_id = ${NO_STORE})`
      : sql`NOT EXISTS (SELECT 1 FROM ${spentSecrets} WHERE ${spentSecrets.secretHash} = ${secretHash})`
  const isWritten = rowExists(credentials, isCredential(NO_STORE, credentialId))
  const written = await attempt(() =>
    db.batch([
      ...insertion(db, credential, where, entry),
      insertWhere(db, spentSecrets, { secretHash, spentAt: createdAt }, isWritten),
    ]),
  )
  return written.ok ? ok(written.value[1].length > 0) : written
}

function insertion(db: Database, credential: Credential, where: SQL, entry: AuditEntry) {
  const { addressAllowList, limitedStoreIds } = credential
  const row = {
    ...credential,
    scopes: JSON.stringify(credential.scopes),
    delegatedStoreIds: JSON.stringify(credential.delegatedStoreIds),
    limitedStoreIds: limitedStoreIds === null ? null : JSON.stringify(limitedStoreIds),
    addressAllowList: addressAllowList === null ? null : JSON.stringify(addressAllowList),
    previousSecrets: JSON.stringify(credential.previousSecrets),
  }
  return [
    insertAuditEvent(db, entry, { before: null, after: sql`${JSON.stringify(auditedFields(credential))}`, where }),
    insertWhere(db, credentials, row, where).returning({ credentialId: credentials.credentialId }),
  ] as const
}

/** Why a credential was not revoked. */
export type RevocationFault = { readonly code: 'credential_not_found' } | { readonly code: 'last_operator_credential' }

/**
 * Revokes a credential of a store, and the temporary ones that were issued from it. Revoking twice succeeds
 * twice; the operators' last live one that may do everything stays.
 */
export async function revokeCredential(
  db: Database,
  identityStoreId: string,
  credentialId: string,
  entry: AuditEntry,
): Promise<Result<void, Unavailable | RevocationFault>> {
  const now = entry.at
  const another =
    identityStoreId === NO_STORE
      ? sql`(NOT ${mayDoEverything(sql`credentials`)} OR EXISTS (SELECT 1 FROM credentials AS other
  WHERE other.identity_store_id = ${NO_STORE} AND other.credential_id <> ${credentialId}
  AND ${mayDoEverything(sql`other`)} AND ${isLive(sql`other`, now)}))`
      : sql`true`
  const key = isCredential(identityStoreId, credentialId)
  const target = sql`${key} AND ${credentials.revokedAt} IS NULL AND ${another}`
  const revokedAt = new Date(now).toISOString()
  const done = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`'{"revoked_at":null}'`,
        after: sql`json_object('revoked_at', ${revokedAt})`,
        where: rowExists(credentials, target),
      }),
      db.update(credentials).set({ revokedAt: now }).where(target),
      db.select({ revokedAt: credentials.revokedAt }).from(credentials).where(key),
      db
        .update(credentials)
        .set({ revokedAt: now })
        .where(
          and(
            eq(credentials.identityStoreId, identityStoreId),
            eq(credentials.parentCredentialId, credentialId),
            isNull(credentials.revokedAt),
          ),
        ),
    ]),
  )
  if (!done.ok) return done
  const row = done.value[2][0]
  if (row === undefined) return fail({ code: 'credential_not_found' })
  return row.revokedAt === null ? fail({ code: 'last_operator_credential' }) : ok()
}

function conditionOf(credential: Credential, condition: CredentialCondition): SQL {
  switch (condition) {
    case 'none':
      return sql`true`
    case 'parent_usable':
      return sql`EXISTS (SELECT 1 FROM credentials AS parent WHERE parent.identity_store_id = ${credential.identityStoreId}
  AND parent.credential_id = ${credential.parentCredentialId} AND parent.kind = 'access_key'
  AND parent.parent_credential_id IS NULL
  AND parent.delegated_store_ids = ${JSON.stringify(credential.delegatedStoreIds)} AND ${isLive(sql`parent`, credential.createdAt)})`
    case 'store_and_owner': {
      const { identityStoreId, ownerUserId } = credential
      const store = storeExists(identityStoreId)
      if (ownerUserId === null) return store
      return sql`${store} AND EXISTS (SELECT 1 FROM ${users} WHERE ${and(eq(users.identityStoreId, identityStoreId), eq(users.userId, ownerUserId), isNull(users.deletedAt))})`
    }
  }
}

/** The condition of one credential of a store. */
export function isCredential(identityStoreId: string, credentialId: string): SQL {
  return sql`${credentials.identityStoreId} = ${identityStoreId} AND ${credentials.credentialId} = ${credentialId}`
}

/** SQL of whether a credential is neither revoked nor expired. */
export function isLive(table: SQL, now: number): SQL {
  return sql`${table}.revoked_at IS NULL AND (${table}.expires_at IS NULL OR ${table}.expires_at > ${now})`
}

/** SQL of whether an operator's credential may do everything in every store: only such a one can make another. */
function mayDoEverything(table: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM json_each(${table}.scopes) WHERE value = 'operator')`
}

/** What the audit log says of a credential: nothing secret. */
function auditedFields(credential: Credential): Record<string, unknown> {
  return {
    kind: credential.kind,
    name: credential.name,
    public_id: credential.publicId,
    owner_user_id: credential.ownerUserId,
    parent_credential_id: credential.parentCredentialId,
    scopes: credential.scopes,
    delegated_store_ids: credential.delegatedStoreIds,
    limited_store_ids: credential.limitedStoreIds,
    address_allow_list: credential.addressAllowList,
    expires_at: credential.expiresAt === null ? null : new Date(credential.expiresAt).toISOString(),
  }
}

/** A credential from its row. */
export function credentialFrom(row: Row): Credential {
  return {
    ...row,
    scopes: JSON.parse(row.scopes),
    delegatedStoreIds: JSON.parse(row.delegatedStoreIds),
    limitedStoreIds: row.limitedStoreIds === null ? null : JSON.parse(row.limitedStoreIds),
    addressAllowList: row.addressAllowList === null ? null : JSON.parse(row.addressAllowList),
    previousSecrets: JSON.parse(row.previousSecrets),
  }
}
