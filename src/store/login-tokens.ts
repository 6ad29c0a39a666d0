/** Login tokens: each opens one session of one user, once, soon. Only hashes are kept. */
import { and, eq, gt, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import { attempt, type Database } from './database.ts'
import { loginTokens } from './schema.ts'

/** A login token as it is kept. */
export type LoginToken = typeof loginTokens.$inferSelect

/** Writes a login token and its audit event. */
export async function insertLoginToken(
  db: Database,
  token: LoginToken,
  entry: AuditEntry,
): Promise<Result<void, Unavailable>> {
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: null,
        after: sql`json_object('expires_at', ${new Date(token.expiresAt).toISOString()})`,
        where: sql`true`,
      }),
      db.insert(loginTokens).values(token),
    ]),
  )
  return written.ok ? ok() : written
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
