/**
 * `UserProfiles`: the Durable Object, one per user, through which every change of a login profile goes. One
 * change at a time. Where two databases keep the profile, the change is written down before the first call,
 * theirs comes first, and what cannot be finished now the alarm finishes: docs/decisions/0050-profile-writes.md.
 */

import { DurableObject } from 'cloudflare:workers'
import type { SessionError } from '../domain/errors.ts'
import type { UserKey } from '../domain/ids.ts'
import {
  changedProfile,
  mergeProfile,
  type Profile,
  type ProfileBase,
  type ProfileChanges,
  profileDifference,
  type RemoteProfile,
} from '../domain/profile.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { objectsIn } from '../jurisdiction.ts'
import {
  MAX_PROFILE_RETRY_MILLISECONDS,
  MAX_PROFILE_TRIES,
  PROFILE_GRACE_MILLISECONDS,
  PROFILE_RETRY_MILLISECONDS,
  PROFILE_SECOND_LOOK_MILLISECONDS,
  RETRY_AFTER_SECONDS,
} from '../limits.ts'
import { log, logContext } from '../log.ts'
import { settingsOfObject } from '../object-settings.ts'
import { newRecordId } from '../store/audit-events.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { changeProfile, takeProfile } from '../store/profiles.ts'
import { findUser, readUserRow, type User } from '../store/users.ts'
import type { Unavailable } from '../time-limit.ts'
import { Turns } from '../turns.ts'
import { ApplicationServer, unavailableBecause } from './application-server.ts'
import type { ApplicationServerCalls } from './application-server-calls.ts'
import type { Asker } from './fair-queue.ts'
import { writesBoth } from './login-modes.ts'
import { type PendingChange, PendingChanges } from './pending-change.ts'
import { profileBaseOf } from './stored-profiles.ts'

interface Bindings {
  readonly DB: D1Database
  readonly APPLICATION_SERVER_CALLS: DurableObjectNamespace<ApplicationServerCalls>
}

