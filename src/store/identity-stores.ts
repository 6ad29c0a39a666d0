/** Identity stores: the tenants. A deleted one keeps its id for good, so that nothing of it can come back to life. */
import { and, asc, eq, gt, isNull, not, sql } from 'drizzle-orm'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { auditEvents } from './audit-schema.ts'
import { auditView, insertRowEvent, rowExists, shownRow, shownValues } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { eventEndpoints, eventStores, ssfKeys } from './event-schema.ts'
import { revocation } from './revocation.ts'
import { identityStores, users } from './schema.ts'
import { insertSessionConfig } from './session-configs.ts'

/** An identity store's row. */
export type IdentityStore = typeof identityStores.$inferSelect

/** What an operator says about an identity store. */
export type IdentityStoreFields = Pick<IdentityStore, 'name' | 'defaultLoginMode' | 'state' | 'updateProfileToBsDbSso'>

/** Changes of an identity store; what is missing stays. */
export type IdentityStoreChanges = {
  readonly [Field in keyof IdentityStoreFields]?: IdentityStoreFields[Field] | undefined
}

const VIEW = auditView(identityStores, ['name', 'defaultLoginMode', 'state', 'updateProfileToBsDbSso'])

/** An identity store that is not deleted, or null. */
export async function findIdentityStore(
  db: Database,
  identityStoreId: string,
): Promise<Result<IdentityStore | null, Unavailable>> {
  const rows = await attempt(() => db.select().from(identityStores).where(there(identityStoreId)))
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

/** Whether there is such a store, or was one that is deleted. */
export async function wasIdentityStore(db: Database, identityStoreId: string): Promise<Result<boolean, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ identityStoreId: identityStores.identityStoreId })
      .from(identityStores)
      .where(eq(identityStores.identityStoreId, identityStoreId)),
  )
  return rows.ok ? ok(rows.value.length > 0) : rows
}

/** The ids of all stores after one, in their order: also of deleted ones, which may have work left. */
export async function storesAfter(
  db: Database,
  after: string,
  limit: number,
): Promise<Result<readonly string[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ id: identityStores.identityStoreId })
      .from(identityStores)
      .where(gt(identityStores.identityStoreId, after))
      .orderBy(asc(identityStores.identityStoreId))
      .limit(limit),
  )
  return rows.ok ? ok(rows.value.map(({ id }) => id)) : rows
}

/** Those of some ids that no store has, or a deleted one. */
export async function missingIdentityStores(
  db: Database,
  identityStoreIds: readonly string[],
): Promise<Result<readonly string[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({ id: identityStores.identityStoreId })
      .from(identityStores)
      .where(and(isNull(identityStores.deletedAt), isAmong(identityStoreIds))),
  )
  if (!rows.ok) return rows
  const there = new Set(rows.value.map(({ id }) => id))
  return ok(identityStoreIds.filter((id) => !there.has(id)))
}

/** A page of the identity stores by id, after the id `after`; null for `only`: of all there are. */
export async function listIdentityStores(
  db: Database,
  only: readonly string[] | null,
  after: string | null,
  limit: number,
): Promise<Result<readonly IdentityStore[], Unavailable>> {
  const rows = await attempt(() =>
    db
      .select()
      .from(identityStores)
      .where(
        and(
          isNull(identityStores.deletedAt),
          after === null ? undefined : gt(identityStores.identityStoreId, after),
          only === null ? undefined : isAmong(only),
        ),
      )
      .orderBy(asc(identityStores.identityStoreId))
      .limit(limit),
  )
  return rows.ok ? ok(rows.value) : rows
}

/** The id belonged to a store that was deleted. */
export interface IdUsedBefore {
  readonly code: 'id_used_before'
}

