/** Login tokens: a signed-in user hands one to another program, which signs in with it, once, within a minute. */
import { hash, randomBytes } from 'node:crypto'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import { newRecordId } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'
import { insertLoginToken, takeLoginToken } from '../store/login-tokens.ts'
import type { Role } from '../store/schema.ts'
import { findUser, findUserByUsername, type KnownUser } from '../store/users.ts'
import { normalizeUsername } from './sign-in.ts'

/** Life of a login token, in seconds. Source: Netaxis APIO, auth_token/generate. */
export const LOGIN_TOKEN_SECONDS = 60
/** Shape of a login token: 32 random bytes in hexadecimal. */
const LOGIN_TOKEN_PATTERN = /^[0-9a-f]{64}$/
/** Who may do most comes first. */
const RANKS: readonly Role[] = ['primary_owner', 'owner', 'admin', 'member']
/** Roles with "Super" access. */
const SUPER: ReadonlySet<Role> = new Set(['primary_owner', 'owner'])

/**
 * Makes a login token for a user name: one's own, or, for the owners of a store, that of somebody in it with a
 * lower role. Errors: `forbidden`, whoever else it is, also nobody; `unavailable`.
 */
export async function generateLoginToken(
  db: Database,
  caller: KnownUser,
  username: string,
  requestId: string,
  now: number,
): Promise<Result<string, SessionError>> {
  const found = await findUserByUsername(db, normalizeUsername(username))
  if (!found.ok) return found
  const target = found.value
  if (target === null || !mayGenerate(caller, target)) return fail({ code: 'forbidden', needed: [], provided: [] })
  const { identityStoreId, userId, statusVersion: epoch } = target.user
  const token = randomBytes(32).toString('hex')
  const written = await insertLoginToken(
    db,
    {
      tokenHash: hashToken(token),
      identityStoreId,
      userId,
      epoch,
      createdAt: now,
      expiresAt: now + LOGIN_TOKEN_SECONDS * 1000,
    },
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
  return written.ok ? ok(token) : written
}

/** The user of a login token, which is used up. Errors: `invalid_credentials`, `unavailable`. */
export async function redeemLoginToken(
  db: Database,
  token: string,
  now: number,
): Promise<Result<KnownUser, SessionError>> {
  if (!LOGIN_TOKEN_PATTERN.test(token)) return fail({ code: 'invalid_credentials' })
  const taken = await takeLoginToken(db, hashToken(token), now)
  if (!taken.ok) return taken
  if (taken.value === null) return fail({ code: 'invalid_credentials' })
  const found = await findUser(db, taken.value)
  if (!found.ok) return found
  const user = found.value
  if (!user?.user.active || user.user.bot) return fail({ code: 'invalid_credentials' })
  const { epoch, createdAt } = taken.value
  // Like a session, it is void under a higher epoch than its own. The version before epochs went by the clock.
  const fits = epoch === null ? user.user.sessionsValidFrom <= createdAt : user.user.statusVersion === epoch
  return fits ? ok(user) : fail({ code: 'invalid_credentials' })
}

function mayGenerate({ user }: KnownUser, { user: target }: KnownUser): boolean {
  if (target.identityStoreId !== user.identityStoreId || !target.active || target.bot) return false
  if (target.userId === user.userId) return true
  return SUPER.has(user.role) && RANKS.indexOf(user.role) < RANKS.indexOf(target.role)
}

function hashToken(token: string): string {
  return hash('sha256', token, 'hex')
}
