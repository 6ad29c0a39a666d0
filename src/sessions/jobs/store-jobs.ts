/**
 * `StoreJobs`: the Durable Object, one per identity store, that finishes what must be finished. A job is
 * written before the change that it completes, so it survives whatever stops the request. Jobs run one
 * at a time, at least once; their steps are idempotent and read what holds now instead of being told.
 */

import { DurableObject } from 'cloudflare:workers'
import { keepAuditLog } from '../../audit/care.ts'
import { Sealing } from '../../auth/sealing.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { type Endpoints, wakeEndpoints } from '../../events/wake.ts'
import { objectsIn } from '../../jurisdiction.ts'
import {
  FAILURES_TO_TELL,
  JOB_GRACE_MILLISECONDS,
  JOB_RETRY_MILLISECONDS,
  JOB_SECOND_LOOK_MILLISECONDS,
  MAX_JOB_RETRY_MILLISECONDS,
  RETRY_AFTER_SECONDS,
  UNKNOWN_JOB_MILLISECONDS,
} from '../../limits.ts'
import { log, logContext } from '../../log.ts'
import { settingsOfObject } from '../../object-settings.ts'
import { inSpan } from '../../spans.ts'
import { openDatabase } from '../../store/database.ts'
import { forgetFailing, noteFailing } from '../../store/failing-work.ts'
import { migrate } from '../../store/object-schema.ts'
import type { Unavailable } from '../../time-limit.ts'
import { Turns } from '../../turns.ts'
import type { UserSessions } from '../object/user-sessions.ts'
import { END_PARTS, type EndItem, EndParts } from './end-parts.ts'
import { finished } from './end-sessions.ts'
import type { JobContext, JobOutcome } from './job-calls.ts'
import { type JobRow, type JobStatus, type NamedJob, statusOf } from './job-status.ts'
import { type Job, mayBeCancelled, replacesOlder, runJob } from './run-job.ts'
import { noteToken, SEEN_TOKENS, type SeenToken } from './seen-tokens.ts'
import { readJob } from './stored-jobs.ts'

