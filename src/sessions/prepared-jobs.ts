/** Work that must follow a change, whatever stops the request in between: written down before the change is made. */
import { ok, type Result } from '../domain/result.ts'
import { JOBS_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { type Unavailable, within } from '../time-limit.ts'
import type { Job } from './jobs/run-job.ts'
import type { StoreJobs } from './jobs/store-jobs.ts'

/** A change that was made, and its jobs. */
export interface MadeChange<T> {
  readonly value: T
  readonly jobs: PreparedJobs
}

/**
 * Writes the jobs, then makes the change; `confirm` of its jobs is to follow. A change that was refused leaves no job.
 * @param changeId names no other change
 */
export async function changeWithJobs<T, E>(
  stub: DurableObjectStub<StoreJobs>,
  identityStoreId: string,
  changeId: string,
  jobs: readonly Job[],
  change: () => Promise<Result<T, E | Unavailable>>,
): Promise<Result<MadeChange<T>, E | Unavailable>> {
  const named = jobs.map((job) => ({ id: `${job.kind}:${changeId}`, job }))
  const written = await within(JOBS_TIMEOUT_MILLISECONDS, 'jobs', () => stub.prepare(identityStoreId, named))
  if (!written.ok) return written
  const prepared = new PreparedJobs(
    stub,
    named.map(({ id }) => id),
  )
  const changed = await change()
  if (changed.ok) return ok({ value: changed.value, jobs: prepared })
  // After a time-out it is unknown whether the change was made: the jobs stay and look.
  if (!isUnavailable(changed.error)) await prepared.cancel()
  return changed
}

/** The jobs of one change. */
export class PreparedJobs {
  private readonly stub: DurableObjectStub<StoreJobs>
  private readonly ids: readonly string[]

  constructor(stub: DurableObjectStub<StoreJobs>, ids: readonly string[]) {
    this.stub = stub
    this.ids = ids
  }

  /**
   * Does them now, in the order in which they were named. Errors: `unavailable`; they go on all the same.
   * @param needless kinds for which the change has left nothing to do
   */
  async confirm({
    needless = [],
    timeoutMilliseconds = JOBS_TIMEOUT_MILLISECONDS,
  }: {
    readonly needless?: readonly Job['kind'][]
    readonly timeoutMilliseconds?: number
  } = {}): Promise<Result<void, Unavailable>> {
    const isNeedless = (id: string) => needless.some((kind) => id.startsWith(`${kind}:`))
    const due = this.ids.filter((id) => !isNeedless(id))
    const done = await within(timeoutMilliseconds, 'jobs', async () =>
      this.stub.confirm(due, this.ids.filter(isNeedless)),
    )
    return done.ok ? done.value : done
  }

  /** Drops them. A job that cannot be dropped finds nothing to do. */
  cancel(): Promise<Result<void, Unavailable>> {
    return within(JOBS_TIMEOUT_MILLISECONDS, 'jobs', () => this.stub.cancel(this.ids))
  }
}

function isUnavailable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'unavailable'
}
