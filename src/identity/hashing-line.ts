/**
 * The queue in front of hashing. An isolate hashes one password at a time, whatever the number of its objects, so they
 * share one.
 *
 * Objects of one isolate share its memory but not their I/O: none may wait for a promise of another. So each looks,
 * by a timer of its own, whether its turn has come.
 */

import { type HashCost, work } from '../domain/hash-cost.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import {
  HASHING_GONE_MILLISECONDS,
  HASHING_LOOK_MILLISECONDS,
  HASHING_PAUSE_MILLISECONDS,
  MAX_HASHING_RETRY_SECONDS,
} from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { type Asker, FairQueue, type Place } from './fair-queue.ts'

/** Work of a hash in a millisecond, until it was measured. */
const WORK_PER_MILLISECOND = 4_096

interface Looking {
  /** Epoch milliseconds. */
  lookedAt: number
}
type Waiting = Place<Looking>

export class HashingLine {
  private readonly queue = new FairQueue<Looking>()
  private hashing: Waiting | null = null
  /** What a turn takes, smoothed; null until the first. */
  private turnMilliseconds: number | null = null

  /**
   * Waits for its turn, then works. Errors: `unavailable` if that would take longer than `milliseconds`; then
   * nothing was done. `hash` blocks the isolate, but in `npm run flood`, where another process does it.
   */
  async take<T>(
    asker: Asker,
    cost: HashCost,
    milliseconds: number,
    hash: () => T | Promise<T>,
  ): Promise<Result<T, Unavailable>> {
    const expected = work(cost) / WORK_PER_MILLISECOND
    // Where a hash takes next to no time, as in tests, a queue would only cost time.
    if (expected < 1) return ok(await hash())
    const arrivedAt = Date.now()
    const place = this.queue.placeFor(asker, { lookedAt: arrivedAt })
    this.turnMilliseconds ??= expected
    const ahead = this.queue.ahead(place).length + (this.hashing ? 1 : 0)
    if (ahead * this.turnMilliseconds > milliseconds) return fail(comeBack())
    this.queue.join(place)
    try {
      // Lets those that have arrived meanwhile join, so that it is seen who comes first.
      do {
        await scheduler.wait(this.queue.size > 1 ? HASHING_LOOK_MILLISECONDS : 0)
        place.kept.lookedAt = Date.now()
        if (place.kept.lookedAt - arrivedAt > milliseconds) return fail(comeBack())
      } while (!this.isNext(place))
      return ok(await this.work(place, hash))
    } finally {
      this.queue.leave(place)
    }
  }

  private async work<T>(place: Waiting, hash: () => T | Promise<T>): Promise<T> {
    const startedAt = place.kept.lookedAt
    this.hashing = place
    this.queue.begin(place)
    try {
      const hashed = await hash()
      // Long enough for others to do what needs no hash, and for who comes now to be in the line at the next turn.
      await scheduler.wait(HASHING_PAUSE_MILLISECONDS)
      const took = Date.now() - startedAt
      this.turnMilliseconds = (this.turnMilliseconds ?? took) * 0.8 + took * 0.2
      return hashed
    } finally {
      if (this.hashing === place) this.hashing = null
    }
  }

  private isNext(place: Waiting): boolean {
    const isGone = (other: Waiting) => place.kept.lookedAt - other.kept.lookedAt > HASHING_GONE_MILLISECONDS
    if (this.hashing !== null && !isGone(this.hashing)) return false
    for (const other of this.queue.ahead(place)) {
      if (!isGone(other)) return false
      this.queue.leave(other)
    }
    return true
  }
}

function comeBack(): Unavailable {
  const retryAfterSeconds = 1 + Math.floor(Math.random() * MAX_HASHING_RETRY_SECONDS)
  return { code: 'unavailable', what: 'password hashing', retryAfterSeconds }
}
