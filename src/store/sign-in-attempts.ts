/**
 * Counters of wrong passwords. Three things are counted: a user at an address prefix or a device, an address prefix,
 * a user anywhere. What is counted is named by a hash, so that a row is small whatever was typed.
 */

import { hash } from 'node:crypto'
import { and, eq, inArray, sql } from 'drizzle-orm'
import { NO_STORE } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import { ATTEMPTS_ROW_MILLISECONDS, MAX_ADDRESS_LENGTH } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { signInAttempts } from './schema.ts'
import { countFailedSignIn } from './session-counters.ts'
import { type KnownUser, knownUserIn, selectUserByUsername } from './users.ts'

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
  return {
    pair: device === null ? subject('pair', username, prefix) : subject('device', username, device),
    address: subject('address', prefix),
    user: userSubject(username),
  }
}

/** What D1 calls the counter of a user anywhere. */
export function userSubject(username: string): string {
  return subject('user', username)
}

function subject(...parts: string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex')
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
        .where(and(eq(t.identityStoreId, NO_STORE), inArray(t.subject, Object.values(subjects)))),
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
 * Counts a wrong password, at the user's identity store too. The last one allowed locks the pair for a while, after
 * which it begins anew; above the limit of the user each one locks the user for strangers. Names and addresses are kept
 * of lockouts of users who exist alone. Answers whether it locked.
 * @param userStoreId null: there is no such user
 */
export async function countWrongPassword(
  db: Database,
  who: SignInAttempt,
  userStoreId: string | null,
  limits: AttemptLimits,
  now: number,
): Promise<Result<boolean, Unavailable>> {
  const t = signInAttempts
  const isUser = userStoreId !== null
  const username = isUser ? who.username : null
  const address = isUser ? (who.address?.slice(0, MAX_ADDRESS_LENGTH) ?? who.prefix) : null
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
      identityStoreId: NO_STORE,
      subject,
      username: locksAtOnce ? username : null,
      userStoreId: kind === 'address' ? null : userStoreId,
      address: locksAtOnce && kind === 'pair' ? address : null,
      attempts: 1,
      windowEndsAt: now + (kind === 'user' ? ATTEMPTS_ROW_MILLISECONDS : limits.windowSeconds * 1000),
      lockedAt: locksAtOnce ? now : null,
      lockedUntil: locksAtOnce ? lockedUntil : null,
    }
  }
  const count = db
    .insert(t)
    .values([row(subjects.pair, 'pair'), row(subjects.address, 'address'), row(subjects.user, 'user')])
    .onConflictDoUpdate({
      target: [t.identityStoreId, t.subject],
      set: {
        username: sql`iif(${locks}, ${username}, NULL)`,
        userStoreId: sql`excluded.user_store_id`,
        address: sql`iif(${locks} AND ${isPair}, ${address}, NULL)`,
        attempts,
        windowEndsAt: sql`iif(${isUserRow} OR coalesce(${over}, false), excluded.window_ends_at, ${t.windowEndsAt})`,
        lockedAt: sql`iif(${locks}, ${now}, NULL)`,
        lockedUntil: sql`iif(${locks}, ${lockedUntil}, NULL)`,
      },
    })
    .returning({ lockedAt: t.lockedAt })
  // Before it is counted: one that locks again while it is locked is no other lockout.
  const known = sql`SELECT 1 FROM ${t} WHERE ${t.identityStoreId} = ${NO_STORE} AND ${t.subject}`
  const locksNow = sql`EXISTS (${known} IN (${subjects.pair}, ${subjects.user}) AND ${locks} AND coalesce(${t.lockedUntil} <= ${now}, true))`
  const first = limits.triesPerUserAndAddress === 1 ? sql`NOT EXISTS (${known} = ${subjects.pair})` : sql`false`
  const done = await attempt(() =>
    // Also for a name that is nobody's: both take as long.
    db.batch([countFailedSignIn(db, userStoreId ?? NO_STORE, now, sql`${locksNow} OR ${first}`), count]),
  )
  return done.ok ? ok(done.value[1].some(({ lockedAt }) => lockedAt === now)) : done
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
      db.delete(t).where(and(eq(t.identityStoreId, NO_STORE), inArray(t.subject, [subjects.pair, subjects.user]))),
      db
        .update(t)
        .set({ attempts: sql`max(0, ${t.attempts} - ${pair.attempts})` })
        .where(and(eq(t.identityStoreId, NO_STORE), eq(t.subject, subjects.address))),
    ]),
  )
  return done.ok ? ok() : done
}
