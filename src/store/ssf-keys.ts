/** The keys that sign what streams are told, each store's own. */
import { and, asc, eq, inArray, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { rowExists } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { eventEndpoints, ssfKeys } from './event-schema.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere } from './insert-where.ts'

/** A key. */
export type SsfKeyRow = typeof ssfKeys.$inferSelect

/** What is known of a store as an issuer. */
export interface Issuer {
  /** In the order in which they sign. */
  readonly keys: readonly SsfKeyRow[]
  /** Whether the store has a stream, or a credential that may make one. To others nothing is told of it. */
  readonly isIssuer: boolean
}

/** A store as an issuer. */
export async function findIssuer(db: Database, identityStoreId: string): Promise<Result<Issuer, Unavailable>> {
  const mayManage = sql`EXISTS (SELECT 1 FROM credentials INDEXED BY receivers_of_security_events
    WHERE identity_store_id = ${identityStoreId} AND instr(scopes, '"ssf.') > 0 AND revoked_at IS NULL)`
  const stream = sql`${eventEndpoints.identityStoreId} = ${identityStoreId} AND ${eventEndpoints.receiver} IS NOT NULL`
  const isIssuer = sql<number>`(${storeExists(identityStoreId)} AND (${rowExists(eventEndpoints, stream)} OR ${mayManage}))`
  const found = await attempt(() =>
    db.batch([keysOf(db, identityStoreId), db.select({ isIssuer }).from(sql`(SELECT 1)`)]),
  )
  return found.ok ? ok({ keys: found.value[0], isIssuer: found.value[1][0]?.isIssuer === 1 }) : found
}

/** A store's keys, in the order in which they sign. */
export function findSsfKeys(db: Database, identityStoreId: string): Promise<Result<readonly SsfKeyRow[], Unavailable>> {
  return attempt(() => keysOf(db, identityStoreId))
}

/**
 * Adds a key if `newest` is the newest one still (null: there is none), and removes others. Answers the keys there are
 * now, whoever has added the last one.
 */
export async function addSsfKey(
  db: Database,
  row: SsfKeyRow,
  newest: SsfKeyRow | null,
  removed: readonly string[],
  entry: AuditEntry,
): Promise<Result<readonly SsfKeyRow[], Unavailable>> {
  const { identityStoreId, keyId, signsFrom } = row
  const isNewest = sql`(SELECT ${ssfKeys.keyId} FROM ${ssfKeys} WHERE ${ssfKeys.identityStoreId} = ${identityStoreId}
    ORDER BY ${ssfKeys.createdAt} DESC, ${ssfKeys.signsFrom} DESC LIMIT 1) IS ${newest?.keyId ?? null}`
  const where = sql`${storeExists(identityStoreId)} AND ${isNewest}`
  const wasAdded = rowExists(ssfKeys, keyIs(identityStoreId, keyId))
  const added = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: null,
        after: sql`${JSON.stringify({ signs_from: new Date(signsFrom).toISOString(), removed })}`,
        where,
      }),
      insertWhere(db, ssfKeys, row, where),
      db
        .delete(ssfKeys)
        .where(and(eq(ssfKeys.identityStoreId, identityStoreId), inArray(ssfKeys.keyId, [...removed, '']), wasAdded)),
      keysOf(db, identityStoreId),
    ]),
  )
  return added.ok ? ok(added.value[3]) : added
}

/** Removes keys that nothing is verified with any more. */
export async function removeSsfKeys(
  db: Database,
  identityStoreId: string,
  keyIds: readonly string[],
): Promise<Result<void, Unavailable>> {
  const removed = await attempt(() =>
    db.delete(ssfKeys).where(and(eq(ssfKeys.identityStoreId, identityStoreId), inArray(ssfKeys.keyId, [...keyIds]))),
  )
  return removed.ok ? ok() : removed
}

function keysOf(db: Database, identityStoreId: string) {
  return db
    .select()
    .from(ssfKeys)
    .where(eq(ssfKeys.identityStoreId, identityStoreId))
    .orderBy(asc(ssfKeys.signsFrom), asc(ssfKeys.createdAt))
}

function keyIs(identityStoreId: string, keyId: string) {
  return sql`${and(eq(ssfKeys.identityStoreId, identityStoreId), eq(ssfKeys.keyId, keyId))}`
}