/** Creates a store with its session config, or replaces what is said of one. Errors: `id_used_before`. */
export async function putIdentityStore(
  db: Database,
  fields: IdentityStoreFields,
  entry: AuditEntry,
): Promise<Result<{ readonly store: IdentityStore; readonly created: boolean }, Unavailable | IdUsedBefore>> {
  const { identityStoreId, at } = entry
  const mayWrite = sql`NOT EXISTS (SELECT 1 FROM ${identityStores} WHERE ${identityStores.identityStoreId} = ${identityStoreId} AND ${identityStores.deletedAt} IS NOT NULL)`
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: shownRow(VIEW, there(identityStoreId)),
        after: sql`${JSON.stringify(shownValues(VIEW, fields))}`,
        where: mayWrite,
      }).returning({ before: auditEvents.before }),
      db
        .insert(identityStores)
        .values({ identityStoreId, ...fields, createdAt: at, updatedAt: at, deletedAt: null })
        .onConflictDoUpdate({
          target: identityStores.identityStoreId,
          set: { ...fields, updatedAt: at },
          setWhere: isNull(identityStores.deletedAt),
        })
        .returning(),
      insertSessionConfig(db, identityStoreId, at),
    ]),
  )
  if (!written.ok) return written
  const store = written.value[1][0]
  if (store === undefined) return fail({ code: 'id_used_before' })
  return ok({ store, created: written.value[0][0]?.before === null })
}

/** Changes what is named. Null if there is no such store. */
export async function updateIdentityStore(
  db: Database,
  changes: IdentityStoreChanges,
  entry: AuditEntry,
): Promise<Result<IdentityStore | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, there(identityStoreId), shownValues(VIEW, changes)),
      db
        .update(identityStores)
        .set({ ...(changes as Partial<IdentityStore>), updatedAt: at })
        .where(there(identityStoreId))
        .returning(),
    ]),
  )
  return written.ok ? ok(written.value[1][0] ?? null) : written
}

/** Why a store was not deleted. */
export type DeletionFault = { readonly code: 'identity_store_not_found' } | { readonly code: 'has_users' }

/** Deletes a store that has no users. Its credentials are revoked, its endpoints are gone. */
export async function deleteIdentityStore(
  db: Database,
  entry: AuditEntry,
): Promise<Result<void, Unavailable | DeletionFault>> {
  const { identityStoreId, at } = entry
  const isEmpty = sql`NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.identityStoreId} = ${identityStoreId} AND ${users.deletedAt} IS NULL)`
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, there(identityStoreId), null, isEmpty),
      db.select({ deletedAt: identityStores.deletedAt }).from(identityStores).where(there(identityStoreId)),
      revocation(db, identityStoreId, null, sql`${storeExists(identityStoreId)} AND ${isEmpty}`, at),
      db
        .update(identityStores)
        .set({ deletedAt: at, updatedAt: at })
        .where(and(there(identityStoreId), isEmpty))
        .returning({ deletedAt: identityStores.deletedAt }),
      db
        .delete(eventEndpoints)
        .where(and(eq(eventEndpoints.identityStoreId, identityStoreId), not(storeExists(identityStoreId)))),
      db
        .update(eventStores)
        .set({ feed: false, recording: false, endpoints: [] })
        .where(and(eq(eventStores.identityStoreId, identityStoreId), not(storeExists(identityStoreId)))),
      db.delete(ssfKeys).where(and(eq(ssfKeys.identityStoreId, identityStoreId), not(storeExists(identityStoreId)))),
    ]),
  )
  if (!written.ok) return written
  if (written.value[1].length === 0) return fail({ code: 'identity_store_not_found' })
  return written.value[3].length === 0 ? fail({ code: 'has_users' }) : ok()
}

/** That a store is there: the condition of whatever is written into it. */
export function storeExists(identityStoreId: string) {
  return rowExists(identityStores, there(identityStoreId))
}

/** One parameter, however many they are: D1 takes 100. */
function isAmong(identityStoreIds: readonly string[]) {
  return sql`${identityStores.identityStoreId} IN (SELECT value FROM json_each(${JSON.stringify(identityStoreIds)}))`
}

function there(identityStoreId: string) {
  return sql`${identityStores.identityStoreId} = ${identityStoreId} AND ${identityStores.deletedAt} IS NULL`
}
