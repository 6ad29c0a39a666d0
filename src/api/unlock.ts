/** Ending a lockout, as every API that has them does. */
import type { Party } from '../domain/authority.ts'
import type { SessionError } from '../domain/errors.ts'
import { fail, type Result } from '../domain/result.ts'
import { endLockout, findLockout } from '../store/lockouts.ts'
import { auditEntry } from './audit.ts'
import type { RequestContext } from './context.ts'

/**
 * Lets a user of the store try again at once. Errors: `lockout_not_found`, `unavailable`; `forbidden` where the caller
 * may not do it for that user.
 */
export async function unlock(
  context: RequestContext & { readonly actor: string },
  identityStoreId: string,
  id: string,
  mayUnlock: (user: Party) => boolean,
): Promise<Result<void, SessionError>> {
  const { db } = context.services
  const lockout = await findLockout(db, identityStoreId, id, context.now)
  if (!lockout.ok) return lockout
  if (lockout.value === null) return fail({ code: 'lockout_not_found' })
  if (!mayUnlock(lockout.value.user)) return fail({ code: 'forbidden', needed: [], provided: [] })
  const entry = auditEntry(context, identityStoreId, 'user.unlocked', `user:${lockout.value.user.userId}`)
  return endLockout(db, lockout.value, entry)
}
