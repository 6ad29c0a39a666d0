/** Pattern of identity store and user ids. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * What belongs to no identity store stands under this id, which none can have: operators' credentials and their audit
 * events, counters of sign-ins whose names may be nobody's, what is sealed for the deployment.
 */
export const NO_STORE = '*'

/** The name of a user's Durable Object. Ids hold no slash, so the name is unambiguous. */
export function userObjectName(identityStoreId: string, userId: string): string {
  return `${identityStoreId}/${userId}`
}

/** Whose sessions: the two parts of every key. */
export interface UserKey {
  readonly identityStoreId: string
  readonly userId: string
}
