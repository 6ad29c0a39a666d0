/**
 * Session records of a store, the newest first, read in ranges of an index; filters come later
 * (`sessions/session-search.ts`). Each range names its index: without statistics SQLite reads every record of the
 * store.
 */
import { and, desc, eq, getTableColumns, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { Policy } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import type { Session } from '../domain/session.ts'
import { firstIdAt, sessionNumber } from '../domain/session-id.ts'
import type { SessionStory } from '../domain/session-story.ts'
import { viewOf } from '../domain/session-view.ts'
import { CLOCKS_DIFFER_MILLISECONDS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { sessions } from './schema.ts'
import type { SessionRecord } from './session-records.ts'

/** The columns as SQL: a table whose index is named (`INDEXED BY`) is another table to drizzle. */
const COLUMNS = Object.fromEntries(
  Object.entries(getTableColumns(sessions)).map(([name, column]) => [name, sql`${column}`.mapWith(column)]),
) as unknown as ReturnType<typeof getTableColumns<typeof sessions>>

/** Which records are read: only this bounds the work. */
export interface RecordRange {
  readonly identityStoreId: string
  readonly state: 'live' | 'ended'
  /** Of one user all records are read, live and ended, API sessions too; by when they were opened. Null: of all users. */
  readonly userId: string | null
  /** Epoch milliseconds; null: without end. Records near it are read too. */
  readonly openedAfter: number | null
  readonly openedBefore: number | null
}

/** Where in the order of a range a record stands. */
export type Position = Pick<SessionRecord, 'sessionId' | 'endedAt'>

/** The next records of a range after a position, null for the first ones. */
export function recordsAfter(
  db: Database,
  range: RecordRange,
  after: Position | null,
  limit: number,
): Promise<Result<readonly SessionRecord[], Unavailable>> {
  const { identityStoreId, userId, openedAfter, openedBefore } = range
  const own = [eq(sessions.identityStoreId, identityStoreId), userId === null ? undefined : eq(sessions.userId, userId)]
  // A session's id never says an earlier time than that of its opening, and hardly a later one. One bound at each end:
  // of two SQLite takes the first for the index, and reads all that the second leaves out.
  const last = openedBefore === null ? null : firstIdAt(openedBefore + CLOCKS_DIFFER_MILLISECONDS)
  const end = after !== null && (last === null || after.sessionId < last) ? after.sessionId : last
  const opened = [
    openedAfter === null ? undefined : gte(sessions.sessionId, firstIdAt(openedAfter)),
    end === null ? undefined : lt(sessions.sessionId, end),
  ]
  const read = (from: SQL, where: (SQL | undefined)[], order: SQL[]) =>
    attempt(() =>
      db
        .select(COLUMNS)
        .from(from)
        .where(and(...own, ...where))
        .orderBy(...order)
        .limit(limit),
    )
  const newestFirst = [desc(sessions.sessionId)]
  if (userId !== null) return read(sql`${sessions}`, opened, newestFirst)
  // The conditions are as the indexes say them: bound values would not match.
  if (range.state === 'live') {
    const live = sql`${sessions.endedAt} IS NULL AND ${sessions.kind} = 'web'`
    return read(sql`${sessions} INDEXED BY live_sessions_of_store_newest_first`, [live, ...opened], newestFirst)
  }
  return read(
    sql`${sessions} INDEXED BY ended_sessions_of_store_newest_first`,
    [
      sql`${sessions.endedAt} IS NOT NULL AND ${sessions.kind} = 'web'`,
      openedAfter === null ? undefined : gte(sessions.endedAt, openedAfter - CLOCKS_DIFFER_MILLISECONDS),
      after === null
        ? undefined
        : sql`(${sessions.endedAt}, ${sessions.sessionId}) < (${after.endedAt}, ${after.sessionId})`,
    ],
    [desc(sessions.endedAt), ...newestFirst],
  )
}

/** The records of some sessions of a store, of every kind, live and ended. */
export function findRecords(
  db: Database,
  identityStoreId: string,
  sessionIds: readonly string[],
): Promise<Result<readonly SessionRecord[], Unavailable>> {
  const wanted = JSON.stringify(sessionIds.map((id) => [sessionNumber(id), id]))
  return attempt(() =>
    db
      .select(COLUMNS)
      .from(sql`json_each(${wanted}) AS wanted CROSS JOIN ${sessions} INDEXED BY session_by_number`)
      .where(
        and(
          eq(sessions.identityStoreId, identityStoreId),
          sql`${sessions.number} = wanted.value ->> 0 AND ${sessions.sessionId} = wanted.value ->> 1`,
        ),
      ),
  )
}

/** One of them; null where D1 has none. */
export async function findRecord(
  db: Database,
  identityStoreId: string,
  sessionId: string,
): Promise<Result<SessionRecord | null, Unavailable>> {
  const found = await findRecords(db, identityStoreId, [sessionId])
  return found.ok ? ok(found.value[0] ?? null) : found
}

/** A session out of its record. Its epoch is not in the record: one that lives has that of its user. */
export function sessionIn(record: SessionRecord, epoch: number): Session {
  const { recentAddress, recentUserAgent, location, actorUserId, actorSessionId } = record
  const recent = recentAddress !== null || recentUserAgent !== null
  return {
    id: record.sessionId,
    kind: record.kind,
    epoch,
    openedAt: record.openedAt,
    lastSeenAt: record.lastSeenAt,
    persistent: record.persistent,
    credentialsType: record.credentialsType,
    client: { address: record.address, userAgent: record.userAgent },
    recentClient: recent ? { address: recentAddress, userAgent: recentUserAgent } : null,
    location: location === null ? null : JSON.parse(location),
    actor: actorUserId === null || actorSessionId === null ? null : { userId: actorUserId, sessionId: actorSessionId },
    apiClientId: record.apiClientId,
    cookieIssuedAt: null,
  }
}

/** What a record tells of a session: all but the changes of client. `policy`: what holds for a user who has live ones. */
export function storyIn(record: SessionRecord, policy: Policy | null): SessionStory {
  const { identityStoreId, userId, openedBy, replacesSessionId, newDevice, endedAt, endReason } = record
  const session = sessionIn(record, 0)
  const view =
    policy === null || endedAt !== null
      ? { session, expiresAt: null, idlesOutAt: null, persistentCookie: session.persistent }
      : viewOf(record, session, policy)
  return {
    identityStoreId,
    userId,
    ...view,
    openedBy,
    replacesSessionId,
    newDevice,
    // A record does not have all of the OpenID sign-in.
    openid: null,
    clientChanges: [],
    ending:
      endedAt === null || endReason === null
        ? null
        : {
            reason: endReason,
            endedAt,
            ...(record.endDecision !== null && { decision: record.endDecision }),
            by: { caller: record.endedBy, requestId: record.endRequestId },
          },
  }
}
