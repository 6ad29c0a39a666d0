/**
 * `UserSessions`: the Durable Object that is the authority for one user's sessions. Every method loads,
 * decides and saves on its own SQLite without an await between, then arms the alarm and mirrors to D1.
 */

import { DurableObject } from 'cloudflare:workers'
import { countersOf } from '../../counters.ts'
import type { SessionError } from '../../domain/errors.ts'
import type { UserKey } from '../../domain/ids.ts'
import { decide, nextDeadline, type Selection, type SessionEvent, type UserState } from '../../domain/lifecycle.ts'
import {
  type Limits,
  mergeNewer,
  type Policy,
  type RuleUpdates,
  resolvePolicy,
  type UserRules,
} from '../../domain/policy.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { AskedBy, Client, EndReason } from '../../domain/session.ts'
import { nextSessionId } from '../../domain/session-id.ts'
import type { SessionStory } from '../../domain/session-story.ts'
import { type SessionView, viewOf } from '../../domain/session-view.ts'
import type { Endpoints } from '../../events/wake.ts'
import { objectsIn } from '../../jurisdiction.ts'
import { BURST_GAP_MILLISECONDS } from '../../limits.ts'
import { log, logContext } from '../../log.ts'
import { settingsOfObject } from '../../object-settings.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { readRules } from '../../store/rules.ts'
import { noteSeen } from './activity.ts'
import {
  type CheckedSession,
  type CheckHow,
  ended,
  NOBODY,
  newSession,
  type Opened,
  type Opening,
  type OwnSessions,
  type Page,
  pageOf,
  refused,
  viewsOf,
  whoAsked,
} from './calls.ts'
import { cookieOf, isCookieDue } from './issued-cookies.ts'
import { meetDevice } from './known-devices.ts'
import { SessionMirror } from './mirror.ts'
import { UserSessionsStorage } from './storage.ts'
import { storiesIn } from './story.ts'
import { askedIn, SessionStreams } from './streams.ts'
import { type SessionProof, sameHash } from './token-secrets.ts'

export type * from './calls.ts'

interface Bindings {
  readonly DB: D1Database
  readonly ENDPOINTS: Endpoints
  readonly COUNTERS?: AnalyticsEngineDataset
}

