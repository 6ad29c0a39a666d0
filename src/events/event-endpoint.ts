/**
 * `EventEndpoint`: the Durable Object, one per endpoint, that sends a store's events there. It reads the outbox from
 * where it was, writes down what is to be sent, and sends it until it is taken: at least once, each time with the same
 * id and body. So a slow or dead endpoint holds up no other.
 */

import { DurableObject } from 'cloudflare:workers'
import { Sealing } from '../auth/sealing.ts'
import { isLocal, urlFault } from '../domain/endpoint-url.ts'
import { eventId, isNamed, type StoreEvent, TRIAL_EVENT } from '../domain/events.ts'
import {
  DELIVERIES_AT_ONCE,
  DELIVERY_TIMEOUT_MILLISECONDS,
  EVENT_BATCH_ROWS,
  EVENT_POLL_MILLISECONDS,
  FAILING_MILLISECONDS,
  FAILURES_OF_OUTAGE,
  FAILURES_TO_TELL,
  MAX_PENDING_DELIVERIES,
} from '../limits.ts'
import { log, logContext } from '../log.ts'
import { readSettings } from '../settings.ts'
import { inSpan } from '../spans.ts'
import { newRecordId } from '../store/audit-events.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { type ChangedEndpoint, findEndpoint, updateEndpoint } from '../store/event-endpoints.ts'
import { readEvents } from '../store/events.ts'
import { ENDPOINT_WORK, forgetFailing, noteFailing } from '../store/failing-work.ts'
import { bodyOf, type Delivery, EndpointStorage, type Owner, type PendingMessage } from './endpoint-storage.ts'
import { waitAfter } from './retries.ts'
import { isTaken, post } from './send.ts'
import { type SigningKeys, signedHeaders, signingKeyRecord } from './signing.ts'

interface Bindings {
  readonly DB: D1Database
}

/** Where to send to, and with what to sign. */
interface Target extends SigningKeys {
  readonly url: string
}

const GONE = 410

