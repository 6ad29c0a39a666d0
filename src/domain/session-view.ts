/** One session as answers show it: what it is, and when it dies. Pure. */

import { expiresAt, idlesOutAt } from './deadlines.ts'
import type { UserKey } from './ids.ts'
import type { Policy } from './policy.ts'
import type { Session } from './session.ts'

export interface SessionView extends UserKey {
  readonly session: Session
  readonly expiresAt: number
  /** Null: it does not idle out. */
  readonly idlesOutAt: number | null
  /** Whether its cookie outlives the browser. */
  readonly persistentCookie: boolean
}

/** A session of a user as the user's policy has it. */
export function viewOf({ identityStoreId, userId }: UserKey, session: Session, policy: Policy): SessionView {
  return {
    identityStoreId,
    userId,
    session: policy.trackLocation.value || session.location === null ? session : { ...session, location: null },
    expiresAt: expiresAt(session, policy),
    idlesOutAt: idlesOutAt(session, policy),
    persistentCookie: session.persistent && policy.persistentCookie.value,
  }
}
