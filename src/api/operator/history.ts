/** What is still to be done in an identity store. */
import type { z } from 'zod'
import { ok } from '../../domain/result.ts'
import { JOBS_LIST_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import { within } from '../../time-limit.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import type { JobListBody } from './schemas.ts'

/** `GET …/jobs` of an identity store. */
export async function listStoreJobs(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  // Naming an object makes it: only of a store that is there.
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { jobs } = context.services
  const statuses = await within(JOBS_LIST_TIMEOUT_MILLISECONDS, 'jobs', async () =>
    jobs.get(jobs.idFromName(identityStoreId)).list(),
  )
  if (!statuses.ok) return statuses
  const body: z.infer<typeof JobListBody> = {
    jobs: statuses.value.map(({ id, kind, createdAt, dueAt, failures, progress }) => ({
      id,
      kind,
      created_at: timestamp(createdAt),
      due_at: timestamp(dueAt),
      failures,
      progress,
    })),
  }
  return ok(json(body))
}
