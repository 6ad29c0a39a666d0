/** The login profile in our database. Every change writes its audit event in the same transaction. */
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { type AuditEntry, insertAuditEvent, jsonObject, jsonObjectWith } from './audit-events.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { users } from './schema.ts'
import type { User } from './users.ts'

/** What a user may change of itself. Null: there is none. */
export type Profile = Pick<User, 'firstName' | 'lastName' | 'emailAddress'>

/** A change of some fields; what is missing stays. */
export type ProfileChanges = { readonly [Field in keyof Profile]?: string | undefined }

const COLUMNS = { firstName: 'first_name', lastName: 'last_name', emailAddress: 'email_address' } as const
const AUDIT_VIEW = jsonObject({
  first_name: users.firstName,
  last_name: users.lastName,
  email_address: users.emailAddress,
})

/** Changes a profile that we alone keep. `entry` is the audit event, without its subject. Null: no such user. */
export function changeProfile(
  db: Database,
  userId: string,
  changes: ProfileChanges,
  entry: Omit<AuditEntry, 'subject'>,
): Promise<Result<User | null, Unavailable>> {
  return write(db, userId, changes, {}, sql`true`, entry)
}

/**
 * Takes over the profile that the application server has at `version`, unless a newer one was taken already.
 * Answers the user as it is then; null if there is none.
 */
export function takeProfile(
  db: Database,
  userId: string,
  { version, firstName, lastName, emailAddress }: Profile & { readonly version: number },
  entry: Omit<AuditEntry, 'subject'>,
): Promise<Result<User | null, Unavailable>> {
  const newer = sql`coalesce(${users.profileVersion}, -1) < ${version}`
  return write(db, userId, { firstName, lastName, emailAddress }, { profileVersion: version }, newer, entry)
}

async function write(
  db: Database,
  userId: string,
  fields: { readonly [Field in keyof Profile]?: string | null | undefined },
  more: { readonly profileVersion?: number },
  condition: SQL,
  entry: Omit<AuditEntry, 'subject'>,
): Promise<Result<User | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const key = sql`${users.identityStoreId} = ${identityStoreId} AND ${users.userId} = ${userId} AND ${users.deletedAt} IS NULL`
  const where = sql`${key} AND ${condition}`
  const members = Object.entries(COLUMNS).flatMap(([field, column]) => {
    const value = fields[field as keyof Profile]
    return value === undefined ? [] : [[column, value] as const]
  })
  const email = fields.emailAddress
  const newEmail = email === undefined ? sql`false` : sql`${users.emailAddress} IS NOT ${email}`
  const written = await attempt(() =>
    db.batch([
      insertAuditEvent(
        db,
        { ...entry, subject: `user:${userId}` },
        {
          before: sql`(SELECT ${AUDIT_VIEW} FROM ${users} WHERE ${key})`,
          after: sql`(SELECT ${jsonObjectWith(AUDIT_VIEW, Object.fromEntries(members))} FROM ${users} WHERE ${key})`,
          where: sql`EXISTS (SELECT 1 FROM ${users} WHERE ${where})`,
        },
      ),
      db
        .update(users)
        .set({
          ...(fields as Partial<Profile>),
          ...more,
          emailByUser: sql`iif(${newEmail}, 1, ${users.emailByUser})`,
          updatedAt: at,
        })
        .where(where),
      db.select(getTableColumns(users)).from(users).where(key),
    ]),
  )
  return written.ok ? ok(written.value[2][0] ?? null) : written
}
