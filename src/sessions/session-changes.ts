/**
 * Changes of what holds for the sessions of users: status, settings, the store's config. Each writes its jobs first, is
 * made in D1, and then has its jobs done; what this isolate remembers of checks is forgotten in between.
 */
import { waitUntil } from 'cloudflare:workers'
import type { ClientKind } from '../domain/client-kind.ts'
import type { SessionError } from '../domain/errors.ts'
import type { UserKey } from '../domain/ids.ts'
import type { OpenIdLogout } from '../domain/openid-login.ts'
import type { GroupConfig, SessionConfig, Versioned } from '../domain/policy.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { AskedBy } from '../domain/session.ts'
import {
  APPLY_TIMEOUT_MILLISECONDS,
  LOGOUT_TIMEOUT_MILLISECONDS,
  OBJECT_TIMEOUT_MILLISECONDS,
  OBJECTS_AT_ONCE,
} from '../limits.ts'
import type { AuditEntry } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'
import { putGroupConfig } from '../store/group-session-configs.ts'
import { type ConfigChanges, updateSessionConfig } from '../store/session-configs.ts'
import type { ChangedUsers } from '../store/session-settings.ts'
import { storeTag } from '../store/store-tag.ts'
import { deleteUser } from '../store/user-changes.ts'
import { type Unavailable, within } from '../time-limit.ts'
import type { CheckMemory } from './check-memory.ts'
import type { ConfigCopies } from './config-copies.ts'
import type { EndItem } from './jobs/end-parts.ts'
import type { JobStatus } from './jobs/job-status.ts'
import type { Job } from './jobs/run-job.ts'
import type { SeenToken } from './jobs/seen-tokens.ts'
import type { StoreJobs } from './jobs/store-jobs.ts'
import { changeWithJobs } from './prepared-jobs.ts'

export class SessionChanges {
  private readonly db: Database
  private readonly jobs: DurableObjectNamespace<StoreJobs>
  private readonly memory: CheckMemory
  private readonly configs: ConfigCopies

  constructor(db: Database, jobs: DurableObjectNamespace<StoreJobs>, memory: CheckMemory, configs: ConfigCopies) {
    this.db = db
    this.jobs = jobs
    this.memory = memory
    this.configs = configs
  }

  /**
   * Makes a change to one user and applies it to the live sessions. If the user's object cannot be told now,
   * `unavailable` is answered, the change stands, and a job tells the object. `more`: jobs that follow this one.
   */
  async changeRules<T, E>(
    { identityStoreId, userId }: UserKey,
    change: () => Promise<Result<T, E | Unavailable>>,
    more: readonly Job[] = [],
  ): Promise<Result<T, E | Unavailable>> {
    const jobs: Job[] = [{ kind: 'apply_rules', userIds: [userId], signedInOnly: false }, ...more]
    return this.memory.forgettingAll({ identityStoreId, userId }, async (forget) => {
      const made = await changeWithJobs(this.stub(identityStoreId), identityStoreId, crypto.randomUUID(), jobs, change)
      if (!made.ok) return made
      forget()
      const applied = await made.value.jobs.confirm()
      return applied.ok ? ok(made.value.value) : applied
    })
  }

  /**
   * Deletes a user, and ends its sessions. What there is of it beyond a first batch a job erases, and in its object. Errors:
   * `user_not_found`; `unavailable` as for `changeRules`.
   */
  async deleteUser(owner: UserKey, entry: AuditEntry): Promise<Result<unknown, SessionError>> {
    const until = { sessionId: '', eventId: '' }
    const erasing = { kind: 'erase_user', userId: owner.userId, deletionEventId: entry.eventId, until } as const
    const remove = async () => found(await deleteUser(this.db, owner.userId, entry), 'user_not_found')
    return this.changeRules(owner, remove, [erasing])
  }

