/**
 * The mirror of one user's sessions, and the alarm that completes it. D1 is to have every session as the object has
 * it: after each change the alarm stands ready, then the sessions are copied, then the alarm is set for the next
 * deadline.
 */
import type { Knowledge } from '../domain/policy.ts'
import type { Database } from '../store/database.ts'
import { MAX_RECORDS, MirrorTrips } from './mirror-trips.ts'
import { sessionRecord } from './session-record.ts'
import { REMEMBERED_ENDED, type UserSessionsStorage } from './user-sessions-storage.ts'

/** How long the alarm waits before it does what was left undone, in milliseconds; doubles up to the second. */
const RETRY_MILLISECONDS = 10_000
const MAX_RETRY_MILLISECONDS = 300_000

/** Shared by the objects of an isolate. */
const trips = new MirrorTrips()

export interface MirrorDependencies {
  readonly ctx: DurableObjectState
  readonly db: Database
  readonly storage: UserSessionsStorage
  /** Applies rules that D1 has told. */
  readonly learn: (rules: Knowledge, now: number) => void
  /** When the first session dies by itself; null for none. */
  readonly nextDeadline: () => number | null
}

export class SessionMirror {
  private readonly deps: MirrorDependencies
  private underWay = false
  private failures = 0
  private endsSincePrune = 0
  /** When the alarm is set for; undefined until this instance has set it. */
  private armedAt: number | null | undefined

  constructor(deps: MirrorDependencies) {
    this.deps = deps
  }

  /** After a change of sessions: the alarm stands ready even if this instance dies, then they are copied. */
  settle(now: number): void {
    if (!this.underWay && !this.deps.storage.isBehind()) {
      this.arm(now)
      return
    }
    this.standBy(now)
    this.deps.ctx.waitUntil(this.run())
  }

  /** Notes how many sessions have ended: ended ones are not remembered for ever. */
  noteEnds(count: number): void {
    this.endsSincePrune += count
  }

  /** The alarm has fired, and is set no more. */
  fired(): void {
    this.armedAt = null
  }

  /** The alarm could not do what was due. */
  failed(now: number): void {
    this.failures += 1
    this.arm(now)
  }

  /** Copies what is to be copied, and sets the alarm. */
  async complete(): Promise<void> {
    // A mirror that is under way sets the alarm when it is done, unless this instance dies before.
    if (this.underWay) this.standBy(Date.now())
    else await this.run()
  }

  /** Sees to it that the alarm comes soon, for what may be left undone. */
  private standBy(now: number): void {
    const retryAt = now + RETRY_MILLISECONDS
    if (typeof this.armedAt === 'number' && this.armedAt <= retryAt) return
    void this.deps.ctx.storage.setAlarm(retryAt)
    this.armedAt = retryAt
  }

  private async run(): Promise<void> {
    if (this.underWay) return
    this.underWay = true
    try {
      this.failures = (await this.copy()) ? 0 : this.failures + 1
    } finally {
      this.underWay = false
    }
    const now = Date.now()
    if (this.endsSincePrune >= REMEMBERED_ENDED) {
      this.deps.storage.prune(now)
      this.endsSincePrune = 0
    }
    this.arm(now)
  }

  /** Copies to D1 what it does not have; false if D1 is out of reach. */
  private async copy(): Promise<boolean> {
    const { ctx, db, storage, learn } = this.deps
    const { owner } = storage
    if (owner === null) return true
    for (;;) {
      const batch = storage.unmirrored(MAX_RECORDS)
      if (batch.length === 0) return true
      const records = batch.map((stored) => sessionRecord(owner, stored))
      // They may travel with another object, whose output gate knows nothing of what is written here.
      await ctx.storage.sync()
      const rules = await trips.take(db, { owner, records })
      if (!rules.ok) return false
      // What D1 said is applied before the rows count as mirrored: a crash between repeats both.
      if (rules.value !== null) learn(rules.value, Date.now())
      storage.markMirrored(batch)
    }
  }

  /** Sets the alarm for the next deadline, or for the retry if something was left undone. */
  private arm(now: number): void {
    const { storage } = this.deps.ctx
    const backOff = RETRY_MILLISECONDS * 2 ** Math.max(0, this.failures - 1)
    const retryAt = this.failures > 0 ? now + Math.min(backOff, MAX_RETRY_MILLISECONDS) : null
    const due = this.deps.nextDeadline()
    // A deadline that has passed waits for the retry: without D1 the alarm may not end anything.
    const at = due === null || (retryAt !== null && due <= now) ? retryAt : Math.min(due, retryAt ?? due)
    if (at === this.armedAt) return
    void (at === null ? storage.deleteAlarm() : storage.setAlarm(at))
    this.armedAt = at
  }
}
