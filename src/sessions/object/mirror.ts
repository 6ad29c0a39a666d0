/**
 * The mirror of one user's sessions, and the alarm that completes it. D1 is to have every session as the object has
 * it: after each change an alarm is set for a retry, then the sessions are copied, then the alarm is set for the next
 * deadline.
 */

import type { Counters } from '../../counters.ts'
import type { UserKey } from '../../domain/ids.ts'
import type { UserRules } from '../../domain/policy.ts'
import type { EndReason } from '../../domain/session.ts'
import { type Endpoints, wakeEndpoints } from '../../events/wake.ts'
import {
  LATE_COPY_MILLISECONDS,
  MAX_MIRROR_RETRY_MILLISECONDS,
  MIRROR_RETRY_MILLISECONDS,
  NOTE_LATE_COPY_MILLISECONDS,
  REMEMBER_DELETED_MILLISECONDS,
  REMEMBERED_ENDED,
} from '../../limits.ts'
import { log, logContext } from '../../log.ts'
import { inSpan } from '../../spans.ts'
import type { Database } from '../../store/database.ts'
import { MIRROR_WORK, noteFailing } from '../../store/failing-work.ts'
import { MAX_RECORDS, MirrorBatches, thatFit } from './mirror-batches.ts'
import { changedAt, type StoredSession } from './rows.ts'
import { sessionRecord } from './session-record.ts'
import type { UserSessionsStorage } from './storage.ts'

/** Shared by the objects of an isolate. */
const batches = new MirrorBatches()
/** When a late copy of any of them was noted last, epoch milliseconds. */
let lateNotedAt = 0

export interface MirrorDependencies {
  readonly ctx: DurableObjectState
  readonly db: Database
  readonly endpoints: Endpoints
  readonly counters: Counters
  readonly storage: UserSessionsStorage
  /** Applies rules that D1 has told. */
  readonly applyRules: (rules: UserRules, now: number) => void
  /** When the first session dies by itself; null for none. */
  readonly nextDeadline: () => number | null
  /** When listeners are to be told of a deadline; null for never. */
  readonly nextTellingAt: () => number | null
}

export class SessionMirror {
  private readonly deps: MirrorDependencies
  private underWay = false
  private failures = 0
  /** While true, copies are not counted as late: D1 had these records before. */
  private copiesAgain = false
  /**
   * Begins at the threshold, so that an instance prunes after its first copy: most see no more than one or two ends.
   */
  private endsSincePrune = REMEMBERED_ENDED
  /** When the alarm is set for; undefined until this instance has set it or looked. */
  private alarmAt: number | null | undefined
  private looked = false

  constructor(deps: MirrorDependencies) {
    this.deps = deps
  }

  /** After a change of sessions: an alarm is set, in case this instance dies, then they are copied. */
  schedule(now: number): void {
    if (!this.underWay && !this.deps.storage.hasUnmirrored()) {
      this.setNextAlarm(now)
      return
    }
    this.setAlarmBy(now + MIRROR_RETRY_MILLISECONDS)
    this.deps.ctx.waitUntil(this.run())
  }

  /** At the first call of an instance: an alarm that the platform has lost is set again. */
  look(): void {
    if (this.looked) return
    this.looked = true
    if (this.alarmAt === undefined) this.deps.ctx.waitUntil(this.findAlarm())
  }

  private async findAlarm(): Promise<void> {
    const at = await this.deps.ctx.storage.getAlarm()
    if (this.alarmAt !== undefined) return
    this.alarmAt = at
    if (at === null) this.schedule(Date.now())
  }

  /** Copies every session once more. */
  again(now: number): void {
    this.deps.storage.forgetMirrored()
    this.copiesAgain = true
    this.schedule(now)
  }

  /** Notes which sessions have ended, by their reasons: ended ones are not remembered for ever. */
  noteEnds(reasons: readonly EndReason[]): void {
    this.endsSincePrune += reasons.length
    const { counters, storage } = this.deps
    for (const reason of reasons) counters.count('ended', storage.owner?.identityStoreId ?? null, reason)
  }

  /** The alarm has fired, and is set no more. */
  onAlarm(): void {
    this.alarmAt = null
  }

  /** The alarm could not do what was due. */
  failed(now: number): void {
    this.failures += 1
    this.setNextAlarm(now)
  }

