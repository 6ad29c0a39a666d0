/** Filling D1 again from the objects of a store's users, 32 users a step. */
import { isDeepStrictEqual } from 'node:util'
import type { UserRules } from '../../domain/policy.ts'
import type { AskedBy } from '../../domain/session.ts'
import { OBJECTS_AT_ONCE, RESET_PAUSE_MILLISECONDS } from '../../limits.ts'
import { newRecordId } from '../../store/audit-events.ts'
import { catchUp, countUsers, type LostRules, passConfig, recountSessions, usersAfter } from '../../store/rebuild.ts'
import { callUser, type JobContext, type JobOutcome } from './job-calls.ts'
import { publishedConfig } from './published-config.ts'

/** Every user's object is to copy all that it remembers, and D1 is to learn what it has lost of the rules. */
export interface RebuildRecords {
  readonly kind: 'rebuild_records'
  readonly by: AskedBy & { readonly requestId: string }
  /** Null before the first step. */
  readonly progress: { readonly cursor: string; readonly done: number; readonly left: number } | null
}

type Outcome = JobOutcome<RebuildRecords | { readonly kind: 'publish_config' }>

/** One step. To do it again changes nothing. */
export async function rebuildRecords(job: RebuildRecords, context: JobContext): Promise<Outcome> {
  const { db, identityStoreId, now } = context
  if (job.progress === null) return begin(job, context)
  const { cursor, done, left } = job.progress
  const found = await usersAfter(db, identityStoreId, cursor, OBJECTS_AT_ONCE)
  if (!found.ok) return { next: 'failed', what: 'D1' }
  const copied = await Promise.all(found.value.map((user) => copyAgain(user, job.by, context)))
  // All users once more: whoever copied before has not learnt of it.
  if (copied.includes('config passed')) return { next: 'again', dueAt: now, job: { ...job, progress: null } }
  // The same users once more; what was copied is not copied again.
  if (copied.includes('failed')) return { next: 'failed', what: 'users' }
  const last = found.value.at(-1)?.userId
  if (last === undefined || found.value.length < OBJECTS_AT_ONCE) {
    // What D1 says of the config goes to the edge again: it may be older than what is there.
    return { next: 'again', dueAt: now, job: { kind: 'publish_config' } }
  }
  const progress = { cursor: last, done: done + found.value.length, left: Math.max(0, left - found.value.length) }
  return { next: 'again', dueAt: now + RESET_PAUSE_MILLISECONDS, job: { ...job, progress } }
}

/** The totals and the config first: the objects learn of it as they copy. */
async function begin(job: RebuildRecords, { db, config, identityStoreId, now }: JobContext): Promise<Outcome> {
  const published = await publishedConfig(config, identityStoreId)
  if (!published.ok) return { next: 'failed', what: 'KV' }
  const passed = await passConfig(db, identityStoreId, published.value?.version ?? null)
  const recounted = passed.ok ? await recountSessions(db, identityStoreId) : passed
  const left = recounted.ok ? await countUsers(db, identityStoreId) : recounted
  if (!left.ok) return { next: 'failed', what: 'D1' }
  return { next: 'again', dueAt: now, job: { ...job, progress: { cursor: '', done: 0, left: left.value } } }
}

/** `failed`: the object or D1 did not answer. `config passed`: the object knew of a config that D1 has lost. */
async function copyAgain(
  { userId, rules }: { readonly userId: string; readonly rules: UserRules },
  by: RebuildRecords['by'],
  context: JobContext,
): Promise<'copied' | 'config passed' | 'failed'> {
  const { db, identityStoreId, now } = context
  const known = await callUser(context, userId, (stub) => stub.mirrorAgain())
  if (!known.ok) return 'failed'
  if (known.value === null) return 'copied'
  const passed = await passConfig(db, identityStoreId, lostConfig(rules.config, known.value.config))
  if (!passed.ok) return 'failed'
  if (passed.value) return 'config passed'
  const lost = lostRules(rules, known.value)
  if (lost === null) return 'copied'
  const entry = {
    identityStoreId,
    eventId: newRecordId(now),
    at: now,
    actor: by.caller ?? 'latchkey',
    action: 'user.caught_up',
    subject: `user:${userId}`,
    requestId: by.requestId,
  }
  return (await catchUp(db, { identityStoreId, userId }, lost, entry)).ok ? 'copied' : 'failed'
}

/** The version that D1's config must pass to hold for an object; null: it does hold. One number may stand for two configs. */
function lostConfig(inD1: UserRules['config'], known: UserRules['config']): number | null {
  if (known.version !== inD1.version) return known.version > inD1.version ? known.version : null
  return isDeepStrictEqual(known.value, inD1.value) ? null : known.version + 1
}

/** What an object knows and D1 does not; null: nothing. */
function lostRules(inD1: UserRules, known: UserRules): LostRules | null {
  const lost = {
    ...(known.status.version > inD1.status.version && { status: known.status }),
    ...(known.settings.version > inD1.settings.version && { settings: known.settings }),
    ...(known.group.version > inD1.group.version && { group: known.group }),
  }
  return Object.keys(lost).length === 0 ? null : lost
}
