/**
 * What must be known before a call of a rate-limited API is let in: for whom the caller acts, and how many calls there
 * were.
 */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Party } from '../domain/authority.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { CALL_WINDOW_SECONDS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { type FoundCredential, isShown, STANDING, shownCredential } from './credentials.ts'
import { attempt, type Database } from './database.ts'
import { type CredentialKind, callCounters, credentials, identityStores, type StoreState, users } from './schema.ts'

type RateLimited = Extract<SessionError, { code: 'rate_limited' }>

/** What is counted together. */
export interface CallSubject {
  readonly identityStoreId: string
  /** The credential or user that calls. */
  readonly caller: string
  /** Calls of one method are counted apart from those of another. */
  readonly method: string
}

/** A user for whom a caller acts. */
export interface ActingUser extends Party {
  readonly username: string | null
}

/** A credential, and those it acts for. */
export interface ActingCredential extends FoundCredential {
  /** Null: it is an operator's. */
  readonly store: { readonly name: string; readonly state: StoreState } | null
  /** Null: it acts for no user, or for one who is deleted. */
  readonly owner: ActingUser | null
}

/** As `findCredential`, with those it acts for. */
export async function findActingCredential(
  db: Database,
  kind: CredentialKind,
  publicId: string,
): Promise<Result<ActingCredential | null, Unavailable>> {
  const rows = await attempt(() =>
    db
      .select({
        credential: credentials,
        standing: STANDING,
        // The credential has a name too.
        storeName: sql<string | null>`${identityStores.name}`.as('store_name'),
        storeState: identityStores.state,
        owner: {
          identityStoreId: users.identityStoreId,
          userId: users.userId,
          username: users.username,
          role: users.role,
          bot: users.bot,
        },
      })
      .from(credentials)
      .leftJoin(identityStores, eq(identityStores.identityStoreId, credentials.identityStoreId))
      .leftJoin(
        users,
        and(
          eq(users.identityStoreId, credentials.identityStoreId),
          eq(users.userId, credentials.ownerUserId),
          isNull(users.deletedAt),
        ),
      )
      .where(isShown(kind, publicId)),
  )
  if (!rows.ok) return rows
  const row = rows.value[0]
  if (row === undefined) return ok(null)
  const { credential, standing, storeName: name, storeState: state, owner } = row
  const store = name === null || state === null ? null : { name, state }
  return ok({ credential: shownCredential(credential, standing), store, owner })
}

/**
 * Counts a call, exactly: at most `limit` are let in from the first one until `CALL_WINDOW_SECONDS` later. Calls
 * beyond that write nothing. Errors: `rate_limited`, `unavailable`.
 */
export async function countCall(
  db: Database,
  { identityStoreId, caller, method }: CallSubject,
  limit: number,
  now: number,
): Promise<Result<void, RateLimited | Unavailable>> {
  const t = callCounters
  const subject = JSON.stringify([caller, method])
  const over = sql`${t.windowEndsAt} <= ${now}`
  const windowEndsAt = now + CALL_WINDOW_SECONDS * 1000
  const counted = await attempt(() =>
    db
      .insert(t)
      .values({ identityStoreId, subject, calls: 1, windowEndsAt })
      .onConflictDoUpdate({
        target: [t.identityStoreId, t.subject],
        set: {
          calls: sql`iif(${over}, 1, ${t.calls} + 1)`,
          windowEndsAt: sql`iif(${over}, ${windowEndsAt}, ${t.windowEndsAt})`,
        },
        setWhere: sql`${over} OR ${t.calls} < ${limit}`,
      })
      .returning({ calls: t.calls }),
  )
  if (!counted.ok) return counted
  if (counted.value.length > 0) return ok()
  const counters = await attempt(() =>
    db
      .select({ windowEndsAt: t.windowEndsAt })
      .from(t)
      .where(and(eq(t.identityStoreId, identityStoreId), eq(t.subject, subject))),
  )
  if (!counters.ok) return counters
  // The counter was removed in between: the window is over.
  const endsAt = counters.value[0]?.windowEndsAt ?? now
  return fail({ code: 'rate_limited', retryAfterSeconds: Math.max(1, Math.ceil((endsAt - now) / 1000)) })
}
