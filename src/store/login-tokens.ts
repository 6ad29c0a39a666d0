/** Login tokens: each opens one session of one user, once, soon. Only hashes are kept. */
import { and, eq, gt, type SQL, sql } from 'drizzle-orm'
import { NO_STORE } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { attempt, type Database } from './database.ts'
import { insertWhere } from './insert-where.ts'
import { loginTokens, users } from './schema.ts'

/** A login token as it is kept. */
export type LoginToken = typeof loginTokens.$inferSelect

/**
 * Writes a login token and its audit event, unless its maker's status version is another than `makerEpoch` by now;
 * answers whether it was written.
 */
export async function insertLoginToken(
  db: Database,
  token: LoginToken & { readonly makerUserId: string },
  makerEpoch: number,
  entry: AuditEntry,
): Promise<Result<boolean, Unavailable>> {
  const where = sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.identityStoreId} = ${token.identityStoreId}
    AND ${users.userId} = ${token.makerUserId} AND ${users.statusVersion} = ${makerEpoch})`
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: null,
        after: sql`json_object('expires_at', ${new Date(token.expiresAt).toISOString()})`,
        where,
      }),
      insertWhere(db, loginTokens, token, where).returning({ tokenHash: loginTokens.tokenHash }),
    ]),
  )
  return written.ok ? ok(written.value[1].length > 0) : written
}

/**
 * The statement that voids the tokens that a user made, on a condition. It belongs into each batch that raises the
 * user's status version: a token for another user has only that other user's version.
 */
export function voidTokensMadeBy(db: Database, identityStoreId: string, makerUserId: string, where: SQL) {
  return db
    .delete(loginTokens)
    .where(and(eq(loginTokens.identityStoreId, identityStoreId), eq(loginTokens.makerUserId, makerUserId), where))
}

/** Takes a login token away and answers it; null if there is none, or it has expired. Of many takers one gets it. */
export async function takeLoginToken(
  db: Database,
  tokenHash: string,
  now: number,
): Promise<Result<LoginToken | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .delete(loginTokens)
      .where(and(eq(loginTokens.tokenHash, tokenHash), gt(loginTokens.expiresAt, now)))
      .returning(),
  )
  return rows.ok ? ok(rows.value[0] ?? null) : rows
}

/** Writes a code that opens one console session for an operator's credential, and its audit event. */
export async function insertConsoleCode(
  db: Database,
  code: Pick<LoginToken, 'tokenHash' | 'createdAt' | 'expiresAt'> & { readonly credentialId: string },
  entry: AuditEntry,
): Promise<Result<void, Unavailable>> {
  const { credentialId: userId, ...kept } = code
  const row = { ...kept, identityStoreId: NO_STORE, userId, epoch: null, makerUserId: null }
  const after = sql`json_object('expires_at', ${new Date(code.expiresAt).toISOString()})`
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, { before: null, after, where: sql`true` }),
      db.insert(loginTokens).values(row),
    ]),
  )
  return written.ok ? ok() : written
}

/** Voids the codes of an operator's credential. */
export async function voidConsoleCodes(db: Database, credentialId: string): Promise<Result<void, Unavailable>> {
  const { identityStoreId, userId } = loginTokens
  const done = await attempt(() =>
    db.delete(loginTokens).where(and(eq(identityStoreId, NO_STORE), eq(userId, credentialId))),
  )
  return done.ok ? ok() : done
}
