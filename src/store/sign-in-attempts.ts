/**
 * Counters of sign-in attempts, raised in one statement before any hashing, so that parallel guesses
 * count one by one. Three things are counted: a user at an address, an address, a user anywhere.
 */
import { and, desc, eq, gt, isNotNull, lt, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { type AuditEntry, insertAuditEvent, jsonObject } from './audit-events.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { signInAttempts, users } from './schema.ts'
import type { User } from './users.ts'

/** Store of the counters, which are raised before it is known whose user name it is. */
const ANY_STORE = '*'

/** Who tries to sign in. */
export interface SignInAttempt {
  /** As it was typed, in lower case; it may be nobody's. */
  readonly username: string
  readonly address: string
}

export interface AttemptLimits {
  readonly windowSeconds: number
  readonly lockSeconds: number
  readonly triesPerUserAndAddress: number
}

/** The counters after this attempt. */
export interface AttemptCounts {
  /** Until when this user is locked for this address, if it was so before this attempt; else null. */
  readonly lockedUntil: number | null
  readonly ofAddress: number
  readonly ofUser: number
  readonly addressWindowEndsAt: number
}

const subjects = {
  pair: ({ username, address }: SignInAttempt) => JSON.stringify(['pair', username, address]),
  address: ({ address }: SignInAttempt) => JSON.stringify(['address', address]),
  user: ({ username }: SignInAttempt) => JSON.stringify(['user', username]),
}

/**
 * Counts an attempt. The last allowed one locks the pair; a success unlocks it (`forgetAttempts`). An
 * attempt on a locked pair neither counts nor prolongs the lock.
 */
export async function countAttempt(
  db: Database,
  who: SignInAttempt,
  limits: AttemptLimits,
  now: number,
): Promise<Result<AttemptCounts, Unavailable>> {
  const windowEndsAt = now + limits.windowSeconds * 1000
  const t = signInAttempts
  const locked = sql`(${t.lockedUntil} IS NOT NULL AND ${t.lockedUntil} > ${now})`
  const fresh = sql`(NOT ${locked} AND (${t.windowEndsAt} <= ${now} OR ${t.lockedUntil} IS NOT NULL))`
  const attempts = sql`CASE WHEN ${fresh} THEN 1 ELSE ${t.attempts} + 1 END`
  // Of a locked pair, `attempts` alone goes on growing: that is how this attempt learns it came too late.
  const locks = sql`excluded.address IS NOT NULL AND excluded.username IS NOT NULL AND NOT ${locked} AND ${attempts} >= ${limits.triesPerUserAndAddress}`
  const lockAtOnce = limits.triesPerUserAndAddress === 1
  const lockedUntil = now + limits.lockSeconds * 1000
  const row = (subject: string, username: string | null, address: string | null) => ({
    identityStoreId: ANY_STORE,
    subject,
    username,
    address,
    attempts: 1,
    windowEndsAt,
    lockedAt: lockAtOnce && username !== null && address !== null ? now : null,
    lockedUntil: lockAtOnce && username !== null && address !== null ? lockedUntil : null,
  })
  const rows = await attempt(() =>
    db
      .insert(t)
      .values([
        row(subjects.pair(who), who.username, who.address),
        row(subjects.address(who), null, who.address),
        row(subjects.user(who), who.username, null),
      ])
      .onConflictDoUpdate({
        target: [t.identityStoreId, t.subject],
        set: {
          attempts,
          windowEndsAt: sql`CASE WHEN ${fresh} THEN ${windowEndsAt} ELSE ${t.windowEndsAt} END`,
          lockedAt: sql`CASE WHEN ${locks} THEN ${now} WHEN ${fresh} THEN NULL ELSE ${t.lockedAt} END`,
          lockedUntil: sql`CASE WHEN ${locks} THEN ${lockedUntil} WHEN ${fresh} THEN NULL ELSE ${t.lockedUntil} END`,
        },
      })
      .returning({
        subject: t.subject,
        attempts: t.attempts,
        windowEndsAt: t.windowEndsAt,
        lockedUntil: t.lockedUntil,
      }),
  )
  if (!rows.ok) return rows
  const counted = new Map(rows.value.map((one) => [one.subject, one]))
  const pair = counted.get(subjects.pair(who))
  const address = counted.get(subjects.address(who))
  return ok({
    lockedUntil: (pair?.attempts ?? 0) > limits.triesPerUserAndAddress ? (pair?.lockedUntil ?? null) : null,
    ofAddress: address?.attempts ?? 0,
    addressWindowEndsAt: address?.windowEndsAt ?? windowEndsAt,
    ofUser: counted.get(subjects.user(who))?.attempts ?? 0,
  })
}

/** A success: forgets what was counted against this user at this address. */
export async function forgetAttempts(db: Database, who: SignInAttempt): Promise<Result<void, Unavailable>> {
  const done = await attempt(() =>
    db
      .delete(signInAttempts)
      .where(and(eq(signInAttempts.identityStoreId, ANY_STORE), eq(signInAttempts.subject, subjects.pair(who)))),
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
      .where(
        and(
          eq(t.identityStoreId, ANY_STORE),
          eq(users.identityStoreId, identityStoreId),
          isNotNull(t.lockedUntil),
          gt(t.lockedUntil, now),
        ),
      )
      .orderBy(desc(t.lockedAt), t.subject),
  )
  if (!rows.ok) return rows
  return ok(
    rows.value.flatMap(({ address, lockedAt, ...row }) =>
      address === null || lockedAt === null ? [] : [{ ...row, address, lockedAt }],
    ),
  )
}

/** Ends a lockout of a store's user: what was counted is forgotten. The audit event is in the same transaction. */
export async function endLockout(
  db: Database,
  { subject, user }: Lockout,
  entry: AuditEntry,
): Promise<Result<void, Unavailable>> {
  const t = signInAttempts
  const row = and(eq(t.identityStoreId, ANY_STORE), eq(t.subject, subject))
  const done = await attempt(() =>
    db.batch([
      insertAuditEvent(db, entry, {
        before: sql`(SELECT ${jsonObject({ address: t.address, attempts: t.attempts })} FROM ${t} WHERE ${row})`,
        after: null,
        where: sql`EXISTS (SELECT 1 FROM ${t} WHERE ${row} AND ${t.username} = ${user.username})`,
      }),
      db.delete(t).where(row),
    ]),
  )
  return done.ok ? ok() : done
}

/** Drops counters that no rule looks at any more. */
export async function dropOldAttempts(db: Database, now: number): Promise<Result<void, Unavailable>> {
  const done = await attempt(() =>
    db
      .delete(signInAttempts)
      .where(and(lt(signInAttempts.windowEndsAt, now), sql`coalesce(${signInAttempts.lockedUntil}, 0) < ${now}`)),
  )
  return done.ok ? ok() : done
}
