/**
 * Jobs that go through a whole store after a change of its session config: 32 users a step, from a cursor. Progress is
 * for one version of the config: after another change it begins anew, so that nobody was told only of the older one.
 * The scan returns to users who could not be told at its end.
 */

import { nextDeadline } from '../../domain/lifecycle.ts'
import { resolvePolicy } from '../../domain/policy.ts'
import { sessionIdTime } from '../../domain/session-id.ts'
import { CLOCKS_DIFFER_MILLISECONDS, OBJECTS_AT_ONCE, SCAN_COME_BACK_MILLISECONDS } from '../../limits.ts'
import {
  clearLocations,
  type FoundSession,
  type FoundUser,
  liveSessionsAfter,
  usersWithLocationAfter,
} from '../../store/live-users.ts'
import { readSessionConfig } from '../../store/session-configs.ts'
import { applyRulesTo, type JobContext, type JobOutcome } from './job-calls.ts'

interface Progress {
  readonly configVersion: number
  /** When the scan began, epoch milliseconds. */
  readonly beganAt: number
  readonly cursor: string
  /** Somebody before the cursor could not be told. */
  readonly missed: boolean
}

/** Tell every user who has live sessions what holds now. */
export interface SweepSessions {
  readonly kind: 'sweep_sessions'
  /** Only those of whose sessions one should be over, as far as D1 knows: their objects may have lost their alarms. */
  readonly overdue?: true
  readonly progress?: Progress
}

/** Clear the locations of all sessions, live and ended, unless the store keeps them again. */
export interface ClearLocations {
  readonly kind: 'clear_locations'
  readonly progress?: Progress
}

/** One step of a sweep. Sessions opened after it began know what holds. */
export async function sweepStep(job: SweepSessions, context: JobContext): Promise<ScanOutcome> {
  const { db, identityStoreId } = context
  const config = await readSessionConfig(db, identityStoreId)
  if (!config.ok) return { next: 'failed', what: 'D1' }
  if (config.value === null) return { next: 'done' }
  const progress = proceed(job.progress, config.value.version, context.now)
  const found = await liveSessionsAfter(db, identityStoreId, progress.cursor, OBJECTS_AT_ONCE)
  if (!found.ok) return { next: 'failed', what: 'D1' }
  const told = await tellEach(job.overdue ? found.value.filter((one) => isOverdue(one, context)) : found.value, context)
  const last = found.value.at(-1)?.cursor ?? ''
  const finished =
    found.value.length < OBJECTS_AT_ONCE || sessionIdTime(last) > progress.beganAt + CLOCKS_DIFFER_MILLISECONDS
  return outcome(job, { ...progress, cursor: last }, told, finished, context.now)
}

function isOverdue({ session, rules }: FoundSession, { limits, now }: JobContext): boolean {
  const due = nextDeadline([session], resolvePolicy(rules, limits))
  return due !== null && due <= now
}

/** One step of clearing: the users' objects first, lest they write a location again; then the records. */
export async function clearLocationsStep(job: ClearLocations, context: JobContext): Promise<ScanOutcome> {
  const { db, identityStoreId } = context
  const config = await readSessionConfig(db, identityStoreId)
  if (!config.ok) return { next: 'failed', what: 'D1' }
  if (config.value === null || config.value.value.trackSessionLocation) return { next: 'done' }
  const progress = proceed(job.progress, config.value.version, context.now)
  const found = await usersWithLocationAfter(db, identityStoreId, progress.cursor, OBJECTS_AT_ONCE)
  if (!found.ok) return { next: 'failed', what: 'D1' }
  const told = await tellEach(found.value, context)
  const cleared = await clearLocations(db, identityStoreId, told.userIds)
  if (!cleared.ok) return { next: 'failed', what: 'D1' }
  const last = found.value.at(-1)?.cursor ?? ''
  return outcome(job, { ...progress, cursor: last }, told, found.value.length < OBJECTS_AT_ONCE, context.now)
}

function proceed(progress: Progress | undefined, configVersion: number, now: number): Progress {
  return progress?.configVersion === configVersion
    ? progress
    : { configVersion, beganAt: now, cursor: '', missed: false }
}

type ScanOutcome = JobOutcome<SweepSessions | ClearLocations>

interface Told {
  readonly userIds: readonly string[]
  readonly missed: number
}

async function tellEach(found: readonly FoundUser[], context: JobContext): Promise<Told> {
  const users = [...new Map(found.map((user) => [user.userId, user])).values()]
  const answers = await Promise.all(users.map(({ userId, rules }) => applyRulesTo(context, userId, rules)))
  const userIds = users.flatMap(({ userId }, index) => (answers[index]?.ok === true ? [userId] : []))
  return { userIds, missed: users.length - userIds.length }
}

function outcome(
  job: SweepSessions | ClearLocations,
  progress: Progress,
  told: Told,
  finished: boolean,
  now: number,
): ScanOutcome {
  if (told.missed > 0 && told.userIds.length === 0) return { next: 'failed', what: 'users' }
  const missed = progress.missed || told.missed > 0
  if (!finished) return { next: 'again', dueAt: now, job: { ...job, progress: { ...progress, missed } } }
  const { progress: _, ...anew } = job
  return missed ? { next: 'again', dueAt: now + SCAN_COME_BACK_MILLISECONDS, job: anew } : { next: 'done' }
}
