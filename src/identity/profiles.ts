/** Changes of login profiles: each goes through its user's object, one after the other. */
import type { SessionError } from '../domain/errors.ts'
import type { UserKey } from '../domain/ids.ts'
import { userObjectName } from '../domain/ids.ts'
import type { Profile, ProfileChanges } from '../domain/profile.ts'
import { fail, type Result } from '../domain/result.ts'
import { within } from '../time-limit.ts'
import type { UserProfiles } from './user-profiles.ts'

/** Longest wait for the object, in milliseconds: a read and a write of the application server, and D1 around them. */
const OBJECT_TIMEOUT_MILLISECONDS = 14_000
/** A change that has waited this long for its turn is not begun. */
const TURN_TIMEOUT_MILLISECONDS = 4_000

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
    const startBefore = now + TURN_TIMEOUT_MILLISECONDS
    const answer = await within(OBJECT_TIMEOUT_MILLISECONDS, 'profiles', async () =>
      object.change({ identityStoreId, userId }, changes, requestId, startBefore, actor),
    )
    // Whatever became of the object, it may have begun.
    return answer.ok ? answer.value : fail({ ...answer.error, because: 'timed_out', detail: IN_DOUBT })
  }
}

const IN_DOUBT = 'It is not known whether the profile was changed; within a minute it will be, or not, everywhere.'
