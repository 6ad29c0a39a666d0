/** The hashers as the Worker sees them: which one, and how long to wait for it. */

import { hash } from 'node:crypto'
import type { SessionError } from '../domain/errors.ts'
import type { HashCost } from '../domain/hash-cost.ts'
import type { UserKey } from '../domain/ids.ts'
import type { Result } from '../domain/result.ts'
import { HASHER_TIMEOUT_MILLISECONDS, HASHERS } from '../limits.ts'
import type { KnownUser } from '../store/users.ts'
import { isObjectBug, within } from '../time-limit.ts'
import type { Hearing, Try } from './hearing.ts'
import type { PasswordHasher } from './password-hasher.ts'

export class PasswordHashers {
  private readonly objects: DurableObjectNamespace<PasswordHasher>
  private readonly cost: HashCost

  constructor(objects: DurableObjectNamespace<PasswordHasher>, cost: HashCost) {
    this.objects = objects
    this.cost = cost
  }

  /** Hashes a user's new password; no stranger is waited for. Errors: `unavailable`. */
  hash({ identityStoreId, userId }: UserKey, password: string): Promise<Result<string, SessionError>> {
    const who = `${identityStoreId}/${userId}`
    return this.ask(who, (hasher) => hasher.hash(who, password, this.cost))
  }

  /** Hears a try to sign in. Errors as for `hear`. */
  hear(attempt: Try, hearing: Omit<Hearing, 'cost'>): Promise<Result<KnownUser, SessionError>> {
    return this.ask(attempt.username, (hasher) => hasher.hear(attempt, { ...hearing, cost: this.cost }))
  }

  private async ask<T>(
    name: string,
    call: (hasher: DurableObjectStub<PasswordHasher>) => Promise<Result<T, SessionError>>,
  ): Promise<Result<T, SessionError>> {
    const number = Number.parseInt(hash('sha256', name, 'hex').slice(0, 8), 16) % HASHERS
    const hasher = this.objects.get(this.objects.idFromName(`hasher-${number}`))
    const ask = async () => {
      const heard = await call(hasher)
      // Lets go of the function that was handed over with the call.
      if (Symbol.dispose in heard) (heard as Disposable)[Symbol.dispose]()
      return heard
    }
    const answer = await within(HASHER_TIMEOUT_MILLISECONDS, 'password hashing', ask, isObjectBug)
    return answer.ok ? answer.value : answer
  }
}
