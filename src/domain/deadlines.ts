/** When a session dies by itself. Pure; instants are epoch milliseconds. */
import type { Policy } from './policy.ts'
import type { Ending, Session } from './session.ts'

/** When the session's life is over, whatever the user does. */
export function expiresAt(session: Session, policy: Policy): number {
  return session.openedAt + overallSeconds(session, policy) * 1000
}

/** When the session idles out unless the user does something; null if it never does. */
export function idlesOutAt(session: Session, policy: Policy): number | null {
  const seconds = inactivitySeconds(session, policy)
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

function overallSeconds({ kind }: Session, policy: Policy): number {
  switch (kind) {
    case 'web':
      return policy.overallTimeoutSeconds.value
    case 'api':
      return policy.apiSessionSeconds
    case 'operator':
      return policy.operatorSessionSeconds
  }
}

function inactivitySeconds({ kind }: Session, policy: Policy): number | null {
  switch (kind) {
    case 'web':
      return policy.inactivityTimeoutSeconds.value
    case 'api':
      return null
    case 'operator':
      return policy.operatorInactivityTimeoutSeconds
  }
}
