/** Who calls a Slack method: a token that acts for a user of its identity store, Slack's user token. */
import { authenticateToken, type Caller } from '../../auth/credentials.ts'
import { bearerToken } from '../../auth/session-carriers.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { type ActingUser, type Admission, admitCall } from '../../store/admissions.ts'
import { OPERATOR_STORE } from '../../store/credentials.ts'
import type { Role, StoreState } from '../../store/schema.ts'
import type { RequestContext } from '../context.ts'
import type { Arguments } from './arguments.ts'
import { type Refusal, refusal, refusalOf } from './errors.ts'

/** Seconds of Slack's rate limits. */
const WINDOW_SECONDS = 60

/** A caller, and what is known of its store. */
export interface SlackCaller extends Caller {
  readonly store: { readonly name: string; readonly state: StoreState }
  /** The user it acts for; null where a method takes other tokens too. */
  readonly user: ActingUser | null
}

/** A caller who may administrate. */
export interface AdminCaller extends SlackCaller {
  readonly user: ActingUser
}

const ADMIN_ROLES: ReadonlySet<Role> = new Set(['admin', 'owner', 'primary_owner'])

/** The token in the header, else the one among the arguments. Errors: those of credentials; `not_authed`. */
export async function authenticate(
  request: Request,
  given: Arguments | null,
  context: RequestContext,
): Promise<Result<Caller, Refusal>> {
  const { services, client, now } = context
  const argument = request.method === 'POST' ? given?.get('token') : undefined
  const header = request.headers.has('authorization')
  if (!header && (typeof argument !== 'string' || argument === '')) return refusal('not_authed')
  const token = header ? (bearerToken(request)?.token ?? '') : String(argument)
  const caller = await authenticateToken(services.db, token, client, now)
  if (!caller.ok) {
    // A session's token is genuine too, and of no use here.
    const isSession = caller.error.code === 'unauthenticated' && (await services.tokens.verify(token)) !== null
    return isSession ? refusal('not_allowed_token_type') : fail(refusalOf(caller.error))
  }
  return caller.value.identityStoreId === OPERATOR_STORE ? refusal('team_access_not_granted') : caller
}

/** Counts the call and finds whom the token acts for. Errors: `ratelimited`, `account_inactive`. */
export async function admit(
  caller: Caller,
  method: string,
  perMinute: number,
  context: RequestContext,
): Promise<Result<SlackCaller, Refusal>> {
  const { identityStoreId, credentialId, ownerUserId } = caller
  const subject = { identityStoreId, credentialId, method }
  const { db } = context.services
  const admission = await admitCall(db, subject, ownerUserId, perMinute, WINDOW_SECONDS, context.now)
  if (!admission.ok) return fail(refusalOf(admission.error))
  const { store, owner, retryAfterSeconds } = admission.value
  if (store === null || isInactive(caller, admission.value)) return refusal('account_inactive')
  if (retryAfterSeconds !== null) return fail({ error: 'ratelimited', retryAfterSeconds })
  return ok({ ...caller, store, user: owner })
}

/** The caller, if it acts for an admin or an owner. Errors: `not_allowed_token_type`, `not_an_admin`. */
export function requireAdmin(caller: SlackCaller): Result<AdminCaller, Refusal> {
  const { user } = caller
  if (user === null || user.bot) return refusal('not_allowed_token_type')
  return ADMIN_ROLES.has(user.role) ? ok({ ...caller, user }) : refusal('not_an_admin')
}

/** Whether a caller may end sessions of a user: those of a primary owner are for a primary owner alone. */
export function mayEnd(caller: AdminCaller, role: Role): boolean {
  return role !== 'primary_owner' || caller.user.role === 'primary_owner'
}

function isInactive({ ownerUserId }: Caller, { owner }: Admission): boolean {
  return ownerUserId !== null && owner?.active !== true
}
