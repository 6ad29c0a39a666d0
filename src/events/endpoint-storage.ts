/** What an endpoint's object keeps: how far it has read the outbox, what is still to be sent, and what came of each attempt. */
import type { StoreEvent } from '../domain/events.ts'
import { MAX_KEPT_DELIVERIES } from '../limits.ts'
import { migrate } from '../store/object-schema.ts'

/** The schema in ordered steps. Landed steps never change; a change is a new step. */
const STEPS: readonly string[] = [
  `CREATE TABLE owner (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     identity_store_id TEXT NOT NULL,
     endpoint_id TEXT NOT NULL,
     cursor INTEGER,
     failures INTEGER NOT NULL DEFAULT 0,
     failing_since INTEGER
   );
   CREATE TABLE pending (
     id TEXT PRIMARY KEY,
     type TEXT NOT NULL,
     body TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     due_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX pending_by_due_at ON pending (due_at);
   CREATE TABLE replays (
     replay INTEGER PRIMARY KEY,
     after INTEGER NOT NULL,
     before INTEGER NOT NULL
   );
   CREATE TABLE deliveries (
     delivery INTEGER PRIMARY KEY AUTOINCREMENT,
     event_id TEXT NOT NULL,
     type TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     at INTEGER NOT NULL,
     duration INTEGER NOT NULL,
     status INTEGER,
     answer TEXT NOT NULL,
     next_at INTEGER
   );`,
  // For streams. An earlier version writes only the columns that it knows.
  `ALTER TABLE pending ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE pending ADD COLUMN user_id TEXT;
   ALTER TABLE pending ADD COLUMN issued_at INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE owner ADD COLUMN told_status TEXT;
   ALTER TABLE owner ADD COLUMN verified_at INTEGER;
   CREATE TABLE removed_subjects (subject TEXT PRIMARY KEY) WITHOUT ROWID;`,
]

/** Whose object this is. */
export interface Owner {
  readonly identityStoreId: string
  readonly endpointId: string
}

/** A message that is still to be sent. Its id and body are the same each time. */
export interface PendingMessage extends Record<string, SqlStorageValue> {
  readonly id: string
  readonly type: string
  readonly body: string
  readonly attempts: number
  readonly due_at: number
  /** The number of the event; 0 for a message of no event, or one that an earlier version took in. */
  readonly number: number
  /** Of a stream: messages about one user are not on their way at the same time. */
  readonly user_id: string | null
  /** When it was first to be sent, epoch milliseconds. */
  readonly issued_at: number
}

/** A message that is to be sent. */
export type NewMessage = Pick<PendingMessage, 'id' | 'type' | 'body' | 'due_at'> &
  Partial<Pick<PendingMessage, 'number' | 'user_id'>>

/** What came of an attempt. */
export interface Delivery extends Record<string, SqlStorageValue> {
  readonly delivery: number
  readonly event_id: string
  readonly type: string
  /** From 1. */
  readonly attempt: number
  readonly at: number
  /** Milliseconds. */
  readonly duration: number
  /** Null: nothing was answered. */
  readonly status: number | null
  readonly answer: string
  /** When it is tried again; null: it has arrived, or was given up. */
  readonly next_at: number | null
}

/** Events that are to be sent once more: those between two numbers. */
export interface Replay extends Record<string, SqlStorageValue> {
  readonly replay: number
  readonly after: number
  readonly before: number
}

