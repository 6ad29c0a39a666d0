/**
 * Operators' console sessions: an operator's token, exchanged for a session in a browser. They live in an object for each
 * credential, with timeouts of their own; what the operator may do, and whether at all, is asked of the credential anew
 * with each request.
 */
import { hash, randomBytes } from 'node:crypto'
import { checkUsable } from '../auth/credentials.ts'
import type { SessionError } from '../domain/errors.ts'
import { NO_STORE, type UserKey } from '../domain/ids.ts'
import { NO_RULES } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { AskedBy, Client, EndReason } from '../domain/session.ts'
import { CONSOLE_CODE_SECONDS } from '../limits.ts'
import { type AuditEntry, recordAuditEvent } from '../store/audit-events.ts'
import { findCredentialOfStore } from '../store/credential-changes.ts'
import type { Credential } from '../store/credentials.ts'
import type { Database } from '../store/database.ts'
import { insertConsoleCode, takeLoginToken, voidConsoleCodes } from '../store/login-tokens.ts'
import type { CheckedSession, CheckHow, Opened } from './object/user-sessions.ts'
import { endOnRecord } from './recorded-end.ts'
import type { Sessions, VerifiedToken } from './service.ts'

/** A live console session, and the credential it acts for. */
export interface ConsoleSession {
  readonly checked: CheckedSession
  readonly credential: Credential
}

/** An event of the operators' audit log, as far as it is known before. */
export type ConsoleEntry = Omit<AuditEntry, 'identityStoreId' | 'action' | 'subject'>

export class ConsoleSessions {
  private readonly db: Database
  private readonly sessions: Sessions

  constructor(db: Database, sessions: Sessions) {
    this.db = db
    this.sessions = sessions
  }

  /**
   * Opens one for a credential whose token was `shown`, or a code that the token was good for; `replaces`: what the
   * browser had. It is no use until it is in the audit log. Errors: `unavailable`.
   */
  async open(
    credentialId: string,
    shown: 'operator_token' | 'login_token',
    client: Client,
    replaces: VerifiedToken | null,
    entry: ConsoleEntry,
  ): Promise<Result<Opened & { readonly token: string }, SessionError>> {
    const owner = ownerOf(credentialId)
    const opening = { ...OPENING, credentialsType: shown, client, by: byOf(entry) } as const
    const opened = await this.sessions.open(owner, opening, NO_RULES, replaces === null ? [] : [replaces])
    if (!opened.ok) return opened
    const { id } = opened.value.session
    const known = { credential_id: credentialId, replaces_session_id: replaces?.token.sessionId ?? null }
    const recorded = await recordAuditEvent(this.db, eventOf('console_session.opened', id, entry), known)
    if (recorded.ok) return opened
    await this.sessions.end(owner, { only: [id] }, 'revoked', byOf(entry))
    return recorded
  }

  /**
   * Makes a code that opens one session for a credential whose token was shown, once, within `CONSOLE_CODE_SECONDS`.
   * Errors: `unavailable`.
   */
  async makeCode(
    credentialId: string,
    entry: ConsoleEntry,
  ): Promise<Result<{ readonly code: string; readonly expiresAt: number }, SessionError>> {
    const code = randomBytes(32).toString('base64url')
    const expiresAt = entry.at + CONSOLE_CODE_SECONDS * 1000
    const made = await insertConsoleCode(
      this.db,
      { tokenHash: hashCode(code), credentialId, createdAt: entry.at, expiresAt },
      { ...entry, identityStoreId: NO_STORE, action: 'console_code.made', subject: `credential:${credentialId}` },
    )
    return made.ok ? ok({ code, expiresAt }) : made
  }

  /** The credential of a code, which is used up. Errors: `unauthenticated`; as of a credential; `unavailable`. */
  async redeemCode(code: string, client: Client, now: number): Promise<Result<Credential, SessionError>> {
    const taken = await takeLoginToken(this.db, hashCode(code), now)
    if (!taken.ok) return taken
    if (taken.value === null) return fail({ code: 'unauthenticated' })
    return this.usableCredential(taken.value.userId, client, now)
  }

  /**
   * Checks one strictly, and its credential; of one that is of no use any more the session ends. Errors: those of a
   * check; `address_not_allowed`; `unavailable`.
   */
  async check(
    verified: VerifiedToken,
    how: Pick<CheckHow, 'touch'> & { readonly client: Client },
    requestId: string,
    now: number,
  ): Promise<Result<ConsoleSession, SessionError>> {
    const check = await this.sessions.check(verified, { ...how, cookie: false, maxAgeSeconds: 0 }, now)
    if (!check.ok) return check
    const { checked } = check.value
    const credential = await this.usableCredential(checked.userId, how.client, now)
    if (credential.ok) return ok({ checked, credential: credential.value })
    const { code } = credential.error
    if (code === 'unavailable' || code === 'address_not_allowed') return credential
    const reason = code === 'credential_expired' ? 'expired' : 'revoked'
    const by = { caller: `credential:${checked.userId}`, requestId }
    const ended = await this.sessions.end(checked, { only: [checked.session.id] }, reason, by)
    return ended.ok ? fail({ code: 'session_ended', reason, endedAt: now }) : ended
  }

  /** An operator's credential, if it acts. Errors: as of a credential; `unavailable`. */
  private async usableCredential(
    credentialId: string,
    client: Client,
    now: number,
  ): Promise<Result<Credential, SessionError>> {
    const found = await findCredentialOfStore(this.db, NO_STORE, credentialId)
    if (!found.ok) return found
    if (found.value === null) return fail({ code: 'credential_revoked' })
    const usable = checkUsable({ ...found.value, standing: 'good' }, client, now)
    return usable.ok ? ok(found.value) : usable
  }

  /** Ends one, on record. Ending twice is ending once. Errors: `unavailable`. */
  end(credentialId: string, sessionId: string, reason: EndReason, entry: ConsoleEntry) {
    return endOnRecord(
      this.db,
      eventOf('console_session.ended', sessionId, entry),
      { credential_id: credentialId, reason },
      () => this.sessions.end(ownerOf(credentialId), { only: [sessionId] }, reason, byOf(entry)),
    )
  }

  /**
   * Ends all of a credential that is no more, or whose token somebody else may have, and voids the codes for more; that
   * is on record already.
   */
  async endAll(credentialId: string, by: AskedBy): Promise<Result<readonly string[], SessionError>> {
    const voided = await voidConsoleCodes(this.db, credentialId)
    if (!voided.ok) return voided
    return this.sessions.end(ownerOf(credentialId), { all: 'every kind' }, 'revoked', by)
  }
}

const OPENING = {
  kind: 'operator',
  persistent: false,
  location: null,
  actor: null,
  apiClientId: null,
  cookie: true,
} as const

/** No login token has the hash of a code, whatever is sent as either. */
function hashCode(code: string): string {
  return hash('sha256', `console code ${code}`, 'hex')
}

function ownerOf(credentialId: string): UserKey {
  return { identityStoreId: NO_STORE, userId: credentialId }
}

function byOf({ actor: caller, requestId }: ConsoleEntry) {
  return { caller, requestId }
}

function eventOf(action: string, sessionId: string, entry: ConsoleEntry): AuditEntry {
  return { ...entry, identityStoreId: NO_STORE, action, subject: `console_session:${sessionId}` }
}
