/** What every kind of durable work has: what it works with, what comes of a step, and how it reaches users' objects. */

import type { Limits, UserRules } from '../../domain/policy.ts'
import type { Result } from '../../domain/result.ts'
import { JOB_OBJECT_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import type { Database } from '../../store/database.ts'
import { type Unavailable, within } from '../../time-limit.ts'
import type { UserSessions } from '../object/user-sessions.ts'
import { userStub } from '../object/user-stub.ts'
import type { EndParts } from './end-parts.ts'

/** What a job works with. */
export interface JobContext {
  readonly identityStoreId: string
  readonly jobId: string
  /** The sessions of jobs that end some. */
  readonly ends: EndParts
  readonly now: number
  readonly db: Database
  readonly config: KVNamespace
  readonly users: DurableObjectNamespace<UserSessions>
  readonly verifyAfterMilliseconds: number
  readonly limits: Limits
}

/** What came of a step of a job of one kind. */
export type JobOutcome<Job> =
  | { readonly next: 'done' }
  | { readonly next: 'again'; readonly dueAt: number; readonly job: Job }
  /** With a job: what is left of it. */
  | { readonly next: 'failed'; readonly what: string; readonly job?: Job }

/** Calls a user's object. */
export function callUser<T>(
  { identityStoreId, users }: JobContext,
  userId: string,
  call: (stub: DurableObjectStub<UserSessions>) => PromiseLike<T>,
): Promise<Result<T, Unavailable>> {
  return within(JOB_OBJECT_TIMEOUT_MILLISECONDS, 'sessions', async () =>
    call(userStub(users, { identityStoreId, userId })),
  )
}

/** Tells a user's object what holds for the user now. */
export function applyRulesTo(
  context: JobContext,
  userId: string,
  rules: UserRules,
): Promise<Result<void, Unavailable>> {
  const { identityStoreId } = context
  return callUser(context, userId, (stub) => stub.applyRules({ identityStoreId, userId }, rules))
}
