/** The use cases that every API calls: the only code outside the objects that changes session state. */
import { waitUntil } from 'cloudflare:workers'
import { isBearerToken } from '../auth/credentials.ts'
import type { SessionTokens } from '../auth/session-tokens.ts'
import type { Counters } from '../counters.ts'
import type { SessionError } from '../domain/errors.ts'
import type { UserKey } from '../domain/ids.ts'
import type { Selection } from '../domain/lifecycle.ts'
import type { RuleUpdates, UserRules } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { AskedBy, Client, EndReason, SessionKind } from '../domain/session.ts'
import type { SessionStory } from '../domain/session-story.ts'
import type { SessionView } from '../domain/session-view.ts'
import { SECRET_BYTES, type SessionToken } from '../domain/token.ts'
import type { UserToOpenFor } from '../store/credentials.ts'
import type { Database } from '../store/database.ts'
import { storeTag } from '../store/store-tag.ts'
import { CheckMemory } from './check-memory.ts'
import { checkConditionally } from './conditional-check.ts'
import { ConfigCopies } from './config-copies.ts'
import type { StoreJobs } from './jobs/store-jobs.ts'
import { pageOf } from './object/calls.ts'
import { hashTokenSecret, proofOf } from './object/token-secrets.ts'
import type {
  CheckedSession,
  CheckHow,
  Opened,
  Opening,
  OwnSessions,
  Page,
  UserSessions,
} from './object/user-sessions.ts'
import { type Region, userStub } from './object/user-stub.ts'
import { ask, askAgain } from './object-calls.ts'
import { SessionChanges } from './session-changes.ts'
import { openStream } from './session-streams.ts'

/** A token that was verified: signed by us, of the kind that the route takes. */
export interface VerifiedToken {
  readonly text: string
  readonly token: SessionToken
}

/** How a check is made. */
export interface CheckOptions extends CheckHow {
  /** Accept what this isolate learned at most so many seconds ago; 0 for a strict check. */
  readonly maxAgeSeconds: number
  /** For the log, of a check that runs in no log context: to set one up would cost each of them time. */
  readonly requestId?: string
}

/** The answer to a check. */
export interface Check {
  readonly checked: CheckedSession
  /** Age of the answer in seconds; 0 if the object was asked. */
  readonly ageSeconds: number
}

export interface SessionsDependencies {
  readonly db: Database
  readonly config: KVNamespace
  readonly users: DurableObjectNamespace<UserSessions>
  readonly jobs: DurableObjectNamespace<StoreJobs>
  readonly tokens: SessionTokens
  readonly counters: Counters
}

export class Sessions {
  /** Changes of what holds for sessions. What this isolate remembers of them is forgotten here. */
  readonly changes: SessionChanges
  private readonly deps: SessionsDependencies
  private readonly configs: ConfigCopies
  private readonly memory = new CheckMemory()

  constructor(deps: SessionsDependencies) {
    this.deps = deps
    this.configs = new ConfigCopies(deps.config)
    this.changes = new SessionChanges(deps.db, deps.jobs, this.memory, this.configs)
  }

  /** The token in `text`, if it is ours and of this kind; no object is asked. Errors: `unauthenticated`. */
  async verify(text: string, kind: SessionKind): Promise<Result<VerifiedToken, SessionError>> {
    const token = this.deps.tokens.remembered(text) ?? (await this.deps.tokens.verify(text))
    if (token?.kind === kind) return ok({ text, token })
    const found = token !== null ? (`${token.kind} session` as const) : isBearerToken(text) ? 'credential' : null
    return fail(
      found === null
        ? { code: 'unauthenticated' }
        : { code: 'wrong_token_kind', expected: `${kind} session` as const, found },
    )
  }

  /** The same of a token of a store. Errors: as for `verify`; `unauthenticated` for one of another store. */
  async verifyOfStore(
    text: string,
    kind: SessionKind,
    identityStoreId: string,
  ): Promise<Result<VerifiedToken, SessionError>> {
    const verified = await this.verify(text, kind)
    return !verified.ok || this.isOfStore(verified.value, identityStoreId)
      ? verified
      : fail({ code: 'unauthenticated' })
  }

