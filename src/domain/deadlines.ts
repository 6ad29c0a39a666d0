/** When a session dies by itself. Pure; instants are epoch milliseconds. */
import type { Policy } from './policy.ts'
import type { EndDecision, Ending, Session } from './session.ts'

/** When the session's life is over, whatever the user does. */
export function expiresAt(session: Session, policy: Policy): number {
  return session.openedAt + overallTimeout(session, policy).value * 1000
}

/** When the session idles out unless the user does something; null if it never does. */
export function idlesOutAt(session: Session, policy: Policy): number | null {
  const seconds = inactivityTimeout(session, policy).value
  return seconds === null ? null : session.lastSeenAt + seconds * 1000
}

/** The first of the session's deadlines. At that instant it is dead. */
export function deadline(session: Session, policy: Policy): Ending {
  const expires = expiresAt(session, policy)
  const idles = idlesOutAt(session, policy)
  return idles !== null && idles < expires
    ? { reason: 'idle', endedAt: idles }
    : { reason: 'expired', endedAt: expires }
}

/** How long before a session's deadline its listeners are told of it. */
export const WARNING_MILLISECONDS = 60_000

/**
 * When listeners are told that the session will end: at most half of its timeout before the deadline, so that an alarm
 * that was set for one deadline comes before it is time to tell of the next.
 */
export function endsSoonAt(session: Session, policy: Policy): number {
  const { reason, endedAt } = deadline(session, policy)
  const { value } = reason === 'idle' ? inactivityTimeout(session, policy) : overallTimeout(session, policy)
  return endedAt - Math.min(WARNING_MILLISECONDS, (value ?? 0) * 500)
}

/** What decides, as an `EndDecision` tells it. */
export interface Decider<T> {
  readonly value: T
  readonly from: EndDecision['from']
  readonly version: number | null
}

/** Only web sessions have layers of policy. For the other kinds the deployment alone decides. */
export const BY_SERVICE = { from: 'service', version: null } as const
const NEVER: Decider<null> = { value: null, ...BY_SERVICE }

/** The rule of the session's overall timeout, in seconds. */
export function overallTimeout({ kind }: Session, policy: Policy): Decider<number> {
  switch (kind) {
    case 'web':
      return policy.overallTimeoutSeconds
    case 'api':
      return { value: policy.apiSessionSeconds, ...BY_SERVICE }
    case 'operator':
      return { value: policy.operatorSessionSeconds, ...BY_SERVICE }
  }
}

/** The rule of the session's inactivity timeout, in seconds; its value is null if it never idles out. */
export function inactivityTimeout({ kind }: Session, policy: Policy): Decider<number | null> {
  switch (kind) {
    case 'web':
      return policy.inactivityTimeoutSeconds
    case 'api':
      return NEVER
    case 'operator':
      return { value: policy.operatorInactivityTimeoutSeconds, ...BY_SERVICE }
  }
}
