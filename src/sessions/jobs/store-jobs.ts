/**
 * `StoreJobs`: the Durable Object, one per identity store, that finishes what must be finished. A job is
 * written before the change that it completes, so it survives whatever stops the request. Jobs run one
 * at a time, at least once; their steps are idempotent and read what holds now instead of being told.
 */

import { DurableObject } from 'cloudflare:workers'
import { fail, ok, type Result } from '../../domain/result.ts'
import {
  JOB_GRACE_MILLISECONDS,
  JOB_RETRY_MILLISECONDS,
  JOB_SECOND_LOOK_MILLISECONDS,
  MAX_JOB_RETRY_MILLISECONDS,
  RETRY_AFTER_SECONDS,
  UNKNOWN_JOB_MILLISECONDS,
} from '../../limits.ts'
import { logContext } from '../../log-context.ts'
import { readSettings } from '../../settings.ts'
import { openDatabase } from '../../store/database.ts'
import { migrate } from '../../store/object-schema.ts'
import type { Unavailable } from '../../time-limit.ts'
import { Turns } from '../../turns.ts'
import type { UserSessions } from '../object/user-sessions.ts'
import { type Job, type JobContext, type JobOutcome, progressOf, runJob } from './run-job.ts'
import { readJob } from './stored-jobs.ts'

/** The object's schema. */
export const STEPS: readonly string[] = [
  // Objects of before the steps have these tables already.
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
]

/** A job as an operator sees it. */
export interface JobStatus {
  readonly id: string
  readonly kind: string
  /** Null: only a later version knows this kind. */
  readonly job: Job | null
  readonly createdAt: number
  readonly dueAt: number
  /** Failures in a row. */
  readonly failures: number
  /** How far it has come, in users; null for work that is one step. */
  readonly progress: { readonly done: number; readonly left: number } | null
}

interface Row extends Record<string, SqlStorageValue> {
  id: string
  job: string
  /** Grows each time the job is written again. */
  revision: number
  /** Changes that were announced and are not known to be made or refused. */
  open_changes: number
  created_at: number
  due_at: number
  failures: number
}

interface Bindings {
  readonly DB: D1Database
  readonly CONFIG: KVNamespace
  readonly USERS: DurableObjectNamespace<UserSessions>
}

