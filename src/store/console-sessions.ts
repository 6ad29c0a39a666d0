/** Operators' console sessions as the mirror has them: sessions of the store `*`, whose users are credentials. */
import { sql } from 'drizzle-orm'
import { NO_STORE } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import { firstIdAt, sessionNumber } from '../domain/session-id.ts'
import type { Unavailable } from '../time-limit.ts'
import { isLive } from './credentials.ts'
import { attempt, type Database } from './database.ts'

/** A console session in a list. */
export interface ListedConsoleSession {
  readonly credentialId: string
  /** Of the credential. */
  readonly name: string
  /** When the credential ends, and its sessions with it, epoch milliseconds; null for never. */
  readonly credentialExpiresAt: number | null
  readonly sessionId: string
  /** Epoch milliseconds. */
  readonly openedAt: number
  /** The client when last seen elsewhere than where it was opened, else that. */
  readonly address: string | null
  readonly userAgent: string | null
}

/**
 * A page of the live ones, newest first, older than the session `before`. Reads the operators' credentials, and of each
 * the sessions that are young enough to live, by the primary key.
 * @param openedAfter epoch milliseconds: an older one is past its overall timeout
 */
export async function listConsoleSessions(
  db: Database,
  { before, limit }: { readonly before: string | null; readonly limit: number },
  openedAfter: number,
  now: number,
): Promise<Result<readonly ListedConsoleSession[], Unavailable>> {
  const older = before === null ? sql`` : sql`AND s.session_id < ${before}`
  const rows = await attempt(() =>
    db.all<ListedConsoleSession>(sql`SELECT s.user_id AS credentialId, c.name AS name, c.expires_at AS credentialExpiresAt, s.session_id AS sessionId,
  s.opened_at AS openedAt, coalesce(s.recent_address, s.address) AS address,
  coalesce(s.recent_user_agent, s.user_agent) AS userAgent
FROM credentials AS c CROSS JOIN sessions AS s ON s.identity_store_id = ${NO_STORE} AND s.user_id = c.credential_id
  AND s.session_id >= ${firstIdAt(openedAfter)} ${older}
WHERE c.identity_store_id = ${NO_STORE} AND ${isLive(sql`c`, now)} AND s.kind = 'operator' AND s.ended_at IS NULL
ORDER BY s.session_id DESC LIMIT ${limit}`),
  )
  return rows.ok ? ok(rows.value) : rows
}

/** The credential whose console session has an id, ended or not; null if there is no such session. */
export async function findConsoleSessionOwner(
  db: Database,
  sessionId: string,
): Promise<Result<string | null, Unavailable>> {
  const rows = await attempt(() =>
    db.all<{ user_id: string }>(sql`SELECT user_id FROM sessions INDEXED BY session_by_number
WHERE identity_store_id = ${NO_STORE} AND number = ${sessionNumber(sessionId)} AND session_id = ${sessionId}
  AND kind = 'operator'`),
  )
  return rows.ok ? ok(rows.value[0]?.user_id ?? null) : rows
}
