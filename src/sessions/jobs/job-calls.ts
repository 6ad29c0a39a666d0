/** How durable work reaches the objects of users: some at a time, each within a time limit. */

import type { UserRules } from '../../domain/policy.ts'
import type { Result } from '../../domain/result.ts'
import { JOB_OBJECT_TIMEOUT_MILLISECONDS } from '../../limits.ts'
import { type Unavailable, within } from '../../time-limit.ts'
import type { UserSessions } from '../object/user-sessions.ts'
import { userStub } from '../object/user-stub.ts'

/** Whose objects: a store's. */
interface Store {
  readonly identityStoreId: string
  readonly users: DurableObjectNamespace<UserSessions>
}

/** Calls a user's object. What it answers is not asked for. */
export function callUser(
  { identityStoreId, users }: Store,
  userId: string,
  call: (stub: DurableObjectStub<UserSessions>) => PromiseLike<unknown>,
): Promise<Result<void, Unavailable>> {
  return within(JOB_OBJECT_TIMEOUT_MILLISECONDS, 'sessions', async () => {
    await call(userStub(users, { identityStoreId, userId }))
  })
}

/** Tells a user's object what holds for the user now. */
export function applyRulesTo(store: Store, userId: string, rules: UserRules): Promise<Result<void, Unavailable>> {
  const { identityStoreId } = store
  return callUser(store, userId, (stub) => stub.applyRules({ identityStoreId, userId }, rules))
}
