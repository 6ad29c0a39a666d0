/** Erasing what the transaction of a deletion has left of a user: records beyond its first batch, and the object. */
import { REMEMBER_DELETED_MILLISECONDS } from '../../limits.ts'
import { type ErasedUntil, eraseNext } from '../../store/erasure.ts'
import { readRulesOfUsers } from '../../store/session-settings.ts'
import { callUser, type JobContext, type JobOutcome } from './job-calls.ts'

/** A user was deleted. */
export interface EraseUser {
  readonly kind: 'erase_user'
  readonly userId: string
  /** The audit event of the deletion. Without it the user was not deleted. */
  readonly deletionEventId: string
  readonly until: ErasedUntil
  /** D1 has nothing left to erase. An earlier version does not read this, and looks there once more. */
  readonly inD1?: 'done'
}

/** One batch in D1; after the last one the user's object is asked, until nothing is left there. */
export async function eraseUser(job: EraseUser, context: JobContext): Promise<JobOutcome<EraseUser>> {
  const { db, identityStoreId, now } = context
  const askObject = {
    next: 'again',
    dueAt: now + REMEMBER_DELETED_MILLISECONDS,
    job: { ...job, inD1: 'done' },
  } as const
  if (job.inD1 === undefined) {
    const until = await eraseNext(db, { identityStoreId, userId: job.userId }, job.deletionEventId, job.until)
    if (!until.ok) return { next: 'failed', what: 'D1' }
    return until.value === null ? askObject : { next: 'again', dueAt: now, job: { ...job, until: until.value } }
  }
  const users = await readRulesOfUsers(db, identityStoreId, [job.userId], false)
  if (!users.ok) return { next: 'failed', what: 'D1' }
  // Whoever was made anew under the id, or was never deleted, keeps the object.
  if (users.value[0]?.rules.status.value.deleted !== true) return { next: 'done' }
  const isEmptied = await callUser(context, job.userId, (stub) => stub.isEmptied())
  if (!isEmptied.ok) return { next: 'failed', what: 'users' }
  return isEmptied.value ? { next: 'done' } : askObject
}
