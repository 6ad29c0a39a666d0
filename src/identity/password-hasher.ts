/**
 * `PasswordHasher`: the Durable Object in which passwords are hashed, so that it stops no check. There are a fixed
 * number, chosen by a hash of the user name; it keeps nothing. All that is tried for one user name comes to one
 * object, where the tries of one client are heard one after the other: so what was wrong counts before the next is
 * heard, and what is right counts for nothing.
 */

import { DurableObject } from 'cloudflare:workers'
import type { SessionError } from '../domain/errors.ts'
import type { HashCost } from '../domain/hash-cost.ts'
import type { Result } from '../domain/result.ts'
import { type Endpoints, wakeEndpointsOf } from '../events/wake.ts'
import { objectsIn } from '../jurisdiction.ts'
import { MAX_HASHING_WAIT_MILLISECONDS } from '../limits.ts'
import { logContext } from '../log.ts'
import { settingsOfObject } from '../object-settings.ts'
import { inSpan } from '../spans.ts'
import { type Database, openDatabase } from '../store/database.ts'
import type { KnownUser } from '../store/users.ts'
import type { Unavailable } from '../time-limit.ts'
import type { Asker } from './fair-queue.ts'
import { HashingLine } from './hashing-line.ts'
import { type Hearing, hear, type Try } from './hearing.ts'
import { hashPassword } from './passwords.ts'
import { TurnsByKey } from './turns-by-key.ts'

/** Of all the hashers in this isolate. */
const line = new HashingLine()

interface Bindings {
  readonly DB: D1Database
  readonly ENDPOINTS: Endpoints
}

export class PasswordHasher extends DurableObject<Bindings> {
  private readonly db: Database
  private readonly endpoints: Endpoints
  private readonly turns = new TurnsByKey()

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env)
    const settings = settingsOfObject(ctx, env)
    this.db = openDatabase(env.DB)
    this.endpoints = objectsIn(env.ENDPOINTS, settings.jurisdiction)
  }

  /** Hashes an operator's new password for a user. Errors: `unavailable` if it would take too long. */
  hash(who: string, password: string, cost: HashCost): Promise<Result<string, Unavailable>> {
    const asker: Asker = { priority: 'operator', who }
    return inSpan('hash', {}, () =>
      line.take(asker, cost, MAX_HASHING_WAIT_MILLISECONDS, () => hashPassword(password, cost)),
    )
  }

  /** Hears a try to sign in. `authenticate` asks the application server. Errors as for `hear`. */
  hear(attempt: Try, hearing: Hearing): Promise<Result<KnownUser, SessionError>> {
    const onLockout = (identityStoreId: string) => wakeEndpointsOf(this.db, this.endpoints, identityStoreId)
    const deps = { db: this.db, onLockout, line, turns: this.turns }
    return logContext.run({ object: this.ctx.id.toString() }, () =>
      inSpan('hash', {}, () => hear(deps, attempt, hearing)),
    )
  }
}
