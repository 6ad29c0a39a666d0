/** What an OpenID provider says of a sign-in, and later of its end. Pure. */
import type { Session } from './session.ts'

/** The sign-in that a session was opened by, as its ID token has it. */
export interface OpenIdLogin {
  readonly issuer: string
  readonly subject: string
  /** The provider's session; null where it named none. */
  readonly sid: string | null
  /** Epoch milliseconds, by the provider's clock. */
  readonly issuedAt: number
}

/** What a logout token names: a session of the provider, or all of a subject. At least one of the two is there. */
export interface OpenIdLogout {
  readonly issuer: string
  readonly subject: string | null
  readonly sid: string | null
  /** Epoch milliseconds, by the provider's clock … */
  readonly issuedAt: number
  /** … and by ours. */
  readonly acceptedAt: number
}

/**
 * Whether a logout names a session. Where the session's sign-in is not known, or not fully, only the subject counts. A
 * subject's sessions are those opened before the logout by either clock: what was opened by a sign-in that was under
 * way is one of them, and a later sign-in is not.
 * @param login null: a version opened it that did not keep this
 * @param ofSubject whether the session's user has the subject now
 */
export function isNamedBy(
  logout: OpenIdLogout,
  { credentialsType, openedAt }: Pick<Session, 'credentialsType' | 'openedAt'>,
  login: OpenIdLogin | null,
  ofSubject: boolean,
): boolean {
  if (credentialsType !== 'openid') return false
  if (login === null) return ofSubject && openedAt <= logout.acceptedAt
  if (login.issuer !== logout.issuer) return false
  if (logout.subject !== null && login.subject !== logout.subject) return false
  if (logout.sid !== null && login.sid !== null) return login.sid === logout.sid
  return logout.subject !== null && (openedAt <= logout.acceptedAt || login.issuedAt <= logout.issuedAt)
}
