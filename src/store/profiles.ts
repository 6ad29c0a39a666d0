/** The login profile in our database. Every change writes its audit event in the same transaction. */
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import { type Profile, type ProfileChanges, profileDifference, type RemoteProfile } from '../domain/profile.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEntry } from './audit-events.ts'
import { auditView, insertRowEvent, shownValues } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { jsonObject } from './json-object.ts'
import { users } from './schema.ts'
import type { User } from './users.ts'

const VIEW = auditView(users, ['firstName', 'lastName', 'emailAddress'])

/**
 * SQL of the merge base (`ProfileBase`) of changes that are made here alone: the profile before the first of them. A
 * base of another version than the profile's is one that an older release did not keep up.
 */
export const PROFILE_BASE = sql`iif(${users.profileBase} IS NOT NULL AND ${users.profileBase} ->> '$.version' IS ${users.profileVersion},
  ${users.profileBase}, ${jsonObject({
    version: users.profileVersion,
    firstName: users.firstName,
    lastName: users.lastName,
    emailAddress: users.emailAddress,
  })})`

/** Changes a profile in our database alone. `entry` is the audit event, without its subject. Null: no such user. */
export function changeProfile(
  db: Database,
  userId: string,
  changes: ProfileChanges,
  entry: Omit<AuditEntry, 'subject'>,
): Promise<Result<User | null, Unavailable>> {
  return write(db, userId, changes, { profileBase: PROFILE_BASE }, sql`true`, entry)
}

/**
 * Makes ours `profile` and notes that the application server has `theirs`, unless a newer one of it was taken
 * already. False, and nothing is changed, if the profile has moved or the user was renamed since it was `seen`.
 */
export async function takeProfile(
  db: Database,
  seen: User,
  profile: Profile,
  theirs: RemoteProfile,
  entry: Omit<AuditEntry, 'subject'>,
): Promise<Result<boolean, Unavailable>> {
  const { version } = theirs
  const asSeen = sql`${users.username} IS ${seen.username} AND ${isProfile(seen)}`
  const older = sql`coalesce(${users.profileVersion}, -1) < ${version}`
  const elsewhere = sql`${users.profileVersion} = ${version} AND NOT (${isProfile(profile)})`
  const more = { profileVersion: version, profileBase: JSON.stringify(theirs) }
  const written = await write(db, seen.userId, profile, more, sql`${asSeen} AND (${older} OR (${elsewhere}))`, entry)
  if (!written.ok) return written
  const { profileVersion, ...now } = written.value ?? { ...profile, profileVersion: version }
  const taken =
    (profileVersion ?? -1) > version || (profileVersion === version && profileDifference(now, profile) === null)
  return ok(taken)
}

function isProfile({ firstName, lastName, emailAddress }: Profile): SQL {
  return sql`${users.firstName} IS ${firstName} AND ${users.lastName} IS ${lastName} AND ${users.emailAddress} IS ${emailAddress}`
}

async function write(
  db: Database,
  userId: string,
  fields: ProfileChanges,
  more: { readonly profileVersion?: number; readonly profileBase: string | SQL },
  condition: SQL,
  entry: Omit<AuditEntry, 'subject'>,
): Promise<Result<User | null, Unavailable>> {
  const { identityStoreId, at } = entry
  const key = sql`${users.identityStoreId} = ${identityStoreId} AND ${users.userId} = ${userId} AND ${users.deletedAt} IS NULL`
  const email = fields.emailAddress
  const newEmail = email === undefined ? sql`false` : sql`${users.emailAddress} IS NOT ${email}`
  const written = await attempt(() =>
    db.batch([
      insertRowEvent(db, { ...entry, subject: `user:${userId}` }, VIEW, key, shownValues(VIEW, fields), condition),
      db
        .update(users)
        .set({
          ...(fields as Partial<Profile>),
          ...more,
          emailByUser: sql`iif(${newEmail}, 1, ${users.emailByUser})`,
          updatedAt: at,
        })
        .where(sql`${key} AND ${condition}`),
      db.select(getTableColumns(users)).from(users).where(key),
    ]),
  )
  return written.ok ? ok(written.value[2][0] ?? null) : written
}
