/** All that is known of one session, live or ended, as administrators see it. Pure. */
import type { UserKey } from './ids.ts'
import type { OpenIdLogin } from './openid-login.ts'
import type { AskedBy, ClientChange, Ending, Session } from './session.ts'

/** How a session came to be. One that an earlier version opened has nulls. */
export interface SessionOrigin {
  /** Who opened it, as the audit log names them. */
  readonly openedBy: string | null
  /** The session of the same client whose place it took. */
  readonly replacesSessionId: string | null
  /** Whether this kind of browser and system was new to the user; null where the client did not say what it is. */
  readonly newDevice: boolean | null
  /** Null also for a session that no OpenID provider vouched for. */
  readonly openid: OpenIdLogin | null
}

export interface SessionStory extends UserKey, SessionOrigin {
  readonly session: Session
  /** Null once it has ended. */
  readonly expiresAt: number | null
  /** Null: it does not idle out, or has ended. */
  readonly idlesOutAt: number | null
  /** Whether its cookie outlives the browser. */
  readonly persistentCookie: boolean
  /** The last ones, oldest first. */
  readonly clientChanges: readonly ClientChange[]
  /** Null while it lives. */
  readonly ending: (Ending & { readonly by: AskedBy }) | null
}
