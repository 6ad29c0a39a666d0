/** Login tokens: a signed-in user hands one to another program, which signs in with it, once, within a minute. */

import { hash, randomBytes } from 'node:crypto'
import { mayDo } from '../domain/authority.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { LOGIN_TOKEN_SECONDS } from '../limits.ts'
import { newRecordId } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'
import { insertLoginToken, takeLoginToken } from '../store/login-tokens.ts'
import { findUser, findUserByUsername, type KnownUser } from '../store/users.ts'

/** Shape of a login token: 32 random bytes in hexadecimal. */
const LOGIN_TOKEN_PATTERN = /^[0-9a-f]{64}$/

/**
 * Makes a login token for a user name: one's own, or, for the owners of a store, that of somebody in it with a
 * lower role. Errors: `forbidden`, whoever else it is, also nobody; `unauthenticated` if the caller got a new password or
 * was disabled meanwhile; `unavailable`.
 */
export async function generateLoginToken(
  db: Database,
  caller: KnownUser,
  username: string,
  requestId: string,
  now: number,
): Promise<Result<string, SessionError>> {
  const found = await findUserByUsername(db, username)
  if (!found.ok) return found
  const target = found.value
  const may = target?.user.active === true && mayDo(caller.user, 'generate_login_token', target.user)
  if (target === null || !may) return fail({ code: 'forbidden', needed: [], provided: [] })
  const { identityStoreId, userId, statusVersion: epoch } = target.user
  const token = randomBytes(32).toString('hex')
  const written = await insertLoginToken(
    db,
    {
      tokenHash: hashToken(token),
      identityStoreId,
      userId,
      epoch,
      makerUserId: caller.user.userId,
      createdAt: now,
      expiresAt: now + LOGIN_TOKEN_SECONDS * 1000,
    },
    caller.user.statusVersion,
    {
      identityStoreId,
      eventId: newRecordId(now),
      at: now,
      actor: `user:${caller.user.userId}`,
      action: 'login_token.generated',
      subject: `user:${userId}`,
      requestId,
    },
  )
  if (!written.ok) return written
  return written.value ? ok(token) : fail({ code: 'unauthenticated' })
}

/**
 * The user of a login token, which is used up. Its maker must still be allowed to make it.
 * Errors: `invalid_credentials`, `unavailable`.
 */
export async function redeemLoginToken(
  db: Database,
  token: string,
  now: number,
): Promise<Result<KnownUser, SessionError>> {
  if (!LOGIN_TOKEN_PATTERN.test(token)) return fail({ code: 'invalid_credentials' })
  const taken = await takeLoginToken(db, hashToken(token), now)
  if (!taken.ok) return taken
  if (taken.value === null) return fail({ code: 'invalid_credentials' })
  const { identityStoreId, userId, makerUserId, epoch, createdAt } = taken.value
  const find = (id: string) => findUser(db, { identityStoreId, userId: id })
  const [found, foundMaker] = await Promise.all([find(userId), find(makerUserId ?? userId)])
  if (!found.ok) return found
  if (!foundMaker.ok) return foundMaker
  const [user, maker] = [found.value, foundMaker.value]
  // Decided by the roles that both have now, not when the token was made.
  const may = user?.user.active && maker?.user.active && mayDo(maker.user, 'generate_login_token', user.user)
  if (user === null || !may) return fail({ code: 'invalid_credentials' })
  // Like a session, it is void under a higher epoch than its own. The version before epochs went by the clock.
  const fits = epoch === null ? user.user.sessionsValidFrom <= createdAt : user.user.statusVersion === epoch
  return fits ? ok(user) : fail({ code: 'invalid_credentials' })
}

function hashToken(token: string): string {
  return hash('sha256', token, 'hex')
}
