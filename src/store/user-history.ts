/**
 * What D1's records say of a user's own past. They are some moments behind the user's object; only the object knows
 * which sessions are live.
 */
import { and, desc, eq, gte, lt } from 'drizzle-orm'
import type { UserKey } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Client, EndReason } from '../domain/session.ts'
import { MAX_HISTORY_ROWS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { sessions } from './schema.ts'
import type { SessionRecord } from './session-records.ts'

/** An earlier session. */
export interface PastSession {
  readonly sessionId: string
  readonly openedAt: number
  /** The client when last seen. */
  readonly client: Client
}

/** One that has ended. */
export interface EndedSession extends PastSession {
  readonly endedAt: number
  readonly reason: EndReason
}

export interface UserHistory {
  /** A page of the web sessions that ended since an instant, those opened last first. */
  readonly ended: readonly EndedSession[]
  /** What the next page is before; null: this was the last one. */
  readonly nextBefore: string | null
  /** The web session that was opened before the present one. */
  readonly previous: PastSession | null
}

export interface HistoryQuery {
  /** The present session. */
  readonly sessionId: string
  /** Epoch milliseconds. */
  readonly since: number
  /** A session id; null: from the newest. */
  readonly before: string | null
  readonly limit: number
}

/**
 * Reads a user's history. By the primary key, downwards from `before`: at most `MAX_HISTORY_ROWS` records are looked at,
 * also where few of them fit, and the next page goes on from there.
 */
export async function readUserHistory(
  db: Database,
  owner: UserKey,
  { sessionId, since, before, limit }: HistoryQuery,
): Promise<Result<UserHistory, Unavailable>> {
  const ofUser = (than: string | null) =>
    and(
      eq(sessions.identityStoreId, owner.identityStoreId),
      eq(sessions.userId, owner.userId),
      than === null ? undefined : lt(sessions.sessionId, than),
    )
  const newest = (than: string | null) =>
    db.select(SHOWN).from(sessions).where(ofUser(than)).orderBy(desc(sessions.sessionId)).limit(MAX_HISTORY_ROWS)
  const page = newest(before).as('page')
  const earlier = newest(sessionId).as('earlier')
  const rows = await attempt(() =>
    db.batch([
      db
        .select()
        .from(page)
        .where(and(eq(page.kind, 'web'), gte(page.endedAt, since)))
        .orderBy(desc(page.sessionId))
        .limit(limit + 1),
      db
        .select({ sessionId: sessions.sessionId })
        .from(sessions)
        .where(ofUser(before))
        .orderBy(desc(sessions.sessionId))
        .limit(1)
        .offset(MAX_HISTORY_ROWS - 1),
      db.select().from(earlier).where(eq(earlier.kind, 'web')).orderBy(desc(earlier.sessionId)).limit(1),
    ]),
  )
  if (!rows.ok) return rows
  const [found, [lastLookedAt], [previous]] = rows.value
  const ended = found.slice(0, limit).flatMap((row) => {
    const { endedAt, reason } = row
    return endedAt === null || reason === null ? [] : [{ ...pastSession(row), endedAt, reason }]
  })
  const lastShown = found.length > limit ? found[limit - 1] : undefined
  return ok({
    ended,
    nextBefore: (lastShown ?? lastLookedAt)?.sessionId ?? null,
    previous: previous === undefined ? null : pastSession(previous),
  })
}

const SHOWN = {
  sessionId: sessions.sessionId,
  kind: sessions.kind,
  openedAt: sessions.openedAt,
  endedAt: sessions.endedAt,
  reason: sessions.endReason,
  address: sessions.address,
  userAgent: sessions.userAgent,
  recentAddress: sessions.recentAddress,
  recentUserAgent: sessions.recentUserAgent,
}

type Row = Pick<SessionRecord, 'sessionId' | 'openedAt' | 'address' | 'userAgent' | 'recentAddress' | 'recentUserAgent'>

function pastSession({ sessionId, openedAt, address, userAgent, recentAddress, recentUserAgent }: Row): PastSession {
  const changed = recentAddress !== null || recentUserAgent !== null
  const client = changed ? { address: recentAddress, userAgent: recentUserAgent } : { address, userAgent }
  return { sessionId, openedAt, client }
}
