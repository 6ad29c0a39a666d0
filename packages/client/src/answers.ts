/** What the client's methods answer. */
import type { EndReason, Session } from './session.ts'

/** What is known of a token. Only `active` lets anybody in. */
export type Check =
  | {
      readonly state: 'active'
      readonly session: Session
      /** How old the answer is at most; 0: the session was asked for it. Never more than `maxAge`. */
      readonly ageSeconds: number
      /** `Set-Cookie` headers that the browser is to get. */
      readonly setCookies: readonly string[]
    }
  /** The token is genuine; its session has ended. `endedAt` is RFC 3339. */
  | { readonly state: 'ended'; readonly reason: EndReason; readonly endedAt: string }
  /** None, forged, or another store's. */
  | { readonly state: 'unauthenticated' }
  /** Nobody could say. */
  | { readonly state: 'unavailable'; readonly retryAfterSeconds: number }

interface Failed<Code extends string> {
  readonly ok: false
  readonly code: Code
}

export type UnavailableFailure = Failed<'unavailable'> & { readonly retryAfterSeconds: number }
export type TokenFailure =
  | Failed<'unauthenticated'>
  | (Failed<'session_ended'> & { readonly reason: EndReason; readonly endedAt: string })

/** A new session with its token, or why there is none. */
export type Opened =
  | { readonly ok: true; readonly session: Session; readonly token: string }
  | Failed<'user_not_found' | 'user_disabled' | 'conflict'>
  /** The user's live sessions, oldest first: open again with `endSessions`. */
  | (Failed<'session_limit_reached'> & { readonly sessions: readonly Session[] })
  | UnavailableFailure

export type Ended = { readonly ok: true } | Failed<'unauthenticated'> | UnavailableFailure

/** The user's sessions, newest first. */
export type OwnSessions =
  | { readonly ok: true; readonly sessions: readonly Session[] }
  | TokenFailure
  | UnavailableFailure

/** How many sessions ended now. */
export type OwnEnded =
  | { readonly ok: true; readonly ended: number }
  | Failed<'session_not_found'>
  | TokenFailure
  | UnavailableFailure
