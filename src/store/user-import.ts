/** Creating many users at once: a constant number of statements, the users as one JSON value. */

import { type SQL, sql } from 'drizzle-orm'
import { fail, ok, type Result } from '../domain/result.ts'
import { MAX_BOUND_BYTES } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { type AuditEntry, UNSEALED } from './audit-events.ts'
import { auditEvents } from './audit-schema.ts'
import { shownColumns } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { storeExists } from './identity-stores.ts'
import { insertWhere, type RowOf } from './insert-where.ts'
import { jsonBoolean, jsonObject } from './json-object.ts'
import { users } from './schema.ts'
import { neverSeen, USER_FIELDS, type UserFields } from './user-changes.ts'

/** A user to be created. */
export interface NewUser extends UserFields {
  readonly userId: string
  readonly passwordHash: string | null
  /** Id of its audit event. */
  readonly eventId: string
  /** How the username may have been kept before there was one form of it. */
  readonly decomposedUsername: string
}

/** What came of one user. */
export type ImportOutcome = 'created' | 'user_id_taken' | 'username_taken'

/** Why nothing was imported. */
export type ImportFault =
  | { readonly code: 'identity_store_not_found' }
  | { readonly code: 'request_too_large'; readonly limitBytes: number }

const FIELDS = [
  ...USER_FIELDS,
  'userId',
  'passwordHash',
  'eventId',
  'decomposedUsername',
] as const satisfies readonly (keyof NewUser)[]

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

  const source = sql`json_each(${json})`
  const idTaken = sql<number>`EXISTS (SELECT 1 FROM ${users} WHERE ${users.identityStoreId} = ${identityStoreId} AND ${users.userId} = ${item('userId')})`
  const usernameTaken = sql<number>`EXISTS (SELECT 1 FROM ${users} WHERE ${users.username} IN (${item('username')}, ${item('decomposedUsername')}))`
  const free = sql`${storeExists(identityStoreId)} AND NOT ${idTaken} AND NOT ${usernameTaken}`
  const event: RowOf<typeof auditEvents> = {
    ...entry,
    ...UNSEALED,
    eventId: item('eventId'),
    subject: sql`'user:' || ${item('userId')}`,
    before: null,
    after: AFTER,
  }
  const user: RowOf<typeof users> = {
    ...FIELD_VALUES,
    identityStoreId,
    userId: item('userId'),
    passwordHash: item('passwordHash'),
    ...neverSeen(at),
  }
  const written = await attempt(() =>
    db.batch([
      db
        .select({
          found: sql<number>`${storeExists(identityStoreId)}`.as('found'),
          idTaken: idTaken.as('id_taken'),
          usernameTaken: usernameTaken.as('username_taken'),
        })
        .from(source)
        .orderBy(sql`key`),
      insertWhere(db, auditEvents, event, free, source),
      insertWhere(db, users, user, free, source),
    ]),
  )
  if (!written.ok) return written
  const rows = written.value[0]
  if (rows.some(({ found }) => found === 0)) return fail({ code: 'identity_store_not_found' })
  return ok(
    rows.map((row) => (row.idTaken === 1 ? 'user_id_taken' : row.usernameTaken === 1 ? 'username_taken' : 'created')),
  )
}

/** One field of the user at hand. */
function item(field: keyof NewUser) {
  return sql.raw(`(value ->> '$[${FIELDS.indexOf(field)}]')`)
}

const FIELD_VALUES = Object.fromEntries(USER_FIELDS.map((field) => [field, item(field)])) as Record<
  keyof UserFields,
  SQL
>
const AFTER = jsonObject({
  ...shownColumns(users, USER_FIELDS, item),
  openid_subject: sql`NULL`,
  has_password: jsonBoolean(sql`${item('passwordHash')} IS NOT NULL`),
})