  /**
   * Opens a session for a user who was verified, and makes its token. `rules` is what D1 said of the user when the
   * user was verified, in the statement that read what was verified. The sessions that the client came with are ended
   * (`replaced`), once there is a new one. Errors: `user_disabled`, `unavailable`, `session_limit_reached`; of a user who
   * got a new password, was disabled or deleted since, `invalid_credentials`, or `conflict` where it was not the user's
   * own secret that was verified. `region`: where the user's object is to be, if this makes it; null: near the caller.
   */
  async open(
    owner: UserKey,
    opening: Omit<Opening, 'secretHash' | 'replaces' | 'by'> & { readonly by: AskedBy },
    rules: UserRules,
    carried: readonly VerifiedToken[],
    region: Region | null = null,
  ): Promise<Result<Opened & { readonly token: string }, SessionError>> {
    const stub = userStub(this.deps.users, owner, region)
    const objectId = stub.id.toString()
    const replaces = carried.find(({ token }) => token.objectId === objectId)?.token.sessionId ?? null
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
    const opened = await ask(() =>
      stub.open(owner, { ...opening, secretHash: hashTokenSecret(secret), replaces }, rules),
    )
    if (!opened.ok) return opened
    this.deps.counters.count('opened', owner.identityStoreId, opening.kind)
    this.memory.forget(opened.value.ended)
    const sessionId = opened.value.session.id
    for (const other of carried) {
      const replaced = other.token.sessionId === replaces ? ok() : await this.replace(other)
      if (replaced.ok) continue
      // The old sessions could not be ended, so the new one is given up: nobody gets its token.
      waitUntil(this.end(owner, { only: [sessionId] }, 'revoked', { caller: null, requestId: null }))
      return replaced
    }
    const token = await this.deps.tokens.sign({
      kind: opening.kind,
      storeTag: storeTag(owner.identityStoreId),
      objectId,
      sessionId,
      secret,
    })
    return ok({ ...opened.value, token })
  }

  /**
   * Opens a session for a user that a trusted back end has verified. Always with a token, never a cookie.
   * Errors: as for `open`; `conflict` for a bot, whose sessions Slack's API could not reset.
   */
  async openForVerifiedUser(
    owner: UserKey,
    {
      region,
      ...asked
    }: Pick<Opening, 'client' | 'location' | 'persistent' | 'endSessions'> & {
      readonly by: AskedBy
      readonly region: Region | null
    },
    user: UserToOpenFor,
  ) {
    if (user.bot) {
      return fail({ code: 'conflict', detail: 'The user is a bot: bots act by credentials, not by sessions.' } as const)
    }
    const opening = {
      // The edge sees the back end. Only the back end knows the user's client and place.
      ...asked,
      kind: 'web',
      credentialsType: 'trusted_back_end',
      actor: null,
      apiClientId: null,
      cookie: false,
    } as const
    return this.open(owner, opening, user.rules, [], region)
  }

  /**
   * Checks a session. Errors: `session_ended` with the reason, `unauthenticated`, `unavailable`; a session
   * that cannot be checked is not active.
   */
  async check(verified: VerifiedToken, options: CheckOptions, now: number): Promise<Result<Check, SessionError>> {
    const { text, token } = verified
    if (options.maxAgeSeconds > 0) {
      const known = this.memory.get(token.sessionId, text, options.maxAgeSeconds, now)
      if (known !== null) {
        return ok({ checked: known.checked, ageSeconds: Math.floor((now - known.learnedAt) / 1000) })
      }
    }
    const { maxAgeSeconds: _, requestId, ...how } = options
    const endsSeen = this.memory.endsSeen
    const known = this.memory.last(token.sessionId, text)
    const config = await this.configs.get(token.storeTag, now, requestId)
    const call = () => checkConditionally(this.stub(token), proofOf(token), how, config, known)
    const answer = await askAgain(call, requestId)
    if (!answer.ok) {
      if (answer.error.code === 'session_ended') this.memory.forget([token.sessionId])
      return answer
    }
    // Remembered without `cookieDue`: the next caller need not be the browser that has the cookie.
    const memorable = answer.value.cookieDue ? { ...answer.value, cookieDue: false } : answer.value
    this.memory.put(token.sessionId, text, memorable, { now, endsSeen })
    return ok({ checked: answer.value, ageSeconds: 0 })
  }

