/**
 * `UserProfiles`: the Durable Object, one per user, through which every change of a login profile goes. One
 * change at a time. Where two databases keep the profile, the change is written down before the first call,
 * theirs comes first, and what cannot be finished now the alarm finishes: docs/decisions/0050-profile-writes.md.
 */
import { DurableObject } from 'cloudflare:workers'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { type Env, readSettings } from '../env.ts'
import { newRecordId } from '../store/audit-events.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { changeProfile, type Profile, type ProfileChanges, takeProfile } from '../store/profiles.ts'
import type { UserKey } from '../store/rules.ts'
import { findUser, type User } from '../store/users.ts'
import { ApplicationServer, type RemoteProfile, unavailableBecause } from './application-server.ts'
import { writesBoth } from './login-modes.ts'

/** How long the alarm leaves a change to the request that made it, in milliseconds. */
const GRACE_MILLISECONDS = 12_000
/** Wait before an unfinished change is tried again; doubles up to the second. */
const RETRY_MILLISECONDS = 1_000
const MAX_RETRY_MILLISECONDS = 15_000
/** A change that was sent before and is refused now is given up only after this: the first copy has landed by then. */
const SECOND_LOOK_MILLISECONDS = 30_000
/** How often a change is made anew when theirs moves between reading and writing. */
const MAX_TRIES = 3

/** A change that may stand in their database and not in ours. */
interface Pending extends Record<string, SqlStorageValue> {
  identity_store_id: string
  user_id: string
  username: string
  idempotency_key: string
  /** JSON. */
  changes: string
  request_id: string
  /** The version that the change was sent for; null: it was not sent yet. */
  base_version: number | null
  failures: number
  refused_at: number | null
}

