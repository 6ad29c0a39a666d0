/** What must be known before a call of a limited API is let in: how many there were, and for whom it acts. One trip. */
import { and, eq, isNull, lt, sql } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { attempt, type Database, type Unavailable } from './database.ts'
import { callCounters, identityStores, type Role, type StoreState, users } from './schema.ts'

/** What is counted together. */
export interface CallSubject {
  readonly identityStoreId: string
  readonly credentialId: string
  /** Calls of one method are counted apart from those of another. */
  readonly method: string
}

/** A user for whom a caller acts. */
export interface ActingUser {
  readonly userId: string
  readonly username: string | null
  readonly role: Role
  readonly bot: boolean
  readonly active: boolean
}

/** What is known of a call. */
export interface Admission {
  /** Seconds until the next call is let in; null if this one is. */
  readonly retryAfterSeconds: number | null
  /** Null: the store was deleted meanwhile. */
  readonly store: { readonly name: string; readonly state: StoreState } | null
  /** Null: the caller acts for no user, or for one who is deleted. */
  readonly owner: ActingUser | null
}

/**
 * Counts a call, exactly: at most `limit` are let in from the first one until `windowSeconds` later. Calls
 * beyond that write nothing.
 */
export async function admitCall(
  db: Database,
  subject: CallSubject,
  ownerUserId: string | null,
  limit: number,
  windowSeconds: number,
  now: number,
): Promise<Result<Admission, Unavailable>> {
  const { identityStoreId, credentialId, method } = subject
  const t = callCounters
  const key = { identityStoreId, subject: JSON.stringify([credentialId, method]) }
  const over = sql`${t.windowEndsAt} <= ${now}`
  const windowEndsAt = now + windowSeconds * 1000
  const rows = await attempt(() =>
    db.batch([
      db
        .insert(t)
        .values({ ...key, calls: 1, windowEndsAt })
        .onConflictDoUpdate({
          target: [t.identityStoreId, t.subject],
          set: {
            calls: sql`iif(${over}, 1, ${t.calls} + 1)`,
            windowEndsAt: sql`iif(${over}, ${windowEndsAt}, ${t.windowEndsAt})`,
          },
          setWhere: sql`${over} OR ${t.calls} <= ${limit}`,
        }),
      db
        .select({ calls: t.calls, windowEndsAt: t.windowEndsAt })
        .from(t)
        .where(and(eq(t.identityStoreId, key.identityStoreId), eq(t.subject, key.subject))),
      db
        .select({ name: identityStores.name, state: identityStores.state })
        .from(identityStores)
        .where(and(eq(identityStores.identityStoreId, identityStoreId), isNull(identityStores.deletedAt))),
      db
        .select({
          userId: users.userId,
          username: users.username,
          role: users.role,
          bot: users.bot,
          active: users.active,
        })
        .from(users)
        .where(
          and(eq(users.identityStoreId, identityStoreId), eq(users.userId, ownerUserId ?? ''), isNull(users.deletedAt)),
        ),
    ]),
  )
  if (!rows.ok) return rows
  const [, counters, stores, owners] = rows.value
  const counter = counters[0]
  const limited = counter !== undefined && counter.calls > limit
  return ok({
    retryAfterSeconds: limited ? Math.max(1, Math.ceil((counter.windowEndsAt - now) / 1000)) : null,
    store: stores[0] ?? null,
    owner: owners[0] ?? null,
  })
}

/** Drops counters of windows that are over. */
export async function dropOldCallCounters(db: Database, now: number): Promise<Result<void, Unavailable>> {
  const done = await attempt(() => db.delete(callCounters).where(lt(callCounters.windowEndsAt, now)))
  return done.ok ? ok() : done
}