  /**
   * Makes a change to the settings of many users and applies it to the live sessions of those who are signed in.
   * `appliedNow` false: the change stands, some objects could not be told now, and a job goes on telling them.
   */
  async changeSettings<E>(
    identityStoreId: string,
    userIds: readonly string[],
    requestId: string,
    change: () => Promise<Result<ChangedUsers, E | Unavailable>>,
  ): Promise<Result<{ readonly appliedNow: boolean }, E | Unavailable>> {
    const jobs: Job[] = [{ kind: 'apply_rules', userIds, signedInOnly: true }]
    return this.memory.forgettingAll({ identityStoreId }, async (forget) => {
      const made = await changeWithJobs(this.stub(identityStoreId), identityStoreId, requestId, jobs, change)
      if (!made.ok) return made
      forget()
      if (made.value.value.anySignedIn) {
        const applied = await made.value.jobs.confirm({ timeoutMilliseconds: APPLY_TIMEOUT_MILLISECONDS })
        return ok({ appliedNow: applied.ok })
      }
      // A job that is left over would find nobody either, so the answer does not wait for its end.
      waitUntil(made.value.jobs.cancel())
      return ok({ appliedNow: true })
    })
  }

  /**
   * Changes the named fields of a store's session config. It holds here at once, elsewhere within two
   * minutes: the copy for the edge is published, and the live sessions' users are told, by its jobs.
   * Errors: `identity_store_not_found`, `unavailable`; `precondition_failed` where the version is not the one `seen`.
   */
  async updateConfig(
    changes: ConfigChanges,
    entry: AuditEntry,
    seen: number | null = null,
  ): Promise<Result<Versioned<SessionConfig>, SessionError>> {
    const { identityStoreId, eventId, at } = entry
    const jobs: Job[] = [{ kind: 'publish_config' }, { kind: 'sweep_sessions' }]
    if (changes.trackSessionLocation === false) jobs.push({ kind: 'clear_locations' })
    // The objects are told later, and by each check that knows the config.
    return this.memory.forgettingAll({ identityStoreId }, async () => {
      const made = await changeWithJobs(this.stub(identityStoreId), identityStoreId, eventId, jobs, async () =>
        found(await updateSessionConfig(this.db, changes, entry, seen), 'identity_store_not_found'),
      )
      if (!made.ok) return made
      const { before, after } = made.value.value
      waitUntil(made.value.jobs.confirm({ needless: before.trackSessionLocation ? [] : ['clear_locations'] }))
      this.configs.put(storeTag(identityStoreId), after, at)
      return ok(after)
    })
  }

  /**
   * Sets what a group says; nothing, to remove it. The live sessions' users are told by its job. Answers the version.
   * Errors: `identity_store_not_found`, `unavailable`.
   */
  async putGroupConfig(groupId: string, config: GroupConfig, entry: AuditEntry): Promise<Result<number, SessionError>> {
    const { identityStoreId, eventId } = entry
    return this.memory.forgettingAll({ identityStoreId }, async () => {
      const made = await changeWithJobs(
        this.stub(identityStoreId),
        identityStoreId,
        eventId,
        [{ kind: 'sweep_sessions' }],
        async () => found(await putGroupConfig(this.db, groupId, config, entry), 'identity_store_not_found'),
      )
      if (!made.ok) return made
      waitUntil(made.value.jobs.confirm())
      return ok(made.value.value.version)
    })
  }

  /**
   * Takes on a job that ends all web sessions that these users, who must exist, have now; of one kind of client, or of
   * all (null). It will be done whatever stops the process; its progress is in the store's jobs. Errors: `unavailable`.
   */
  async resetUsers(
    identityStoreId: string,
    userIds: readonly string[],
    clients: ClientKind | null,
    by: AskedBy & { readonly requestId: string },
  ): Promise<Result<void, Unavailable>> {
    // `acceptedAt` is for earlier versions, which may take the job over.
    const job: Job = { kind: 'reset_users', userIds, done: 0, acceptedAt: Date.now(), clients, by }
    return this.memory.forgettingAll({ identityStoreId }, (forget) => {
      forget()
      return within(OBJECT_TIMEOUT_MILLISECONDS, 'jobs', () =>
        this.stub(identityStoreId).enqueue(identityStoreId, { id: `reset_users:${by.requestId}`, job }),
      )
    })
  }