export class UserProfiles extends DurableObject<Env> {
  private readonly sql: SqlStorage
  private readonly db: Database
  private readonly server: ApplicationServer
  private tail: Promise<unknown> = Promise.resolve()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const settings = readSettings(env)
    if (!settings.ok) throw new Error(`not configured: ${settings.error.join('; ')}`)
    this.db = openDatabase(env.DB)
    this.server = new ApplicationServer(env.APPLICATION_SERVER, settings.value.applicationServer)
    this.sql = ctx.storage.sql
    this.sql.exec(`CREATE TABLE IF NOT EXISTS pending (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      identity_store_id TEXT NOT NULL,
      user_id TEXT NOT NULL,
      username TEXT NOT NULL,
      idempotency_key TEXT NOT NULL,
      changes TEXT NOT NULL,
      request_id TEXT NOT NULL,
      base_version INTEGER,
      failures INTEGER NOT NULL,
      refused_at INTEGER
    )`)
  }

  /**
   * Changes a user's profile wherever its login mode says. A change whose turn comes after `startBefore`
   * (epoch milliseconds) is not begun. Errors: `user_not_found`; `unavailable`: nothing was changed, but for
   * `timed_out`, after which the change may stand and both databases will agree on it or on what came of it.
   */
  async change(
    owner: UserKey,
    changes: ProfileChanges,
    requestId: string,
    startBefore: number,
  ): Promise<Result<Profile, SessionError>> {
    return this.inTurn(async () => {
      if (Date.now() > startBefore) return fail(BUSY)
      const earlier = await this.settle()
      if (!earlier) return fail(BUSY)
      const found = await findUser(this.db, owner)
      if (!found.ok) return found
      if (found.value === null) return fail({ code: 'user_not_found' })
      const { user, loginMode, updateProfileToBsDbSso } = found.value
      return writesBoth(loginMode, updateProfileToBsDbSso)
        ? this.changeBoth(user, changes, requestId)
        : this.changeOurs(owner, changes, requestId)
    })
  }

  /** Finishes what was left undone. */
  override async alarm(): Promise<void> {
    await this.inTurn(() => this.settle())
  }

  private async changeOurs(
    owner: UserKey,
    changes: ProfileChanges,
    requestId: string,
  ): Promise<Result<Profile, SessionError>> {
    const changed = await changeProfile(this.db, owner.userId, changes, entry(owner, requestId))
    if (!changed.ok) return changed
    return changed.value === null ? fail({ code: 'user_not_found' }) : ok(profileOf(changed.value))
  }

  private async changeBoth(
    user: User,
    changes: ProfileChanges,
    requestId: string,
  ): Promise<Result<Profile, SessionError>> {
    const pending = await this.begin(user, changes, requestId)
    for (let tries = 1; ; tries += 1) {
      const before = await this.server.readProfile(pending.username)
      if (!before.ok) return this.abandon(unavailableBecause(before.error))
      if (before.value === null) return this.abandon(UNKNOWN_THERE)
      const { version } = before.value
      this.sql.exec('UPDATE pending SET base_version = ?', version)
      const theirs = await this.server.updateProfile(pending.username, changes, pending.idempotency_key, version)
      if (theirs.ok) return this.takeOver(pending, theirs.value)
      switch (theirs.error.code) {
        case 'version_conflict':
          if (tries === MAX_TRIES) return this.abandon(BUSY)
          break
        case 'unknown':
        case 'timed_out':
          await this.ctx.storage.setAlarm(Date.now() + RETRY_MILLISECONDS)
          return fail(IN_DOUBT)
        default:
          return this.abandon(unavailableBecause(theirs.error))
      }
    }
  }

  private async begin(user: User, changes: ProfileChanges, requestId: string): Promise<Pending> {
    const pending: Pending = {
      identity_store_id: user.identityStoreId,
      user_id: user.userId,
      username: user.username ?? '',
      idempotency_key: crypto.randomUUID(),
      changes: JSON.stringify(changes),
      request_id: requestId,
      base_version: null,
      failures: 0,
      refused_at: null,
    }
    this.sql.exec(
      'INSERT INTO pending VALUES (1, ?, ?, ?, ?, ?, ?, NULL, 0, NULL)',
      pending.identity_store_id,
      pending.user_id,
      pending.username,
      pending.idempotency_key,
      pending.changes,
      pending.request_id,
    )
    await this.ctx.storage.setAlarm(Date.now() + GRACE_MILLISECONDS)
    return pending
  }

  /** Nothing was changed anywhere, and nothing will be. */
  private async abandon(error: SessionError): Promise<Result<never, SessionError>> {
    await this.forget()
    return fail(error)
  }

  private async forget(): Promise<void> {
    this.sql.exec('DELETE FROM pending')
    await this.ctx.storage.deleteAlarm()
  }

  /** Theirs has changed: ours follows, now or by the alarm. */
  private async takeOver(pending: Pending, remote: RemoteProfile): Promise<Result<Profile, SessionError>> {
    const taken = await this.take(pending, remote)
    if (!taken.ok) {
      await this.ctx.storage.setAlarm(Date.now() + RETRY_MILLISECONDS)
      return fail(OURS_FOLLOWS)
    }
    await this.forget()
    return taken.value === null ? fail({ code: 'user_not_found' }) : ok(profileOf(taken.value))
  }

  private take(pending: Pending, remote: RemoteProfile) {
    const owner = { identityStoreId: pending.identity_store_id, userId: pending.user_id }
    return takeProfile(this.db, owner.userId, remote, entry(owner, pending.request_id))
  }

  /** Finishes an earlier change, if there is one. False if that is not possible now: the alarm will try again. */
  private async settle(): Promise<boolean> {
    const pending = this.sql.exec<Pending>('SELECT * FROM pending').toArray()[0]
    if (pending === undefined) return true
    if (await this.isSettled(pending)) {
      await this.forget()
      return true
    }
    const wait = Math.min(RETRY_MILLISECONDS * 2 ** pending.failures, MAX_RETRY_MILLISECONDS)
    this.sql.exec('UPDATE pending SET failures = failures + 1')
    await this.ctx.storage.setAlarm(Date.now() + wait)
    const { identity_store_id: identityStoreId, user_id: userId, failures } = pending
    console.warn('a profile change is not finished', { identityStoreId, userId, failures: failures + 1 })
    return false
  }

  /**
   * Reads what the profile is there and makes ours the same. If it still has the version that the change was
   * sent for, the change may be under way: it is sent again under its own key, which settles it either way.
   */
  private async isSettled(pending: Pending): Promise<boolean> {
    if (pending.base_version === null) return true
    const read = await this.server.readProfile(pending.username)
    if (!read.ok) return false
    if (read.value === null) return true
    let remote = read.value
    if (remote.version === pending.base_version) {
      const { username, changes, idempotency_key: key, base_version: version } = pending
      const sent = await this.server.updateProfile(username, JSON.parse(changes), key, version)
      if (!sent.ok) return sent.error.code === 'refused' && this.staysRefused(pending)
      remote = sent.value
    }
    return (await this.take(pending, remote)).ok
  }

  private staysRefused(pending: Pending): boolean {
    const now = Date.now()
    if (pending.refused_at === null) this.sql.exec('UPDATE pending SET refused_at = ?', now)
    return pending.refused_at !== null && now - pending.refused_at >= SECOND_LOOK_MILLISECONDS
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(work)
    this.tail = turn.catch(() => undefined)
    return turn
  }
}

const WHAT = { code: 'unavailable', what: 'application server', retryAfterSeconds: 5 } as const
const BUSY: SessionError = { ...WHAT, detail: 'Another change of this profile is not finished. Nothing was changed.' }
const UNKNOWN_THERE: SessionError = {
  ...WHAT,
  because: 'refused',
  detail: 'The application server does not know this user.',
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

function profileOf({ firstName, lastName, emailAddress }: User): Profile {
  return { firstName, lastName, emailAddress }
}

/** The user did it; the request id leads to the request, also from work done later. */
function entry({ identityStoreId, userId }: UserKey, requestId: string) {
  const at = Date.now()
  const action = 'user.profile_changed'
  return { identityStoreId, eventId: newRecordId(at), at, actor: `user:${userId}`, action, requestId }
}
