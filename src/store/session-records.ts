/** Session records: D1's copy of every session. Only the users' objects write here, through `mirrorSessions`. */
import { getTableColumns, sql } from 'drizzle-orm'
import type { Knowledge } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { rulesFrom, rulesQuery, type UserKey } from './rules.ts'
import { sessions } from './schema.ts'

/** A session record as it stands in D1. */
export type SessionRecord = typeof sessions.$inferSelect

/** What a session gains after it was opened; the rest never changes. */
const MUTABLE = [
  'version',
  'lastSeenAt',
  'recentAddress',
  'recentUserAgent',
  'location',
  'endedAt',
  'endReason',
  'endedBy',
  'endRequestId',
] as const satisfies readonly (keyof SessionRecord)[]

function upsert(db: Database, records: readonly SessionRecord[]) {
  const columns = getTableColumns(sessions)
  const fields = Object.keys(columns).map((field) => sql`value ->> ${sql.raw(`'$.${field}'`)}`)
  return db
    .insert(sessions)
    .select(sql`SELECT ${sql.join(fields, sql`, `)} FROM json_each(${JSON.stringify(records)}) WHERE true`)
    .onConflictDoUpdate({
      target: [sessions.identityStoreId, sessions.userId, sessions.sessionId],
      set: Object.fromEntries(MUTABLE.map((field) => [field, sql.raw(`excluded.${columns[field].name}`)])),
      setWhere: sql`excluded.version > ${sessions.version}`,
    })
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
  const rows = await attempt(() => db.batch([upsert(db, records), rulesQuery(db, owner)]))
  if (!rows.ok) return rows
  const rules = rows.value[1][0]
  return ok(rules === undefined ? null : rulesFrom(rules))
}
