/** Routes of a store's durable work. */
import type { Route } from '../route.ts'
import * as jobs from './jobs.ts'
import { operatorRoute } from './operator-route.ts'
import * as schemas from './session-schemas.ts'

const JOBS = '/identity-stores/:identity_store_id/jobs'
const JOB = `${JOBS}/:job_id` as const

const NOT_NOW = 'It is over, or must be done.'

/** The routes. */
export const jobRoutes: readonly Route[] = [
  operatorRoute({
    method: 'POST',
    path: '/identity-stores/:identity_store_id/rebuild',
    operationId: 'rebuildRecords',
    scope: 'operator:stores',
    summary: "Fill the database again from the users' objects, after it was restored or its records were lost.",
    responses: {
      202: { description: 'The job that does it. One that is done is not there any more.', schema: schemas.JobBody },
    },
    handle: jobs.rebuildRecords,
  }),
  operatorRoute({
    method: 'GET',
    path: JOBS,
    operationId: 'listJobs',
    scope: 'operator:read',
    summary: 'List what is still to be finished, and what is done and has results.',
    responses: { 200: { description: "The store's jobs, the next one to run first.", schema: schemas.JobListBody } },
    handle: jobs.listJobs,
  }),
  operatorRoute({
    method: 'GET',
    path: JOB,
    operationId: 'getJob',
    scope: 'operator:read',
    summary: 'Read how far a job has come.',
    responses: { 200: { description: 'The job as it is.', schema: schemas.JobBody } },
    handle: jobs.getJob,
  }),
  operatorRoute({
    method: 'GET',
    path: `${JOB}/results`,
    operationId: 'getJobResults',
    scope: 'operator:read',
    summary: 'Read what became of each session of a job.',
    query: schemas.ResultQuery,
    responses: { 200: { description: 'A page of results.', schema: schemas.JobResultsBody } },
    handle: jobs.getResults,
  }),
  operatorRoute({
    method: 'POST',
    path: `${JOB}/retry`,
    operationId: 'retryJob',
    scope: 'operator:sessions',
    summary: 'Try a job again now.',
    responses: { 200: { description: 'The job as it is.', schema: schemas.JobBody } },
    errors: { 409: NOT_NOW },
    handle: jobs.retryJob,
  }),
  operatorRoute({
    method: 'DELETE',
    path: JOB,
    operationId: 'deleteJob',
    scope: 'operator:sessions',
    summary: 'Give up what is left of a job, or forget one that is over.',
    responses: { 204: { description: 'It is given up.' } },
    errors: { 409: NOT_NOW },
    handle: jobs.deleteJob,
  }),
]