export class UserSessions extends DurableObject<Bindings> {
  private readonly storage: UserSessionsStorage
  private readonly db: Database
  private readonly limits: Limits
  private readonly seenWriteMilliseconds: number
  private readonly streams: SessionStreams
  private readonly mirror: SessionMirror
  private resolved: { readonly of: UserRules; readonly policy: Policy } | undefined

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = settingsOfObject(ctx, env)
    this.limits = settings.limits
    this.seenWriteMilliseconds = settings.lastSeenWriteSeconds * 1000
    this.db = openDatabase(env.DB)
    this.storage = new UserSessionsStorage(ctx.storage.sql)
    this.streams = new SessionStreams(ctx, () => this.state())
    this.mirror = new SessionMirror({
      ctx,
      db: this.db,
      endpoints: objectsIn(env.ENDPOINTS, settings.jurisdiction),
      counters: countersOf(env.COUNTERS),
      storage: this.storage,
      applyRules: (rules, now) => this.applyUpdates(rules, now),
      nextDeadline: () => this.nextDeadline(),
      nextTellingAt: () => this.streams.nextTellingAt(),
    })
  }

  /**
   * Opens a session. The limit holds at once: the count and the insert are one step. `updates` are the rules under which
   * the user was verified. Errors: `user_disabled`; `invalid_credentials` or `conflict` where the user has another
   * epoch by now, whether it was the user's own secret that was verified or a back end's word; `session_limit_reached`
   * with the live sessions, where none of them is ended unasked.
   */
  open(owner: UserKey, opening: Opening, updates: RuleUpdates): Result<Opened, SessionError> {
    const now = Date.now()
    this.acceptUpdates(owner, updates, now)
    const { secretHash, cookie, replaces, endSessions = [], by = NOBODY, openid = null, ...facts } = opening
    const policy = this.policy()
    const id = nextSessionId(this.storage.newestId(), now, crypto.getRandomValues(new Uint8Array(8)))
    const epoch = (updates.status ?? this.storage.rules.status).version
    const session = newSession(facts, { id, epoch, openedAt: now }, cookie, policy)
    const state = this.state()
    const decided = decide(state, { type: 'open', session, replaces, endSessions }, now)
    if (!decided.ok) return refused(decided.error, () => this.views(owner))
    const view = viewOf(owner, session, policy)
    const replaced = decided.value.find((event) => event.type === 'ended' && event.reason === 'replaced')
    const device = meetDevice(this.storage.devices, session, state.sessions)
    if (device.remember !== null) this.storage.rememberDevices(device.remember)
    const origin = { openedBy: by.caller, replacesSessionId: replaced === undefined ? null : replaces, openid }
    const issued = cookie ? cookieOf(view, now) : null
    this.storage.insert(session, { ...origin, newDevice: device.isNew }, secretHash, issued)
    const ended = this.saveEnds(decided.value, by, now)
    this.mirror.schedule(now)
    return ok({ ...view, ended: ended.map(({ id }) => id) })
  }

  /**
   * Checks a session. Strict: what is answered holds now.
   * Errors: `session_ended` for a genuine token, `unauthenticated` for one that this object does not know.
   */
  check(proof: SessionProof, how: CheckHow, updates: RuleUpdates): Result<CheckedSession, SessionError> {
    const now = Date.now()
    this.applyUpdates(updates, now)
    return this.authenticate(proof, how, now)
  }

  /**
   * Fast path, used by conditional-check.ts: the same for a caller who has the answer of a revision, no newer rules, and
   * nothing to choose. Where nothing but the last activity has changed since, that alone is answered, epoch milliseconds:
   * a bare number. The version before has these seven arguments; an object would cost about 3 % more.
   */
  checkAgain(
    sessionId: string,
    secretHash: string,
    knownRevision: number,
    touch: boolean,
    cookie: boolean,
    address: string | null,
    userAgent: string | null,
  ): Result<CheckedSession, SessionError> | number {
    const how = { touch, cookie, client: { address, userAgent } }
    const checked = this.authenticate({ sessionId, secretHash }, how, Date.now())
    if (!checked.ok || checked.value.revision !== knownRevision || checked.value.cookieDue) return checked
    return checked.value.session.lastSeenAt
  }

  /** Answers a WebSocket that tells of a session's end. Not activity. Errors, as JSON: as for `check`; `conflict`: no room. */
  override fetch(request: Request): Response {
    const { proof, updates } = askedIn(request)
    const now = Date.now()
    const checked = this.check(proof, { touch: false, cookie: false, client: null }, updates)
    const opened = checked.ok ? this.streams.open(proof.sessionId, now) : checked
    if (!opened.ok) return Response.json(opened)
    this.streams.tellDeadlines(now)
    this.mirror.schedule(now)
    return new Response(null, { status: 101, webSocket: opened.value })
  }

  override webSocketMessage(stream: WebSocket): void {
    this.streams.refuse(stream)
  }

  /** A page of the holder's own sessions, oldest first; missing: all. Counts as activity. Errors as for `check`. */
  listOwn(
    proof: SessionProof,
    client: Client | null,
    updates: RuleUpdates,
    page?: Page,
  ): Result<OwnSessions, SessionError> {
    const current = this.check(proof, { touch: true, cookie: false, client }, updates)
    if (!current.ok) return current
    this.tick(Date.now())
    const sessions = this.views(current.value)
    return ok({ current: current.value, sessions: page === undefined ? sessions : pageOf(sessions, page) })
  }

  /** Whether a session lives, for one that was opened from it. Not the user's activity. */
  isLive(sessionId: string): boolean {
    this.tick(Date.now())
    return this.storage.find(sessionId)?.ending === null
  }

  /** A user's live web sessions, oldest first. Not the user's activity. */
  list(updates: RuleUpdates): readonly SessionView[] {
    const now = Date.now()
    this.applyUpdates(updates, now)
    this.tick(now)
    const owner = this.storage.owner
    return owner === null ? [] : this.views(owner)
  }

  /**
   * All that is known of a user's live web sessions, oldest first; or of one session, live or remembered, of any kind.
   * Not the user's activity.
   */
  stories(updates: RuleUpdates, sessionId?: string): readonly SessionStory[] {
    const now = Date.now()
    this.applyUpdates(updates, now)
    this.tick(now)
    return storiesIn(this.storage, this.policy(), sessionId)
  }

  /**
   * Ends sessions of the holder's user: this one (`logout`), the others, or one of them (`revoked`).
   * Ending one's own session twice succeeds twice. Answers the ids that ended now.
   * Errors as for `check`; `session_not_found` if `which` names a session that is not there.
   */
  endOwn(
    proof: SessionProof,
    which: 'current' | 'others' | { readonly sessionId: string },
    requestId: string,
    updates: RuleUpdates,
  ): Result<readonly string[], SessionError> {
    const now = Date.now()
    this.applyUpdates(updates, now)
    const current = this.authenticate(proof, { touch: which !== 'current', cookie: false, client: null }, now)
    if (!current.ok) return which === 'current' && current.error.code === 'session_ended' ? ok([]) : current
    const by = { caller: `session:${proof.sessionId}`, requestId }
    if (which === 'current' || (which !== 'others' && which.sessionId === proof.sessionId)) {
      return ok(this.endNow({ only: [proof.sessionId] }, 'logout', by, now))
    }
    if (which === 'others') return ok(this.endNow({ allWebBut: proof.sessionId }, 'revoked', by, now))
    // What a user sees and ends here are web sessions; API logins are their clients' own.
    if (this.storage.find(which.sessionId)?.session.kind !== 'web') return fail({ code: 'session_not_found' })
    const ended = this.endNow({ only: [which.sessionId] }, 'revoked', by, now)
    return ended.length === 0 ? fail({ code: 'session_not_found' }) : ok(ended)
  }

  /** Ends sessions by request of a caller who may. Unknown and ended ones are passed over. Answers the ids that ended now. */
  end(which: Selection, reason: EndReason, by: AskedBy, updates: RuleUpdates = {}): readonly string[] {
    const now = Date.now()
    this.applyUpdates(updates, now)
    return this.endNow(which, reason, by, now)
  }

  /** The same for a request that may come twice. What has become of each: `ended` by this very request or before it. */
  endOnce(ids: readonly string[], by: AskedBy): readonly ('ended' | 'already_ended' | 'not_found')[] {
    this.end({ only: ids }, 'revoked', by)
    return ids.map((id) => {
      const ending = this.storage.find(id)?.ending ?? null
      return ending === null ? 'not_found' : ending.by.requestId === by.requestId ? 'ended' : 'already_ended'
    })
  }

  /** Tells the object what holds now: status, settings, config. What is newer is applied to the live sessions at once. */
  applyRules(owner: UserKey, updates: RuleUpdates): void {
    const now = Date.now()
    this.acceptUpdates(owner, updates, now)
    // Who never signed in has nothing to be ended, and an alarm is a write.
    if (this.storage.isEmpty) return
    this.tick(now)
    this.mirror.schedule(now)
  }

  /** Whether nothing is kept here. Of a deleted user the alarm sees to it; one that was lost is set again. */
  isEmptied(): boolean {
    if (!this.storage.isEmpty) this.mirror.look()
    return this.storage.isEmpty
  }

  /** D1 has lost what it knew: copies all sessions again. Answers what this object knows of the rules; null: nothing. */
  mirrorAgain(): UserRules | null {
    if (this.storage.isEmpty) return null
    this.mirror.again(Date.now())
    return this.storage.rules
  }

  /** Ends what is due and mirrors what is not mirrored. An end is final, so the rules are read again first. */
  override async alarm(): Promise<void> {
    this.mirror.onAlarm()
    try {
      await logContext.run({ object: this.ctx.id.toString() }, () => this.doWhatIsDue())
    } catch (error) {
      log('alarm.failed', { object: this.ctx.id.toString(), error: String(error) })
      this.mirror.failed(Date.now())
    }
  }

  private async doWhatIsDue(): Promise<void> {
    const { owner } = this.storage
    if (owner === null) return
    this.storage.writeActivity(Date.now() - BURST_GAP_MILLISECONDS)
    this.streams.tellDeadlines(Date.now())
    const due = this.nextDeadline()
    if (this.mayBeEmptied || (due !== null && due <= Date.now())) {
      const rules = await readRules(this.db, owner)
      const now = Date.now()
      if (!rules.ok) {
        // A check ends them: an end that is not asked for waits for the rules.
        this.streams.askAnew(now)
        return this.mirror.failed(now)
      }
      this.applyUpdates(rules.value ?? {}, now)
      this.tick(now)
      if (this.mayBeEmptied) {
        this.storage.emptied()
        return this.ctx.storage.deleteAll()
      }
    }
    await this.mirror.complete()
  }

  /** Of a deleted user D1 has everything that is to be kept. */
  private get mayBeEmptied(): boolean {
    return this.storage.rules.status.value.deleted === true && !this.storage.hasUnmirrored()
  }

  private nextDeadline(): number | null {
    return nextDeadline(this.storage.live(), this.policy())
  }

  private policy(): Policy {
    const { rules } = this.storage
    if (this.resolved?.of !== rules) this.resolved = { of: rules, policy: resolvePolicy(rules, this.limits) }
    return this.resolved.policy
  }

  private state(): UserState {
    return { status: this.storage.rules.status, policy: this.policy(), sessions: this.storage.live() }
  }

  /** Takes updates for an owner that this object may not know yet. */
  private acceptUpdates(owner: UserKey, updates: RuleUpdates, now: number): void {
    const known = this.storage.owner
    if (known === null) this.storage.remember(owner, mergeNewer(this.storage.rules, updates))
    else if (known.identityStoreId !== owner.identityStoreId || known.userId !== owner.userId) {
      throw new Error('this object belongs to another user')
    } else this.applyUpdates(updates, now)
  }

  /** Takes updates of the rules and applies them to the live sessions. */
  private applyUpdates(updates: RuleUpdates, now: number): void {
    const owner = this.storage.owner
    if (owner === null) return
    const rules = mergeNewer(this.storage.rules, updates)
    if (rules === this.storage.rules) return
    this.storage.remember(owner, rules)
    if (!rules.config.value.trackSessionLocation && this.storage.clearLocations()) this.mirror.schedule(now)
    this.tick(now)
  }

  private tick(now: number): void {
    this.mirror.look()
    const decided = decide(this.state(), { type: 'tick' }, now)
    if (decided.ok) this.saveEnds(decided.value, NOBODY, now)
  }

  private authenticate(proof: SessionProof, how: CheckHow, now: number): Result<CheckedSession, SessionError> {
    const owner = this.storage.owner
    const stored = this.storage.find(proof.sessionId)
    if (owner === null || stored === null || !sameHash(stored.secretHash, proof.secretHash)) {
      return fail({ code: 'unauthenticated' })
    }
    this.mirror.look()
    if (stored.ending !== null) return ended(stored.ending.reason, stored.ending.endedAt)
    const policy = this.policy()
    const state = { status: this.storage.rules.status, policy, sessions: [stored.session] }
    const decided = decide(state, { type: 'check', id: proof.sessionId, touch: how.touch, client: how.client }, now)
    if (!decided.ok) return refused(decided.error, () => this.views(owner))
    const [dead] = this.saveEnds(decided.value, NOBODY, now)
    if (dead !== undefined) return ended(dead.reason, dead.endedAt)
    let live = noteSeen(this.storage, stored, decided.value, { policy, writeAfter: this.seenWriteMilliseconds, now })
    if (how.touch && live.seenBy !== null) this.mirror.setAlarmBy(live.session.lastSeenAt + BURST_GAP_MILLISECONDS)
    const view = viewOf(owner, live.session, policy)
    const cookieDue = how.cookie && isCookieDue(live, view, now)
    if (cookieDue) live = this.storage.cookieIssued(live, now, cookieOf(view, now))
    if (how.workspace !== undefined) live = this.storage.chooseWorkspace(live, how.workspace)
    if (live.version !== stored.version) this.mirror.schedule(now)
    const { revision, rules } = this.storage
    return ok({ ...view, cookieDue, workspace: live.workspace, revision, configVersion: rules.config.version })
  }

  private endNow(which: Selection, reason: EndReason, by: AskedBy, now: number): readonly string[] {
    const decided = decide(this.state(), { type: 'end', which, reason }, now)
    if (!decided.ok) return []
    const ended = this.saveEnds(decided.value, by, now)
    return ended.filter((event) => event.reason === reason).map(({ id }) => id)
  }

  /** Writes the ends among some events, tells those who listen, and has them mirrored. */
  private saveEnds(events: readonly SessionEvent[], by: AskedBy, now: number) {
    const ends = events.filter((event) => event.type === 'ended')
    for (const event of ends) {
      this.storage.end(event.id, event, whoAsked(event, by))
      this.streams.ended(event.id, event)
    }
    this.mirror.noteEnds(ends.map(({ reason }) => reason))
    if (ends.length > 0) this.mirror.schedule(now)
    return ends
  }

  private views(owner: UserKey): SessionView[] {
    return viewsOf(owner, this.storage.live(), this.policy())
  }
}
