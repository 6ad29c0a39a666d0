/** What a session is. Pure; instants are epoch milliseconds. */
import { cutText } from './text.ts'

/**
 * `web`: a signed-in user's client. `api`: an API login, with a fixed life of its own. `operator`: an operator's browser;
 * its user is the operator's credential.
 */
export type SessionKind = 'web' | 'api' | 'operator'

/** How the user was verified when the session was opened. */
export const CREDENTIALS_TYPES = [
  'password',
  'trusted_back_end',
  'openid',
  'login_token',
  'api_client',
  'sudo',
  'operator_token',
] as const
export type CredentialsType = (typeof CREDENTIALS_TYPES)[number]

/** Why a session ended. Always recorded. */
export const END_REASONS = [
  /** The user signed out. */
  'logout',
  /** Ended by request of the user, an administrator or a back end. */
  'revoked',
  /** Past the overall timeout. */
  'expired',
  /** Past the inactivity timeout. */
  'idle',
  /** Ended by the concurrent-session limit. */
  'evicted',
  /** The same client signed in again. */
  'replaced',
  /** The user was disabled or deleted. */
  'user_disabled',
  /** The user's password was changed. */
  'password_changed',
  /** The session it was opened from ended. */
  'parent_ended',
  /** The user was signed out at the OpenID provider that it was opened by. */
  'idp_logout',
] as const
export type EndReason = (typeof END_REASONS)[number]

/** The rule that ended a session: which, what it said, who said so, and in which version of theirs. */
export interface EndDecision {
  readonly rule: 'overall_timeout' | 'inactivity_timeout' | 'concurrent_sessions'
  /** In seconds; of `concurrent_sessions` the limit. */
  readonly value: number
  /** A layer of the policy; `service` for API and console sessions, whose rules come from the deployment alone. */
  readonly from: 'settings' | 'group' | 'config' | 'default' | 'ceiling' | 'service'
  readonly version: number | null
}

/** Longest user agent that is kept, in characters. */
const MAX_USER_AGENT_LENGTH = 512

/** Who speaks: the client's address and user agent as they arrived; null where unknown. */
export interface Client {
  readonly address: string | null
  readonly userAgent: string | null
}

/** Where a client is, as the edge saw it. Kept only when the store's config says so. */
export interface Location {
  readonly city: string | null
  readonly region: string | null
  readonly country: string | null
  readonly timeZone: string | null
  readonly latitude: string | null
  readonly longitude: string | null
}

/** The real user behind a session that was opened on another's behalf, and the session it came from. */
export interface Actor {
  readonly userId: string
  readonly sessionId: string
}

/** A live session. */
export interface Session {
  /** UUID version 7; ids of one user sort in the order of opening. */
  readonly id: string
  readonly kind: SessionKind
  /** The user's epoch when the user was verified: under a higher one the session is void. */
  readonly epoch: number
  readonly openedAt: number
  readonly lastSeenAt: number
  /** The client asked for a cookie that outlives the browser. Whether it gets one is policy. */
  readonly persistent: boolean
  readonly credentialsType: CredentialsType
  /** The client when the session was opened. */
  readonly client: Client
  /** The client when last seen, where it differs from the first; else null. */
  readonly recentClient: Client | null
  readonly location: Location | null
  readonly actor: Actor | null
  /** For kind `api`: the API client that logged in. */
  readonly apiClientId: string | null
  /** When its cookie was last issued; null for a session that has none. */
  readonly cookieIssuedAt: number | null
}

/** Whether the session is void: the user's epoch has risen since the user was verified. */
export function isVoid({ epoch }: Pick<Session, 'epoch'>, epochNow: number): boolean {
  return epoch < epochNow
}

/**
 * Whether a session that was live when its object checked it is live by what D1 says of its user now: the user may have
 * been disabled, or have got a new password, and the object not told yet.
 */
export function stillHolds(
  session: Pick<Session, 'epoch'>,
  user: { readonly active: boolean; readonly statusVersion: number },
): boolean {
  return user.active && !isVoid(session, user.statusVersion)
}

/** How a session ended. */
export interface Ending {
  readonly reason: EndReason
  readonly endedAt: number
  /** Missing: no rule of the policy decided it. */
  readonly decision?: EndDecision
}

/** Who asked for a session to be opened or ended, for the record. Null where nobody did (a deadline passed). */
export interface AskedBy {
  readonly caller: string | null
  readonly requestId: string | null
}

/** A client that has come to use a session, and when. */
export interface ClientChange {
  readonly at: number
  readonly client: Client
}

/** Cuts a user agent to what is kept. */
export function trimUserAgent(userAgent: string | null): string | null {
  return userAgent === null ? null : cutText(userAgent, MAX_USER_AGENT_LENGTH)
}

/** Whether two clients are the same, as far as we can see. */
export function sameClient(a: Client, b: Client): boolean {
  return a.address === b.address && a.userAgent === b.userAgent
}

/** The client of a session as it was last seen. */
export function lastClient({ client, recentClient }: Pick<Session, 'client' | 'recentClient'>): Client {
  return recentClient ?? client
}
