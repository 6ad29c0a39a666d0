/** Who calls a Slack method: a token that acts for a user of its identity store, Slack's user token. */

import { type ActingCaller, authenticateActing } from '../../auth/credentials.ts'
import { bearerToken } from '../../auth/session-carriers.ts'
import { administers } from '../../domain/authority.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { type ActingUser, countCall } from '../../store/admissions.ts'
import type { RequestContext } from '../context.ts'
import type { Arguments } from './arguments.ts'
import { type Refusal, refusal, refusalOf } from './errors.ts'

/** A caller of a store. It acts for no user where a method takes such tokens too. */
export interface SlackCaller extends ActingCaller {
  readonly store: NonNullable<ActingCaller['store']>
}

/** A caller who may administrate. */
export interface AdminCaller extends SlackCaller {
  readonly user: ActingUser
}

/** The token in the header, else the one among the arguments. Errors: those of credentials; `not_authed`. */
export async function authenticate(
  request: Request,
  given: Arguments | null,
  context: RequestContext,
): Promise<Result<SlackCaller, Refusal>> {
  const { services } = context
  const argument = request.method === 'POST' ? given?.get('token') : undefined
  const header = request.headers.has('authorization')
  if (!header && (typeof argument !== 'string' || argument === '')) return refusal('not_authed')
  const token = header ? (bearerToken(request) ?? '') : String(argument)
  const caller = await authenticateActing(services.db, token, context)
  if (!caller.ok) {
    // A session's token is genuine too, and of no use here.
    const isSession = caller.error.code === 'unauthenticated' && (await services.tokens.verify(token)) !== null
    return isSession ? refusal('not_allowed_token_type') : fail(refusalOf(caller.error))
  }
  const { store } = caller.value
  return store === null ? refusal('team_access_not_granted') : ok({ ...caller.value, store })
}

/** Counts the call, also one of a user who may do nothing. Errors: `ratelimited`. */
export async function admit(
  caller: SlackCaller,
  method: string,
  perMinute: number,
  context: RequestContext,
): Promise<Result<SlackCaller, Refusal>> {
  const { identityStoreId, credentialId } = caller
  const subject = { identityStoreId, caller: credentialId, method }
  const counted = await countCall(context.services.db, subject, perMinute, context.now)
  return counted.ok ? ok(caller) : fail(refusalOf(counted.error))
}

/** The caller, if it acts for an admin or an owner. Errors: `not_allowed_token_type`, `not_an_admin`. */
export function requireAdmin(caller: SlackCaller): Result<AdminCaller, Refusal> {
  const { user } = caller
  if (user === null || user.bot) return refusal('not_allowed_token_type')
  return administers(user.role) ? ok({ ...caller, user }) : refusal('not_an_admin')
}