export class EndpointStorage {
  private readonly sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.sql = sql
    migrate(sql, STEPS)
  }

  owner(): Owner | null {
    const [row] = this.sql.exec<{ identity_store_id: string; endpoint_id: string }>('SELECT * FROM owner').toArray()
    return row === undefined ? null : { identityStoreId: row.identity_store_id, endpointId: row.endpoint_id }
  }

  setOwner({ identityStoreId, endpointId }: Owner): void {
    this.sql.exec(
      'INSERT INTO owner (only, identity_store_id, endpoint_id) VALUES (1, ?, ?) ON CONFLICT DO NOTHING',
      identityStoreId,
      endpointId,
    )
  }

  /** The last event that was taken in; null before the first look. */
  cursor(): number | null {
    return this.sql.exec<{ cursor: number | null }>('SELECT cursor FROM owner').one().cursor
  }

  /** Takes messages in, and notes how far the outbox was read: one step. */
  takeIn(messages: readonly NewMessage[], cursor: number): void {
    for (const message of messages) this.put(message)
    this.sql.exec('UPDATE owner SET cursor = ?', cursor)
  }

  /** A message that is to be sent; one that waits already is sent anew. */
  put({ id, type, body, due_at, number = 0, user_id = null }: NewMessage): void {
    this.sql.exec(
      `INSERT INTO pending (id, type, body, attempts, due_at, number, user_id, issued_at) VALUES (?, ?, ?, 0, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET attempts = 0, due_at = excluded.due_at`,
      id,
      type,
      body,
      due_at,
      number,
      user_id,
      due_at,
    )
  }

  pendingCount(): number {
    return this.sql.exec<{ count: number }>('SELECT count(*) AS count FROM pending').one().count
  }

  /** When the next message is due, epoch milliseconds; null: none waits. @param only a type; null: any */
  nextDueAt(only: string | null): number | null {
    const due = 'SELECT min(due_at) AS at FROM pending WHERE type = coalesce(?, type)'
    return this.sql.exec<{ at: number | null }>(due, only).one().at
  }

  /**
   * Claims the message that has been due longest: until `until` it is not claimed again. Null: none is due.
   * @param busyUsers no message about these
   * @param only a type; null: any
   */
  claim(now: number, until: number, busyUsers: readonly string[], only: string | null): PendingMessage | null {
    const [message] = this.sql
      .exec<PendingMessage>(
        `SELECT * FROM pending WHERE due_at <= ? AND type = coalesce(?, type)
           AND (user_id IS NULL OR user_id NOT IN (SELECT value FROM json_each(?)))
         ORDER BY due_at, number, id LIMIT 1`,
        now,
        only,
        JSON.stringify(busyUsers),
      )
      .toArray()
    if (message === undefined) return null
    this.sql.exec('UPDATE pending SET due_at = ? WHERE id = ?', until, message.id)
    return message
  }

  /** What came of an attempt is kept; the message waits until `next_at`, or is gone. */
  record(attempt: Omit<Delivery, 'delivery'>): void {
    const { event_id: id, next_at: nextAt } = attempt
    if (nextAt === null) this.sql.exec('DELETE FROM pending WHERE id = ?', id)
    else this.sql.exec('UPDATE pending SET attempts = ?, due_at = ? WHERE id = ?', attempt.attempt, nextAt, id)
    const { delivery } = this.sql
      .exec<{ delivery: number }>(
        `INSERT INTO deliveries (event_id, type, attempt, at, duration, status, answer, next_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING delivery`,
        id,
        attempt.type,
        attempt.attempt,
        attempt.at,
        attempt.duration,
        attempt.status,
        attempt.answer,
        nextAt,
      )
      .one()
    this.sql.exec('DELETE FROM deliveries WHERE delivery <= ?', delivery - MAX_KEPT_DELIVERIES)
  }

  /** Failures in a row, and since when. */
  health(): { readonly failures: number; readonly failingSince: number | null } {
    const row = this.sql
      .exec<{ failures: number; failing_since: number | null }>('SELECT failures, failing_since FROM owner')
      .one()
    return { failures: row.failures, failingSince: row.failing_since }
  }

  noteFailure(at: number): void {
    this.sql.exec('UPDATE owner SET failures = failures + 1, failing_since = coalesce(failing_since, ?)', at)
  }

  noteSuccess(): void {
    this.sql.exec('UPDATE owner SET failures = 0, failing_since = NULL WHERE failures > 0')
  }

  /** Makes all messages that wait due now. */
  hurry(now: number): void {
    this.sql.exec('UPDATE pending SET due_at = ? WHERE due_at > ? AND attempts > 0', now, now)
  }

  addReplay(after: number, before: number): void {
    this.sql.exec('INSERT INTO replays (after, before) VALUES (?, ?)', after, before)
  }

  nextReplay(): Replay | null {
    return this.sql.exec<Replay>('SELECT * FROM replays ORDER BY replay LIMIT 1').toArray()[0] ?? null
  }

  /** How far a replay has come; null: it is done. */
  setReplay(replay: number, after: number | null): void {
    if (after === null) this.sql.exec('DELETE FROM replays WHERE replay = ?', replay)
    else this.sql.exec('UPDATE replays SET after = ? WHERE replay = ?', after, replay)
  }

  /** Deletes everything: the endpoint was removed. */
  clear(): void {
    for (const table of ['owner', 'pending', 'replays', 'deliveries', 'removed_subjects'])
      this.sql.exec(`DELETE FROM ${table}`)
  }

  /** Attempts, newest first, older than one. */
  deliveries(before: number | null, limit: number): Delivery[] {
    return this.sql
      .exec<Delivery>(
        'SELECT * FROM deliveries WHERE delivery < ? ORDER BY delivery DESC LIMIT ?',
        before ?? Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray()
  }
}

/** An event as the body of a message. */
export function bodyOf({ type, at, data }: Pick<StoreEvent, 'at' | 'data'> & { readonly type: string }): string {
  return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data })
}
