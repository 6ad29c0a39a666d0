/** Ending what an OpenID provider says has ended. */
import { isNamedBy, type OpenIdLogout } from '../../domain/openid-login.ts'
import type { AskedBy } from '../../domain/session.ts'
import { LOGOUT_SECOND_LOOK_MILLISECONDS } from '../../limits.ts'
import { newRecordId, recordAuditEvent } from '../../store/audit-events.ts'
import { type ConcernedUser, usersOfLogout } from '../../store/openid-sessions.ts'
import { callUser, type JobContext, type JobOutcome } from './job-calls.ts'

/** A logout token was accepted. */
export interface IdpLogout {
  readonly kind: 'idp_logout'
  readonly logout: OpenIdLogout
  readonly by: AskedBy & { readonly caller: string; readonly requestId: string }
  /**
   * Whether its sessions were ended once. They are looked for a second time: D1 may not have known one yet, or it was
   * opened meanwhile.
   */
  readonly looked: boolean
}

/** One look at everybody whom the logout concerns. */
export async function idpLogout(job: IdpLogout, context: JobContext): Promise<JobOutcome<IdpLogout>> {
  const users = await usersOfLogout(context.db, context.identityStoreId, job.logout)
  if (!users.ok) return { next: 'failed', what: 'D1' }
  const ended = await Promise.all(users.value.map((user) => endNamed(job, user, context)))
  if (ended.includes(false)) return { next: 'failed', what: 'users' }
  if (job.looked) return { next: 'done' }
  return { next: 'again', dueAt: context.now + LOGOUT_SECOND_LOOK_MILLISECONDS, job: { ...job, looked: true } }
}

/** Ends the sessions of a user that the logout names, once it is on record; false if it could not be done. */
async function endNamed({ logout, by }: IdpLogout, user: ConcernedUser, context: JobContext): Promise<boolean> {
  const { userId, ofSubject } = user
  const live = await callUser(context, userId, (stub) => stub.stories({}))
  if (!live.ok) return false
  const ids = live.value
    // An object of an earlier version says nothing of the sign-in.
    .filter(({ session, openid = null }) => isNamedBy(logout, session, openid, ofSubject))
    .map(({ session }) => session.id)
  if (ids.length === 0) return true
  const { db, identityStoreId, now } = context
  const entry = { identityStoreId, eventId: newRecordId(now), at: now, actor: by.caller, requestId: by.requestId }
  const recorded = await recordAuditEvent(
    db,
    { ...entry, action: 'sessions.ended', subject: `user:${userId}` },
    { reason: 'idp_logout', session_ids: ids },
  )
  if (!recorded.ok) return false
  const ended = await callUser(context, userId, (stub) => stub.end({ only: ids }, 'idp_logout', by))
  return ended.ok
}
