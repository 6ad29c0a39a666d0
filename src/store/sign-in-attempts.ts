/**
 * Counters of wrong passwords. Three things are counted: a user at an address prefix or a device, an address prefix,
 * a user anywhere. What is counted is named by a hash, so that a row is small whatever was typed.
 */

import { hash } from 'node:crypto'
import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { ATTEMPTS_ROW_MILLISECONDS, MAX_ADDRESS_LENGTH } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import type { AuditEntry } from './audit-events.ts'
import { auditView, insertRowEvent } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { signInAttempts, users } from './schema.ts'
import { type KnownUser, knownUserIn, selectUserByUsername, type User } from './users.ts'

/** Store of the counters, whose user names may be nobody's. */
const ANY_STORE = '*'

/** Who tries to sign in. */
export interface SignInAttempt {
  /** As it was typed, in lower case; it may be nobody's. */
  readonly username: string
  readonly address: string | null
  readonly prefix: string
  /** The device, if the user has signed in on it before. It is counted apart from the prefix. */
  readonly device: string | null
}

export interface AttemptLimits {
  readonly windowSeconds: number
  readonly lockSeconds: number
  readonly triesPerUserAndAddress: number
  readonly triesPerUser: number
}

/** Wrong passwords of one subject. */
export interface AttemptCount {
  readonly attempts: number
  readonly windowEndsAt: number
  /** Until when no more are heard; null: they are. */
  readonly lockedUntil: number | null
}

export interface AttemptCounts {
  readonly pair: AttemptCount
  readonly address: AttemptCount
  readonly user: AttemptCount
}

/** What the counters are called, and what D1 calls them. */
function subjectsOf({ username, prefix, device }: SignInAttempt): Readonly<Record<keyof AttemptCounts, string>> {
  const subject = (...parts: string[]) => hash('sha256', JSON.stringify(parts), 'hex')
  return {
    pair: device === null ? subject('pair', username, prefix) : subject('device', username, device),
    address: subject('address', prefix),
    user: subject('user', username),
  }
}

/** What was counted before this attempt, and the user of the name; null if there is none. One trip, nothing is written. */
export async function readAttempt(
  db: Database,
  who: SignInAttempt,
  now: number,
): Promise<Result<{ readonly counts: AttemptCounts; readonly found: KnownUser | null }, Unavailable>> {
  const t = signInAttempts
  const subjects = subjectsOf(who)
  const read = await attempt(() =>
    db.batch([
      db
        .select({
          subject: t.subject,
          attempts: t.attempts,
          windowEndsAt: t.windowEndsAt,
          lockedUntil: t.lockedUntil,
        })
        .from(t)
        .where(and(eq(t.identityStoreId, ANY_STORE), inArray(t.subject, Object.values(subjects)))),
      selectUserByUsername(db, who.username),
    ]),
  )
  if (!read.ok) return read
  const [rows, found] = read.value
  const countOf = (kind: keyof AttemptCounts): AttemptCount => {
    const {
      attempts = 0,
      windowEndsAt = now,
      lockedUntil = null,
    } = rows.find((row) => row.subject === subjects[kind]) ?? {}
    if (lockedUntil !== null && lockedUntil > now) return { attempts, windowEndsAt, lockedUntil }
    const isOver = windowEndsAt <= now || (kind === 'pair' && lockedUntil !== null)
    return { attempts: isOver ? 0 : attempts, windowEndsAt, lockedUntil: null }
  }
  return ok({
    counts: { pair: countOf('pair'), address: countOf('address'), user: countOf('user') },
    found: knownUserIn(found),
  })
}

/**
 * Counts a wrong password. The last one allowed locks the pair for a while, after which it begins anew; above the
 * limit of the user each one locks the user for strangers. Names and addresses are kept of users who exist alone.
 */
