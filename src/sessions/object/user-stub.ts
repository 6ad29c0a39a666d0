import type { UserKey } from '../../domain/ids.ts'
import { userObjectName } from '../../domain/ids.ts'
import type { UserSessions } from './user-sessions.ts'

/** The object of a user. Waking it makes it exist: never name one from input that was not checked. */
export function userStub(users: DurableObjectNamespace<UserSessions>, owner: UserKey) {
  return users.get(users.idFromName(userObjectName(owner.identityStoreId, owner.userId)))
}
