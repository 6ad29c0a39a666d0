/**
 * `EventEndpoint`: the Durable Object, one per endpoint, that sends a store's events there. It reads the outbox from
 * where it was, writes down what is to be sent, and sends it until it is taken: at least once, each time with the same
 * id and body. So a slow or dead endpoint holds up no other.
 */

import { DurableObject } from 'cloudflare:workers'
import { Sealing } from '../auth/sealing.ts'
import { isLocal } from '../domain/endpoint-url.ts'
import { eventId, isNamed, type StoreEvent, TRIAL_EVENT } from '../domain/events.ts'
import { STREAM_UPDATED, STREAM_VERIFICATION, type StreamStatus, subjectKeysOf } from '../domain/security-events.ts'
import {
  DELIVERIES_AT_ONCE,
  DELIVERY_TIMEOUT_MILLISECONDS,
  EVENT_BATCH_ROWS,
  EVENT_POLL_MILLISECONDS,
  FAILING_MILLISECONDS,
  FAILURES_OF_OUTAGE,
  FAILURES_TO_TELL,
  MAX_PENDING_DELIVERIES,
  MAX_REMOVED_SUBJECTS,
  MIN_VERIFICATION_SECONDS,
  POLL_WAIT_MILLISECONDS,
} from '../limits.ts'
import { log, logContext } from '../log.ts'
import { settingsOfObject } from '../object-settings.ts'
import type { Settings } from '../settings.ts'
import { inSpan } from '../spans.ts'
import { newRecordId } from '../store/audit-events.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { type ChangedEndpoint, type EventEndpointRow, updateEndpoint } from '../store/event-endpoints.ts'
import { readEvents } from '../store/events.ts'
import { ENDPOINT_WORK, forgetFailing, noteFailing } from '../store/failing-work.ts'
import { findStandingEndpoint, isStream } from '../store/ssf-streams.ts'
import {
  bodyOf,
  type Delivery,
  EndpointStorage,
  type NewMessage,
  type Owner,
  type PendingMessage,
} from './endpoint-storage.ts'
import { acknowledge, type Poll, type Polled, WaitingPoll } from './polling.ts'
import { waitAfter } from './retries.ts'
import { type Signer, tokenOf } from './security-event-tokens.ts'
import { isTaken } from './send.ts'
import { findSigner } from './signers.ts'
import { followStatus, newTokenId } from './ssf-status.ts'
import { StreamStorage } from './ssf-storage.ts'
import { type Target, targetOf } from './targets.ts'

interface Bindings {
  readonly DB: D1Database
}

const GONE = 410

