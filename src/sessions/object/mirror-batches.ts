/**
 * Fast path: users' objects of one isolate copy their sessions to D1 in shared batches (measured in
 * docs/decisions/0008). D1 takes statements one by one, and one of many records hardly takes longer than one of a single
 * record: while one object's batch is on its way, what others have to copy waits, and goes with the next batch.
 *
 * Objects of one isolate share its memory but not their I/O: none may await a promise of another. So each looks, by a
 * timer of its own, whether its records were sent.
 */

import type { UserRules } from '../../domain/policy.ts'
import { ok, type Result } from '../../domain/result.ts'
import { D1_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import type { Database } from '../../store/database.ts'
import { mirrorSessions, type SessionRecord, type UserRecords } from '../../store/session-records.ts'
import type { Unavailable } from '../../time-limit.ts'

/** Sessions that go in one batch, and what they may weigh: less than D1's 2 MB for a bound value. */
export const MAX_RECORDS = 500
const MAX_BYTES = 1_900_000
/** The names of a record's fields, its numbers and the rule that ended it, in bytes of JSON, and the most that one character of a text takes. */
const BYTES_OF_FIELDS = 900
const BYTES_OF_CHARACTER = 6
/** How often an object looks for its records, in milliseconds. */
const LOOK_MILLISECONDS = 20
/** After so many looks an object sends its records itself: the sender is gone, or the batches of others never end. */
const MAX_LOOKS = (D1_TIMEOUT_MILLISECONDS + 1_000) / LOOK_MILLISECONDS

/** Tells the endpoints of stores that there may be something for them. */
type Tell = (endpointsOfStores: ReadonlyMap<string, readonly string[]>) => Promise<void>

type MirrorResult = Result<UserRules | null, Unavailable>

interface Waiting extends UserRecords {
  /** What came of it; null while nothing has. `alone`: the shared batch failed by a bug, which may be another's. */
  result: MirrorResult | 'alone' | null
}

export class MirrorBatches {
  private waiting: Waiting[] = []
  /** The batch that is on its way; null if none is. */
  private current: object | null = null

  /**
   * Copies sessions of one user to D1, and answers what rules hold for that user now; null for a user that never
   * was. The sessions must be durable where they come from. Errors: `unavailable`.
   */
  async submit(db: Database, own: UserRecords, tell: Tell): Promise<MirrorResult> {
    const records: Waiting = { ...own, result: null }
    if (this.current === null) return this.send(db, records, this.takeWaiting(own.records), tell)
    this.waiting.push(records)
    for (let looks = 0; looks < MAX_LOOKS && (this.current !== null || records.result !== null); looks += 1) {
      if (records.result === 'alone') break
      if (records.result !== null) return records.result
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS))
    }
    this.waiting = this.waiting.filter((other) => other !== records)
    return this.send(db, records, records.result === 'alone' ? [] : this.takeWaiting(own.records), tell)
  }

  private async send(db: Database, own: UserRecords, others: readonly Waiting[], tell: Tell): Promise<MirrorResult> {
    const batch = {}
    this.current = batch
    let mirrored: Awaited<ReturnType<typeof mirrorSessions>>
    try {
      mirrored = await mirrorSessions(db, [own, ...others])
    } catch (error) {
      if (others.length === 0) throw error
      for (const other of others) other.result = 'alone'
      return this.send(db, own, [], tell)
    } finally {
      if (this.current === batch) this.current = null
    }
    // Before the records count as mirrored: a crash between repeats both.
    if (mirrored.ok && mirrored.value.endpoints.size > 0) await tell(mirrored.value.endpoints)
    const [rules, ...rulesOfOthers] = mirrored.ok ? mirrored.value.rules : []
    for (const [index, other] of others.entries()) {
      other.result = mirrored.ok ? ok(rulesOfOthers[index] ?? null) : mirrored
    }
    return mirrored.ok ? ok(rules ?? null) : mirrored
  }

  /** Takes from the queue, oldest first, the records for which there is room beside these. */
  private takeWaiting(own: readonly SessionRecord[]): Waiting[] {
    let count = own.length
    let bytes = weight(own)
    const full = this.waiting.findIndex(({ records }) => {
      count += records.length
      bytes += weight(records)
      return count > MAX_RECORDS || bytes > MAX_BYTES
    })
    return this.waiting.splice(0, full < 0 ? this.waiting.length : full)
  }
}

/** As many of these records, from the first, as go in one batch; one at least. */
export function thatFit(records: readonly SessionRecord[]): readonly SessionRecord[] {
  let bytes = 0
  const full = records.findIndex((record) => {
    bytes += weight([record])
    return bytes > MAX_BYTES
  })
  return full < 0 ? records : records.slice(0, Math.max(1, full))
}

/** What records weigh at most, in bytes of JSON. */
function weight(records: readonly SessionRecord[]): number {
  let bytes = 0
  for (const record of records) {
    bytes += BYTES_OF_FIELDS
    for (const value of Object.values(record)) {
      if (typeof value === 'string') bytes += value.length * BYTES_OF_CHARACTER
    }
  }
  return bytes
}
