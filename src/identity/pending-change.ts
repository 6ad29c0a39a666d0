/** The one change of a profile that is not finished, in its object's SQLite. */

import type { UserKey } from '../domain/ids.ts'
import type { Profile, ProfileChanges } from '../domain/profile.ts'
import { migrate } from '../store/object-schema.ts'
import { type StoredRequest, storedRequest } from './stored-profiles.ts'

/** The object's schema. */
export const STEPS: readonly string[] = [
  // Objects had this table before their schema had versions.
  `CREATE TABLE IF NOT EXISTS pending (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     identity_store_id TEXT NOT NULL,
     user_id TEXT NOT NULL,
     username TEXT NOT NULL,
     idempotency_key TEXT NOT NULL,
     changes TEXT NOT NULL,
     request_id TEXT NOT NULL,
     base_version INTEGER,
     failures INTEGER NOT NULL,
     refused_at INTEGER
   )`,
]

/** A change that may stand in the application server's database and not in ours. */
export interface PendingChange {
  readonly owner: UserKey
  /** Under which the application server knows the user. */
  readonly username: string
  readonly idempotencyKey: string
  readonly requestId: string
  /** Null: another version wrote it, and this one cannot read it. */
  readonly request: StoredRequest | null
  /** The version that it was sent for; null: it was not sent yet. */
  readonly baseVersion: number | null
  readonly failures: number
  /** When it was first refused after it had been sent, epoch milliseconds. */
  readonly refusedAt: number | null
}

interface Row extends Record<string, SqlStorageValue> {
  identity_store_id: string
  user_id: string
  username: string
  idempotency_key: string
  changes: string
  request_id: string
  base_version: number | null
  failures: number
  refused_at: number | null
}

export class PendingChanges {
  private readonly sql: SqlStorage

  constructor(sql: SqlStorage) {
    migrate(sql, STEPS)
    this.sql = sql
  }

  /** The change that is not finished; null: there is none. */
  find(): PendingChange | null {
    const row = this.sql.exec<Row>('SELECT * FROM pending').toArray()[0]
    if (row === undefined) return null
    return {
      owner: { identityStoreId: row.identity_store_id, userId: row.user_id },
      username: row.username,
      idempotencyKey: row.idempotency_key,
      requestId: row.request_id,
      request: storedRequest(row.changes),
      baseVersion: row.base_version,
      failures: row.failures,
      refusedAt: row.refused_at,
    }
  }

  /** Writes a change down, before anybody is told of it. There must be no other. */
  begin({ owner, username, idempotencyKey, requestId, request }: PendingChange): void {
    this.sql.exec(
      `INSERT INTO pending (only, identity_store_id, user_id, username, idempotency_key, changes, request_id, failures)
       VALUES (1, ?, ?, ?, ?, ?, ?, 0)`,
      owner.identityStoreId,
      owner.userId,
      username,
      idempotencyKey,
      JSON.stringify(request),
      requestId,
    )
  }

  /** Writes down what is about to be sent, for which version, while ours is as given. */
  sending(update: ProfileChanges, version: number, actor: string, ours: Profile): void {
    const request: StoredRequest = { ...update, actor, ours }
    this.sql.exec('UPDATE pending SET changes = ?, base_version = ?', JSON.stringify(request), version)
  }

  /** Notes that it was tried again, and is still not finished. */
  failed(): void {
    this.sql.exec('UPDATE pending SET failures = failures + 1')
  }

  refused(at: number): void {
    this.sql.exec('UPDATE pending SET refused_at = ?', at)
  }

  forget(): void {
    this.sql.exec('DELETE FROM pending')
  }
}
