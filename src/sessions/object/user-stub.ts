import type { UserKey } from '../../domain/ids.ts'
import { userObjectName } from '../../domain/ids.ts'
import type { UserSessions } from './user-sessions.ts'

/** Where in the world an object can be asked to be. Source: developers.cloudflare.com/durable-objects/reference/data-location */
export const REGIONS = [
  'wnam',
  'enam',
  'sam',
  'weur',
  'eeur',
  'apac',
  'oc',
  'afr',
  'me',
] as const satisfies readonly DurableObjectLocationHint[]

export type Region = (typeof REGIONS)[number]

/** The object of a user. A call creates it if it does not exist: never name one from input that was not checked. */
export function userStub(users: DurableObjectNamespace<UserSessions>, owner: UserKey, region: Region | null = null) {
  const id = users.idFromName(userObjectName(owner.identityStoreId, owner.userId))
  // The platform reads the hint when it creates the object, and never again.
  return region === null ? users.get(id) : users.get(id, { locationHint: region })
}
