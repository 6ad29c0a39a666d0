/** What others are told of: the types of events, and where they are sent to. Pure. */

/** Every type, and what it says. */
export const EVENT_TYPES = {
  'session.opened': 'A session was opened.',
  'session.ended': 'A session has ended, also by itself: why, by which rule, and who asked for it.',
  'session.moved': 'A live session is used from another address or by another browser.',
  'user.created': 'A user was made, or made anew after a deletion.',
  'user.changed': 'Something about a user was changed: `fields` says what.',
  'user.disabled': 'A user was disabled.',
  'user.enabled': 'A user was enabled again.',
  'user.deleted': 'A user was deleted.',
  'user.password_changed': 'A user has a new password, or none any more.',
  'session_settings.changed': "A user's own session settings were changed.",
  'session_config.changed': 'The session config of the store, or of a group, was changed.',
  'credential.created': 'A credential was made.',
  'credential.revoked': 'A credential was revoked.',
  'sign_in.locked_out': 'Too many wrong passwords for a user.',
  'event_endpoint.disabled': 'An endpoint is sent nothing any more.',
  'audit.head': 'How far the audit log of the store has come, signed.',
} as const
export type EventType = keyof typeof EVENT_TYPES

/** Forms of endpoints: webhooks, and streams of the Shared Signals Framework, which are pushed or polled. */
export const ENDPOINT_KINDS = ['webhook', 'ssf_push', 'ssf_poll'] as const

/** Why an endpoint is disabled: an operator or the stream's receiver said so, it answered 410, or it failed for too long. */
export const DISABLED_REASONS = ['operator', 'receiver', 'gone', 'failing'] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

/** An event of a store. */
export interface StoreEvent {
  readonly number: number
  readonly type: EventType
  /** Epoch milliseconds. */
  readonly at: number
  readonly data: Readonly<Record<string, unknown>>
}

/** The id of an event: no two stores have the same, and it tells its place among those of its store. */
export function eventId(tag: string, number: number): string {
  return `evt_${tag}_${number}`
}

/** The number in an id of a store's event; null if it is none of that store. */
export function numberOf(tag: string, id: string): number | null {
  const [, ofTag, digits] = /^evt_([a-z0-9]+)_([1-9]\d{0,14})$/.exec(id) ?? []
  return ofTag === tag ? Number(digits) : null
}

/** What is sent to try an endpoint out; no event of the store. */
export const TRIAL_EVENT = 'event_endpoint.test'

/** Whether a type is one of those that are named: whole, or by a beginning that ends with `*`. */
export function isNamed(type: string, names: readonly string[]): boolean {
  return names.some((name) => (name.endsWith('*') ? type.startsWith(name.slice(0, -1)) : type === name))
}
