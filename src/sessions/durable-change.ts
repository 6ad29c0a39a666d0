/** Changes that must be followed by work elsewhere, whatever stops the request in between. */

import type { Result } from '../domain/result.ts'
import { JOBS_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { type Unavailable, within } from '../time-limit.ts'
import type { Job } from './jobs/run-job.ts'
import type { StoreJobs } from './jobs/store-jobs.ts'

/**
 * Writes the job, makes the change, does the job. A change that was refused leaves no job.
 * @param finish does the job, or withdraws its revision if the change has left nothing to do
 */
export async function changeDurably<T, E>(
  namespace: DurableObjectNamespace<StoreJobs>,
  identityStoreId: string,
  id: string,
  job: Job,
  change: () => Promise<Result<T, E | Unavailable>>,
  finish: (jobs: DurableObjectStub<StoreJobs>, changed: T, revision: number) => Promise<Result<void, Unavailable>>,
): Promise<Result<T, E | Unavailable>> {
  const jobs = namespace.get(namespace.idFromName(identityStoreId))
  const expected = await within(JOBS_TIMEOUT_MILLISECONDS, 'jobs', () => jobs.expect(identityStoreId, id, job))
  if (!expected.ok) return expected
  const changed = await change()
  if (!changed.ok) {
    // After a time-out it is unknown whether the change was made: the job stays and looks.
    if (!isUnavailable(changed.error)) {
      await within(JOBS_TIMEOUT_MILLISECONDS, 'jobs', () => jobs.withdraw(id, expected.value))
    }
    return changed
  }
  const finished = await within(JOBS_TIMEOUT_MILLISECONDS, 'jobs', () => finish(jobs, changed.value, expected.value))
  if (!finished.ok) return finished
  return finished.value.ok ? changed : finished.value
}

function isUnavailable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'unavailable'
}
