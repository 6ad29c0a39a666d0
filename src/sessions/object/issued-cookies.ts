import type { SessionView } from '../../domain/session-view.ts'
import { MAX_COOKIE_SECONDS } from '../../http/cookies.ts'
import { COOKIE_RENEWAL_MILLISECONDS } from '../../limits.ts'
import type { IssuedCookie, StoredSession } from './rows.ts'

/** The cookie of a session as it would be issued at an instant. */
export function cookieOf({ persistentCookie, expiresAt }: SessionView, issuedAt: number): IssuedCookie {
  const life = persistentCookie ? Math.min(expiresAt, issuedAt + MAX_COOKIE_SECONDS * 1000) : null
  return { persistent: persistentCookie, expiresAt: life }
}

/** Whether the browser's cookie has grown old, or dies before or after its session. */
export function isCookieDue({ session, cookieExpiresAt }: StoredSession, view: SessionView, now: number): boolean {
  const { cookieIssuedAt } = session
  if (cookieIssuedAt === null) return false
  if (now - cookieIssuedAt >= COOKIE_RENEWAL_MILLISECONDS) return true
  return cookieOf(view, cookieIssuedAt).expiresAt !== cookieExpiresAt
}
