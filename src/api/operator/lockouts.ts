/** Users of an identity store who are locked for an address after too many wrong passwords. */
import type { z } from 'zod'
import type { Party } from '../../domain/authority.ts'
import { ok } from '../../domain/result.ts'
import { type Lockout, type LockoutCursor, scanLockouts } from '../../store/lockouts.ts'
import { parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { unlock } from '../unlock.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { type LockoutListBody, LockoutQuery } from './overview-schemas.ts'

interface LockoutPath extends StorePath {
  readonly lockout_id: string
}

/** `GET …/lockouts`: those in force, the newest first. */
export async function listLockouts(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const query = parseQuery(request, LockoutQuery)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const from = cursor === undefined ? null : readCursor(cursor)
  const page = await scanLockouts(context.services.db, identityStoreId, from, limit, context.now)
  if (!page.ok) return page
  const { rows, scanned, last } = page.value
  const body: z.infer<typeof LockoutListBody> = {
    lockouts: rows.map(lockoutBody),
    next_cursor: last === null ? null : `${last.lockedAt}.${last.id}`,
    scanned,
  }
  return ok(json(body))
}

/** `DELETE …/lockouts/{lockout_id}`: the user may try again at once. */
export async function deleteLockout(_request: Request, path: LockoutPath, context: OperatorContext): HandlerResult {
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const mayUnlock = (user: Party) => context.caller.mayDo('end_lockouts', user)
  const unlocked = await unlock(context, path.identity_store_id, path.lockout_id, mayUnlock)
  return unlocked.ok ? ok(empty()) : unlocked
}

function readCursor(cursor: string): LockoutCursor {
  const [lockedAt, id = ''] = cursor.split('.')
  return { lockedAt: Number(lockedAt), id }
}

function lockoutBody(lockout: Lockout): z.infer<typeof LockoutListBody>['lockouts'][number] {
  return {
    lockout_id: lockout.id,
    user_id: lockout.user.userId,
    username: lockout.user.username ?? '',
    address: lockout.address,
    wrong_passwords: lockout.attempts,
    locked_at: timestamp(lockout.lockedAt),
    locked_until: timestamp(lockout.lockedUntil),
  }
}
