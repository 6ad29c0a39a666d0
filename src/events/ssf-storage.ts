/** What a stream's object keeps besides what every endpoint's does: its state as its receiver knows it, and what it leaves out. */
import { STREAM_UPDATED, type StreamStatus } from '../domain/security-events.ts'
import type { PendingMessage } from './endpoint-storage.ts'

export class StreamStorage {
  private readonly sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.sql = sql
  }

  /** How the stream stands, as far as its receiver was told. */
  toldStatus(): StreamStatus {
    const [row] = this.sql.exec<{ told: StreamStatus | null }>('SELECT told_status AS told FROM owner').toArray()
    return row?.told ?? 'enabled'
  }

  setTold(status: StreamStatus): void {
    this.sql.exec('UPDATE owner SET told_status = ?', status)
    // An update that still waits is out of date.
    this.sql.exec('DELETE FROM pending WHERE type = ?', STREAM_UPDATED)
  }

  /** Notes a verification; false if the last one is not so long ago. */
  mayVerify(now: number, pauseMilliseconds: number): boolean {
    const [row] = this.sql.exec<{ at: number | null }>('SELECT verified_at AS at FROM owner').toArray()
    if (row?.at != null && now - row.at < pauseMilliseconds) return false
    this.sql.exec('UPDATE owner SET verified_at = ?', now)
    return true
  }

  /** Drops the events up to a number. */
  dropUntil(number: number): void {
    this.sql.exec('DELETE FROM pending WHERE number > 0 AND number <= ?', number)
  }

  /**
   * The messages that wait, in the order of their events; of a stream that is not enabled only the update that says so.
   */
  first(limit: number, onlyUpdate: boolean): PendingMessage[] {
    const which = onlyUpdate ? `WHERE type = '${STREAM_UPDATED}'` : ''
    return this.sql.exec<PendingMessage>(`SELECT * FROM pending ${which} ORDER BY number, id LIMIT ?`, limit).toArray()
  }

  /** A message that waits. */
  find(id: string): PendingMessage | null {
    return this.sql.exec<PendingMessage>('SELECT * FROM pending WHERE id = ?', id).toArray()[0] ?? null
  }

  /** Removes a subject; false if too many are removed already. */
  removeSubject(subject: string, most: number): boolean {
    const { count } = this.sql.exec<{ count: number }>('SELECT count(*) AS count FROM removed_subjects').one()
    if (count >= most && !this.leavesOut([subject])) return false
    this.sql.exec('INSERT INTO removed_subjects (subject) VALUES (?) ON CONFLICT DO NOTHING', subject)
    return true
  }

  addSubject(subject: string): void {
    this.sql.exec('DELETE FROM removed_subjects WHERE subject = ?', subject)
  }

  /** Whether any of these subjects is removed. */
  leavesOut(subjects: readonly string[]): boolean {
    const { found } = this.sql
      .exec<{ found: number }>(
        'SELECT EXISTS (SELECT 1 FROM removed_subjects WHERE subject IN (SELECT value FROM json_each(?))) AS found',
        JSON.stringify(subjects),
      )
      .one()
    return found === 1
  }
}
