/** Ending others' sessions: `invalidate`, `reset`, `resetBulk`. */
import type { z } from 'zod'
import { mayDo, type Party } from '../../domain/authority.ts'
import type { ClientKind } from '../../domain/client-kind.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { sessionNumber } from '../../domain/session-id.ts'
import { endOnRecord } from '../../sessions/recorded-end.ts'
import { findLiveSessionsByNumber, type NumberedSession } from '../../store/live-sessions.ts'
import { findUserRoles } from '../../store/user-roles.ts'
import { findUser } from '../../store/users.ts'
import { auditEntry } from '../audit.ts'
import { invalidArguments, type Refusal, refusal, refusalOf } from './errors.ts'
import { type Call, done, type MethodResult } from './method.ts'
import type { InvalidateArguments, ResetArguments, ResetBulkArguments } from './schemas.ts'

type InvalidateCall = Call<z.infer<typeof InvalidateArguments>>

/** `admin.users.session.invalidate`: ends one session. A number that two live sessions share is refused. */
export async function invalidate(call: InvalidateCall): MethodResult {
  const { caller, input, context } = call
  const { user_id: userId, team_id: teamId, session_id: number } = input
  if (userId === undefined && teamId === undefined) return invalidArguments(['missing required field: user_id'])
  const found = userId === undefined ? await ofStore(call, number) : await ofUser(call, userId, number)
  if (!found.ok) return found
  const session = found.value[0]
  if (session === undefined) return refusal('session_not_found')
  if (found.value.length > 1) {
    return fail({ error: 'session_invalidation_failed', messages: ['[ERROR] the number is not unique'] })
  }
  const { owner, sessionId } = session
  if (!mayDo(caller.user, 'end_sessions', owner)) {
    return refusal(isPrimaryOwner(owner) ? 'cannot_invalidate_primary_owner' : 'admin_unauthorized')
  }
  const { db, sessions } = context.services
  const ended = await endOnRecord(
    db,
    auditEntry(context, caller.identityStoreId, 'session.ended', `user:${owner.userId}`),
    { session_ids: [sessionId] },
    () => sessions.end(owner, { only: [sessionId] }, 'revoked', endedBy(context)),
  )
  if (!ended.ok) return refusal('session_invalidation_failed')
  return ended.value.length === 0 ? refusal('session_not_found') : done
}

async function ofStore(
  { caller, context }: InvalidateCall,
  number: number,
): Promise<Result<readonly NumberedSession[], Refusal>> {
  const found = await findLiveSessionsByNumber(context.services.db, caller.identityStoreId, number)
  return found.ok ? found : fail(refusalOf(found.error))
}

/** Asks the object: it knows sessions that D1 does not know yet. */
async function ofUser(
  { caller, context }: InvalidateCall,
  userId: string,
  number: number,
): Promise<Result<readonly NumberedSession[], Refusal>> {
  const { db, sessions } = context.services
  const user = await findUser(db, { identityStoreId: caller.identityStoreId, userId })
  if (!user.ok) return fail(refusalOf(user.error))
  if (user.value === null) return refusal('user_not_found')
  const owner = user.value.user
  const views = await sessions.list(owner, user.value.rules)
  if (!views.ok) return refusal('session_invalidation_failed')
  const numbered = views.value.filter(({ session }) => sessionNumber(session.id) === number)
  return ok(numbered.map(({ session }) => ({ owner, sessionId: session.id })))
}

/** `admin.users.session.reset`: ends all sessions of a user, or those of one kind of client. */
export async function reset(call: Call<z.infer<typeof ResetArguments>>): MethodResult {
  const { caller, input, context } = call
  const checked = await checkTargets(call, [input.user_id])
  if (!checked.ok) return checked
  const owner = { identityStoreId: caller.identityStoreId, userId: input.user_id }
  const clients = clientsOf(input)
  const which = { webOpenedUntil: Number.MAX_SAFE_INTEGER, clients }
  const { db, sessions } = context.services
  const ended = await endOnRecord(
    db,
    auditEntry(context, caller.identityStoreId, 'sessions.reset', `user:${owner.userId}`),
    { clients },
    () => sessions.end(owner, which, 'revoked', endedBy(context)),
  )
  return ended.ok ? done : refusal('user_session_reset_failed')
}

/** `admin.users.session.resetBulk`: accepted means that it will be done. */
export async function resetBulk(call: Call<z.infer<typeof ResetBulkArguments>>): MethodResult {
  const { caller, input, context } = call
  const checked = await checkTargets(call, input.user_ids)
  if (!checked.ok) return checked
  const { db, sessions } = context.services
  const clients = clientsOf(input)
  const asked = { user_ids: input.user_ids, clients }
  const accepted = await endOnRecord(
    db,
    auditEntry(context, caller.identityStoreId, 'sessions.reset', 'users'),
    asked,
    () => sessions.changes.resetUsers(caller.identityStoreId, input.user_ids, clients, endedBy(context)),
  )
  return accepted.ok ? done : fail(refusalOf(accepted.error))
}

/** Whether the caller may reset all these users; if one is not allowed, none is reset. */
async function checkTargets(
  { caller, context }: Call<unknown>,
  userIds: readonly string[],
): Promise<Result<undefined, Refusal>> {
  const found = await findUserRoles(context.services.db, caller.identityStoreId, userIds)
  if (!found.ok) return fail(refusalOf(found.error))
  if (found.value.length < userIds.length) return refusal('user_not_found')
  if (found.value.some(({ bot }) => bot)) return refusal('cannot_reset_bot')
  const beyond = found.value.filter((target) => !mayDo(caller.user, 'end_sessions', target))
  if (beyond.some(isPrimaryOwner)) return refusal('cannot_reset_primary_owner')
  return beyond.length > 0 ? refusal('access_denied') : ok()
}

function isPrimaryOwner({ role }: Party): boolean {
  return role === 'primary_owner'
}

function clientsOf(input: { readonly mobile_only: boolean; readonly web_only: boolean }): ClientKind | null {
  return input.mobile_only ? 'mobile' : input.web_only ? 'web' : null
}

function endedBy({ actor, requestId }: Call<unknown>['context']) {
  return { caller: actor, requestId }
}