export async function countWrongPassword(
  db: Database,
  who: SignInAttempt,
  isUser: boolean,
  limits: AttemptLimits,
  now: number,
): Promise<Result<void, Unavailable>> {
  const t = signInAttempts
  const subjects = subjectsOf(who)
  const isPair = sql`${t.subject} = ${subjects.pair}`
  const isUserRow = sql`${t.subject} = ${subjects.user}`
  const over = sql`(${t.windowEndsAt} <= ${now} OR (${isPair} AND ${t.lockedUntil} <= ${now}))`
  const attempts = sql`iif(coalesce(${over}, false), 1, ${t.attempts} + 1)`
  const lockedUntil = now + limits.lockSeconds * 1000
  const locks = sql`((${isPair} AND ${attempts} >= ${limits.triesPerUserAndAddress}) OR (${isUserRow} AND ${attempts} >= ${limits.triesPerUser}))`
  const row = (subject: string, kind: keyof AttemptCounts) => {
    const locksAtOnce = { pair: limits.triesPerUserAndAddress, address: null, user: limits.triesPerUser }[kind] === 1
    return {
      identityStoreId: ANY_STORE,
      subject,
      username: kind !== 'address' && isUser ? who.username : null,
      address: kind === 'pair' && isUser ? (who.address?.slice(0, MAX_ADDRESS_LENGTH) ?? who.prefix) : null,
      attempts: 1,
      windowEndsAt: now + (kind === 'user' ? ATTEMPTS_ROW_MILLISECONDS : limits.windowSeconds * 1000),
      lockedAt: locksAtOnce ? now : null,
      lockedUntil: locksAtOnce ? lockedUntil : null,
    }
  }
  const done = await attempt(() =>
    db
      .insert(t)
      .values([row(subjects.pair, 'pair'), row(subjects.address, 'address'), row(subjects.user, 'user')])
      .onConflictDoUpdate({
        target: [t.identityStoreId, t.subject],
        set: {
          username: sql`excluded.username`,
          address: sql`excluded.address`,
          attempts,
          windowEndsAt: sql`iif(${isUserRow} OR coalesce(${over}, false), excluded.window_ends_at, ${t.windowEndsAt})`,
          lockedAt: sql`iif(${locks}, ${now}, NULL)`,
          lockedUntil: sql`iif(${locks}, ${lockedUntil}, NULL)`,
        },
      }),
  )
  return done.ok ? ok() : done
}

/** A success: takes back the wrong passwords of this user from here, and ends the user's row of them. */
export async function forgetAttempts(
  db: Database,
  who: SignInAttempt,
  { pair }: AttemptCounts,
): Promise<Result<void, Unavailable>> {
  const t = signInAttempts
  const subjects = subjectsOf(who)
  const done = await attempt(() =>
    db.batch([
      db.delete(t).where(and(eq(t.identityStoreId, ANY_STORE), inArray(t.subject, [subjects.pair, subjects.user]))),
      db
        .update(t)
        .set({ attempts: sql`max(0, ${t.attempts} - ${pair.attempts})` })
        .where(and(eq(t.identityStoreId, ANY_STORE), eq(t.subject, subjects.address))),
    ]),
  )
  return done.ok ? ok() : done
}

/** A user who is locked for an address. */
export interface Lockout {
  /** The row. */
  readonly subject: string
  readonly address: string
  readonly attempts: number
  readonly lockedAt: number
  readonly user: Pick<User, 'userId' | 'username' | 'firstName' | 'lastName' | 'emailAddress'>
}

/** The lockouts in force of a store's users, the newest first. */
export async function listLockouts(
  db: Database,
  identityStoreId: string,
  now: number,
): Promise<Result<readonly Lockout[], Unavailable>> {
  const t = signInAttempts
  // Its index covers this. With more in one query SQLite prefers the primary key, which leads through everybody's attempts.
  const locked = sql`(SELECT identity_store_id, subject FROM sign_in_attempts
    WHERE locked_until IS NOT NULL AND locked_until > ${now})`
  const rows = await attempt(() =>
    db
      .select({
        subject: t.subject,
        address: t.address,
        attempts: t.attempts,
        lockedAt: t.lockedAt,
        user: {
          userId: users.userId,
          username: users.username,
          firstName: users.firstName,
          lastName: users.lastName,
          emailAddress: users.emailAddress,
        },
      })
      .from(t)
      .innerJoin(users, eq(users.username, t.username))
      .where(and(eq(users.identityStoreId, identityStoreId), sql`(${t.identityStoreId}, ${t.subject}) IN ${locked}`))
      .orderBy(desc(t.lockedAt), t.subject),
  )
  if (!rows.ok) return rows
  return ok(
    rows.value.flatMap(({ address, lockedAt, ...row }) =>
      address === null || lockedAt === null ? [] : [{ ...row, address, lockedAt }],
    ),
  )
}

const VIEW = auditView(signInAttempts, ['address', 'attempts'])

/** Ends a lockout of a store's user: what was counted is forgotten. The audit event is in the same transaction. */
export async function endLockout(
  db: Database,
  { subject, user }: Lockout,
  entry: AuditEntry,
): Promise<Result<void, Unavailable>> {
  const t = signInAttempts
  const row = sql`${t.identityStoreId} = ${ANY_STORE} AND ${t.subject} = ${subject}`
  const done = await attempt(() =>
    db.batch([
      insertRowEvent(db, entry, VIEW, row, null, sql`${t.username} = ${user.username}`),
      db.delete(t).where(row),
    ]),
  )
  return done.ok ? ok() : done
}
