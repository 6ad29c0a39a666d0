/** Ending sessions of many users: exactly those that were written down when the job was taken on. */
import type { AskedBy } from '../../domain/session.ts'
import { JOB_RESULTS_MILLISECONDS, RESET_PAUSE_MILLISECONDS } from '../../limits.ts'
import type { EndItem } from './end-parts.ts'
import { callUser, type JobContext, type JobOutcome } from './job-calls.ts'

/** The sessions are in `EndParts`; the job says how far it has come. */
export interface EndSessions {
  readonly kind: 'end_sessions'
  readonly acceptedAt: number
  /** Over how long the parts are spread; 0: not at all. */
  readonly overSeconds: number
  readonly by: AskedBy & { readonly requestId: string }
  readonly parts: number
  /** The part that is next. */
  readonly part: number
  /** Parts in which some user could not be reached, to come back to. */
  readonly missed: readonly number[]
  /** Null while it is not done. A job that is done is kept for a while, for those who ask for its results. */
  readonly finishedAt: number | null
  readonly cancelled: boolean
}

/** One part of a job. To do it again changes nothing: a session that this request ended is known by its id. */
export async function endSessions(job: EndSessions, context: JobContext): Promise<JobOutcome<EndSessions>> {
  if (job.finishedAt !== null) return { next: 'done' }
  const again = job.part >= job.parts
  const part = again ? job.missed[0] : job.part
  if (part === undefined) return finished(job, false, context.now)
  const items = context.ends.part(context.jobId, part) ?? []
  const { done, missed, reached } = await endPart(items, job.by, context)
  context.ends.setPart(context.jobId, part, done)
  const others = again ? job.missed.slice(1) : job.missed
  const next: EndSessions = {
    ...job,
    part: again ? job.part : part + 1,
    missed: missed > 0 ? [...others, part] : others,
  }
  // Nobody could be reached, or one user not for the second time: the job fails for now, and is tried again later.
  if (missed > 0 && (again || reached === 0)) return { next: 'failed', what: 'users', job: reached === 0 ? job : next }
  if (next.part >= next.parts && next.missed.length === 0) return finished(next, false, context.now)
  const spread = job.acceptedAt + (job.overSeconds * 1000 * next.part) / job.parts
  const pause = context.now + RESET_PAUSE_MILLISECONDS
  return { next: 'again', dueAt: job.overSeconds === 0 || again ? pause : Math.max(spread, pause), job: next }
}

/** The job as it is kept once nothing is left to do. */
export function finished(
  job: EndSessions,
  cancelled: boolean,
  now: number,
): JobOutcome<EndSessions> & { next: 'again' } {
  return { next: 'again', dueAt: now + JOB_RESULTS_MILLISECONDS, job: { ...job, finishedAt: now, cancelled } }
}

async function endPart(items: readonly EndItem[], by: AskedBy, context: JobContext) {
  const outcomes = new Map<string, EndItem['outcome']>()
  const pending = items.filter((item): item is EndItem & { userId: string } => item.outcome === 'pending')
  const users = [...Map.groupBy(pending, ({ userId }) => userId)]
  let reached = 0
  await Promise.all(
    users.map(async ([userId, sessions]) => {
      const ids = sessions.map(({ sessionId }) => sessionId)
      const answer = await callUser(context, userId, (stub) => stub.endOnce(ids, by))
      if (!answer.ok) return
      reached += 1
      for (const [index, id] of ids.entries()) outcomes.set(id, answer.value[index] ?? 'not_found')
    }),
  )
  const done = items.map((item) => ({ ...item, outcome: outcomes.get(item.sessionId) ?? item.outcome }))
  return { done, missed: users.length - reached, reached }
}
