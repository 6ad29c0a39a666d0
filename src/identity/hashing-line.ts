/**
 * The line in front of hashing. An isolate hashes one password at a time, whatever the number of its objects, so
 * they share a line: operators come first, then who has signed in as the user before, then strangers. Among
 * equals turns go round (start-time fair queueing): one who asks often waits behind the others, and in the order of
 * arrival behind oneself, so that nobody waits for ever.
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

/** Work of a hash in a millisecond, until it was measured. */
const WORK_PER_MILLISECOND = 4_096

export const HASHING_PRIORITIES = ['operator', 'known', 'stranger'] as const
export type HashingPriority = (typeof HASHING_PRIORITIES)[number]

interface Place {
  readonly rank: number
  /** Whose turns are counted together: a user, or an address prefix. */
  readonly who: string
  /** In which round it is: one after the last of the same, or after the round that is on. */
  readonly round: number
  readonly number: number
  /** Epoch milliseconds. */
  lookedAt: number
}

export class HashingLine {
  private readonly waiting = new Set<Place>()
  private hashing: Place | null = null
  private joined = 0
  /** The round that is on. */
  private round = 0
  /** What a turn takes, smoothed; null until the first. */
  private turnMilliseconds: number | null = null

  /**
   * Waits for its turn, then works. Errors: `unavailable` if that would take longer than `milliseconds`; then
   * nothing was done.
   */
  async take<T>(
    priority: HashingPriority,
    who: string,
    cost: HashCost,
    milliseconds: number,
    hash: () => T,
  ): Promise<Result<T, Unavailable>> {
    const expected = work(cost) / WORK_PER_MILLISECOND
    // Where hashing is next to nothing, a line would only cost time.
    if (expected < 1) return ok(hash())
    const arrivedAt = Date.now()
    const place = this.placeFor(priority, who, arrivedAt)
    this.turnMilliseconds ??= expected
    const ahead = [...this.waiting].filter((other) => comesBefore(other, place)).length + (this.hashing ? 1 : 0)
    if (ahead * this.turnMilliseconds > milliseconds) return fail(comeBack())
    this.waiting.add(place)
    try {
      // Lets those that have arrived meanwhile join, so that it is seen who comes first.
      do {
        await scheduler.wait(this.waiting.size > 1 ? HASHING_LOOK_MILLISECONDS : 0)
        place.lookedAt = Date.now()
        if (place.lookedAt - arrivedAt > milliseconds) return fail(comeBack())
      } while (!this.isNext(place))
      return ok(await this.work(place, hash))
    } finally {
      this.waiting.delete(place)
    }
  }

  private async work<T>(place: Place, hash: () => T): Promise<T> {
    const startedAt = place.lookedAt
    this.hashing = place
    this.round = Math.max(this.round, place.round)
    this.waiting.delete(place)
    try {
      const hashed = hash()
      // Long enough for others to do what needs no hash, and for who comes now to be in the line at the next turn.
      await scheduler.wait(HASHING_PAUSE_MILLISECONDS)
      const took = Date.now() - startedAt
      this.turnMilliseconds = (this.turnMilliseconds ?? took) * 0.8 + took * 0.2
      return hashed
    } finally {
      if (this.hashing === place) this.hashing = null
    }
  }

  private placeFor(priority: HashingPriority, who: string, now: number): Place {
    const rank = HASHING_PRIORITIES.indexOf(priority)
    const rounds = [...this.waiting].flatMap((other) => (other.rank === rank && other.who === who ? [other.round] : []))
    this.joined += 1
    return { rank, who, round: Math.max(this.round, ...rounds) + 1, number: this.joined, lookedAt: now }
  }

  private isNext(place: Place): boolean {
    const now = place.lookedAt
    const isGone = (other: Place) => now - other.lookedAt > HASHING_GONE_MILLISECONDS
    if (this.hashing !== null && !isGone(this.hashing)) return false
    for (const other of this.waiting) {
      if (isGone(other)) this.waiting.delete(other)
      else if (comesBefore(other, place)) return false
    }
    return true
  }
}

function comesBefore(a: Place, b: Place): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank
  return a.round === b.round ? a.number < b.number : a.round < b.round
}

function comeBack(): Unavailable {
  const retryAfterSeconds = 1 + Math.floor(Math.random() * MAX_HASHING_RETRY_SECONDS)
  return { code: 'unavailable', what: 'password hashing', retryAfterSeconds }
}
