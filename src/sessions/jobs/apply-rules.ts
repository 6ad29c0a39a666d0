/** Applying changed rules to live sessions: the objects of the users are told what holds now. */
import { OBJECTS_AT_ONCE } from '../../limits.ts'
import { readRulesOfUsers } from '../../store/session-settings.ts'
import { applyRulesTo, type JobContext, type JobOutcome } from './job-calls.ts'

/** The status or the settings of these users have changed in D1. */
export interface ApplyRules {
  readonly kind: 'apply_rules'
  readonly userIds: readonly string[]
  /**
   * Whether only those users are told who have live sessions as far as D1 knows. A session that D1 does not know yet
   * learns the rules when it is mirrored. For a disabled user that would be too late.
   */
  readonly signedInOnly: boolean
}

/** One statement says what holds for these users now. Whoever cannot be told stays in the job. */
export async function applyRules(job: ApplyRules, context: JobContext): Promise<JobOutcome<ApplyRules>> {
  const users = await readRulesOfUsers(context.db, context.identityStoreId, job.userIds, job.signedInOnly)
  if (!users.ok) return { next: 'failed', what: 'D1' }
  const missed: string[] = []
  for (let at = 0; at < users.value.length; at += OBJECTS_AT_ONCE) {
    const batch = users.value.slice(at, at + OBJECTS_AT_ONCE)
    const told = await Promise.all(batch.map(({ userId, rules }) => applyRulesTo(context, userId, rules)))
    missed.push(...batch.filter((_, index) => told[index]?.ok !== true).map(({ userId }) => userId))
    // Nobody in this batch could be reached, so the others probably cannot either, and the caller waits.
    if (missed.length === batch.length && at === 0) return { next: 'failed', what: 'users' }
  }
  return missed.length === 0 ? { next: 'done' } : { next: 'failed', what: 'users', job: { ...job, userIds: missed } }
}
