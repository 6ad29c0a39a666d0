/**
 * `StoreJobs`: the Durable Object, one per identity store, that finishes what must be finished. A job is
 * written before the change that it completes, so it survives whatever stops the request. Jobs run one
 * at a time, at least once; their steps are idempotent and read what holds now instead of being told.
 */
import { DurableObject } from 'cloudflare:workers'
import { fail, ok, type Result } from '../domain/result.ts'
import { type Env, readSettings } from '../env.ts'
import { openDatabase, type Unavailable } from '../store/database.ts'
import { type Job, type JobContext, type JobOutcome, runJob } from './jobs.ts'

/** How long a job waits for the request that wrote it to do the work itself, in milliseconds. */
const GRACE_MILLISECONDS = 10_000
/** When a job whose change was never confirmed looks again: a write that hung has landed by then. */
const SECOND_LOOK_MILLISECONDS = 30_000
/** Wait before a failed job is tried again; doubles up to the second. */
const RETRY_MILLISECONDS = 2_000
const MAX_RETRY_MILLISECONDS = 60_000

/** A job as an operator sees it. */
export interface JobStatus {
  readonly id: string
  readonly job: Job
  readonly createdAt: number
  readonly dueAt: number
  /** Failures in a row. */
  readonly failures: number
}

interface Row extends Record<string, SqlStorageValue> {
  id: string
  job: string
  revision: number
  confirmed: number
  created_at: number
  due_at: number
  failures: number
}

export class StoreJobs extends DurableObject<Env> {
  private readonly sql: SqlStorage
  private readonly context: Omit<JobContext, 'identityStoreId' | 'now'>
  private tail: Promise<unknown> = Promise.resolve()

  constructor(ctx: DurableObjectState, env: Env) {
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
    this.sql.exec(`CREATE TABLE IF NOT EXISTS owner (only INTEGER PRIMARY KEY CHECK (only = 1), identity_store_id TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS jobs (
        id TEXT PRIMARY KEY,
        job TEXT NOT NULL,
        revision INTEGER NOT NULL,
        confirmed INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        failures INTEGER NOT NULL
      ) WITHOUT ROWID`)
  }

  /**
   * Writes a job down before its change is made. One of the same id is replaced. If neither `run` nor
   * `settle` follows, it runs by itself, twice: once soon, and once when a hanging write has surely landed.
   */
  async expect(identityStoreId: string, id: string, job: Job): Promise<void> {
    this.sql.exec('INSERT INTO owner VALUES (1, ?) ON CONFLICT DO NOTHING', identityStoreId)
    const now = Date.now()
    this.sql.exec(
      `INSERT INTO jobs VALUES (?1, ?2, 1, 0, ?3, ?4, 0)
       ON CONFLICT (id) DO UPDATE SET job = excluded.job, revision = revision + 1, confirmed = 0, due_at = excluded.due_at, failures = 0`,
      id,
      JSON.stringify(job),
      now,
      now + GRACE_MILLISECONDS,
    )
    await this.arm()
  }

  /** The change was made and all that follows from it was done, or the change was not made: no job is left. */
  async settle(id: string): Promise<void> {
    this.sql.exec('DELETE FROM jobs WHERE id = ?', id)
    await this.arm()
  }

  /** The change was made: does the job now. What does not succeed is tried again by the alarm. */
  async run(id: string): Promise<Result<void, Unavailable>> {
    this.sql.exec('UPDATE jobs SET confirmed = 1 WHERE id = ?', id)
    return this.inTurn(async () => {
      const row = this.sql.exec<Row>('SELECT * FROM jobs WHERE id = ?', id).toArray()[0]
      const done = row === undefined ? ok() : await this.step(row)
      await this.arm()
      return done
    })
  }

  /** The jobs that are not done, the next one first. */
  list(): readonly JobStatus[] {
    return this.sql
      .exec<Row>('SELECT * FROM jobs ORDER BY due_at, id')
      .toArray()
      .map((row) => ({
        id: row.id,
        job: JSON.parse(row.job),
        createdAt: row.created_at,
        dueAt: row.due_at,
        failures: row.failures,
      }))
  }

  /** Runs every job that is due. */
  override async alarm(): Promise<void> {
    await this.inTurn(async () => {
      const due = this.sql.exec<Row>('SELECT * FROM jobs WHERE due_at <= ? ORDER BY due_at, id', Date.now()).toArray()
      for (const row of due) await this.step(row)
      await this.arm()
    })
  }

  /** One job at a time: two publishers of one key would race each other. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.tail.then(work)
    this.tail = turn.catch(() => undefined)
    return turn
  }

  private async step(row: Row): Promise<Result<void, Unavailable>> {
    const identityStoreId = this.sql
      .exec<{ identity_store_id: string }>('SELECT identity_store_id FROM owner')
      .one().identity_store_id
    const context = { ...this.context, identityStoreId, now: Date.now() }
    let outcome: JobOutcome
    try {
      outcome = await runJob(JSON.parse(row.job), context)
    } catch (error) {
      // A bug in one job must not stop the others, nor be forgotten: it is retried like an outage.
      console.error('job failed', { identityStoreId, id: row.id, error: String(error) })
      outcome = { next: 'failed', what: 'job' }
    }
    const now = Date.now()
    switch (outcome.next) {
      case 'done':
        // A job that was written again meanwhile has another revision and stays.
        if (row.confirmed === 1) this.sql.exec('DELETE FROM jobs WHERE id = ? AND revision = ?', row.id, row.revision)
        else this.change(row, { confirmed: 1, dueAt: now + SECOND_LOOK_MILLISECONDS, failures: 0, job: row.job })
        return ok()
      case 'again':
        this.change(row, {
          confirmed: row.confirmed,
          dueAt: outcome.dueAt,
          failures: 0,
          job: JSON.stringify(outcome.job),
        })
        return ok()
      case 'failed': {
        const wait = Math.min(RETRY_MILLISECONDS * 2 ** row.failures, MAX_RETRY_MILLISECONDS)
        this.change(row, { confirmed: row.confirmed, dueAt: now + wait, failures: row.failures + 1, job: row.job })
        return fail({ code: 'unavailable', what: outcome.what, retryAfterSeconds: 5 })
      }
    }
  }

  private change(row: Row, to: { confirmed: number; dueAt: number; failures: number; job: string }): void {
    this.sql.exec(
      'UPDATE jobs SET confirmed = max(confirmed, ?), due_at = ?, failures = ?, job = ? WHERE id = ? AND revision = ?',
      to.confirmed,
      to.dueAt,
      to.failures,
      to.job,
      row.id,
      row.revision,
    )
  }

  private async arm(): Promise<void> {
    const next = this.sql.exec<{ due_at: number | null }>('SELECT min(due_at) AS due_at FROM jobs').one().due_at
    if (next === null) await this.ctx.storage.deleteAlarm()
    else await this.ctx.storage.setAlarm(next)
  }
}
