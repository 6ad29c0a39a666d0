/**
 * API logins: sessions of kind `api`, with a fixed life. One may be opened from another on behalf of a user of
 * a lower role (sudo); it lives no longer than the one it came from, which every check asks for.
 */
import { waitUntil } from 'cloudflare:workers'
import { mayDo } from '../domain/authority.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { AskedBy, Client } from '../domain/session.ts'
import { type AuditEntry, recordAuditEvent } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'
import type { KnownUser } from '../store/users.ts'
import type { Unavailable } from '../time-limit.ts'
import type { CheckedSession, Opened, UserSessions } from './object/user-sessions.ts'
import { userStub } from './object/user-stub.ts'
import { askAgain } from './object-calls.ts'
import type { Sessions, VerifiedToken } from './service.ts'

/** A session with its token. */
export type OpenedWithToken = Opened & { readonly token: string }

/** An event of the audit log, as far as it is known before: all but what happened to which session. */
export type SudoEntry = Omit<AuditEntry, 'action' | 'subject' | 'identityStoreId'>

export class ApiSessions {
  private readonly db: Database
  private readonly sessions: Sessions
  private readonly users: DurableObjectNamespace<UserSessions>

  constructor(db: Database, sessions: Sessions, users: DurableObjectNamespace<UserSessions>) {
    this.db = db
    this.sessions = sessions
    this.users = users
  }

  /** Logs an API client in as the user it acts for. Errors: `user_disabled`, `unavailable`. */
  logIn(
    user: KnownUser,
    apiClientId: string,
    client: Client,
    by: AskedBy,
  ): Promise<Result<OpenedWithToken, SessionError>> {
    const opening = { ...OPENING, credentialsType: 'api_client', client, actor: null, apiClientId, by } as const
    return this.sessions.open(user.user, opening, user.rules, [])
  }

  /**
   * Opens a session on behalf of another user of the store. Refused from a session that was itself opened so,
   * and for a user of an equal or higher role, a bot or a disabled user. It is no use until it is in the audit
   * log. Errors: `forbidden`, `user_disabled`, `unavailable`.
   */
  async openFor(
    target: KnownUser,
    from: CheckedSession,
    caller: KnownUser,
    client: Client,
    entry: SudoEntry,
  ): Promise<Result<OpenedWithToken, SessionError>> {
    const { session } = from
    const { user } = target
    if (session.actor !== null || !mayDo(caller.user, 'sudo', user)) {
      return fail({ code: 'forbidden', needed: [], provided: [] })
    }
    if (!user.active) return fail({ code: 'user_disabled' })
    const actor = { userId: caller.user.userId, sessionId: session.id }
    const by = { caller: entry.actor, requestId: entry.requestId }
    const { apiClientId } = session
    const opening = { ...OPENING, credentialsType: 'sudo', client, actor, apiClientId, by } as const
    const opened = await this.sessions.open(user, opening, target.rules, [])
    if (!opened.ok) return opened
    const recorded = await this.record('sudo.opened', opened.value, entry)
    if (recorded.ok) return opened
    await this.sessions.end(user, { only: [opened.value.session.id] }, 'revoked', by)
    return recorded
  }

  /**
   * Checks a session strictly, and the one that it was opened from. `workspace`: the client chooses it.
   * Errors: `session_ended`, `unauthenticated`, `unavailable`.
   */
  async check(
    verified: VerifiedToken,
    how: { readonly client: Client; readonly workspace?: string },
    entry: Omit<SudoEntry, 'actor'>,
  ): Promise<Result<CheckedSession, SessionError>> {
    const options = { ...how, touch: true, cookie: false, maxAgeSeconds: 0 }
    const check = await this.sessions.check(verified, options, entry.at)
    if (!check.ok) return check
    const { checked } = check.value
    const { actor, id } = checked.session
    if (actor === null) return ok(checked)
    const owner = { identityStoreId: checked.identityStoreId, userId: actor.userId }
    const parentLives = await askAgain(async () => ok(await userStub(this.users, owner).isLive(actor.sessionId)))
    if (!parentLives.ok) return parentLives
    if (parentLives.value) return ok(checked)
    const by = { caller: `session:${actor.sessionId}`, requestId: entry.requestId }
    const ended = await this.sessions.end(checked, { only: [id] }, 'parent_ended', by)
    if (!ended.ok) return ended
    waitUntil(this.record('sudo.ended', checked, { ...entry, actor: `user:${actor.userId}` }))
    return fail({ code: 'session_ended', reason: 'parent_ended', endedAt: entry.at })
  }

  /** Ends the session of a token. Ending twice is ending once. Errors: `unauthenticated`, `unavailable`. */
  async logOut(verified: VerifiedToken, entry: Omit<SudoEntry, 'actor'>): Promise<Result<void, SessionError>> {
    const options = { touch: false, cookie: false, client: null, maxAgeSeconds: 0 }
    const check = await this.sessions.check(verified, options, entry.at)
    if (!check.ok) return check.error.code === 'session_ended' ? ok() : check
    const ended = await this.sessions.endOwn(verified, 'current', entry.requestId, entry.at)
    if (!ended.ok) return ended
    const { checked } = check.value
    const { actor } = checked.session
    if (actor !== null) waitUntil(this.record('sudo.ended', checked, { ...entry, actor: `user:${actor.userId}` }))
    return ok()
  }

  /** For readers of the audit log: the session record has the same, and is the one that counts. */
  private record(
    action: 'sudo.opened' | 'sudo.ended',
    { identityStoreId, userId, session }: Pick<CheckedSession, 'identityStoreId' | 'userId' | 'session'>,
    entry: SudoEntry,
  ): Promise<Result<void, Unavailable>> {
    const known = { session_id: session.id, from_session_id: session.actor?.sessionId }
    return recordAuditEvent(this.db, { ...entry, identityStoreId, action, subject: `user:${userId}` }, known)
  }
}

const OPENING = { kind: 'api', persistent: false, location: null, cookie: false } as const
