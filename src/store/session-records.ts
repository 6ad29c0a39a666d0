/** Session records: D1's copy of every session. Only the users' objects write here, through `mirrorSessions`. */
import { sql } from 'drizzle-orm'
import type { Knowledge } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { rulesFrom, rulesQuery, type UserKey } from './rules.ts'
import type { sessions } from './schema.ts'

/** A session record as it stands in D1. */
export type SessionRecord = typeof sessions.$inferSelect

const COLUMNS = [
  ['identity_store_id', 'identityStoreId'],
  ['user_id', 'userId'],
  ['session_id', 'sessionId'],
  ['number', 'number'],
  ['version', 'version'],
  ['kind', 'kind'],
  ['opened_at', 'openedAt'],
  ['last_seen_at', 'lastSeenAt'],
  ['persistent', 'persistent'],
  ['credentials_type', 'credentialsType'],
  ['address', 'address'],
  ['user_agent', 'userAgent'],
  ['recent_address', 'recentAddress'],
  ['recent_user_agent', 'recentUserAgent'],
  ['location', 'location'],
  ['actor_user_id', 'actorUserId'],
  ['actor_session_id', 'actorSessionId'],
  ['api_client_id', 'apiClientId'],
  ['ended_at', 'endedAt'],
  ['end_reason', 'endReason'],
  ['ended_by', 'endedBy'],
  ['end_request_id', 'endRequestId'],
] as const satisfies readonly (readonly [string, keyof SessionRecord])[]

/** What a session gains after it was opened; the rest never changes. */
const MUTABLE = COLUMNS.slice(4)

function upsert(records: readonly SessionRecord[]) {
  const columns = COLUMNS.map(([column]) => column).join(', ')
  const fields = COLUMNS.map(([, field]) => `value ->> '$.${field}'`).join(', ')
  const changes = MUTABLE.map(([column]) => `${column} = excluded.${column}`).join(', ')
  return sql`INSERT INTO sessions (${sql.raw(columns)})
SELECT ${sql.raw(fields)} FROM json_each(${JSON.stringify(records)}) WHERE true
ON CONFLICT (identity_store_id, user_id, session_id) DO UPDATE SET ${sql.raw(changes)}
WHERE excluded.version > sessions.version`
}

/**
 * Copies sessions of one user to D1 and, in the same transaction, reads what rules hold for that user
 * now. Rows carry whole states with versions, so any order and any repetition gives the same records.
 *
 * D1 learns of a session only here, after the answer: a setter that asks D1 who has live sessions may
 * have missed it. D1 has one writer, so either the setter sees the session or this read sees the setting.
 */
export async function mirrorSessions(
  db: Database,
  owner: UserKey,
  records: readonly SessionRecord[],
): Promise<Result<Knowledge | null, Unavailable>> {
  const rows = await attempt(() => db.batch([db.run(upsert(records)), rulesQuery(db, owner)]))
  if (!rows.ok) return rows
  const rules = rows.value[1][0]
  return ok(rules === undefined ? null : rulesFrom(rules))
}
