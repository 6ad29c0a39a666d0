/**
 * The life of one user's sessions: what a command does to them. Pure; `now` is an argument, epoch
 * milliseconds. `decide` says what happens, `evolve` applies it, `nextDeadline` says when to look again.
 */
import { type ClientKind, clientKind } from './client-kind.ts'
import { BY_SERVICE, type Decider, deadline, inactivityTimeout, overallTimeout } from './deadlines.ts'
import type { SessionError } from './errors.ts'
import type { Policy, UserStatus, Versioned } from './policy.ts'
import { fail, ok, type Result } from './result.ts'
import {
  type Client,
  type CredentialsType,
  type EndDecision,
  type Ending,
  type EndReason,
  isVoid,
  lastClient,
  type Session,
  sameClient,
} from './session.ts'

/** A user's live sessions, oldest first, and what holds for them. */
export interface UserState {
  /** Its version is the user's epoch. */
  readonly status: Versioned<UserStatus>
  readonly policy: Policy
  readonly sessions: readonly Session[]
}

/** Which sessions to end. */
export type Selection =
  | { readonly only: readonly string[] }
  | { readonly all: 'web' | 'every kind' }
  | { readonly allWebBut: string }
  /** The web sessions opened at or before an instant; null for clients of every kind. */
  | { readonly webOpenedUntil: number; readonly clients: ClientKind | null }

export type Command =
  /**
   * Open `session`. `replaces` is a session of the same client that it takes the place of; `endSessions` are those
   * that the user wants to make room.
   */
  | {
      readonly type: 'open'
      readonly session: Session
      readonly replaces: string | null
      readonly endSessions?: readonly string[]
    }
  /** A check of one session; with `touch`, the user's own activity. */
  | { readonly type: 'check'; readonly id: string; readonly touch: boolean; readonly client: Client | null }
  | { readonly type: 'end'; readonly which: Selection; readonly reason: EndReason }
  /** Time has passed, or the rules have changed. */
  | { readonly type: 'tick' }

export type SessionEvent =
  | { readonly type: 'opened'; readonly session: Session }
  | { readonly type: 'touched'; readonly id: string; readonly at: number }
  | { readonly type: 'moved'; readonly id: string; readonly at: number; readonly client: Client }
  | ({ readonly type: 'ended'; readonly id: string } & Ending)

/** How the session has ended by `now`, or null if it is alive. Each step of a user's sessions asks this first. */
export function endingOf(session: Session, state: Pick<UserState, 'status' | 'policy'>, now: number): Ending | null {
  const due = deadline(session, state.policy)
  if (now >= due.endedAt) return due
  if (!state.status.value.active) return { reason: 'user_disabled', endedAt: now }
  return isVoid(session, state.status.version) ? { reason: 'password_changed', endedAt: now } : null
}

/**
 * Why a user who was verified under an older epoch gets no session: what the user showed is no longer valid, and a
 * third party who vouched for the user must do so again.
 */
function verifiedTooEarly(credentialsType: CredentialsType): SessionError {
  switch (credentialsType) {
    case 'password':
    case 'login_token':
    case 'openid':
      return { code: 'invalid_credentials' }
    case 'trusted_back_end':
    case 'api_client':
    case 'sudo':
    case 'operator_token':
      return { code: 'conflict', detail: 'The user was changed at the same time. Verify again.' }
  }
}

/** Why a command cannot be done. Whoever shows it to a user adds the sessions that stand in the way. */
export type Refusal =
  | Exclude<SessionError, { code: 'session_limit_reached' }>
  | { readonly code: 'session_limit_reached' }

/** The events that a command causes, or why it cannot be done. Sessions found dead on the way are ended too. */
export function decide(state: UserState, command: Command, now: number): Result<SessionEvent[], Refusal> {
  const ended = endDead(state, now)
  const living = without(state.sessions, ended)
  switch (command.type) {
    case 'open': {
      if (!state.status.value.active) return fail({ code: 'user_disabled' })
      if (isVoid(command.session, state.status.version)) return fail(verifiedTooEarly(command.session.credentialsType))
      const replaced = living.filter((session) => session.id === command.replaces)
      const chosen = new Set(command.endSessions)
      const madeRoom = living.filter(({ id, kind }) => kind === 'web' && chosen.has(id) && id !== command.replaces)
      const others = living.filter((session) => session.id !== command.replaces && !madeRoom.includes(session))
      const over = surplus([...others, command.session], state.policy)
      if (state.policy.whenLimitReached.value === 'refuse' && [...over.keys()].some(({ kind }) => kind === 'web')) {
        return fail({ code: 'session_limit_reached' })
      }
      return ok([
        ...ended,
        ...end(replaced, 'replaced', now),
        ...end(madeRoom, 'evicted', now),
        { type: 'opened', session: command.session },
        ...evict(over, now),
      ])
    }
    case 'check': {
      const session = living.find(({ id }) => id === command.id)
      if (session === undefined) {
        return ended.some(({ id }) => id === command.id) ? ok(ended) : fail({ code: 'session_not_found' })
      }
      if (!command.touch) return ok(ended)
      const seen = Math.max(now, session.lastSeenAt)
      const client = command.client
      const moved = client !== null && !sameClient(client, lastClient(session))
      return ok([
        ...ended,
        { type: 'touched', id: session.id, at: seen },
        ...(moved ? [{ type: 'moved', id: session.id, at: seen, client } as const] : []),
      ])
    }
    case 'end':
      return ok([...ended, ...end(select(living, command.which), command.reason, now)])
    case 'tick':
      return ok([...ended, ...evict(surplus(living, state.policy), now)])
  }
}