  /**
   * Takes on a job that ends exactly these sessions, a few users at a time, over so many seconds. It will be done
   * whatever stops the process; what became of each is in the job, for a day. Errors: `unavailable`.
   */
  async endSessions(
    identityStoreId: string,
    items: readonly EndItem[],
    overSeconds: number,
    by: AskedBy & { readonly requestId: string },
  ): Promise<Result<JobStatus, Unavailable>> {
    const job = {
      kind: 'end_sessions',
      acceptedAt: Date.now(),
      overSeconds,
      by,
      parts: 0,
      part: 0,
      missed: [],
      finishedAt: null,
      cancelled: false,
    } as const
    const named = { id: `end_sessions:${by.requestId}`, job }
    // So many users in a step that there is a step each second.
    const users = overSeconds === 0 ? OBJECTS_AT_ONCE : Math.ceil(items.length / overSeconds)
    return this.memory.forgettingAll({ identityStoreId }, (forget) => {
      forget()
      return within(OBJECT_TIMEOUT_MILLISECONDS, 'jobs', async () =>
        this.stub(identityStoreId).endSessions(identityStoreId, named, items, Math.max(1, users)),
      )
    })
  }

  /**
   * Takes on a job that fills D1 again from the objects of the store's users, after D1 has lost data. Answers the id of
   * the job. Errors: `unavailable`.
   */
  async rebuildRecords(
    identityStoreId: string,
    by: AskedBy & { readonly requestId: string },
  ): Promise<Result<string, Unavailable>> {
    const id = `rebuild_records:${by.requestId}`
    const job = { kind: 'rebuild_records', by, progress: null } as const
    const taken = await within(OBJECT_TIMEOUT_MILLISECONDS, 'jobs', async () =>
      this.stub(identityStoreId).enqueue(identityStoreId, { id, job }),
    )
    return taken.ok ? ok(id) : taken
  }

  /**
   * Takes on a job that ends what a logout token names, unless the token came before; answers whether it did. It will
   * be done whatever stops the process, and usually is done when this answers. Errors: `unavailable`: the token may be
   * sent again.
   */
  async acceptLogout(
    identityStoreId: string,
    logout: OpenIdLogout,
    token: SeenToken,
    by: { readonly caller: string; readonly requestId: string },
  ): Promise<Result<boolean, Unavailable>> {
    const id = `idp_logout:${by.requestId}`
    const job = { kind: 'idp_logout', logout, by, looked: false } as const
    return this.memory.forgettingAll({ identityStoreId }, async (forget) => {
      forget()
      const accepted = await within(OBJECT_TIMEOUT_MILLISECONDS, 'jobs', async () =>
        this.stub(identityStoreId).acceptLogout(identityStoreId, { id, job }, token),
      )
      if (!accepted.ok || !accepted.value) return accepted
      await within(LOGOUT_TIMEOUT_MILLISECONDS, 'jobs', async () => this.stub(identityStoreId).confirm([id]))
      return accepted
    })
  }

  private stub(identityStoreId: string): DurableObjectStub<StoreJobs> {
    return this.jobs.get(this.jobs.idFromName(identityStoreId))
  }
}

/** What a change was made to; null means that it is not there. */
function found<T>(
  changed: Result<T | null, SessionError>,
  otherwise: 'identity_store_not_found' | 'user_not_found',
): Result<T, SessionError> {
  if (!changed.ok) return changed
  return changed.value === null ? fail({ code: otherwise }) : ok(changed.value)
}
