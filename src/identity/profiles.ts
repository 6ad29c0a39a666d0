/** Changes of login profiles: each goes through its user's object, one after the other. */

import type { SessionError } from '../domain/errors.ts'
import type { UserKey } from '../domain/ids.ts'
import { userObjectName } from '../domain/ids.ts'
import type { Profile, ProfileChanges } from '../domain/profile.ts'
import { fail, type Result } from '../domain/result.ts'
import { PROFILE_TIMEOUT_MILLISECONDS, PROFILE_TURN_TIMEOUT_MILLISECONDS } from '../limits.ts'
import { within } from '../time-limit.ts'
import type { UserProfiles } from './user-profiles.ts'

export class Profiles {
  private readonly objects: DurableObjectNamespace<UserProfiles>

  constructor(objects: DurableObjectNamespace<UserProfiles>) {
    this.objects = objects
  }

  /** Changes the profile of a user who is known to exist. Errors as for `UserProfiles.change`. */
  async change(
    owner: UserKey,
    changes: ProfileChanges,
    requestId: string,
    now: number,
    actor = `user:${owner.userId}`,
  ): Promise<Result<Profile, SessionError>> {
    const { identityStoreId, userId } = owner
    const object = this.objects.get(this.objects.idFromName(userObjectName(identityStoreId, userId)))
    const startBefore = now + PROFILE_TURN_TIMEOUT_MILLISECONDS
    const answer = await within(PROFILE_TIMEOUT_MILLISECONDS, 'profiles', async () =>
      object.change({ identityStoreId, userId }, changes, requestId, startBefore, actor),
    )
    // The object did not answer, and may have begun the change.
    return answer.ok ? answer.value : fail({ ...answer.error, because: 'timed_out', detail: IN_DOUBT })
  }
}

const IN_DOUBT = 'It is not known whether the profile was changed; within a minute it will be, or not, everywhere.'