/** The live sessions after `event`. */
export function evolve(sessions: readonly Session[], event: SessionEvent): readonly Session[] {
  switch (event.type) {
    case 'opened':
      return [...sessions, event.session]
    case 'touched':
      return sessions.map((session) => (session.id === event.id ? { ...session, lastSeenAt: event.at } : session))
    case 'moved':
      return sessions.map((session) => (session.id === event.id ? { ...session, recentClient: event.client } : session))
    case 'ended':
      return sessions.filter((session) => session.id !== event.id)
  }
}

/** When the first of these sessions dies by itself; null if there is none. */
export function nextDeadline(sessions: readonly Session[], policy: Policy): number | null {
  let next: number | null = null
  for (const session of sessions) {
    const { endedAt } = deadline(session, policy)
    if (next === null || endedAt < next) next = endedAt
  }
  return next
}

type EndedEvent = Extract<SessionEvent, { type: 'ended' }>

function endDead(state: UserState, now: number): EndedEvent[] {
  return state.sessions.flatMap((session) => {
    const ending = endingOf(session, state, now)
    if (ending === null) return []
    const decision = timeoutOf(ending.reason, session, state.policy)
    return [{ type: 'ended' as const, id: session.id, ...ending, ...(decision !== null && { decision }) }]
  })
}

/** The rule whose deadline has passed; null where it was none. */
function timeoutOf(reason: EndReason, session: Session, policy: Policy): EndDecision | null {
  if (reason === 'expired') return decidedBy('overall_timeout', overallTimeout(session, policy))
  return reason === 'idle' ? decidedBy('inactivity_timeout', inactivityTimeout(session, policy)) : null
}

/** Only a rule with a value ends sessions, so the value is never null here. */
function decidedBy(rule: EndDecision['rule'], { value, from, version }: Decider<number | null>): EndDecision {
  return { rule, value: value ?? 0, from, version }
}

function evict(over: ReadonlyMap<Session, EndDecision>, now: number): EndedEvent[] {
  return Array.from(over, ([{ id }, decision]) => ({ type: 'ended', id, reason: 'evicted', endedAt: now, decision }))
}

function end(sessions: readonly Session[], reason: EndReason, now: number): EndedEvent[] {
  return sessions.map(({ id }) => ({ type: 'ended', id, reason, endedAt: now }))
}

function without(sessions: readonly Session[], ended: readonly EndedEvent[]): readonly Session[] {
  if (ended.length === 0) return sessions
  const dead = new Set(ended.map(({ id }) => id))
  return sessions.filter(({ id }) => !dead.has(id))
}

/**
 * The sessions above the limits, those that go first: of the `web` ones of each kind of client, of all of them, and of
 * the `api` ones of each API client, likewise the operators'; with the limit that each is above. The newest of all never is one.
 */
function surplus(sessions: readonly Session[], policy: Policy): ReadonlyMap<Session, EndDecision> {
  const web = sessions.filter(({ kind }) => kind === 'web')
  const newest = web.at(-1)
  const firstToGo =
    policy.whenLimitReached.value === 'evict_least_recently_seen' && newest !== undefined
      ? [...web.slice(0, -1).toSorted((a, b) => a.lastSeenAt - b.lastSeenAt), newest]
      : web
  const over = new Map<Session, EndDecision>()
  const goes = (sessions: readonly Session[], by: Decider<number | null>) => {
    const victims = sessions.slice(0, above(sessions.length, by.value))
    for (const session of victims) over.set(session, decidedBy('concurrent_sessions', by))
  }
  const limits = policy.clientKindLimits.value
  for (const kind of limits === null ? [] : (['web', 'mobile'] as const)) {
    // By the client that opened it: a session that moves to another client does not end for that.
    const ofKind = firstToGo.filter(({ client }) => clientKind(client.userAgent) === kind)
    goes(ofKind, { ...policy.clientKindLimits, value: limits?.[kind] ?? null })
  }
  const left = firstToGo.filter((session) => !over.has(session))
  goes(left, policy.concurrentSessionLimit)
  const byClient = Map.groupBy(
    sessions.filter(({ kind }) => kind !== 'web'),
    ({ apiClientId }) => apiClientId,
  )
  for (const ofClient of byClient.values()) goes(ofClient, { value: policy.apiSessionsPerClient, ...BY_SERVICE })
  return over
}

function above(count: number, limit: number | null): number {
  return limit === null ? 0 : Math.max(0, count - limit)
}

function select(sessions: readonly Session[], which: Selection): readonly Session[] {
  if ('only' in which) {
    const ids = new Set(which.only)
    return sessions.filter(({ id }) => ids.has(id))
  }
  if ('allWebBut' in which) return sessions.filter(({ id, kind }) => kind === 'web' && id !== which.allWebBut)
  if ('webOpenedUntil' in which) {
    const { webOpenedUntil, clients } = which
    return sessions.filter(
      (session) =>
        session.kind === 'web' &&
        session.openedAt <= webOpenedUntil &&
        (clients === null || clientKind(lastClient(session).userAgent) === clients),
    )
  }
  return which.all === 'web' ? sessions.filter(({ kind }) => kind === 'web') : sessions
}