  /** Listens to a session, as `openStream` does. Not activity. Errors: its own; `unavailable`. */
  async listen({ token }: VerifiedToken, now: number): Promise<Result<WebSocket, SessionError>> {
    const updates = await this.configUpdate(token, now)
    const stream = await askAgain(() => openStream(this.stub(token), proofOf(token), updates))
    if (!stream.ok && stream.error.code === 'session_ended') this.memory.forget([token.sessionId])
    return stream
  }

  /** A page of the holder's own sessions, oldest first. `client` null: not known. Errors as for `check`. */
  async listOwn(
    { token }: VerifiedToken,
    client: Client | null,
    page: Page,
    now: number,
  ): Promise<Result<OwnSessions, SessionError>> {
    const updates = await this.configUpdate(token, now)
    const list = await askAgain(() => this.stub(token).listOwn(proofOf(token), client, updates, page))
    // An object of an earlier version answers all of them.
    return list.ok ? ok({ ...list.value, sessions: pageOf(list.value.sessions, page) }) : list
  }

  /** Ends the holder's own sessions. Answers the ids that ended now. Errors as for `check`; `session_not_found`. */
  async endOwn(
    { token }: VerifiedToken,
    which: 'current' | 'others' | { readonly sessionId: string },
    requestId: string,
    now: number,
  ): Promise<Result<readonly string[], SessionError>> {
    const updates = await this.configUpdate(token, now)
    return this.forgetting(
      await askAgain(() => this.stub(token).endOwn(proofOf(token), which, requestId, updates)),
      which === 'current' ? [token.sessionId] : [],
    )
  }

  /** Ends the session of a token by request of a caller who may. Answers the ids that ended now. */
  async endByToken(
    verified: VerifiedToken,
    reason: EndReason,
    by: AskedBy,
  ): Promise<Result<readonly string[], SessionError>> {
    const { token } = verified
    const ended = await askAgain(async () => ok(await this.stub(token).end({ only: [token.sessionId] }, reason, by)))
    return this.forgetting(ended, [token.sessionId])
  }

  /** A user's live web sessions, oldest first; exact. The user must be known to exist. */
  async list(owner: UserKey, rules: RuleUpdates): Promise<Result<readonly SessionView[], SessionError>> {
    return askAgain(async () => ok(await userStub(this.deps.users, owner).list(rules)))
  }

  /** All that is known of a user's live web sessions, oldest first; exact. The user must be known to exist. */
  async stories(owner: UserKey, rules: RuleUpdates): Promise<Result<readonly SessionStory[], SessionError>> {
    return askAgain(async () => ok(await userStub(this.deps.users, owner).stories(rules)))
  }

  /** All that the user's object knows of one session of a user who is known to exist; null where it remembers none. */
  async story(
    owner: UserKey,
    rules: RuleUpdates,
    sessionId: string,
  ): Promise<Result<SessionStory | null, SessionError>> {
    const found = await askAgain(async () => ok(await userStub(this.deps.users, owner).stories(rules, sessionId)))
    return found.ok ? ok(found.value[0] ?? null) : found
  }

  /** Ends sessions of a user who is known to exist. Answers the ids that ended now. */
  async end(
    owner: UserKey,
    which: Selection,
    reason: EndReason,
    by: AskedBy,
  ): Promise<Result<readonly string[], SessionError>> {
    const ended = await askAgain(async () => ok(await userStub(this.deps.users, owner).end(which, reason, by)))
    return this.forgetting(ended, [])
  }

  /** Whether a token belongs to a store. */
  isOfStore({ token }: VerifiedToken, identityStoreId: string): boolean {
    return token.storeTag === storeTag(identityStoreId)
  }

  private async replace(carried: VerifiedToken): Promise<Result<unknown, SessionError>> {
    return this.endByToken(carried, 'replaced', { caller: `session:${carried.token.sessionId}`, requestId: null })
  }

  private async configUpdate(token: SessionToken, now: number): Promise<RuleUpdates> {
    return { config: (await this.configs.get(token.storeTag, now)) ?? undefined }
  }

  private stub(token: SessionToken): DurableObjectStub<UserSessions> {
    return this.deps.users.get(this.deps.users.idFromString(token.objectId))
  }

  private forgetting(
    ended: Result<readonly string[], SessionError>,
    also: readonly string[],
  ): Result<readonly string[], SessionError> {
    if (ended.ok) this.memory.forget([...ended.value, ...also])
    return ended
  }
}
