/** The kinds of durable work. Each step reads what holds now and makes it so; running one twice does no harm. */

import { readSessionConfig } from '../../store/session-configs.ts'
import { type ApplyRules, applyRules } from './apply-rules.ts'
import { type EndSessions, endSessions } from './end-sessions.ts'
import { type EraseUser, eraseUser } from './erase-user.ts'
import { type IdpLogout, idpLogout } from './idp-logout.ts'
import type { JobContext, JobOutcome } from './job-calls.ts'
import { publishConfig, publishedConfig } from './published-config.ts'
import { type RebuildRecords, rebuildRecords } from './rebuild-records.ts'
import { type ResetUsers, resetUsers } from './reset-users.ts'
import { type ClearLocations, clearLocationsStep, type SweepSessions, sweepStep } from './store-scans.ts'

/** What was published, and when KV is to be looked at again, epoch milliseconds. */
interface Published {
  readonly verify: true
  readonly version: number
  readonly verifyAt: number
}

export type Job =
  /** Copy the store's config to KV, and look later whether it is still there. */
  | ({ readonly kind: 'publish_config' } & (Published | { readonly verify?: false }))
  | ApplyRules
  | ResetUsers
  | EndSessions
  | SweepSessions
  | ClearLocations
  | EraseUser
  | RebuildRecords
  | IdpLogout

/** Whether an operator may cancel a job: no other change relies on it. */
export function mayBeCancelled({ kind }: Job): boolean {
  return kind === 'end_sessions' || kind === 'reset_users' || kind === 'rebuild_records'
}

/** How far a job has come, where it knows; in users. */
export function progressOf(job: Job): { readonly done: number; readonly left: number } | null {
  if (job.kind === 'rebuild_records') return job.progress
  return job.kind === 'reset_users' ? { done: job.done, left: job.userIds.length } : null
}

/** Whether a job makes older ones of its kind needless: it goes through the whole store again. */
export function replacesOlder({ kind }: Job): boolean {
  return kind === 'publish_config' || kind === 'sweep_sessions' || kind === 'clear_locations'
}

/** Does one step of a job. */
export function runJob(job: Job, context: JobContext): Promise<JobOutcome<Job>> {
  switch (job.kind) {
    case 'publish_config':
      return publish(job.verify === true ? job : null, context)
    case 'apply_rules':
      return applyRules(job, context)
    case 'reset_users':
      return resetUsers(job, context)
    case 'end_sessions':
      return endSessions(job, context)
    case 'sweep_sessions':
      return sweepStep(job, context)
    case 'clear_locations':
      return clearLocationsStep(job, context)
    case 'erase_user':
      return eraseUser(job, context)
    case 'rebuild_records':
      return rebuildRecords(job, context)
    case 'idp_logout':
      return idpLogout(job, context)
  }
}

/**
 * KV may apply writes late and out of order, so a publish is done only when a look at KV, when all writes have
 * surely landed, finds the newest version there. Until then the same version is not written twice.
 */
async function publish(published: Published | null, context: JobContext): Promise<JobOutcome<Job>> {
  const config = await readSessionConfig(context.db, context.identityStoreId)
  if (!config.ok) return { next: 'failed', what: 'D1' }
  if (config.value === null) return { next: 'done' }
  const { version } = config.value
  if (published !== null && published.version === version) {
    const { verifyAt } = published
    if (context.now < verifyAt) return { next: 'again', dueAt: verifyAt, job: { kind: 'publish_config', ...published } }
    const found = await publishedConfig(context.config, context.identityStoreId)
    if (!found.ok) return { next: 'failed', what: 'KV' }
    if (found.value?.version === version) return { next: 'done' }
  }
  const written = await publishConfig(context.config, context.identityStoreId, config.value)
  if (!written.ok) return { next: 'failed', what: 'KV' }
  const verifyAt = context.now + context.verifyAfterMilliseconds
  return { next: 'again', dueAt: verifyAt, job: { kind: 'publish_config', verify: true, version, verifyAt } }
}