/** The object's schema. */
export const STEPS: readonly string[] = [
  // Objects that are older than these steps have the tables already.
  `CREATE TABLE IF NOT EXISTS owner (only INTEGER PRIMARY KEY CHECK (only = 1), identity_store_id TEXT NOT NULL);
   CREATE TABLE IF NOT EXISTS jobs (
     id TEXT PRIMARY KEY,
     job TEXT NOT NULL,
     revision INTEGER NOT NULL,
     open_changes INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     due_at INTEGER NOT NULL,
     failures INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // The old columns are still written, so that the previous version can do these jobs too: `revision` is always 1.
  'ALTER TABLE jobs ADD COLUMN confirmed INTEGER GENERATED ALWAYS AS (open_changes = 0) VIRTUAL;',
  END_PARTS,
  'CREATE TABLE endpoints (endpoint_id TEXT PRIMARY KEY) WITHOUT ROWID;',
  SEEN_TOKENS,
]

interface Bindings {
  readonly DB: D1Database
  readonly CONFIG: KVNamespace
  readonly USERS: DurableObjectNamespace<UserSessions>
  readonly ENDPOINTS: Endpoints
}

export class StoreJobs extends DurableObject<Bindings> {
  private readonly sql: SqlStorage
  private readonly ends: EndParts
  private readonly endpoints: Endpoints
  private readonly sealing: Sealing
  private readonly context: Omit<JobContext, 'identityStoreId' | 'jobId' | 'now'>
  /** One step at a time: two publishers of one key would race each other. */
  private readonly turns = new Turns()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = settingsOfObject(ctx, env)
    this.sql = ctx.storage.sql
    this.ends = new EndParts(this.sql)
    this.endpoints = objectsIn(env.ENDPOINTS, settings.jurisdiction)
    this.sealing = new Sealing(settings.sealingKeys)
    this.context = {
      ends: this.ends,
      db: openDatabase(env.DB),
      config: env.CONFIG,
      users: objectsIn(env.USERS, settings.jurisdiction),
      verifyAfterMilliseconds: settings.configVerifySeconds * 1000,
      limits: settings.limits,
    }
    migrate(this.sql, STEPS)
    // The platform may have given the alarm up.
    if (this.nextDue() !== null) ctx.blockConcurrencyWhile(() => this.setAlarm())
  }

  /**
   * Writes jobs down before their change is made. If neither `confirm` nor `cancel` follows, each runs by itself,
   * twice: once soon, and once when a hanging write has surely landed.
   */
  async prepare(identityStoreId: string, jobs: readonly NamedJob[]): Promise<void> {
    await this.write(identityStoreId, jobs, false, Date.now() + JOB_GRACE_MILLISECONDS)
  }

  /** Takes on work that needs no change to be made first. It is begun at once, whatever becomes of the request. */
  async enqueue(identityStoreId: string, job: NamedJob): Promise<void> {
    await this.write(identityStoreId, [job], true, Date.now())
  }

  /**
   * Takes on what a logout token asks for, unless the token came before: both in one step. `confirm` is to follow.
   * Answers whether it did so.
   */
  async acceptLogout(identityStoreId: string, job: NamedJob, token: SeenToken): Promise<boolean> {
    const now = Date.now()
    if (!noteToken(this.sql, token, now)) return false
    await this.write(identityStoreId, [job], true, now + JOB_GRACE_MILLISECONDS)
    return true
  }

  /**
   * Takes on to end these sessions, so many users at a time. Answers the job; the same id again answers it as it stands.
   */
  async endSessions(
    identityStoreId: string,
    { id, job }: NamedJob & { readonly job: { readonly kind: 'end_sessions' } },
    items: readonly EndItem[],
    usersInStep: number,
  ): Promise<JobStatus> {
    const parts = this.ends.write(id, items, usersInStep)
    await this.enqueue(identityStoreId, { id, job: { ...job, parts } })
    return this.status(id) as JobStatus
  }

  /** One job; null for one that is not there, or is done and has no results. */
  status(id: string): JobStatus | null {
    const row = this.find(id)
    return row === null ? null : statusOf(row, this.ends)
  }

  /** What became of the sessions of a job, from a place on; null for a job that is not there or ends none. */
  results(id: string, from: number, limit: number): readonly EndItem[] | null {
    return this.status(id)?.hasResults === true ? this.ends.page(id, from, limit) : null
  }

  /** Tries a job again now. Answers it; null for one that is not there. One that is over stays so. */
  async retry(id: string): Promise<JobStatus | null> {
    const status = this.status(id)
    if (status?.state !== 'running' && status?.state !== 'failing') return status
    this.sql.exec('UPDATE jobs SET due_at = ?, failures = 0 WHERE id = ?', Date.now(), id)
    await this.setAlarm()
    return this.status(id)
  }

  /**
   * Gives a job up, or forgets one that is over. `refused`: other changes rely on it; `missing`: it is not there. What
   * it has done stays done.
   */
  drop(id: string): Promise<'dropped' | 'refused' | 'missing'> {
    return this.turns.take(async () => {
      const row = this.find(id)
      const job = row === null ? null : readJob(row.job).job
      if (row === null) return 'missing'
      if (job === null || !mayBeCancelled(job)) return 'refused'
      if (job.kind === 'end_sessions' && job.finishedAt === null) {
        const kept = finished(job, true, Date.now())
        this.ends.cancel(id)
        this.sql.exec('UPDATE jobs SET job = ?, due_at = ? WHERE id = ?', JSON.stringify(kept.job), kept.dueAt, id)
      } else this.remove(id)
      await this.setAlarm()
      return 'dropped'
    })
  }

  /**
   * The change was made: does the jobs now, in this order, but for those for which it has left nothing to do. What does
   * not succeed is tried again by the alarm.
   */
  async confirm(ids: readonly string[], needless: readonly string[] = []): Promise<Result<void, Unavailable>> {
    for (const id of needless) this.remove(id)
    for (const id of ids) this.markConfirmed(id)
    this.wakeEndpoints()
    const done = await Promise.all(ids.map((id) => this.turns.take(() => this.step(id))))
    await this.setAlarm()
    return done.find(({ ok }) => !ok) ?? ok()
  }

  /** The change was refused: its jobs are dropped. */
  async cancel(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.remove(id)
    this.wakeEndpoints()
    await this.setAlarm()
  }

  /** The endpoints that the store's events are sent to. */
  async setEndpoints(identityStoreId: string, endpointIds: readonly string[]): Promise<void> {
    await this.write(identityStoreId, [], true, 0)
    this.sql.exec('DELETE FROM endpoints')
    for (const id of endpointIds) this.sql.exec('INSERT INTO endpoints (endpoint_id) VALUES (?)', id)
  }

  /** Something was changed in the store that its endpoints may be waiting for. Nobody waits for them. */
  wakeEndpoints(): void {
    const ids = this.sql.exec<{ endpoint_id: string }>('SELECT endpoint_id FROM endpoints').toArray()
    if (ids.length === 0) return
    this.ctx.waitUntil(
      wakeEndpoints(
        this.endpoints,
        this.owner,
        ids.map(({ endpoint_id: id }) => id),
      ),
    )
  }

  /** The jobs that are not done, the next one first. */
  list(): readonly JobStatus[] {
    return this.sql
      .exec<JobRow>('SELECT * FROM jobs ORDER BY due_at, id')
      .toArray()
      .map((row) => statusOf(row, this.ends))
  }

  /** Keeps the store's audit log: of each store its object does, since D1 takes so many statements of one invocation. */
  keepAuditLog(identityStoreId: string, cutBefore: number | null): Promise<Result<void, Unavailable>> {
    return keepAuditLog(this.context.db, this.sealing, identityStoreId, cutBefore, Date.now())
  }

  /**
   * Comes once a day, for alarms that were lost: this object begins, and those users are asked for whose objects should
   * have ended sessions.
   */
  async lookAfter(identityStoreId: string): Promise<Result<void, Unavailable>> {
    const sweep = { id: 'sweep_sessions:overdue', job: { kind: 'sweep_sessions', overdue: true } } as const
    await this.write(identityStoreId, [sweep], true, Date.now())
    return ok()
  }

  /** Runs every job that is due. */
  override async alarm(): Promise<void> {
    const due = this.sql.exec<{ id: string }>('SELECT id FROM jobs WHERE due_at <= ? ORDER BY due_at, id', Date.now())
    for (const { id } of due.toArray()) await this.turns.take(() => this.step(id))
    this.wakeEndpoints()
    await this.setAlarm()
  }

  private async step(id: string): Promise<Result<void, Unavailable>> {
    const row = this.find(id)
    if (row === null) return ok()
    const { kind, job } = readJob(row.job)
    if (job === null) return this.leaveUnknown(row, kind)
    const outcome = await this.attempt(row, job)
    const now = Date.now()
    const told = row.failures >= FAILURES_TO_TELL
    if (outcome.next !== 'failed' && told) this.ctx.waitUntil(forgetFailing(this.context.db, this.failing(row, kind)))
    switch (outcome.next) {
      case 'done':
        this.finish(row, now)
        return ok()
      case 'again':
        this.sql.exec(
          'UPDATE jobs SET job = ?, due_at = ?, failures = 0 WHERE id = ?',
          JSON.stringify(outcome.job),
          outcome.dueAt,
          id,
        )
        return ok()
      case 'failed': {
        const wait = Math.min(JOB_RETRY_MILLISECONDS * 2 ** row.failures, MAX_JOB_RETRY_MILLISECONDS)
        const left = outcome.job === undefined ? row.job : JSON.stringify(outcome.job)
        this.sql.exec('UPDATE jobs SET job = ?, due_at = ?, failures = failures + 1 WHERE id = ?', left, now + wait, id)
        if (row.failures + 1 >= FAILURES_TO_TELL) {
          const work = { ...this.failing(row, kind), since: now, seenAt: now, nextAt: now + wait }
          this.ctx.waitUntil(noteFailing(this.context.db, work))
        }
        return fail({ code: 'unavailable', what: outcome.what, retryAfterSeconds: RETRY_AFTER_SECONDS })
      }
    }
  }

  /** A job among what does not succeed in the stores. */
  private failing({ id }: JobRow, kind: string) {
    return { identityStoreId: this.owner, kind, id }
  }

  private get owner(): string {
    return this.sql.exec<{ identity_store_id: string }>('SELECT identity_store_id FROM owner').one().identity_store_id
  }

  private async attempt(row: JobRow, job: Job): Promise<JobOutcome<Job>> {
    const { owner } = this
    try {
      const context = {
        ...this.context,
        identityStoreId: owner,
        jobId: row.id,
        now: Date.now(),
      }
      return await logContext.run({ identityStoreId: owner, job: row.id }, () =>
        inSpan('job', { kind: job.kind, store: owner }, () => runJob(job, context)),
      )
    } catch (error) {
      // A bug in one job must not stop the others, nor be forgotten: it is tried again like an outage.
      log('job.failed', { identityStoreId: owner, job: row.id, error: String(error) })
      return { next: 'failed', what: 'job' }
    }
  }

  /** A job that only a later version knows is left to it. It holds up no other job. */
  private leaveUnknown(row: JobRow, kind: string): Result<void, Unavailable> {
    log('job.unknown', { object: this.ctx.id.toString(), job: row.id, kind })
    this.sql.exec('UPDATE jobs SET due_at = ? WHERE id = ?', Date.now() + UNKNOWN_JOB_MILLISECONDS, row.id)
    return fail({ code: 'unavailable', what: 'job', retryAfterSeconds: RETRY_AFTER_SECONDS })
  }

  /** A job whose change may still land, as far as was known when this step began, stays for a second look. */
  private finish({ id, confirmed }: JobRow, now: number): void {
    if (confirmed === 1) this.remove(id)
    else
      this.sql.exec('UPDATE jobs SET open_changes = 0, due_at = ? WHERE id = ?', now + JOB_SECOND_LOOK_MILLISECONDS, id)
  }

  private async write(
    identityStoreId: string,
    jobs: readonly NamedJob[],
    confirmed: boolean,
    dueAt: number,
  ): Promise<void> {
    this.sql.exec('INSERT INTO owner (only, identity_store_id) VALUES (1, ?) ON CONFLICT DO NOTHING', identityStoreId)
    for (const { id, job } of jobs) {
      this.sql.exec(
        `INSERT INTO jobs (id, job, revision, open_changes, created_at, due_at, failures) VALUES (?, ?, 1, ?, ?, ?, 0)
         ON CONFLICT DO NOTHING`,
        id,
        JSON.stringify(job),
        confirmed ? 0 : 1,
        Date.now(),
        dueAt,
      )
    }
    await this.setAlarm()
  }

  /** One that replaces older ones leaves those of its kind whose changes are not confirmed: they may still land. */
  private markConfirmed(id: string): void {
    this.sql.exec('UPDATE jobs SET open_changes = 0 WHERE id = ?', id)
    const row = this.find(id)
    const job = row === null ? null : readJob(row.job).job
    if (job === null || !replacesOlder(job)) return
    this.sql.exec("DELETE FROM jobs WHERE id <> ? AND confirmed AND instr(id || ':', ? || ':') = 1", id, job.kind)
  }

  private remove(id: string): void {
    this.sql.exec('DELETE FROM jobs WHERE id = ?', id)
    this.ends.remove(id)
  }

  private find(id: string): JobRow | null {
    return this.sql.exec<JobRow>('SELECT * FROM jobs WHERE id = ?', id).toArray()[0] ?? null
  }

  private nextDue(): number | null {
    return this.sql.exec<{ due_at: number | null }>('SELECT min(due_at) AS due_at FROM jobs').one().due_at
  }

  private async setAlarm(): Promise<void> {
    const next = this.nextDue()
    if (next === null) await this.ctx.storage.deleteAlarm()
    else await this.ctx.storage.setAlarm(next)
  }
}
