/**
 * Live web sessions across the users of a store, as the mirror has them. Each statement names its index:
 * without statistics SQLite takes the primary key, and reads every record of the store.
 */
import { sql } from 'drizzle-orm'
import type { Party } from '../domain/authority.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Client } from '../domain/session.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'

/** What a list across users shows of a session. */
export interface ListedSession {
  readonly userId: string
  readonly sessionId: string
  /** The client when the session was opened. */
  readonly client: Client
  /** The client when last seen, where it differs from the first; else null. */
  readonly recentClient: Client | null
}

interface Row {
  readonly user_id: string
  readonly session_id: string
  readonly address: string | null
  readonly user_agent: string | null
  readonly recent_address: string | null
  readonly recent_user_agent: string | null
}

/**
 * A page of a store's live web sessions, newest first, older than the session `before`. One past its overall
 * timeout is not among them, even if nothing has touched it since: that is `resolvePolicy` once more, in SQL. The
 * partial index named for this query is read downwards from the cursor, so ended sessions cost nothing and a page
 * reads about what it shows; each session's group is looked up only in a store whose groups have settings.
 * @param maxOverallTimeoutSeconds the deployment's ceiling; null if it has none
 */
export async function listLiveSessions(
  db: Database,
  identityStoreId: string,
  { before, limit }: { readonly before: string | null; readonly limit: number },
  maxOverallTimeoutSeconds: number | null,
  now: number,
): Promise<Result<readonly ListedSession[], Unavailable>> {
  const older = before === null ? sql`` : sql`AND s.session_id < ${before}`
  const rows = await attempt(() =>
    db.all<Row>(sql`SELECT s.user_id, s.session_id, s.address, s.user_agent, s.recent_address, s.recent_user_agent
FROM sessions AS s INDEXED BY live_sessions_of_store_newest_first
WHERE s.identity_store_id = ${identityStoreId} AND s.ended_at IS NULL AND s.kind = 'web' ${older}
  AND s.opened_at + 1000 * min(${maxOverallTimeoutSeconds ?? Number.MAX_SAFE_INTEGER}, coalesce(
    (SELECT duration_seconds FROM session_settings WHERE identity_store_id = s.identity_store_id AND user_id = s.user_id),
    CASE WHEN EXISTS (SELECT 1 FROM group_session_configs WHERE identity_store_id = ${identityStoreId}) THEN
      (SELECT g.config ->> 'overallTimeoutSeconds' FROM users AS u JOIN group_session_configs AS g
        ON g.identity_store_id = u.identity_store_id AND g.group_id = u.group_id
        WHERE u.identity_store_id = s.identity_store_id AND u.user_id = s.user_id) END,
    (SELECT round(session_minutes * 60) FROM session_configs WHERE identity_store_id = ${identityStoreId}))) > ${now}
ORDER BY s.session_id DESC LIMIT ${limit}`),
  )
  return rows.ok ? ok(rows.value.map(listed)) : rows
}

/** A live session that was looked up by its number, and who owns it. */
export interface NumberedSession {
  readonly owner: Party
  readonly sessionId: string
}

/** The live web sessions of a store that have a number: rarely two. */
export async function findLiveSessionsByNumber(
  db: Database,
  identityStoreId: string,
  number: number,
): Promise<Result<readonly NumberedSession[], Unavailable>> {
  const rows = await attempt(() =>
    db.all<NumberedRow>(sql`SELECT s.user_id, s.session_id, users.role, users.bot
FROM sessions AS s INDEXED BY session_by_number JOIN users ON users.identity_store_id = s.identity_store_id AND users.user_id = s.user_id
WHERE s.identity_store_id = ${identityStoreId} AND s.number = ${number} AND s.ended_at IS NULL AND s.kind = 'web'`),
  )
  if (!rows.ok) return rows
  return ok(
    rows.value.map(({ user_id: userId, session_id: sessionId, role, bot }) => ({
      owner: { identityStoreId, userId, role, bot: bot === 1 },
      sessionId,
    })),
  )
}

interface NumberedRow extends Pick<Party, 'role'> {
  readonly user_id: string
  readonly session_id: string
  readonly bot: number
}

function listed(row: Row): ListedSession {
  const recent = { address: row.recent_address, userAgent: row.recent_user_agent }
  return {
    userId: row.user_id,
    sessionId: row.session_id,
    client: { address: row.address, userAgent: row.user_agent },
    recentClient: recent.address === null && recent.userAgent === null ? null : recent,
  }
}
