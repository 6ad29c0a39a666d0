/** A store's durable work: what is to be done, how far it has come, and what became of it. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { JOBS_LIST_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import type { JobStatus } from '../../sessions/jobs/job-status.ts'
import type { StoreJobs } from '../../sessions/jobs/store-jobs.ts'
import { recordAuditEvent } from '../../store/audit-events.ts'
import { within } from '../../time-limit.ts'
import { auditEntry } from '../audit.ts'
import { parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { type JobBody, type JobListBody, type JobResultsBody, ResultQuery } from './session-schemas.ts'

interface JobPath extends StorePath {
  readonly job_id: string
}

/** `GET …/jobs`: what is not done, the next one to run first, and what is done and has results. */
export async function listJobs(_request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const jobs = await askJobs(path, context, (stub) => stub.list())
  if (!jobs.ok) return jobs
  const body: z.infer<typeof JobListBody> = { jobs: jobs.value.map((job) => jobBody(path.identity_store_id, job)) }
  return ok(json(body))
}

/** `POST …/rebuild` */
export async function rebuildRecords(_request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const { services, actor: caller, requestId } = context
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const entry = auditEntry(
    context,
    path.identity_store_id,
    'records.rebuilt',
    `identity_store:${path.identity_store_id}`,
  )
  const recorded = await recordAuditEvent(services.db, entry, {})
  if (!recorded.ok) return recorded
  const { changes } = services.sessions
  const id = await changes.rebuildRecords(path.identity_store_id, { caller, requestId })
  if (!id.ok) return id
  const job = await requireJob({ ...path, job_id: id.value }, context)
  return job.ok ? ok(json(jobBody(path.identity_store_id, job.value), 202)) : job
}

/** `GET …/jobs/{job_id}` */
export async function getJob(_request: Request, path: JobPath, context: OperatorContext): HandlerResult {
  const job = await requireJob(path, context)
  return job.ok ? ok(json(jobBody(path.identity_store_id, job.value))) : job
}

/** `GET …/jobs/{job_id}/results`, in the order in which they are done. */
export async function getResults(request: Request, path: JobPath, context: OperatorContext): HandlerResult {
  const query = parseQuery(request, ResultQuery)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  const found = await askJobs(path, context, (stub) => stub.results(path.job_id, cursor, limit + 1))
  if (!found.ok) return found
  if (found.value === null) return fail({ code: 'job_not_found' })
  const body: z.infer<typeof JobResultsBody> = {
    results: found.value
      .slice(0, limit)
      .map(({ sessionId, userId, outcome }) => ({ session_id: sessionId, user_id: userId, outcome })),
    next_cursor: found.value.length > limit ? String(cursor + limit) : null,
  }
  return ok(json(body))
}

/** `POST …/jobs/{job_id}/retry`: now, instead of when its time comes. */
export async function retryJob(_request: Request, path: JobPath, context: OperatorContext): HandlerResult {
  const job = await requireJob(path, context)
  if (!job.ok) return job
  if (job.value.state === 'done' || job.value.state === 'cancelled') {
    return fail({ code: 'conflict', detail: 'The job is over.' })
  }
  const recorded = await record('job.retried', path, context)
  if (!recorded.ok) return recorded
  const retried = await askJobs(path, context, (stub) => stub.retry(path.job_id))
  if (!retried.ok) return retried
  return retried.value === null
    ? fail({ code: 'job_not_found' })
    : ok(json(jobBody(path.identity_store_id, retried.value)))
}

/**
 * `DELETE …/jobs/{job_id}`: gives it up, or forgets one that is over. Only operators may give up what somebody else
 * asked for: an administrator of a store might undo what an operator has ordered.
 */
export async function deleteJob(_request: Request, path: JobPath, context: OperatorContext): HandlerResult {
  const job = await requireJob(path, context)
  if (!job.ok) return job
  const { askedBy } = job.value
  if (context.caller.credentialId === null && askedBy !== null && askedBy !== context.actor) {
    const [needed, provided] = [['operator:sessions'], context.caller.scopes]
    return fail({ code: 'forbidden', needed, provided, detail: 'Somebody else asked for this job.' })
  }
  const recorded = await record('job.cancelled', path, context)
  if (!recorded.ok) return recorded
  const dropped = await askJobs(path, context, (stub) => stub.drop(path.job_id))
  if (!dropped.ok) return dropped
  switch (dropped.value) {
    case 'dropped':
      return ok(empty())
    case 'missing':
      return fail({ code: 'job_not_found' })
    case 'refused':
      return fail({ code: 'conflict', detail: 'The job completes a change that was made, and must be done.' })
  }
}

/** A job as it is shown. */
export function jobBody(identityStoreId: string, job: JobStatus): z.infer<typeof JobBody> {
  const { id, kind, state, progress, failures, createdAt, dueAt, hasResults } = job
  return {
    job_id: id,
    kind,
    state,
    done: progress?.done ?? null,
    left: progress?.left ?? null,
    failures,
    created_at: timestamp(createdAt),
    due_at: timestamp(dueAt),
    results_url: hasResults ? `${jobPath(identityStoreId, id)}/results` : null,
  }
}

/** The path of a job. */
export function jobPath(identityStoreId: string, jobId: string): string {
  return `/operator/identity-stores/${identityStoreId}/jobs/${jobId}`
}

async function requireJob(path: JobPath, context: OperatorContext): Promise<Result<JobStatus, SessionError>> {
  const job = await askJobs(path, context, (stub) => stub.status(path.job_id))
  if (!job.ok) return job
  return job.value === null ? fail({ code: 'job_not_found' }) : ok(job.value)
}

function record(action: string, { identity_store_id: storeId, job_id: jobId }: JobPath, context: OperatorContext) {
  return recordAuditEvent(context.services.db, auditEntry(context, storeId, action, `job:${jobId}`), {})
}

/** Asks the store's object. Naming an object makes it: only of a store that is there. */
export async function askJobs<T>(
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
  call: (stub: DurableObjectStub<StoreJobs>) => PromiseLike<T>,
): Promise<Result<T, SessionError>> {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { jobs } = context.services
  return within(JOBS_LIST_TIMEOUT_MILLISECONDS, 'jobs', async () => call(jobs.get(jobs.idFromName(identityStoreId))))
}