export class EventEndpoint extends DurableObject<Bindings> {
  private readonly db: Database
  private readonly storage: EndpointStorage
  private readonly streams: StreamStorage
  private readonly settings: Settings
  private readonly sealing: Sealing
  /** Where messages are sent. Null: nothing can be sent, or a receiver polls for it. */
  private target: Target | null = null
  /** What signs a stream's tokens. Null: the endpoint is no stream, or is sent nothing. */
  private signer: Signer | null = null
  /** For a stream that is not enabled: the only type of message that is sent. Null: every type is. */
  private only: string | null = null
  private looking: Promise<void> | null = null
  private lookAgain = false
  /** Whether the outbox holds more than there was room for. */
  private more = false
  private readonly underWay = new Set<Promise<void>>()
  /** Users about whom a stream's message is under way. */
  private readonly busyUsers = new Set<string>()
  private readonly waitingPoll = new WaitingPoll()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = settingsOfObject(ctx, env)
    this.db = openDatabase(env.DB)
    this.settings = settings
    this.sealing = new Sealing(settings.sealingKeys)
    this.storage = new EndpointStorage(ctx.storage.sql)
    this.streams = new StreamStorage(ctx.storage.sql)
  }

  /** Looks for something to send, or at a change of the endpoint. The work goes on whatever becomes of the caller. */
  async wake(identityStoreId: string, endpointId: string): Promise<void> {
    this.storage.setOwner({ identityStoreId, endpointId })
    await this.ctx.storage.setAlarm(Date.now() + EVENT_POLL_MILLISECONDS)
    this.ctx.waitUntil(this.look())
  }

  /** Sends a trial message, which is about no event, and answers its id. */
  async sendTest(owner: Owner): Promise<string> {
    const id = `evt_trial_${crypto.randomUUID().replaceAll('-', '')}`
    return this.sendOwn(owner, id, TRIAL_EVENT, { endpoint_id: owner.endpointId })
  }

  /**
   * Tells a stream's receiver that it works, and answers the token's id; null if the receiver has asked a moment ago.
   * @param state what the receiver wants to read in it. Null: it is not the receiver that asks
   */
  async verify(owner: Owner, state: { readonly state?: string | undefined } | null): Promise<string | null> {
    this.storage.setOwner(owner)
    if (state !== null && !this.streams.mayVerify(Date.now(), MIN_VERIFICATION_SECONDS * 1000)) return null
    return this.sendOwn(owner, newTokenId(), STREAM_VERIFICATION, { ...state })
  }

  private async sendOwn(owner: Owner, id: string, type: string, data: StoreEvent['data']): Promise<string> {
    this.storage.setOwner(owner)
    const now = Date.now()
    this.storage.put({ id, type, body: bodyOf({ type, at: now, data }), due_at: now })
    await this.wake(owner.identityStoreId, owner.endpointId)
    return id
  }

  /** Sends the events between two numbers once more, those that the endpoint wants. */
  async replay(owner: Owner, after: number, before: number): Promise<void> {
    this.storage.setOwner(owner)
    this.storage.addReplay(after, before)
    await this.wake(owner.identityStoreId, owner.endpointId)
  }

  /** Notes that a stream's receiver has changed the status itself, and need not be told of it. */
  async setTold(owner: Owner, status: StreamStatus): Promise<void> {
    this.storage.setOwner(owner)
    this.streams.setTold(status)
    await this.wake(owner.identityStoreId, owner.endpointId)
  }

  /** Removes a subject from a stream, or adds it again; false if too many are removed. */
  setSubject(owner: Owner, subject: string, isWanted: boolean): boolean {
    this.storage.setOwner(owner)
    if (!isWanted) return this.streams.removeSubject(subject, MAX_REMOVED_SUBJECTS)
    this.streams.addSubject(subject)
    return true
  }

  /** Answers a poll; one that may wait is answered when there is a token, or after `POLL_WAIT_MILLISECONDS`. */
  async poll(owner: Owner, asked: Poll): Promise<Polled> {
    this.storage.setOwner(owner)
    acknowledge(this.storage, this.streams, asked)
    await this.look()
    const waits = asked.maxEvents > 0 && !asked.returnImmediately && !this.hasNews()
    if (waits) await this.waitingPoll.wait(POLL_WAIT_MILLISECONDS)
    const { signer } = this
    const waiting = signer === null ? [] : this.streams.first(asked.maxEvents + 1, this.only !== null)
    const tokens = await Promise.all(
      waiting.slice(0, asked.maxEvents).map(async (one) => [one.id, signer && (await tokenOf(one, signer))] as const),
    )
    return {
      sets: Object.fromEntries(tokens.flatMap(([id, token]) => (token === null ? [] : [[id, token]]))),
      moreAvailable: waiting.length > asked.maxEvents || (signer !== null && this.only === null && this.more),
    }
  }

  private hasNews(): boolean {
    return this.streams.first(1, this.only !== null).length > 0
  }

  /** Attempts, newest first. */
  deliveries(before: number | null, limit: number): readonly Delivery[] {
    return this.storage.deliveries(before, limit)
  }

  /** How many messages wait, and since when nothing was taken. */
  state(): { readonly pending: number; readonly failingSince: number | null } {
    if (this.storage.owner() === null) return { pending: 0, failingSince: null }
    return { pending: this.storage.pendingCount(), failingSince: this.storage.health().failingSince }
  }

  override async alarm(): Promise<void> {
    if (this.storage.owner() === null) return
    // An alarm for what a crash would leave undone.
    await this.ctx.storage.setAlarm(Date.now() + EVENT_POLL_MILLISECONDS)
    await this.look()
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay)
  }

  /** Reads outbox and endpoint again, and sends what is due. One look at a time: a call meanwhile causes one more. */
  private async look(): Promise<void> {
    this.lookAgain = true
    this.looking ??= this.lookWhileAsked()
    await this.looking
  }

  private async lookWhileAsked(): Promise<void> {
    const owner = this.storage.owner()
    while (owner !== null && this.lookAgain) {
      this.lookAgain = false
      try {
        const goesOn = await logContext.run(
          { identityStoreId: owner.identityStoreId, endpoint: owner.endpointId },
          () => this.takeIn(owner),
        )
        if (!goesOn) continue
      } catch (error) {
        // A bug must not take the alarm away: it is tried again like an outage.
        log('events.not_read', { object: this.ctx.id.toString(), error: String(error) })
      }
      this.sendDue(owner)
      if (this.signer !== null && this.hasNews()) this.waitingPoll.end()
      await this.setNextAlarm()
    }
    this.looking = null
  }

  /** Takes in what the outbox has; false where there is no endpoint to send to. */
  private async takeIn(owner: Owner): Promise<boolean> {
    const found = await findStandingEndpoint(this.db, owner.identityStoreId, owner.endpointId, Date.now())
    if (!found.ok) return true
    if (found.value === null) this.storage.clear()
    const { endpoint, stands } = found.value ?? { endpoint: null, stands: false }
    if (endpoint !== null && stands && isStream(endpoint)) followStatus(this.storage, this.streams, endpoint)
    this.only = endpoint?.disabledAt == null ? null : STREAM_UPDATED
    if (
      endpoint === null ||
      found.value === null ||
      !stands ||
      (this.only && this.storage.nextDueAt(this.only) === null)
    ) {
      this.target = null
      this.signer = null
      await this.ctx.storage.deleteAlarm()
      return false
    }
    await this.aim(endpoint)
    if (this.only !== null) return true
    await this.takeInReplays(owner, found.value)
    for (this.more = true; this.more && this.storage.pendingCount() < MAX_PENDING_DELIVERIES; ) {
      const after = Math.max(this.storage.cursor() ?? 0, endpoint.fromNumber)
      const page = await readEvents(this.db, owner.identityStoreId, after, EVENT_BATCH_ROWS)
      if (!page.ok) return true
      const { events, firstNumber } = page.value
      if (firstNumber !== null && firstNumber > after + 1) {
        log('events.removed_unsent', { after, firstNumber })
      }
      this.storage.takeIn(this.messagesOf(events, found.value), events.at(-1)?.number ?? after)
      this.more = events.length === EVENT_BATCH_ROWS
    }
    return true
  }

  private async takeInReplays(owner: Owner, found: ChangedEndpoint): Promise<void> {
    for (;;) {
      const replay = this.storage.nextReplay()
      if (replay === null || this.storage.pendingCount() >= MAX_PENDING_DELIVERIES) return
      const { before } = replay
      const after = isStream(found.endpoint) ? Math.max(replay.after, found.endpoint.fromNumber) : replay.after
      const page = await readEvents(this.db, owner.identityStoreId, after, EVENT_BATCH_ROWS, before)
      if (!page.ok) return
      const { events } = page.value
      for (const message of this.messagesOf(events, found)) this.storage.put(message)
      const last = events.at(-1)
      this.storage.setReplay(replay.replay, events.length < EVENT_BATCH_ROWS ? null : (last?.number ?? null))
    }
  }

  /** Finds out where to send to, and with what to sign. */
  private async aim(endpoint: EventEndpointRow): Promise<void> {
    const { db, sealing, settings, signer } = this
    this.signer = isStream(endpoint) ? await findSigner(db, sealing, settings.publicOrigins, endpoint, signer) : null
    const target = await targetOf(sealing, endpoint, this.signer, isLocal(settings.publicOrigins))
    if (typeof target === 'string') log('event_endpoint.unusable', { fault: target })
    this.target = typeof target === 'string' ? null : target
  }

  /** The messages that some events become, of those that the endpoint wants. */
  private messagesOf(events: readonly StoreEvent[], { endpoint, store }: ChangedEndpoint): NewMessage[] {
    const due_at = Date.now()
    return events
      .filter(({ type }) => isNamed(type, endpoint.types))
      .filter((event) => !isStream(endpoint) || !this.streams.leavesOut(subjectKeysOf(event)))
      .map((event) => {
        const message = { id: eventId(store.tag, event.number), type: event.type, body: bodyOf(event), due_at }
        const { number, data } = event
        return isStream(endpoint) ? { ...message, number, user_id: String(data.user_id) } : message
      })
  }

  /** Sends what is due, a few at a time. */
  private sendDue(owner: Owner): void {
    const { target } = this
    while (target !== null && this.underWay.size < DELIVERIES_AT_ONCE) {
      const now = Date.now()
      // Longer than an attempt can take: then nobody is at it any more.
      const until = now + 2 * DELIVERY_TIMEOUT_MILLISECONDS
      const message = this.storage.claim(now, until, [...this.busyUsers], this.only)
      if (message === null) return
      const { user_id: userId } = message
      if (userId !== null) this.busyUsers.add(userId)
      const sending = this.send(owner, target, message)
        .catch((error: unknown) => log('event.not_sent', { object: this.ctx.id.toString(), error: String(error) }))
        .finally(() => {
          this.underWay.delete(sending)
          if (userId !== null) this.busyUsers.delete(userId)
        })
        .then(() => this.afterOne(owner))
      this.underWay.add(sending)
      this.ctx.waitUntil(sending)
    }
  }

  private async afterOne(owner: Owner): Promise<void> {
    this.sendDue(owner)
    if (this.more && this.storage.pendingCount() < MAX_PENDING_DELIVERIES / 2) await this.look()
    else if (this.underWay.size === 0 && this.target !== null) await this.setNextAlarm()
  }

  private async send(owner: Owner, target: Target, message: PendingMessage): Promise<void> {
    const at = Date.now()
    const { id, type, attempts } = message
    const { status, text, retryAfter, isRefused } = await inSpan(
      'deliver',
      { type, store: owner.identityStoreId },
      () => target.deliver(message),
    )
    const now = Date.now()
    const isOver = isTaken(status) || isRefused || status === GONE
    const wait = isOver ? null : waitAfter(attempts + 1, retryAfter, Math.random())
    const { failures } = this.storage.health()
    this.storage.record({
      event_id: id,
      type,
      attempt: attempts + 1,
      at,
      duration: now - at,
      status,
      answer: text,
      next_at: wait === null ? null : now + wait,
    })
    // A receiver that refuses a token has read it.
    if (isTaken(status) || isRefused) {
      this.storage.noteSuccess()
      if (failures >= FAILURES_TO_TELL) this.ctx.waitUntil(forgetFailing(this.db, failing(owner)))
      if (failures >= FAILURES_OF_OUTAGE) this.storage.hurry(now)
      return
    }
    this.storage.noteFailure(now)
    if (this.only !== null) return
    if (wait !== null && failures + 1 >= FAILURES_TO_TELL) {
      const since = this.storage.health().failingSince ?? now
      this.ctx.waitUntil(noteFailing(this.db, { ...failing(owner), since, seenAt: now, nextAt: now + wait }))
    }
    if (status === GONE) await this.disable(owner, 'gone')
    else {
      const { failingSince } = this.storage.health()
      if (failingSince !== null && now - failingSince >= FAILING_MILLISECONDS) await this.disable(owner, 'failing')
    }
  }

  /** Sends nothing any more until an operator says so. It is on record, and an event of the store. */
  private async disable(owner: Owner, reason: 'gone' | 'failing'): Promise<void> {
    const { identityStoreId, endpointId } = owner
    const at = Date.now()
    const actor = `event_endpoint:${endpointId}`
    const disabled = await updateEndpoint(
      this.db,
      endpointId,
      { enabled: false },
      {
        identityStoreId,
        eventId: newRecordId(at),
        at,
        actor,
        action: 'event_endpoint.disabled',
        subject: actor,
        requestId: `${actor}:${reason}`,
      },
      reason,
    )
    // If D1 does not answer, sending goes on, and the next failure disables the endpoint.
    if (!disabled.ok) return
    this.target = null
    this.storage.noteSuccess()
    await forgetFailing(this.db, failing(owner))
    await this.ctx.storage.deleteAlarm()
    // The receiver of a stream is told, if it can be.
    if (this.signer !== null) await this.look()
  }

  private async setNextAlarm(): Promise<void> {
    const now = Date.now()
    // Nothing is sent to a receiver that polls.
    if (this.target === null && this.signer !== null) return this.ctx.storage.deleteAlarm()
    const dueAt = this.target === null ? null : this.storage.nextDueAt(this.only)
    const due = Math.max(now, dueAt ?? Number.POSITIVE_INFINITY)
    await this.ctx.storage.setAlarm(Math.min(due, now + EVENT_POLL_MILLISECONDS))
  }
}

/** The key of an endpoint in the table of failing work. */
function failing({ identityStoreId, endpointId }: Owner) {
  return { identityStoreId, kind: ENDPOINT_WORK, id: endpointId }
}
