/** Session records: D1's copy of every session. Only the users' objects write here, through `mirrorSessions`. */
import { getTableColumns, sql } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { userObjectName } from '../domain/ids.ts'
import type { UserRules } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { endpointsByStore, type OwnedRules, ownersParameter, rulesByUser, rulesOfUsers } from './rules.ts'
import { sessions, users } from './schema.ts'
import { statement } from './statement.ts'

/** A session record as it stands in D1. */
export type SessionRecord = typeof sessions.$inferSelect

/** The columns that change after a session was opened. */
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
  'endDecision',
] as const satisfies readonly (keyof SessionRecord)[]

/** Columns that are not written for a deleted user, however late the user's object copies a session. */
const PERSONAL: readonly string[] = [
  'address',
  'userAgent',
  'recentAddress',
  'recentUserAgent',
  'location',
  'openidSubject',
  'openidSid',
] satisfies (keyof SessionRecord)[]

const upsert = statement((db) => {
  const columns = getTableColumns(sessions)
  const fields = Object.keys(columns).map((field) => {
    const value = sql`value ->> ${sql.raw(`'$.${field}'`)}`
    return PERSONAL.includes(field) ? sql`iif(${users.deletedAt} IS NULL, ${value}, NULL)` : value
  })
  return db
    .insert(sessions)
    .select(
      sql`SELECT ${sql.join(fields, sql`, `)} FROM json_each(${sql.placeholder('records')})
        LEFT JOIN ${users} ON ${users.identityStoreId} = value ->> '$.identityStoreId' AND ${users.userId} = value ->> '$.userId'
        WHERE true`,
    )
    .onConflictDoUpdate({
      target: [sessions.identityStoreId, sessions.userId, sessions.sessionId],
      set: Object.fromEntries(MUTABLE.map((field) => [field, sql.raw(`excluded.${columns[field].name}`)])),
      setWhere: sql`excluded.version > ${sessions.version}`,
    })
})

/** Sessions of one user. */
export interface UserRecords {
  readonly owner: UserKey
  readonly records: readonly SessionRecord[]
}

/** What D1 said as it took the records. */
export interface Mirrored {
  /** As the users were named; null for a user that never was. */
  readonly rules: readonly (UserRules | null)[]
  /** Of those stores whose events are sent somewhere, to where. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>
}

/**
 * Copies sessions of some users to D1 and, in the same transaction, reads what rules hold for those users now; null
 * for a user that never was. Rows carry whole states with versions, so any order and any repetition gives the same
 * records.
 *
 * D1 learns of a session only here, after the answer: a setter that asks D1 who has live sessions may
 * have missed it. D1 has one writer, so either the setter sees the session or this read sees the setting.
 */
export async function mirrorSessions(
  db: Database,
  users: readonly UserRecords[],
): Promise<Result<Mirrored, Unavailable>> {
  const records = JSON.stringify(users.flatMap((user) => user.records))
  const owners = ownersParameter(users.map(({ owner }) => owner))
  const written = await attempt(() =>
    db.$client.batch<OwnedRules>([upsert(db, { records }), rulesOfUsers(db, { owners })]),
  )
  if (!written.ok) return written
  const rows = written.value[1]?.results ?? []
  const rules = rulesByUser(rows)
  return ok({
    rules: users.map(({ owner }) => rules.get(userObjectName(owner.identityStoreId, owner.userId)) ?? null),
    endpoints: endpointsByStore(rows),
  })
}
