/**
 * The chain of audit events: what is hashed, and what is wrong with a stretch of it. Needs nothing but a hash, so that
 * whoever is given the events can verify them without this service (scripts/audit-verify.mjs).
 *
 *   body hash = SHA-256 of ["latchkey-audit-body-1", salt, before, after]
 *   hash      = SHA-256 of ["latchkey-audit-1", identity store, number, event id, at, actor, action, subject, about,
 *                           request id, body hash, hash of the event before]
 *
 * Both over the JSON of these arrays as `JSON.stringify` writes it, in UTF-8; hashes in hexadecimal. `before` and `after`
 * are the values that are stored as JSON, so that who is handed the values can verify them too.
 */
import { hash } from 'node:crypto'

/** The hash before the first event. */
export const GENESIS = '0'.repeat(64)

/** What is known of an event when it is sealed. */
export interface UnsealedEvent {
  readonly identityStoreId: string
  readonly eventId: string
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly about: string | null
  readonly before: string | null
  readonly after: string | null
  readonly requestId: string
}

/** What seals an event. */
export interface Seal {
  readonly number: number
  /** Null: the body was erased. */
  readonly salt: string | null
  readonly bodyHash: string
  readonly previousHash: string
  readonly hash: string
}

/** An event as it is kept: sealed, or not yet. */
export type ChainedEvent = UnsealedEvent & { readonly [Field in keyof Seal]: Seal[Field] | null }

/** A place in the order of commits, and the event that stands there; null: it is gone. */
export interface Place {
  readonly number: number
  readonly eventId: string
  readonly event: ChainedEvent | null
  /** Whether the user whom the event is about was deleted later, so that its body may be gone. */
  readonly mayBeErased: boolean
}

/** A point of the chain: all up to the event of this number. 0: before the first. */
export interface ChainPoint {
  readonly number: number
  readonly hash: string
}

/**
 * What is wrong. `altered`: it is not what was sealed; `missing`: it is not there any more; `reordered`: it stands where
 * another was; `inserted`: it was never committed by the service; `erased`: its body is gone, and nobody had the right.
 */
export const CHAIN_FAULTS = ['altered', 'missing', 'reordered', 'inserted', 'erased'] as const
export interface ChainFault {
  readonly fault: (typeof CHAIN_FAULTS)[number]
  /** Null: it has no place. */
  readonly number: number | null
  /** Null: nothing is known of the event that stood there. */
  readonly eventId: string | null
}

export function hashOfBody(salt: string, { before, after }: Pick<UnsealedEvent, 'before' | 'after'>): string {
  return sha256(['latchkey-audit-body-1', salt, jsonValue(before), jsonValue(after)])
}

export function hashOfEvent(event: UnsealedEvent, number: number, bodyHash: string, previousHash: string): string {
  const { identityStoreId, eventId, at, actor, action, subject, about, requestId } = event
  return sha256([
    'latchkey-audit-1',
    identityStoreId,
    number,
    eventId,
    at,
    actor,
    action,
    subject,
    about,
    requestId,
    bodyHash,
    previousHash,
  ])
}

/** Seals an event as the next one after a point. */
export function sealed(event: UnsealedEvent, number: number, previousHash: string, salt: string): Seal {
  const bodyHash = hashOfBody(salt, event)
  return { number, salt, bodyHash, previousHash, hash: hashOfEvent(event, number, bodyHash, previousHash) }
}

/**
 * What is wrong with a stretch of places, in their order.
 * @param from after which it begins; with the id of the event there, if that is known. Without a hash nothing is known of it
 * @param until the last number that is to be there, and its hash where that is known
 */
export function verifyStretch(
  from: { readonly number: number; readonly hash: string | null; readonly eventId?: string | undefined },
  places: readonly Place[],
  until: { readonly number: number; readonly hash: string | null },
): readonly ChainFault[] {
  const faults = new Map<number, ChainFault>()
  const say = (fault: ChainFault['fault'], number: number, eventId: string | null) => {
    // A fault that is found twice is reported once.
    if (!faults.has(number)) faults.set(number, { fault, number, eventId })
  }
  /** The event before; null where it is not known what its hash was. */
  let before: { readonly number: number; readonly eventId: string | null; readonly hash: string } | null =
    from.hash === null ? null : { number: from.number, eventId: from.eventId ?? null, hash: from.hash }
  let next = from.number + 1
  const skip = (to: number) => {
    for (; next < to; next += 1) {
      say('missing', next, null)
      before = null
    }
  }
  for (const { number, eventId, event, mayBeErased } of places) {
    skip(number)
    next = number + 1
    const fault = event === null ? 'missing' : faultOf(event, number, mayBeErased)
    if (fault !== null) say(fault, number, eventId)
    // Each event names the hash of the event before it. Where that event has another hash now, it is the one that was
    // altered.
    else if (before !== null && event?.previousHash !== before.hash) {
      if (before.eventId === null) say('altered', number, eventId)
      else say('altered', before.number, before.eventId)
    }
    before = event === null || event.hash === null ? null : { number, eventId, hash: event.hash }
  }
  skip(until.number + 1)
  if (before !== null && until.hash !== null && before.hash !== until.hash) {
    say('altered', before.number, before.eventId)
  }
  return [...faults.values()]
}

/** What is wrong with one event, looked at alone. */
function faultOf(event: ChainedEvent, number: number, mayBeErased: boolean): ChainFault['fault'] | null {
  const { bodyHash, previousHash, salt, hash: kept } = event
  if (event.number !== null && event.number !== number) return 'reordered'
  if (event.number === null || bodyHash === null || previousHash === null || kept === null) return 'altered'
  if (hashOfEvent(event, number, bodyHash, previousHash) !== kept) return 'altered'
  if (salt === null) return mayBeErased ? null : 'erased'
  return hashOfBody(salt, event) === bodyHash ? null : 'altered'
}

/** What a text is the JSON of; one that is none, which the service never wrote, is told from every value. */
function jsonValue(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return ['no JSON', text]
  }
}

function sha256(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex')
}