export class UserProfiles extends DurableObject<Bindings> {
  private readonly pending: PendingChanges
  private readonly db: Database
  private readonly server: ApplicationServer
  private readonly turns = new Turns()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = settingsOfObject(ctx, env)
    this.db = openDatabase(env.DB)
    const calls = objectsIn(env.APPLICATION_SERVER_CALLS, settings.jurisdiction)
    this.server = new ApplicationServer(calls, settings.applicationServer)
    this.pending = new PendingChanges(ctx.storage.sql)
  }

  /**
   * Changes a user's profile wherever its login mode says, together with what was changed here alone before. A
   * change whose turn comes after `startBefore` (epoch milliseconds) is not begun. Errors: `user_not_found`;
   * `unavailable`: nothing was changed, but for `timed_out`, after which the change may stand and both databases
   * will agree on it or on what came of it.
   * @param actor who asks, for the audit log
   */
  async change(
    owner: UserKey,
    changes: ProfileChanges,
    requestId: string,
    startBefore: number,
    actor = `user:${owner.userId}`,
  ): Promise<Result<Profile, SessionError>> {
    return this.turns.take(async () => {
      if (Date.now() > startBefore) return fail(BUSY)
      const earlier = await this.settle()
      if (!earlier) return fail(BUSY)
      const found = await findUser(this.db, owner)
      if (!found.ok) return found
      if (found.value === null) return fail({ code: 'user_not_found' })
      const { user, loginMode, updateProfileToBsDbSso } = found.value
      return writesBoth(loginMode, updateProfileToBsDbSso)
        ? this.changeBoth(user, changes, requestId, actor)
        : this.changeOurs(owner, changes, requestId, actor)
    })
  }

  /** Finishes what was left undone. */
  override async alarm(): Promise<void> {
    await this.turns.take(() => this.settle())
  }

  private async changeOurs(
    owner: UserKey,
    changes: ProfileChanges,
    requestId: string,
    actor: string,
  ): Promise<Result<Profile, SessionError>> {
    const changed = await changeProfile(this.db, owner.userId, changes, entry(owner, requestId, actor))
    if (!changed.ok) return changed
    return changed.value === null ? fail({ code: 'user_not_found' }) : ok(profileOf(changed.value))
  }

  private async changeBoth(
    user: User,
    changes: ProfileChanges,
    requestId: string,
    actor: string,
  ): Promise<Result<Profile, SessionError>> {
    const pending = await this.begin(user, changes, requestId, actor)
    for (let tries = 1; ; tries += 1) {
      const read = await this.server.readProfile(pending.username, askerOf(pending))
      if (!read.ok) return this.abandon(unavailableBecause(read.error))
      const theirs = read.value
      if (theirs === null) return this.abandon(UNKNOWN_THERE)
      if (theirs.version < (user.profileVersion ?? 0)) return this.abandon(WENT_BACK)
      const merged = changedProfile(mergeProfile(profileBaseOf(user), user, theirs), changes)
      const update = profileDifference(theirs, merged)
      if (update === null) return this.adopt(pending, user, merged, theirs)

      const ours = profileOf(user)
      this.pending.sending(update, theirs.version, actor, ours)
      const { username, idempotencyKey } = pending
      const asker = askerOf(pending)
      const sent = await this.server.updateProfile(username, update, idempotencyKey, theirs.version, asker)
      if (sent.ok) return this.takeOver(pending, user, sent.value)
      switch (sent.error.code) {
        case 'version_conflict':
          if (tries === MAX_PROFILE_TRIES) return this.abandon(BUSY)
          break
        case 'unknown':
        case 'nonsense':
        case 'timed_out':
          await this.ctx.storage.setAlarm(Date.now() + PROFILE_RETRY_MILLISECONDS)
          return fail(IN_DOUBT)
        default:
          return this.abandon(unavailableBecause(sent.error))
      }
    }
  }

  private async begin(user: User, changes: ProfileChanges, requestId: string, actor: string): Promise<PendingChange> {
    const pending: PendingChange = {
      owner: { identityStoreId: user.identityStoreId, userId: user.userId },
      username: user.username ?? '',
      idempotencyKey: crypto.randomUUID(),
      requestId,
      request: { ...changes, actor },
      baseVersion: null,
      failures: 0,
      refusedAt: null,
    }
    this.pending.begin(pending)
    await this.ctx.storage.setAlarm(Date.now() + PROFILE_GRACE_MILLISECONDS)
    return pending
  }

  /** Gives a change up: nothing was changed anywhere, and nothing will be. */
  private async abandon(error: SessionError): Promise<Result<never, SessionError>> {
    await this.forget()
    return fail(error)
  }

  private async forget(): Promise<void> {
    this.pending.forget()
    await this.ctx.storage.deleteAlarm()
  }

  /** The application server has the change already: only our database must follow. */
  private async adopt(
    pending: PendingChange,
    user: User,
    profile: Profile,
    theirs: RemoteProfile,
  ): Promise<Result<Profile, SessionError>> {
    const taken = await this.take(pending, user, profile, theirs)
    if (!taken.ok) return this.abandon(taken.error)
    await this.forget()
    return taken.value ? ok(profile) : fail(BUSY)
  }

  /** The application server has changed the profile: our database follows, now or by the alarm. */
  private async takeOver(
    pending: PendingChange,
    user: User,
    theirs: RemoteProfile,
  ): Promise<Result<Profile, SessionError>> {
    const profile = profileOf(theirs)
    const taken = await this.take(pending, user, profile, theirs)
    if (!taken.ok || !taken.value) {
      await this.ctx.storage.setAlarm(Date.now() + PROFILE_RETRY_MILLISECONDS)
      return fail(OURS_FOLLOWS)
    }
    await this.forget()
    return ok(profile)
  }

  /** Writes to our database what came of a change. False if ours has moved since `user` was read. */
  private take(
    { owner, username, requestId, request }: PendingChange,
    user: User,
    profile: Profile,
    theirs: RemoteProfile,
  ): Promise<Result<boolean, Unavailable>> {
    const actor = actorOf({ owner, request })
    return takeProfile(this.db, { ...user, username }, profile, theirs, entry(owner, requestId, actor))
  }

  /** Finishes an earlier change, if there is one. False if that is not possible now: the alarm will try again. */
  private async settle(): Promise<boolean> {
    const pending = this.pending.find()
    if (pending === null) return true
    const { requestId } = pending
    const settled = await logContext
      .run({ requestId }, () => this.isSettled(pending))
      .catch((error: unknown) => {
        // The platform gives up on an alarm that keeps throwing; a change that is left must keep one.
        log('profile.unsettled', { ...pending.owner, requestId, error: String(error) })
        return false
      })
    if (settled) {
      await this.forget()
      return true
    }
    const { owner, failures } = pending
    const wait = Math.min(PROFILE_RETRY_MILLISECONDS * 2 ** failures, MAX_PROFILE_RETRY_MILLISECONDS)
    this.pending.failed()
    await this.ctx.storage.setAlarm(Date.now() + wait)
    log('profile.unfinished', { ...owner, requestId, failures: failures + 1 })
    return false
  }

  /**
   * Sends the change again under its own key. From then on it has happened, or it never can, since theirs has
   * moved on: ours takes over what theirs is, but for what was changed here alone.
   */
  private async isSettled(pending: PendingChange): Promise<boolean> {
    const { owner, username, idempotencyKey, request, baseVersion } = pending
    if (baseVersion === null) return true
    const owned = await readUserRow(this.db, owner)
    // What is left of a deleted user is erased, here too.
    if (owned.ok && owned.value !== null && owned.value.deletedAt !== null) return true
    if (request === null) return false
    const { actor: _, ours, ...update } = request
    const asker = askerOf(pending)
    const sent = await this.server.updateProfile(username, update, idempotencyKey, baseVersion, asker)
    if (!sent.ok && (sent.error.code === 'refused' || sent.error.code === 'nonsense')) return this.staysRefused(pending)
    if (!sent.ok && sent.error.code !== 'version_conflict') return false
    const theirs = sent.ok ? sent : await this.server.readProfile(username, asker)
    if (!theirs.ok) return false
    if (!sent.ok && theirs.value?.version === baseVersion) return this.staysRefused(pending)
    const row = await readUserRow(this.db, owner)
    if (!row.ok) return false
    if (theirs.value === null || row.value === null || row.value.username !== username) return true
    // What theirs took, it took over from ours as that was when the change was sent.
    const base: ProfileBase | null = sent.ok ? (ours ? { ...ours, version: null } : null) : profileBaseOf(row.value)
    const profile = mergeProfile(base, profileOf(row.value), theirs.value)
    const taken = await this.take(pending, row.value, profile, theirs.value)
    return taken.ok && taken.value
  }

  private staysRefused(pending: PendingChange): boolean {
    const now = Date.now()
    if (pending.refusedAt === null) this.pending.refused(now)
    return pending.refusedAt !== null && now - pending.refusedAt >= PROFILE_SECOND_LOOK_MILLISECONDS
  }
}

