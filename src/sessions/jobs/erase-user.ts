/** Erasing what is left of a deleted user who had more sessions than one statement should erase. */
import { type ErasedUntil, eraseNext } from '../../store/erasure.ts'
import type { JobContext, JobOutcome } from './job-calls.ts'

/** A user was deleted; of the records of its sessions and the audit events about it some are left. */
export interface EraseUser {
  readonly kind: 'erase_user'
  readonly userId: string
  /** The audit event of the deletion. Without it the user was not deleted. */
  readonly deletionEventId: string
  readonly until: ErasedUntil
}

/** One batch. */
export async function eraseUser(
  job: EraseUser,
  { db, identityStoreId, now }: JobContext,
): Promise<JobOutcome<EraseUser>> {
  const key = { identityStoreId, userId: job.userId }
  const until = await eraseNext(db, key, job.deletionEventId, job.until)
  if (!until.ok) return { next: 'failed', what: 'D1' }
  return until.value === null ? { next: 'done' } : { next: 'again', dueAt: now, job: { ...job, until: until.value } }
}
