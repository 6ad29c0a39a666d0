/** What only access keys have: temporary keys are issued from them, and they may administer other identity stores. */
import { and, eq, isNull, or, sql } from 'drizzle-orm'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { type Credential, credentialFrom, isCredential } from './credentials.ts'
import { attempt, type Database } from './database.ts'
import { credentials, identityStores } from './schema.ts'

/** Why a credential was not made a delegated administrator. */
export type DelegationFault =
  | { readonly code: 'credential_not_found' }
  | { readonly code: 'identity_store_not_found'; readonly identityStoreIds: readonly string[] }
  /** It is no access key; or a temporary one, which has the stores of the key it was issued from. */
  | { readonly code: 'not_delegable' }

/** Replaces the list of other stores that an access key administers, also for the keys issued from it. */
export async function setDelegatedStores(
  db: Database,
  identityStoreId: string,
  credentialId: string,
  delegatedStoreIds: readonly string[],
  entry: AuditEntry,
): Promise<Result<Credential, Unavailable | DelegationFault>> {
  const list = JSON.stringify(delegatedStoreIds)
  const key = isCredential(identityStoreId, credentialId)
  const missing = sql`SELECT 1 FROM json_each(${list}) WHERE NOT EXISTS (SELECT 1 FROM identity_stores
  WHERE identity_store_id = value AND deleted_at IS NULL)`
  const target = sql`EXISTS (SELECT 1 FROM ${credentials} WHERE ${key} AND kind = 'access_key'
  AND parent_credential_id IS NULL) AND NOT EXISTS (${missing})`
  const done = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`(SELECT json_object('delegated_store_ids', json(delegated_store_ids)) FROM ${credentials} WHERE ${key})`,
        after: sql`json_object('delegated_store_ids', json(${list}))`,
        where: target,
      }),
      db
        .update(credentials)
        .set({ delegatedStoreIds: list })
        .where(
          and(
            eq(credentials.identityStoreId, identityStoreId),
            or(eq(credentials.credentialId, credentialId), eq(credentials.parentCredentialId, credentialId)),
            target,
          ),
        ),
      db.select().from(credentials).where(key),
      db
        .select({ id: identityStores.identityStoreId })
        .from(identityStores)
        .where(
          and(
            sql`${identityStores.identityStoreId} IN (SELECT value FROM json_each(${list}))`,
            isNull(identityStores.deletedAt),
          ),
        ),
    ]),
  )
  if (!done.ok) return done
  const row = done.value[2][0]
  if (row === undefined) return fail({ code: 'credential_not_found' })
  if (row.kind !== 'access_key' || row.parentCredentialId !== null) return fail({ code: 'not_delegable' })
  const there = new Set(done.value[3].map(({ id }) => id))
  const identityStoreIds = delegatedStoreIds.filter((id) => !there.has(id))
  return identityStoreIds.length === 0
    ? ok(credentialFrom(row))
    : fail({ code: 'identity_store_not_found', identityStoreIds })
}
