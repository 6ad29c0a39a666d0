/** What a user's object is asked, and what it answers. */

import type { SessionError } from '../../domain/errors.ts'
import type { UserKey } from '../../domain/ids.ts'
import type { Refusal } from '../../domain/lifecycle.ts'
import type { OpenIdLogin } from '../../domain/openid-login.ts'
import type { Policy } from '../../domain/policy.ts'
import { fail, type Result } from '../../domain/result.ts'
import type { AskedBy, Client, Ending, EndReason, Session } from '../../domain/session.ts'
import { type SessionView, viewOf } from '../../domain/session-view.ts'

/** The answer to a check. */
export interface CheckedSession extends SessionView {
  /** The cookie is due to be issued anew. */
  readonly cookieDue: boolean
  /** For kind `api`: the workspace that its client chose; null for none. */
  readonly workspace: string | null
  /** Changes whenever anything else in this answer does, except for the last activity. */
  readonly revision: number
  /** The version of the session config that was applied. */
  readonly configVersion: number
}

/** How a check is made. */
export interface CheckHow {
  /** Whether it counts as the user's activity. */
  readonly touch: boolean
  /** Whether the token came in a cookie, which may be due to be issued anew. */
  readonly cookie: boolean
  readonly client: Client | null
  /** For kind `api`: the workspace that the client chooses; missing to keep it. */
  readonly workspace?: string
}

/** What a new session is made of. */
export type Opening = Pick<
  Session,
  'kind' | 'persistent' | 'credentialsType' | 'client' | 'location' | 'actor' | 'apiClientId'
> & {
  readonly secretHash: string
  readonly cookie: boolean
  /** A session of the same client that this one takes the place of, if it is one of this user's. */
  readonly replaces: string | null
  /** Sessions that the user wants to end, to make room. */
  readonly endSessions?: readonly string[]
  /** Who opens it. */
  readonly by?: AskedBy
  /** The sign-in at an OpenID provider that it is opened by. */
  readonly openid?: OpenIdLogin | null
}

/** A session as it begins. */
export function newSession(
  facts: Omit<Opening, 'secretHash' | 'cookie' | 'replaces' | 'endSessions' | 'by' | 'openid'>,
  start: Pick<Session, 'id' | 'epoch' | 'openedAt'>,
  cookie: boolean,
  policy: Policy,
): Session {
  return {
    ...facts,
    ...start,
    lastSeenAt: start.openedAt,
    recentClient: null,
    location: policy.trackLocation.value ? facts.location : null,
    cookieIssuedAt: cookie ? start.openedAt : null,
  }
}

/** What came of an opening. */
export interface Opened extends SessionView {
  readonly ended: readonly string[]
}

/** A part of a user's sessions: the newest ones, or those older than the session `before`. */
export interface Page {
  readonly before: string | null
  readonly limit: number
}

/** The session that a list was asked for with, and a page of the user's sessions, oldest first. */
export interface OwnSessions {
  readonly current: CheckedSession
  readonly sessions: readonly SessionView[]
}

/** A page of sessions that come oldest first, as they do. */
export function pageOf(sessions: readonly SessionView[], { before, limit }: Page): readonly SessionView[] {
  return sessions.filter(({ session }) => before === null || session.id < before).slice(-limit)
}

/** For what a rule decided: nobody asked for it. */
export const NOBODY: AskedBy = { caller: null, requestId: null }

/** The live web sessions among some of a user's, as they are shown. */
export function viewsOf(owner: UserKey, live: readonly Session[], policy: Policy): SessionView[] {
  return live.filter(({ kind }) => kind === 'web').map((session) => viewOf(owner, session, policy))
}

/** What the holder of a token is told of a session that has ended. */
export function ended(reason: EndReason, endedAt: number) {
  return fail({ code: 'session_ended', reason, endedAt } as const)
}

/** A refusal as callers are told it: with the live sessions, where they stand in the way. */
export function refused(error: Refusal, live: () => readonly SessionView[]): Result<never, SessionError> {
  return fail(error.code === 'session_limit_reached' ? { ...error, sessions: live() } : error)
}

const FOUND_VOID: ReadonlySet<EndReason> = new Set(['user_disabled', 'password_changed'])

/** Who asked for an end: nobody for what a rule decided, nor for what was found void. */
export function whoAsked({ reason, decision }: Ending, by: AskedBy): AskedBy {
  return decision === undefined && !FOUND_VOID.has(reason) ? by : NOBODY
}