const WHAT = { code: 'unavailable', what: 'application server', retryAfterSeconds: RETRY_AFTER_SECONDS } as const
const BUSY: SessionError = { ...WHAT, detail: 'Another change of this profile is not finished. Nothing was changed.' }
const UNKNOWN_THERE: SessionError = {
  ...WHAT,
  because: 'refused',
  detail: 'The application server does not know this user.',
}
const WENT_BACK: SessionError = {
  ...WHAT,
  because: 'refused',
  detail: 'The application server answers an older version of the profile than it did before. Nothing was changed.',
}
const IN_DOUBT: SessionError = {
  ...WHAT,
  because: 'timed_out',
  detail:
    'The application server did not answer in time. The change may be made within a minute, in both databases or in none.',
}
const OURS_FOLLOWS: SessionError = {
  ...WHAT,
  because: 'timed_out',
  detail: 'The application server has the change. Our database follows within a minute.',
}

/** Who asked for a change. The version before did not note an operator. */
function actorOf({ owner, request }: Pick<PendingChange, 'owner' | 'request'>): string {
  return request?.actor ?? `user:${owner.userId}`
}

/** A user who changes the own profile is signed in, and so is known. */
function askerOf(pending: PendingChange): Asker {
  const isOwn = actorOf(pending) === `user:${pending.owner.userId}`
  return { priority: isOwn ? 'known' : 'operator', who: pending.username }
}

function profileOf({ firstName, lastName, emailAddress }: Profile): Profile {
  return { firstName, lastName, emailAddress }
}

/** The request id leads to the request, also from work done later. */
function entry({ identityStoreId }: UserKey, requestId: string, actor: string) {
  const at = Date.now()
  return { identityStoreId, eventId: newRecordId(at), at, actor, action: 'user.profile_changed', requestId }
}
