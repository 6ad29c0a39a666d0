/**
 * What a good sign-in by password leaves in the user's row: the address prefix it came from, and a hash of the current
 * cost.
 */

import { hash } from 'node:crypto'
import { and, eq, isNull } from 'drizzle-orm'
import { ok, type Result } from '../domain/result.ts'
import { MAX_KNOWN_PREFIXES } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'
import { users } from './schema.ts'
import type { User } from './users.ts'

/** Whether a user has signed in from an address prefix before, among the last ones. */
export function hasSignedInFrom(user: User, prefix: string): boolean {
  return marksOf(user).includes(markOf(user, prefix))
}

/**
 * Remembers an address prefix, the oldest one makes room, and, unless it is null, another hash of the same password.
 * Not if the password has changed since the user was read.
 */
export async function notePasswordSignIn(
  db: Database,
  user: User,
  prefix: string,
  newHash: string | null,
): Promise<Result<void, Unavailable>> {
  const { identityStoreId, userId, passwordHash } = user
  const mark = markOf(user, prefix)
  const marks = [mark, ...marksOf(user).filter((other) => other !== mark)].slice(0, MAX_KNOWN_PREFIXES)
  const asSeen = passwordHash === null ? isNull(users.passwordHash) : eq(users.passwordHash, passwordHash)
  const done = await attempt(() =>
    db
      .update(users)
      .set({ signedInFrom: marks.join(','), ...(newHash === null ? {} : { passwordHash: newHash }) })
      .where(
        and(eq(users.identityStoreId, identityStoreId), eq(users.userId, userId), isNull(users.deletedAt), asSeen),
      ),
  )
  return done.ok ? ok() : done
}

function marksOf({ signedInFrom }: User): readonly string[] {
  return signedInFrom?.split(',') ?? []
}

/** The hash is different for each user, so that it does not show who else signs in from there. */
function markOf({ identityStoreId, userId }: User, prefix: string): string {
  return hash('sha256', JSON.stringify([identityStoreId, userId, prefix]), 'base64url').slice(0, 22)
}
