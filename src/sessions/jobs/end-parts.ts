/**
 * The sessions that jobs are to end, and what has become of each, in a store's object: in parts, each of which is one
 * step. What is to be ended is written once and for all, so that what is opened later is not.
 */
import { OBJECTS_AT_ONCE } from '../../limits.ts'

/**
 * `pending`: not yet asked for. `forbidden`: the caller may not end it. `not_found`: no such session. `cancelled`: the
 * job was cancelled before.
 */
export const END_OUTCOMES = ['pending', 'ended', 'already_ended', 'forbidden', 'not_found', 'cancelled'] as const
export type EndOutcome = (typeof END_OUTCOMES)[number]

/** A session of a job. The user is null where the session was not found. */
export interface EndItem {
  readonly sessionId: string
  readonly userId: string | null
  readonly outcome: EndOutcome
}

/** Most sessions in a part, so that it fits into a value. */
const MAX_PART_ITEMS = 500

interface Row extends Record<string, SqlStorageValue> {
  part: number
  items: string
}

/** The table. */
export const END_PARTS = `CREATE TABLE end_parts (
     job_id TEXT NOT NULL,
     part INTEGER NOT NULL,
     items TEXT NOT NULL,
     size INTEGER NOT NULL,
     left INTEGER NOT NULL,
     PRIMARY KEY (job_id, part)
   ) WITHOUT ROWID;`

export class EndParts {
  private readonly sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.sql = sql
  }

  /**
   * Writes the sessions of a new job; those of some users to a part. A job that is there already stays as it is.
   * Answers how many parts there are.
   */
  write(jobId: string, items: readonly EndItem[], usersInPart: number): number {
    const parts = partsOf(items, Math.min(usersInPart, OBJECTS_AT_ONCE))
    if (this.part(jobId, 0) === null) for (const [index, part] of parts.entries()) this.setPart(jobId, index, part)
    return parts.length
  }

  part(jobId: string, part: number): readonly EndItem[] | null {
    const [row] = this.sql.exec<Row>('SELECT * FROM end_parts WHERE job_id = ? AND part = ?', jobId, part).toArray()
    return row === undefined ? null : JSON.parse(row.items)
  }

  setPart(jobId: string, part: number, items: readonly EndItem[]): void {
    this.sql.exec(
      `INSERT INTO end_parts (job_id, part, items, size, left) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (job_id, part) DO UPDATE SET items = excluded.items, left = excluded.left`,
      jobId,
      part,
      JSON.stringify(items),
      items.length,
      items.filter(({ outcome }) => outcome === 'pending').length,
    )
  }

  /** How many of a job's sessions are done, and how many are left. */
  progress(jobId: string): { readonly done: number; readonly left: number } {
    const { size, left } = this.sql
      .exec<{ size: number; left: number }>(
        'SELECT coalesce(sum(size), 0) AS size, coalesce(sum(left), 0) AS left FROM end_parts WHERE job_id = ?',
        jobId,
      )
      .one()
    return { done: size - left, left }
  }

  /** What became of a job's sessions, from a place on, in the order in which they are done. */
  page(jobId: string, from: number, limit: number): readonly EndItem[] {
    const items: EndItem[] = []
    let place = 0
    for (const row of this.sql.exec<{ part: number; size: number }>(
      'SELECT part, size FROM end_parts WHERE job_id = ? ORDER BY part',
      jobId,
    )) {
      if (items.length >= limit) break
      if (place + row.size > from) {
        items.push(...(this.part(jobId, row.part) ?? []).slice(Math.max(0, from - place)))
      }
      place += row.size
    }
    return items.slice(0, limit)
  }

  /** Gives up what is left of a job. */
  cancel(jobId: string): void {
    const open = this.sql.exec<Row>('SELECT * FROM end_parts WHERE job_id = ? AND left > 0', jobId).toArray()
    for (const { part, items } of open) {
      const all: readonly EndItem[] = JSON.parse(items)
      const outcome = (item: EndItem) => (item.outcome === 'pending' ? 'cancelled' : item.outcome)
      this.setPart(
        jobId,
        part,
        all.map((item) => ({ ...item, outcome: outcome(item) })),
      )
    }
  }

  remove(jobId: string): void {
    this.sql.exec('DELETE FROM end_parts WHERE job_id = ?', jobId)
  }
}

/** The sessions of a user stay together, as long as they fit; the users come as their first sessions do. */
function partsOf(items: readonly EndItem[], usersInPart: number): EndItem[][] {
  const parts: EndItem[][] = []
  let users = 0
  for (const [, ofUser] of Map.groupBy(items, ({ userId }) => userId)) {
    for (let at = 0; at < ofUser.length; at += MAX_PART_ITEMS) {
      const slice = ofUser.slice(at, at + MAX_PART_ITEMS)
      const part = parts.at(-1)
      if (part === undefined || users === usersInPart || part.length + slice.length > MAX_PART_ITEMS) {
        parts.push(slice)
        users = 1
      } else {
        part.push(...slice)
        users += 1
      }
    }
  }
  return parts
}
