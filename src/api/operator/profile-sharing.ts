/** What operators change of a profile goes where the user's login mode says, or the answer says that it holds here alone. */
import type { SessionError } from '../../domain/errors.ts'
import { type ProfileChanges, profileDifference } from '../../domain/profile.ts'
import { writesBoth } from '../../identity/login-modes.ts'
import { profileBaseOf } from '../../identity/stored-profiles.ts'
import type { User } from '../../store/users.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore } from './identity-stores.ts'

/** A user after a change, and why its profile holds in our database alone, if it does. */
export interface SharedUser {
  readonly user: User
  readonly hereAlone?: string
}

/**
 * Brings a profile that was written here to the application server, if the login mode writes both.
 * @param changes what was written; null: nothing of the profile
 */
export async function shareProfile(
  user: User,
  changes: ProfileChanges | null,
  context: OperatorContext,
): Promise<SharedUser> {
  const base = profileBaseOf(user)
  const heldBack = base !== null && profileDifference(base, user) !== null
  if (changes === null && !heldBack) return { user }
  const store = await requireStore(context, user.identityStoreId)
  if (!store.ok) return { user, hereAlone: reasonOf(store.error) }
  const { defaultLoginMode, updateProfileToBsDbSso } = store.value
  if (!writesBoth(user.loginMode ?? defaultLoginMode, updateProfileToBsDbSso)) return { user }
  const { services, requestId, now, actor } = context
  const owner = { identityStoreId: user.identityStoreId, userId: user.userId }
  const shared = await services.profiles.change(owner, changes ?? {}, requestId, now, actor)
  return shared.ok ? { user: { ...user, ...shared.value } } : { user, hereAlone: reasonOf(shared.error) }
}

/** The same for a new user, of whom the application server is not told. */
export async function newProfile(user: User, context: OperatorContext): Promise<SharedUser> {
  const { firstName, lastName, emailAddress, loginMode } = user
  if (firstName === null && lastName === null && emailAddress === null) return { user }
  const store = await requireStore(context, user.identityStoreId)
  const both = store.ok && writesBoth(loginMode ?? store.value.defaultLoginMode, store.value.updateProfileToBsDbSso)
  return both ? { user, hereAlone: 'The application server is not told of new users.' } : { user }
}

function reasonOf(error: SessionError): string {
  if (error.code !== 'unavailable') return 'The user changed at the same time.'
  switch (error.because) {
    case 'refused':
      return `The application server refuses it${error.detail === undefined ? '.' : `: ${error.detail}`}`
    case 'timed_out':
      return 'The application server did not answer in time. It may have the change, or get it within a minute.'
    default:
      return 'The application server was not reached, or had no room.'
  }
}