export class EventEndpoint extends DurableObject<Bindings> {
  private readonly db: Database
  private readonly storage: EndpointStorage
  private readonly sealing: Sealing
  private readonly loopback: boolean
  private target: Target | null = null
  private looking: Promise<void> | null = null
  private lookAgain = false
  /** Whether the outbox holds more than there was room for. */
  private more = false
  private readonly underWay = new Set<Promise<void>>()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = readSettings(env)
    if (!settings.ok) throw new Error(`not configured: ${settings.error.join('; ')}`)
    this.db = openDatabase(env.DB)
    this.sealing = new Sealing(settings.value.sealingKeys)
    this.loopback = isLocal(settings.value.publicOrigins)
    this.storage = new EndpointStorage(ctx.storage.sql)
  }

  /** There may be something to send, or the endpoint was changed. It is done whatever becomes of the caller. */
  async wake(identityStoreId: string, endpointId: string): Promise<void> {
    this.storage.setOwner({ identityStoreId, endpointId })
    await this.ctx.storage.setAlarm(Date.now() + EVENT_POLL_MILLISECONDS)
    this.ctx.waitUntil(this.look())
  }

  /** Sends a message that tells of nothing, and answers its id. */
  async sendTest(owner: Owner): Promise<string> {
    this.storage.setOwner(owner)
    const id = `evt_trial_${crypto.randomUUID().replaceAll('-', '')}`
    const now = Date.now()
    const body = bodyOf({ type: TRIAL_EVENT, at: now, data: { endpoint_id: owner.endpointId } })
    this.storage.put({ id, type: TRIAL_EVENT, body, due_at: now })
    await this.wake(owner.identityStoreId, owner.endpointId)
    return id
  }

  /** Sends the events between two numbers once more, those that the endpoint wants. */
  async replay(owner: Owner, after: number, before: number): Promise<void> {
    this.storage.setOwner(owner)
    this.storage.addReplay(after, before)
    await this.wake(owner.identityStoreId, owner.endpointId)
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
    // For what a crash leaves undone.
    await this.ctx.storage.setAlarm(Date.now() + EVENT_POLL_MILLISECONDS)
    await this.look()
    while (this.underWay.size > 0) await Promise.allSettled(this.underWay)
  }

  /** Reads the outbox and the endpoint anew, and sends what is due. One look at a time; who comes meanwhile has the next. */
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
        if (!goesOn) break
      } catch (error) {
        // A bug must not take the alarm away: it is tried again like an outage.
        log('events.not_read', { object: this.ctx.id.toString(), error: String(error) })
      }
      this.sendDue(owner)
      await this.setNextAlarm()
    }
    this.looking = null
  }

  /** Takes in what the outbox has; false where there is no endpoint to send to. */
  private async takeIn(owner: Owner): Promise<boolean> {
    const found = await findEndpoint(this.db, owner.identityStoreId, owner.endpointId)
    if (!found.ok) return true
    if (found.value === null) {
      this.target = null
      this.storage.clear()
      await this.ctx.storage.deleteAlarm()
      return false
    }
    const { endpoint } = found.value
    if (endpoint.disabledAt !== null) {
      this.target = null
      await this.ctx.storage.deleteAlarm()
      return false
    }
    this.target = await this.targetOf(found.value)
    await this.takeInReplays(owner, found.value)
    for (this.more = true; this.more && this.storage.pendingCount() < MAX_PENDING_DELIVERIES; ) {
      const after = this.storage.cursor() ?? endpoint.fromNumber
      const page = await readEvents(this.db, owner.identityStoreId, after, EVENT_BATCH_ROWS)
      if (!page.ok) return true
      const { events, firstNumber } = page.value
      if (firstNumber !== null && firstNumber > after + 1) {
        log('events.removed_unsent', { after, firstNumber })
      }
      this.storage.takeIn(messagesOf(events, found.value), events.at(-1)?.number ?? after)
      this.more = events.length === EVENT_BATCH_ROWS
    }
    return true
  }

  private async takeInReplays(owner: Owner, found: ChangedEndpoint): Promise<void> {
    for (;;) {
      const replay = this.storage.nextReplay()
      if (replay === null || this.storage.pendingCount() >= MAX_PENDING_DELIVERIES) return
      const { after, before } = replay
      const page = await readEvents(this.db, owner.identityStoreId, after, EVENT_BATCH_ROWS, before)
      if (!page.ok) return
      const { events } = page.value
      for (const message of messagesOf(events, found)) this.storage.put(message)
      const last = events.at(-1)
      this.storage.setReplay(replay.replay, events.length < EVENT_BATCH_ROWS ? null : (last?.number ?? null))
    }
  }

  private async targetOf({ endpoint }: ChangedEndpoint): Promise<Target | null> {
    const { identityStoreId, endpointId, url, sealedSigningKey } = endpoint
    const fault = urlFault(url, this.loopback)
    const open = (sealed: string, record = endpointId) =>
      this.sealing.open('event_endpoint', identityStoreId, record, sealed)
    const isOldGood = endpoint.previousValidUntil !== null && Date.now() < endpoint.previousValidUntil
    const sealed = [endpoint.sealedSecret, ...(isOldGood ? [endpoint.previousSealedSecret] : [])]
    const opened = await Promise.all(sealed.map((secret) => (secret === null ? null : open(secret))))
    const secrets = opened.filter((secret) => secret !== null)
    const signingKey = sealedSigningKey === null ? null : await open(sealedSigningKey, signingKeyRecord(endpointId))
    if (fault !== null || secrets.length === 0 || (signingKey === null && sealedSigningKey !== null)) {
      log('event_endpoint.unusable', { fault: fault ?? 'a secret does not open' })
      return null
    }
    return { url, secrets, signingKey }
  }

  /** Sends what is due, a few at a time. */
  private sendDue(owner: Owner): void {
    const { target } = this
    while (target !== null && this.underWay.size < DELIVERIES_AT_ONCE) {
      const now = Date.now()
      // Longer than an attempt can take: then nobody is at it any more.
      const message = this.storage.claim(now, now + 2 * DELIVERY_TIMEOUT_MILLISECONDS)
      if (message === null) return
      const sending = this.send(owner, target, message)
        .catch((error: unknown) => log('event.not_sent', { object: this.ctx.id.toString(), error: String(error) }))
        .finally(() => this.underWay.delete(sending))
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

  private async send(owner: Owner, target: Target, { id, type, body, attempts }: PendingMessage): Promise<void> {
    const at = Date.now()
    const headers = await signedHeaders(id, at, body, target)
    const { status, text, retryAfter } = await inSpan('deliver', { type, store: owner.identityStoreId }, () =>
      post(target.url, headers, body),
    )
    const now = Date.now()
    const wait = isTaken(status) || status === GONE ? null : waitAfter(attempts + 1, retryAfter, Math.random())
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
    if (isTaken(status)) {
      this.storage.noteSuccess()
      if (failures >= FAILURES_TO_TELL) this.ctx.waitUntil(forgetFailing(this.db, failing(owner)))
      if (failures >= FAILURES_OF_OUTAGE) this.storage.hurry(now)
      return
    }
    this.storage.noteFailure(now)
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
    // Without D1 it goes on, and is disabled by the next failure.
    if (!disabled.ok) return
    this.target = null
    this.storage.noteSuccess()
    await forgetFailing(this.db, failing(owner))
    await this.ctx.storage.deleteAlarm()
  }

  private async setNextAlarm(): Promise<void> {
    const now = Date.now()
    const dueAt = this.target === null ? null : this.storage.nextDueAt()
    const due = Math.max(now, dueAt ?? Number.POSITIVE_INFINITY)
    await this.ctx.storage.setAlarm(Math.min(due, now + EVENT_POLL_MILLISECONDS))
  }
}

/** An endpoint among what does not succeed in the stores. */
function failing({ identityStoreId, endpointId }: Owner) {
  return { identityStoreId, kind: ENDPOINT_WORK, id: endpointId }
}

function messagesOf(events: readonly StoreEvent[], { endpoint, store }: ChangedEndpoint) {
  const now = Date.now()
  return events
    .filter(({ type }) => isNamed(type, endpoint.types))
    .map((event) => ({ id: eventId(store.tag, event.number), type: event.type, body: bodyOf(event), due_at: now }))
}