  /** Copies what is to be copied, and sets the alarm. */
  async complete(): Promise<void> {
    // A mirror that is under way sets the alarm when it is done, unless this instance dies before.
    if (this.underWay) this.setAlarmBy(Date.now() + MIRROR_RETRY_MILLISECONDS)
    else await this.run()
  }

  /** Sees to it that the alarm comes by then, for what may be left undone. */
  setAlarmBy(at: number): void {
    if (typeof this.alarmAt === 'number' && this.alarmAt <= at) return
    void this.deps.ctx.storage.setAlarm(at)
    this.alarmAt = at
  }

  private async run(): Promise<void> {
    if (this.underWay) return
    this.underWay = true
    let copied = false
    try {
      copied = await this.copy()
      if (copied && this.endsSincePrune >= REMEMBERED_ENDED) {
        this.deps.storage.prune(Date.now())
        this.endsSincePrune = 0
      }
    } catch (error) {
      // A bug must not take the alarm away: it is tried again like an outage.
      log('mirror.failed', { object: this.deps.ctx.id.toString(), error: String(error) })
    } finally {
      this.underWay = false
    }
    this.failures = copied ? 0 : this.failures + 1
    if (copied) this.copiesAgain = false
    this.setNextAlarm(Date.now())
  }

  /** Copies to D1 what it does not have; false if D1 is out of reach. */
  private async copy(): Promise<boolean> {
    const { ctx, db, endpoints, storage, applyRules } = this.deps
    const { owner } = storage
    if (owner === null) return true
    for (;;) {
      const batch = storage.unmirrored(MAX_RECORDS)
      if (batch.length === 0) return true
      const records = thatFit(batch.map((stored) => sessionRecord(owner, stored)))
      // Another object may send them, whose output gate knows nothing of what is written here.
      await ctx.storage.sync()
      const where = { object: ctx.id.toString(), identityStoreId: owner.identityStoreId }
      const rules = await logContext.run(where, () =>
        inSpan('mirror', { store: owner.identityStoreId, sessions: records.length }, () =>
          batches.submit(db, { owner, records }, async (stores) => {
            await Promise.all([...stores].map(([store, ids]) => wakeEndpoints(endpoints, store, ids)))
          }),
        ),
      )
      if (!rules.ok) return false
      // What D1 said is applied before the rows count as mirrored: a crash between repeats both.
      if (rules.value !== null) applyRules(rules.value, Date.now())
      const copied = batch.slice(0, records.length)
      storage.markMirrored(copied)
      this.noteLag(owner, copied, Date.now())
    }
  }

  /** Tells how old the oldest change was that a copy has brought. */
  private noteLag({ identityStoreId }: UserKey, copied: readonly StoredSession[], now: number): void {
    const { counters, ctx, db } = this.deps
    if (this.copiesAgain) return
    const since = Math.min(...copied.map((stored) => changedAt(stored) ?? now))
    counters.count('mirrored', identityStoreId, '', now - since)
    if (now - since < LATE_COPY_MILLISECONDS || Math.abs(now - lateNotedAt) < NOTE_LATE_COPY_MILLISECONDS) return
    lateNotedAt = now
    log('mirror.late', { object: ctx.id.toString(), identityStoreId, milliseconds: now - since })
    ctx.waitUntil(noteFailing(db, { identityStoreId, kind: MIRROR_WORK, id: '', since, seenAt: now, nextAt: now }))
  }

  /** Sets the alarm for the next deadline, or for the retry if something was left undone. */
  private setNextAlarm(now: number): void {
    const { storage } = this.deps.ctx
    const backOff = MIRROR_RETRY_MILLISECONDS * 2 ** Math.max(0, this.failures - 1)
    const retryAt = this.failures > 0 ? now + Math.min(backOff, MAX_MIRROR_RETRY_MILLISECONDS) : null
    const due = this.deps.nextDeadline()
    const times = [
      retryAt,
      // A deadline that has passed waits for the retry: without D1 the alarm may not end anything.
      retryAt !== null && due !== null && due <= now ? null : due,
      this.deps.storage.nextWriteAt(),
      this.deps.nextTellingAt(),
      this.deps.storage.rules.status.value.deleted === true ? now + REMEMBER_DELETED_MILLISECONDS : null,
    ].filter((time) => time !== null)
    const at = times.length === 0 ? null : Math.min(...times)
    if (at === this.alarmAt) return
    void (at === null ? storage.deleteAlarm() : storage.setAlarm(at))
    this.alarmAt = at
  }
}