export class StoreJobs extends DurableObject<Bindings> {
  private readonly sql: SqlStorage
  private readonly context: Omit<JobContext, 'identityStoreId' | 'now'>
  /** One step at a time: two publishers of one key would race each other. */
  private readonly turns = new Turns()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = readSettings(env)
    if (!settings.ok) throw new Error(`not configured: ${settings.error.join('; ')}`)
    this.context = {
      db: openDatabase(env.DB),
      config: env.CONFIG,
      users: env.USERS,
      verifyAfterMilliseconds: settings.value.configVerifySeconds * 1000,
    }
    this.sql = ctx.storage.sql
    migrate(this.sql, STEPS)
  }

  /**
   * Writes a job down before its change is made, and answers its revision. One of the same id is there for
   * both changes. If neither `run` nor `withdraw` follows, it runs by itself, twice: once soon, and once
   * when a hanging write has surely landed.
   */
  async expect(identityStoreId: string, id: string, job: Job): Promise<number> {
    this.sql.exec('INSERT INTO owner (only, identity_store_id) VALUES (1, ?) ON CONFLICT DO NOTHING', identityStoreId)
    const now = Date.now()
    const { revision } = this.sql
      .exec<{ revision: number }>(
        `INSERT INTO jobs (id, job, revision, open_changes, created_at, due_at, failures) VALUES (?1, ?2, 1, 1, ?3, ?4, 0)
         ON CONFLICT (id) DO UPDATE SET revision = revision + 1, open_changes = open_changes + 1,
           due_at = min(due_at, excluded.due_at), failures = 0
         RETURNING revision`,
        id,
        JSON.stringify(job),
        now,
        now + JOB_GRACE_MILLISECONDS,
      )
      .one()
    await this.arm()
    return revision
  }

  /** Takes on work that needs no change to be made first. It is begun at once, whatever becomes of the request. */
  async accept(identityStoreId: string, id: string, job: Job): Promise<void> {
    this.sql.exec('INSERT INTO owner (only, identity_store_id) VALUES (1, ?) ON CONFLICT DO NOTHING', identityStoreId)
    const now = Date.now()
    this.sql.exec(
      `INSERT INTO jobs (id, job, revision, open_changes, created_at, due_at, failures) VALUES (?, ?, 1, 0, ?, ?, 0)
       ON CONFLICT DO NOTHING`,
      id,
      JSON.stringify(job),
      now,
      now,
    )
    await this.arm()
  }

  /** The change was refused. A job that nobody else wrote is dropped. */
  async withdraw(id: string, revision: number): Promise<void> {
    this.sql.exec('UPDATE jobs SET open_changes = max(0, open_changes - 1) WHERE id = ?', id)
    if (revision === 1) this.sql.exec('DELETE FROM jobs WHERE id = ? AND revision = 1', id)
    await this.arm()
  }

  /** The change was made: does the job now. What does not succeed is tried again by the alarm. */
  async run(id: string): Promise<Result<void, Unavailable>> {
    this.sql.exec('UPDATE jobs SET open_changes = max(0, open_changes - 1) WHERE id = ?', id)
    const done = await this.turns.take(() => this.step(id))
    await this.arm()
    return done
  }

  /** The jobs that are not done, the next one first. */
  list(): readonly JobStatus[] {
    return this.sql
      .exec<Row>('SELECT * FROM jobs ORDER BY due_at, id')
      .toArray()
      .map((row) => {
        const { kind, job } = readJob(row.job)
        return {
          id: row.id,
          kind,
          job,
          createdAt: row.created_at,
          dueAt: row.due_at,
          failures: row.failures,
          progress: job === null ? null : progressOf(job),
        }
      })
  }

  /** Runs every job that is due. */
  override async alarm(): Promise<void> {
    const due = this.sql.exec<{ id: string }>('SELECT id FROM jobs WHERE due_at <= ? ORDER BY due_at, id', Date.now())
    for (const { id } of due.toArray()) await this.turns.take(() => this.step(id))
    await this.arm()
  }

  private async step(id: string): Promise<Result<void, Unavailable>> {
    const row = this.find(id)
    if (row === null) return ok()
    const { kind, job } = readJob(row.job)
    if (job === null) return this.leaveUnknown(row, kind)
    const outcome = await this.attempt(row, job)
    const now = Date.now()
    switch (outcome.next) {
      case 'done':
        return this.finish(row, now)
      case 'again':
        this.sql.exec(
          'UPDATE jobs SET job = ?, due_at = ?, failures = 0 WHERE id = ? AND revision = ?',
          JSON.stringify(outcome.job),
          outcome.dueAt,
          row.id,
          row.revision,
        )
        return ok()
      case 'failed': {
        const wait = Math.min(JOB_RETRY_MILLISECONDS * 2 ** row.failures, MAX_JOB_RETRY_MILLISECONDS)
        this.sql.exec('UPDATE jobs SET due_at = ?, failures = failures + 1 WHERE id = ?', now + wait, row.id)
        if (outcome.job !== undefined) {
          const left = JSON.stringify(outcome.job)
          this.sql.exec('UPDATE jobs SET job = ? WHERE id = ? AND revision = ?', left, row.id, row.revision)
        }
        return fail({ code: 'unavailable', what: outcome.what, retryAfterSeconds: RETRY_AFTER_SECONDS })
      }
    }
  }

  private async attempt(row: Row, job: Job): Promise<JobOutcome> {
    const owner = this.sql.exec<{ identity_store_id: string }>('SELECT identity_store_id FROM owner').one()
    try {
      const context = { ...this.context, identityStoreId: owner.identity_store_id, now: Date.now() }
      return await logContext.run({ identityStoreId: owner.identity_store_id, job: row.id }, () => runJob(job, context))
    } catch (error) {
      // A bug in one job must not stop the others, nor be forgotten: it is tried again like an outage.
      console.error('job failed', { identityStoreId: owner.identity_store_id, id: row.id, error: String(error) })
      return { next: 'failed', what: 'job' }
    }
  }

  /** A job that only a later version knows is left to it. It holds up no other job. */
  private leaveUnknown(row: Row, kind: string): Result<void, Unavailable> {
    console.error('job of an unknown kind waits', { id: row.id, kind })
    this.sql.exec('UPDATE jobs SET due_at = ? WHERE id = ?', Date.now() + UNKNOWN_JOB_MILLISECONDS, row.id)
    return fail({ code: 'unavailable', what: 'job', retryAfterSeconds: RETRY_AFTER_SECONDS })
  }

  /** A job that was written again meanwhile stays; so does one whose change may still land, for a second look. */
  private finish(row: Row, now: number): Result<void, Unavailable> {
    const current = this.find(row.id)
    if (current === null || current.revision !== row.revision) return ok()
    if (current.open_changes === 0) this.sql.exec('DELETE FROM jobs WHERE id = ?', row.id)
    else
      this.sql.exec(
        'UPDATE jobs SET open_changes = 0, due_at = ? WHERE id = ?',
        now + JOB_SECOND_LOOK_MILLISECONDS,
        row.id,
      )
    return ok()
  }

  private find(id: string): Row | null {
    return this.sql.exec<Row>('SELECT * FROM jobs WHERE id = ?', id).toArray()[0] ?? null
  }

  private async arm(): Promise<void> {
    const next = this.sql.exec<{ due_at: number | null }>('SELECT min(due_at) AS due_at FROM jobs').one().due_at
    if (next === null) await this.ctx.storage.deleteAlarm()
    else await this.ctx.storage.setAlarm(next)
  }
}
