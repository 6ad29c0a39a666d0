/** Who calls the operator API, and what the caller may do there: decided here for every route. */
import { OPERATOR_SCOPES, type OperatorScope, operatorScopes } from '../../auth/scopes.ts'
import type { SessionError } from '../../domain/errors.ts'
import { NO_STORE } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { SessionView } from '../../domain/session-view.ts'
import { CONFIRMATION_SECONDS } from '../../limits.ts'
import type { Credential } from '../../store/credentials.ts'
import type { RequestContext } from '../context.ts'
import { parseValue } from '../parse.ts'
import { knownCaller, type OperatorCaller } from './known-caller.ts'
import { PathParameters } from './schemas.ts'

/** One request of a caller who may make it. */
export interface OperatorContext extends RequestContext {
  readonly caller: OperatorCaller
  /** The caller in records and the audit log. */
  readonly actor: string
}

/** What a route asks of its caller. */
export interface OperatorRule {
  /** Null: any scope will do. */
  readonly scope: OperatorScope | null
  /**
   * Whether the caller must have proved itself within the last minutes; a caller with a credential does so in every
   * request.
   */
  readonly confirmed?: true
  /**
   * What the route is about. `store`: the store in its path. `all`: all stores, or the operators themselves; only for
   * callers who are not limited to some stores. `own`: whatever the caller may see; the handler picks it out.
   * `console_session`: the operator's own console session; an administrator of a store has none. Default: `store` where
   * the path names one, else `all`.
   */
  readonly about?: 'store' | 'all' | 'own' | 'console_session'
}

/**
 * A caller who may make the request, on a path whose parameters are ids. Errors: those of `knownCaller`; `forbidden`;
 * `identity_store_not_found` for a store that is not the caller's; `confirmation_needed`; `invalid_request`.
 */
export async function authenticate(
  rule: OperatorRule,
  request: Request,
  parameters: Readonly<Record<string, string>>,
  context: RequestContext,
): Promise<Result<OperatorContext, SessionError>> {
  const caller = await knownCaller(request, context)
  if (!caller.ok) return caller
  const may = requireMayCall(caller.value, rule, parameters.identity_store_id, context.now)
  if (!may.ok) return may
  const path = parseValue(parameters, PathParameters)
  return path.ok ? ok({ ...context, caller: caller.value, actor: caller.value.actor }) : path
}

/** Whether a caller may do all that a credential may, and so be given its secret. Errors: `forbidden`. */
export function requirePowersOf(
  { scopes, limitedStoreIds }: OperatorCaller,
  credential: Pick<Credential, 'identityStoreId' | 'scopes' | 'delegatedStoreIds'>,
): Result<void, SessionError> {
  const needed = credential.identityStoreId === NO_STORE ? operatorScopes(credential.scopes) : []
  const beyond = limitedStoreIds !== null && credential.delegatedStoreIds.some((id) => !limitedStoreIds.includes(id))
  if (!beyond && needed.every((scope) => scopes.includes(scope))) return ok()
  return fail({ code: 'forbidden', needed, provided: scopes, detail: 'The credential may do more than the caller.' })
}

/** Whether a caller may make a request of a route, about a store if any. Errors: as above. */
function requireMayCall(
  { scopes, limitedStoreIds, session }: Pick<OperatorCaller, 'scopes' | 'limitedStoreIds' | 'session'>,
  { scope, confirmed, about }: OperatorRule,
  identityStoreId: string | undefined,
  now: number,
): Result<void, SessionError> {
  const refusal = { code: 'forbidden', needed: scope === null ? OPERATOR_SCOPES : [scope], provided: scopes } as const
  if (scope === null ? scopes.length === 0 : !scopes.includes(scope)) return fail(refusal)
  const isLimited = limitedStoreIds !== null && about !== 'own' && about !== 'console_session'
  if (isLimited && (identityStoreId === undefined || about === 'all')) {
    return fail({ ...refusal, detail: 'The caller is limited to some identity stores; this is about all of them.' })
  }
  if (isLimited && !limitedStoreIds.includes(identityStoreId as string))
    return fail({ code: 'identity_store_not_found' })
  return confirmed ? requireConfirmed(session, now) : ok()
}

/** Whether a caller has just proved itself; one without a session does so in each request. Errors: `confirmation_needed`. */
export function requireConfirmed(session: SessionView | null, now: number): Result<void, SessionError> {
  return session !== null && now >= confirmedUntil(session)
    ? fail({ code: 'confirmation_needed', provenAt: session.session.openedAt })
    : ok()
}

/**
 * Until when a session's caller counts as having just proved itself, which it did at the opening. A caller who opened the
 * session with a code did not: the token was shown when the code was made.
 */
export function confirmedUntil({ session }: SessionView): number {
  const { kind, credentialsType, openedAt } = session
  return kind === 'operator' && credentialsType === 'login_token' ? openedAt : openedAt + CONFIRMATION_SECONDS * 1000
}
