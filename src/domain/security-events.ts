/** Events of a store in the terms of CAEP 1.0 and the Shared Signals Framework (SSF) 1.0. Pure. */
import { END_SENTENCES } from './end-sentences.ts'
import type { EventType } from './events.ts'
import type { EndReason } from './session.ts'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/'
const SESSION_REVOKED = `${CAEP}session-revoked`
const SESSION_ESTABLISHED = `${CAEP}session-established`
const CREDENTIAL_CHANGE = `${CAEP}credential-change`

/** The security events that there are, by their URIs, and the types of events that become such. */
const SOURCES: Readonly<Record<string, readonly EventType[]>> = {
  [SESSION_REVOKED]: ['session.ended', 'user.disabled', 'user.deleted'],
  [SESSION_ESTABLISHED]: ['session.opened'],
  [CREDENTIAL_CHANGE]: ['user.password_changed'],
}
export const SECURITY_EVENTS: readonly string[] = Object.keys(SOURCES)

/** Events about a stream itself: its status was changed, and not by its receiver; and a verification that it works. */
export const STREAM_UPDATED = 'ssf.stream_updated'
export const STREAM_VERIFICATION = 'ssf.verification'

export const STREAM_STATUSES = ['enabled', 'paused', 'disabled'] as const
export type StreamStatus = (typeof STREAM_STATUSES)[number]

/** Those of `uris` that this service can send. */
export function deliverable(uris: readonly string[]): readonly string[] {
  return SECURITY_EVENTS.filter((uri) => uris.includes(uri))
}

/** The types of events that become some security events. */
export function sourcesOf(uris: readonly string[]): readonly EventType[] {
  return deliverable(uris).flatMap((uri) => SOURCES[uri] ?? [])
}

/** A subject identifier (RFC 9493), as it comes: its format tells which members it has. */
export type Subject = Readonly<Record<string, unknown>>

/** An event as a message keeps it. */
export interface ToldEvent {
  readonly type: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly data: Readonly<Record<string, unknown>>
}

/** Who tells it: the issuer of the store, and the stream. */
export interface Teller {
  readonly issuer: string
  readonly identityStoreId: string
  readonly streamId: string
}

/** The claims that say what has happened to whom. Null: streams do not tell of such an event. */
export function securityEvent(event: ToldEvent, teller: Teller): { sub_id: Subject; events: object } | null {
  const { type, data } = event
  const when = { event_timestamp: Math.floor(event.at / 1000) }
  const user = { format: 'iss_sub', iss: teller.issuer, sub: data.user_id }
  const session = {
    format: 'complex',
    user,
    session: { format: 'opaque', id: data.session_id },
    tenant: { format: 'opaque', id: teller.identityStoreId },
  }
  const stream = { format: 'opaque', id: teller.streamId }
  const said = (sub_id: Subject, uri: string, claims: object) => ({ sub_id, events: { [uri]: claims } })
  switch (type) {
    case 'session.ended': {
      const reason = data.reason as EndReason
      return said(session, SESSION_REVOKED, {
        ...when,
        initiating_entity: initiatorOf(reason, data),
        reason_admin: { en: END_SENTENCES[reason] ?? reason },
      })
    }
    // All sessions of the user, and therefore without one of them.
    case 'user.disabled':
    case 'user.deleted':
      return said(user, SESSION_REVOKED, {
        ...when,
        initiating_entity: 'admin',
        reason_admin: { en: END_SENTENCES.user_disabled },
      })
    case 'session.opened': {
      const methods = data.credentials_type === 'password' ? { amr: ['pwd'] } : {}
      return said(session, SESSION_ESTABLISHED, { ...when, ...methods })
    }
    case 'user.password_changed':
      return said(user, CREDENTIAL_CHANGE, {
        ...when,
        credential_type: 'password',
        change_type: 'update',
        reason_admin: { en: END_SENTENCES.password_changed },
      })
    case STREAM_UPDATED:
      return said(stream, `${SSF}stream-updated`, data)
    case STREAM_VERIFICATION:
      return said(stream, `${SSF}verification`, data)
    default:
      return null
  }
}

type Initiator = 'admin' | 'user' | 'policy' | 'system'

/** For `revoked` it depends on who asked. */
const INITIATORS: Readonly<Record<Exclude<EndReason, 'revoked'>, Initiator>> = {
  logout: 'user',
  expired: 'policy',
  idle: 'policy',
  evicted: 'policy',
  replaced: 'system',
  user_disabled: 'admin',
  password_changed: 'system',
  parent_ended: 'system',
  idp_logout: 'system',
}

function initiatorOf(reason: EndReason, { user_id: userId, ended_by: by }: ToldEvent['data']): Initiator {
  if (reason === 'revoked') return by === `user:${userId}` ? 'user' : 'admin'
  return INITIATORS[reason] ?? 'system'
}

/**
 * A subject that a receiver names, as one text; null for one that none of our events has. Members of a complex subject
 * say the same person more exactly, so one that we never tell of makes it a subject of none of our events.
 */
export function subjectKey(subject: Subject, { issuer, identityStoreId }: Omit<Teller, 'streamId'>): string | null {
  const { format, ...members } = subject
  if (format !== 'complex') return simpleKey(subject, issuer, identityStoreId)
  const names = Object.keys(members)
  if (names.length === 0) return null
  const keys = names.map((name) => {
    const key = simpleKey(members[name] as Subject, issuer, identityStoreId)
    return key !== null && (key.startsWith(`${name}:`) || key === name) ? key : null
  })
  if (keys.includes(null)) return null
  const exact = keys.filter((key) => key !== 'tenant')
  return exact.length === 0 ? 'tenant' : exact.toSorted().join(' ')
}

function simpleKey({ format, iss, sub, id }: Subject, issuer: string, identityStoreId: string): string | null {
  if (format === 'iss_sub') return iss === issuer ? `user:${sub}` : null
  if (format !== 'opaque') return null
  return id === identityStoreId ? 'tenant' : `session:${id}`
}

/** Every subject, as `subjectKey` has it, that is the subject of an event or takes it in. */
export function subjectKeysOf({ data: { user_id: user, session_id: session } }: Pick<ToldEvent, 'data'>): string[] {
  const ofSession = session === undefined ? [] : [`session:${session}`, `session:${session} user:${user}`]
  return ['tenant', `user:${user}`, ...ofSession]
}
