/** Creating many users at once: a constant number of statements, the users as one JSON value. */
import { sql } from 'drizzle-orm'
import { fail, ok, type Result } from '../domain/result.ts'
import { type AuditEntry, jsonBoolean, jsonObject } from './audit-events.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { storeExists } from './identity-stores.ts'
import { USER_COLUMNS, type UserFields } from './user-changes.ts'

/** Longest value that D1 takes, in bytes. Source: developers.cloudflare.com/d1/platform/limits */
export const MAX_BOUND_BYTES = 2_000_000

/** A user to be created. */
export interface NewUser extends UserFields {
  readonly userId: string
  readonly passwordHash: string | null
  /** Id of its audit event. */
  readonly eventId: string
}

/** What came of one user. */
export type ImportOutcome = 'created' | 'user_id_taken' | 'username_taken'

/** Why nothing was imported. */
export type ImportFault =
  | { readonly code: 'identity_store_not_found' }
  | { readonly code: 'request_too_large'; readonly limitBytes: number }

const FIELDS = [...Object.keys(USER_COLUMNS), 'userId', 'passwordHash', 'eventId'] as (keyof NewUser)[]

/**
 * Creates the users whose id and username are free, each with its audit event, and answers for each, in
 * order, what came of it. Ids and usernames must differ within `list`. An id that a deleted user had is taken.
 */
export async function importUsers(
  db: Database,
  list: readonly NewUser[],
  entry: Omit<AuditEntry, 'eventId' | 'subject'>,
): Promise<Result<readonly ImportOutcome[], Unavailable | ImportFault>> {
  const { identityStoreId, at } = entry
  const json = JSON.stringify(list.map((user) => FIELDS.map((field) => user[field])))
  if (Buffer.byteLength(json) > MAX_BOUND_BYTES) return fail({ code: 'request_too_large', limitBytes: MAX_BOUND_BYTES })

  const idTaken = sql`EXISTS (SELECT 1 FROM users WHERE identity_store_id = ${identityStoreId} AND user_id = ${item('userId')})`
  const usernameTaken = sql`EXISTS (SELECT 1 FROM users WHERE username = ${item('username')})`
  const free = sql`${storeExists(identityStoreId)} AND NOT ${idTaken} AND NOT ${usernameTaken}`
  const columns = Object.values(USER_COLUMNS)
  const written = await attempt(() =>
    db.batch([
      db.all<{ id_taken: number; username_taken: number }>(
        sql`SELECT ${idTaken} AS id_taken, ${usernameTaken} AS username_taken FROM json_each(${json}) ORDER BY key`,
      ),
      db.all<{ found: number }>(sql`SELECT ${storeExists(identityStoreId)} AS found`),
      db.run(sql`INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, before, after, request_id)
SELECT ${identityStoreId}, ${item('eventId')}, ${at}, ${entry.actor}, ${entry.action}, 'user:' || ${item('userId')}, NULL, ${AUDIT_VIEW}, ${entry.requestId}
FROM json_each(${json}) WHERE ${free}`),
      db.run(sql`INSERT INTO users (identity_store_id, user_id, ${sql.raw(columns.join(', '))}, password_hash,
  sessions_valid_from, status_version, created_at, updated_at, deleted_at)
SELECT ${identityStoreId}, ${item('userId')}, ${sql.join(COLUMN_VALUES, sql`, `)}, ${item('passwordHash')}, 0, 1, ${at}, ${at}, NULL
FROM json_each(${json}) WHERE ${free}`),
    ]),
  )
  if (!written.ok) return written
  if (written.value[1][0]?.found !== 1) return fail({ code: 'identity_store_not_found' })
  return ok(
    written.value[0].map((row) =>
      row.id_taken === 1 ? 'user_id_taken' : row.username_taken === 1 ? 'username_taken' : 'created',
    ),
  )
}

/** One field of the user at hand. */
function item(field: keyof NewUser) {
  return sql.raw(`(value ->> '$[${FIELDS.indexOf(field)}]')`)
}

const COLUMN_VALUES = (Object.keys(USER_COLUMNS) as (keyof UserFields)[]).map(item)
const AUDIT_VIEW = jsonObject({
  ...Object.fromEntries(
    Object.entries(USER_COLUMNS).map(([field, column]) => {
      const value = item(field as keyof UserFields)
      return [column, field === 'bot' || field === 'active' ? jsonBoolean(value) : value]
    }),
  ),
  has_password: jsonBoolean(sql`${item('passwordHash')} IS NOT NULL`),
})
