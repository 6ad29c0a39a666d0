/** Credentials: what callers prove themselves with. Secrets are here as hashes, or sealed. */
import { and, asc, eq, getTableColumns, gt, isNotNull, isNull, or, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { Knowledge } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'
import { configOfStore, RULE_COLUMNS, type RuleRow, rulesFrom, settingsOfUser } from './rules.ts'
import { type CredentialKind, credentials, identityStores, sessionConfigs, sessionSettings, users } from './schema.ts'
import { statement } from './statement.ts'

/** The store of the operators' credentials; no identity store can have this id. */
export const OPERATOR_STORE = '*'

type Row = typeof credentials.$inferSelect

/** The columns under the names of their fields. */
const NAMED_COLUMNS = Object.fromEntries(
  Object.entries(getTableColumns(credentials)).map(([field, column]) => [field, sql`${column}`.as(field)]),
)

/** A credential. */
export interface Credential extends Omit<Row, 'scopes' | 'addressAllowList' | 'delegatedStoreIds'> {
  readonly scopes: readonly string[]
  /** Other identity stores that it administers. */
  readonly delegatedStoreIds: readonly string[]
  /** Addresses and CIDR blocks; null for any address. */
  readonly addressAllowList: readonly string[] | null
}

/** Joins a credential's store, unless it is deleted. */
export const storeOfCredential = and(
  eq(identityStores.identityStoreId, credentials.identityStoreId),
  isNull(identityStores.deletedAt),
)

/** The condition of the credential with this public part, for a select that joins `storeOfCredential`. */
export function isShown(kind: CredentialKind | Placeholder, publicId: string | Placeholder): SQL | undefined {
  return and(
    eq(credentials.publicId, publicId),
    eq(credentials.kind, kind),
    or(eq(credentials.identityStoreId, OPERATOR_STORE), isNotNull(identityStores.identityStoreId)),
  )
}

/** The credential with this public part, if its store is not deleted; it may be revoked or expired. */
export async function findCredential(
  db: Database,
  kind: CredentialKind,
  publicId: string,
): Promise<Result<Credential | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ credential: credentials })
      .from(credentials)
      .leftJoin(identityStores, storeOfCredential)
      .where(isShown(kind, publicId)),
  )
  if (!rows.ok) return rows
  const row = rows.value[0]
  return ok(row === undefined ? null : credentialFrom(row.credential))
}

/** A credential, and the rules that hold for a user of its store; null if there is no such user. */
export interface CredentialAndRules {
  readonly credential: Credential
  readonly rules: Knowledge | null
}

const credentialAndRules = statement((db) =>
  db
    .select({ ...NAMED_COLUMNS, ...RULE_COLUMNS })
    .from(credentials)
    .leftJoin(identityStores, storeOfCredential)
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

/**
 * As `findCredential`, with the rules of the user that it is used for, in the same statement. An operator's has no
 * users.
 */
export async function findCredentialAndRules(
  db: Database,
  kind: CredentialKind,
  publicId: string,
  userId: string,
): Promise<Result<CredentialAndRules | null, Unavailable>> {
  const rows = await attempt(() =>
    credentialAndRules(db, { kind, publicId, userId }).all<Row & (RuleRow | { readonly ruleStatusVersion: null })>(),
  )
  if (!rows.ok) return rows
  const row = rows.value.results[0]
  if (row === undefined) return ok(null)
  return ok({ credential: credentialFrom(row), rules: row.ruleStatusVersion === null ? null : rulesFrom(row) })
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
  /** It is the first live one of the operators. */
  | 'first_operator'
  /** The access key that it is issued from may be used, is no temporary one, and administers the same stores. */
  | 'parent_usable'

/** Writes a new credential and its audit event. False if the condition does not hold: nothing is written. */
export async function insertCredential(
  db: Database,
  credential: Credential,
  condition: CredentialCondition,
  entry: AuditEntry,
): Promise<Result<boolean, Unavailable>> {
  const where = conditionOf(credential, condition)
  const { addressAllowList } = credential
  const row = {
    ...credential,
    scopes: JSON.stringify(credential.scopes),
    delegatedStoreIds: JSON.stringify(credential.delegatedStoreIds),
    addressAllowList: addressAllowList === null ? null : JSON.stringify(addressAllowList),
  }
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, { before: null, after: sql`${JSON.stringify(auditView(credential))}`, where }),
      insertWhere(db, credentials, row, where).returning({ credentialId: credentials.credentialId }),
    ]),
  )
  return written.ok ? ok(written.value[1].length > 0) : written
}

/** Why a credential was not revoked. */
export type RevocationFault = { readonly code: 'credential_not_found' } | { readonly code: 'last_operator_credential' }

/**
 * Revokes a credential of a store, and the temporary ones that were issued from it. Revoking twice succeeds
 * twice; the last live one of the operators stays.
 */
export async function revokeCredential(
  db: Database,
  identityStoreId: string,
  credentialId: string,
  entry: AuditEntry,
): Promise<Result<void, Unavailable | RevocationFault>> {
  const now = entry.at
  const another =
    identityStoreId === OPERATOR_STORE
      ? sql`EXISTS (SELECT 1 FROM credentials AS other WHERE other.identity_store_id = ${OPERATOR_STORE}
  AND other.credential_id <> ${credentialId} AND ${isLive(sql`other`, now)})`
      : sql`true`
  const key = and(eq(credentials.identityStoreId, identityStoreId), eq(credentials.credentialId, credentialId))
  const target = sql`${key} AND ${credentials.revokedAt} IS NULL AND ${another}`
  const revokedAt = new Date(now).toISOString()
  const done = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`'{"revoked_at":null}'`,
        after: sql`json_object('revoked_at', ${revokedAt})`,
        where: sql`EXISTS (SELECT 1 FROM ${credentials} WHERE ${target})`,
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
    case 'first_operator':
      return sql`NOT EXISTS (SELECT 1 FROM credentials AS other WHERE other.identity_store_id = ${OPERATOR_STORE}
  AND ${isLive(sql`other`, credential.createdAt)})`
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

function isLive(table: SQL, now: number): SQL {
  return sql`${table}.revoked_at IS NULL AND (${table}.expires_at IS NULL OR ${table}.expires_at > ${now})`
}

/** What the audit log says of a credential: nothing secret. */
function auditView(credential: Credential): Record<string, unknown> {
  return {
    kind: credential.kind,
    name: credential.name,
    public_id: credential.publicId,
    owner_user_id: credential.ownerUserId,
    parent_credential_id: credential.parentCredentialId,
    scopes: credential.scopes,
    delegated_store_ids: credential.delegatedStoreIds,
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
    addressAllowList: row.addressAllowList === null ? null : JSON.parse(row.addressAllowList),
  }
}
