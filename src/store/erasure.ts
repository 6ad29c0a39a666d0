/**
 * Erasing what names a person, a device or a place from what is kept of a deleted user: the records of its sessions and
 * the audit events about it. A batch at a time, since there may be a great many.
 */
import { and, eq, isNotNull, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { NO_STORE, type UserKey } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import { ERASURE_BATCH_ROWS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { auditEvents } from './audit-schema.ts'
import { rowExists } from './audited-row.ts'
import { attempt, type Database } from './database.ts'
import { credentials, loginTokens, sessions, signInAttempts, users } from './schema.ts'
import { userSubject } from './sign-in-attempts.ts'

/** How far an erasure has come: the last session and the last audit event; empty before the first. */
export interface ErasedUntil {
  readonly sessionId: string
  readonly eventId: string
}

const NOTHING: ErasedUntil = { sessionId: '', eventId: '' }

/** The body of an audit event goes with its salt; who did what to whom, and the hashes, stay: docs/security.md. */
const BODILESS = { before: null, after: null, salt: null }

/** The two statements of a batch: sessions, then audit events, each with a condition. They answer what they erased. */
export function erasure(
  db: Database,
  { identityStoreId, userId }: UserKey,
  { sessionId, eventId }: ErasedUntil,
  where: { readonly sessions: SQL; readonly events: SQL },
) {
  // Its index covers this. With more in one query SQLite prefers the primary key, which leads through the store's events.
  const events = sql`(SELECT identity_store_id, event_id FROM audit_events
    WHERE identity_store_id = ${identityStoreId} AND subject = ${`user:${userId}`} AND event_id > ${eventId}
    ORDER BY event_id LIMIT ${ERASURE_BATCH_ROWS})`
  const ofUser = sql`(SELECT session_id FROM sessions
    WHERE identity_store_id = ${identityStoreId} AND user_id = ${userId} AND session_id > ${sessionId}
    ORDER BY session_id LIMIT ${ERASURE_BATCH_ROWS})`
  return [
    db
      .update(sessions)
      .set({
        address: null,
        userAgent: null,
        recentAddress: null,
        recentUserAgent: null,
        location: null,
        openidSubject: null,
        openidSid: null,
      })
      .where(
        sql`${sessions.identityStoreId} = ${identityStoreId} AND ${sessions.userId} = ${userId}
          AND ${sessions.sessionId} IN ${ofUser} AND ${where.sessions}`,
      )
      .returning({ id: sessions.sessionId }),
    db
      .update(auditEvents)
      .set(BODILESS)
      .where(sql`(${auditEvents.identityStoreId}, ${auditEvents.eventId}) IN ${events} AND ${where.events}`)
      .returning({ id: auditEvents.eventId }),
  ] as const
}

/** The first batch, for the transaction that deletes the user. */
export function firstErasure(db: Database, key: UserKey, where: SQL) {
  return erasure(db, key, NOTHING, { sessions: where, events: where })
}

type Rows = readonly { readonly id: string }[]

/** Where the next batch begins after what one has erased; null if nothing is left. */
function nextErasure(erasedSessions: Rows, erasedEvents: Rows, until: ErasedUntil): ErasedUntil | null {
  if (erasedSessions.length < ERASURE_BATCH_ROWS && erasedEvents.length < ERASURE_BATCH_ROWS) return null
  const last = (rows: Rows, before: string) => [...rows.map(({ id }) => id), before].sort().at(-1) ?? before
  return { sessionId: last(erasedSessions, until.sessionId), eventId: last(erasedEvents, until.eventId) }
}

/**
 * Erases a batch of what was left when a user was deleted, by the audit event of the deletion: nothing without it, and
 * nothing that is later where the user was made anew. Answers where to go on; null at the end.
 */
export async function eraseNext(
  db: Database,
  key: UserKey,
  deletionEventId: string,
  until: ErasedUntil,
): Promise<Result<ErasedUntil | null, Unavailable>> {
  const { identityStoreId, userId } = key
  const wasDeleted = sql`EXISTS (SELECT 1 FROM audit_events AS deletion
    WHERE deletion.identity_store_id = ${identityStoreId} AND deletion.event_id = ${deletionEventId})`
  const isDeleted = rowExists(
    users,
    sql`${users.identityStoreId} = ${identityStoreId} AND ${users.userId} = ${userId} AND ${users.deletedAt} IS NOT NULL`,
  )
  const where = (id: SQLWrapper) => sql`${wasDeleted} AND (${id} <= ${deletionEventId} OR ${isDeleted})`
  const erased = await attempt(() =>
    db.batch(erasure(db, key, until, { sessions: where(sessions.sessionId), events: where(auditEvents.eventId) })),
  )
  return erased.ok ? ok(nextErasure(erased.value[0], erased.value[1], until)) : erased
}

/**
 * What else the transaction of a deletion erases, each statement on its condition: names and addresses of the user's
 * credentials, and in the audit events about them; login tokens; and lockouts of its name. Counters of wrong passwords
 * that have locked nobody name nobody.
 */
export function otherErasure(db: Database, { identityStoreId, userId }: UserKey, username: string | null, where: SQL) {
  // Each index covers its query: with both in one SQLite reads the whole log.
  const about = sql`(SELECT identity_store_id, event_id FROM audit_events
    WHERE identity_store_id = ${identityStoreId} AND about = ${`user:${userId}`})`
  // Whose credential it is, is noted when an event is sealed; earlier versions did not.
  const unnoted = sql`(SELECT event.identity_store_id, event.event_id FROM credentials AS own
    CROSS JOIN audit_events AS event INDEXED BY audit_events_by_subject
    ON event.identity_store_id = own.identity_store_id AND event.subject = 'credential:' || own.credential_id
    WHERE own.identity_store_id = ${identityStoreId} AND own.owner_user_id = ${userId})`
  const bodies = (which: SQL) =>
    db
      .update(auditEvents)
      .set(BODILESS)
      .where(sql`(${auditEvents.identityStoreId}, ${auditEvents.eventId}) IN ${which} AND ${where}`)
  const { identityStoreId: store, ownerUserId } = credentials
  return [
    bodies(about),
    bodies(unnoted),
    db
      .update(credentials)
      .set({ name: '', addressAllowList: null })
      .where(and(eq(store, identityStoreId), eq(ownerUserId, userId), where)),
    db
      .delete(loginTokens)
      .where(and(eq(loginTokens.identityStoreId, identityStoreId), eq(loginTokens.userId, userId), where)),
    db
      .delete(signInAttempts)
      .where(and(eq(signInAttempts.username, username ?? ''), isNotNull(signInAttempts.lockedUntil), where)),
    db
      .delete(signInAttempts)
      .where(
        and(
          eq(signInAttempts.identityStoreId, NO_STORE),
          eq(signInAttempts.subject, userSubject(username ?? '')),
          where,
        ),
      ),
  ] as const
}
