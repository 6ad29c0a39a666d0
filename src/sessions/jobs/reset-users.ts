/** Ending the sessions of many users, a few at a time. */

import type { ClientKind } from '../../domain/client-kind.ts'
import type { AskedBy } from '../../domain/session.ts'
import { OBJECTS_AT_ONCE, RESET_PAUSE_MILLISECONDS } from '../../limits.ts'
import { callUser, type JobContext, type JobOutcome } from './job-calls.ts'

/**
 * The web sessions of these users are to end: all that are open when a user is reached, so that no two clocks decide
 * what was opened before. Later ones stay.
 */
export interface ResetUsers {
  readonly kind: 'reset_users'
  /** Users who are still to be reset. */
  readonly userIds: readonly string[]
  /** How many have been. */
  readonly done: number
  /** Epoch milliseconds. Earlier versions, which may take the job over, end only what was opened until then. */
  readonly acceptedAt: number
  /** Null: clients of every kind. */
  readonly clients: ClientKind | null
  readonly by: AskedBy
}

/** Every user's object is asked, not only those that D1 knows sessions of: D1 may not have the newest yet. */
export async function resetUsers(job: ResetUsers, context: JobContext): Promise<JobOutcome<ResetUsers>> {
  const which = { webOpenedUntil: Number.MAX_SAFE_INTEGER, clients: job.clients }
  const batch = job.userIds.slice(0, OBJECTS_AT_ONCE)
  const reset = await Promise.all(
    batch.map((userId) => callUser(context, userId, (stub) => stub.end(which, 'revoked', job.by))),
  )
  const missed = batch.filter((_, index) => reset[index]?.ok !== true)
  if (batch.length > 0 && missed.length === batch.length) return { next: 'failed', what: 'users' }
  const userIds = [...job.userIds.slice(OBJECTS_AT_ONCE), ...missed]
  if (userIds.length === 0) return { next: 'done' }
  const done = job.done + batch.length - missed.length
  return { next: 'again', dueAt: context.now + RESET_PAUSE_MILLISECONDS, job: { ...job, userIds, done } }
}
