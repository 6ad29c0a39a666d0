/** Jobs as the object keeps them, and as an operator sees them. */
import type { EndParts } from './end-parts.ts'
import { type Job, progressOf } from './run-job.ts'
import { readJob } from './stored-jobs.ts'

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
  /** `failing`: the last step did not succeed, and is tried again. One that is done is kept while it has results. */
  readonly state: 'running' | 'failing' | 'done' | 'cancelled'
  readonly hasResults: boolean
  /** The caller who asked for it, as in the audit log; null for work that a change brings along. */
  readonly askedBy: string | null
  /** How far it has come, in sessions or users; null for work that is one step. */
  readonly progress: { readonly done: number; readonly left: number } | null
}

/** A job, and the id of its own under which it is kept. */
export interface NamedJob {
  readonly id: string
  readonly job: Job
}

/** A job as the object keeps it. */
export interface JobRow extends Record<string, SqlStorageValue> {
  id: string
  job: string
  /** 0: its change may not have been made yet, and it is to look twice. */
  confirmed: number
  created_at: number
  due_at: number
  failures: number
}

/** How a job stands. @param ends what the object keeps of jobs that end sessions */
export function statusOf(row: JobRow, ends: EndParts): JobStatus {
  const { kind, job } = readJob(row.job)
  const ending = job?.kind === 'end_sessions' ? job : null
  const over = ending === null || ending.finishedAt === null ? null : ending.cancelled ? 'cancelled' : 'done'
  return {
    id: row.id,
    kind,
    job,
    createdAt: row.created_at,
    dueAt: row.due_at,
    failures: row.failures,
    state: over ?? (row.failures > 0 ? 'failing' : 'running'),
    hasResults: ending !== null,
    askedBy: job !== null && 'by' in job ? job.by.caller : null,
    progress: ending !== null ? ends.progress(row.id) : job === null ? null : progressOf(job),
  }
}
