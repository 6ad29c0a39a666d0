/** Finding the sessions that an OpenID provider speaks of. */
import { sql } from 'drizzle-orm'
import type { OpenIdLogout } from '../domain/openid-login.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { sessions, users } from './schema.ts'

type Named = Pick<OpenIdLogout, 'issuer' | 'subject' | 'sid'>

/** A user who may have a session that a logout names. */
export interface ConcernedUser {
  readonly userId: string
  /** Whether the subject that the logout names is the user's now. */
  readonly ofSubject: boolean
}

/**
 * The users whom a logout concerns: the subject's user, and users with a live session that belongs to the provider's
 * session.
 */
export async function usersOfLogout(
  db: Database,
  identityStoreId: string,
  { issuer, subject, sid }: Named,
): Promise<Result<readonly ConcernedUser[], Unavailable>> {
  const rows = await attempt(() =>
    db.all<{ user_id: string; of_subject: number }>(sql`
      SELECT user_id, max(of_subject) AS of_subject FROM (
        SELECT user_id, 1 AS of_subject FROM ${users} WHERE identity_store_id = ${identityStoreId}
          AND openid_subject = ${subject} AND openid_issuer = ${issuer} AND deleted_at IS NULL
        UNION ALL
        SELECT user_id, 0 FROM ${sessions} WHERE identity_store_id = ${identityStoreId}
          AND openid_sid = ${sid} AND openid_issuer = ${issuer} AND ended_at IS NULL)
      GROUP BY user_id`),
  )
  if (!rows.ok) return rows
  return ok(rows.value.map((row) => ({ userId: row.user_id, ofSubject: row.of_subject === 1 })))
}

/** Whether sessions of the provider's session are known to be of another subject than the logout names. */
export async function isOfAnotherSubject(
  db: Database,
  identityStoreId: string,
  { issuer, subject, sid }: Named,
): Promise<Result<boolean, Unavailable>> {
  if (subject === null || sid === null) return ok(false)
  const rows = await attempt(() =>
    db.all(sql`
      SELECT 1 FROM ${sessions} WHERE identity_store_id = ${identityStoreId}
        AND openid_sid = ${sid} AND openid_issuer = ${issuer} AND openid_subject <> ${subject} LIMIT 1`),
  )
  return rows.ok ? ok(rows.value.length > 0) : rows
}
