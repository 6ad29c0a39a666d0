/** Applying changed settings to live sessions: the objects of the users who have some are told. */
import { OBJECTS_AT_ONCE } from '../../limits.ts'
import { rulesOfSignedInUsers } from '../../store/session-settings.ts'
import { applyRulesTo } from './job-calls.ts'
import type { JobContext, JobOutcome } from './run-job.ts'

/** Settings of these users have changed in D1. */
export interface ApplySettings {
  readonly kind: 'apply_settings'
  readonly userIds: readonly string[]
}

/**
 * One statement says who has live sessions, and what holds for them now. A session that D1 does not know of
 * yet learns it by itself when it is mirrored. Whoever cannot be told stays in the job.
 */
export async function applySettings({ userIds }: ApplySettings, context: JobContext): Promise<JobOutcome> {
  const { identityStoreId } = context
  const signedIn = await rulesOfSignedInUsers(context.db, identityStoreId, userIds)
  if (!signedIn.ok) return { next: 'failed', what: 'D1' }
  const left: string[] = []
  for (let at = 0; at < signedIn.value.length; at += OBJECTS_AT_ONCE) {
    const batch = signedIn.value.slice(at, at + OBJECTS_AT_ONCE)
    const told = await Promise.all(batch.map(({ userId, rules }) => applyRulesTo(context, userId, rules)))
    left.push(...batch.filter((_, index) => told[index]?.ok !== true).map(({ userId }) => userId))
    // All of a batch out of reach: so are the others, and the caller waits.
    if (left.length === batch.length && at === 0) return { next: 'failed', what: 'users' }
  }
  if (left.length === 0) return { next: 'done' }
  return { next: 'failed', what: 'users', job: { kind: 'apply_settings', userIds: left } }
}
