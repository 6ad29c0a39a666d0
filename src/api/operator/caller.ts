/** Who calls: an operator, who may do everything in every identity store. */
import { authenticateBearer, type Caller, requireScope } from '../../auth/credentials.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { OPERATOR_STORE } from '../../store/credentials.ts'
import type { RequestContext } from '../context.ts'
import { check } from '../parse.ts'
import { credentialError } from '../wrong-token.ts'
import { PathParameters } from './schemas.ts'

/** One request of an operator. */
export interface OperatorContext extends RequestContext {
  readonly caller: Caller
  /** The caller in records and the audit log. */
  readonly actor: string
}

/** An operator, on a path whose parameters are ids. Errors: those of credentials; `forbidden`; `invalid_request`. */
export async function authenticate(
  request: Request,
  parameters: Readonly<Record<string, string>>,
  context: RequestContext,
): Promise<Result<OperatorContext, SessionError>> {
  const caller = await authenticateOperator(request, context)
  if (!caller.ok) return caller
  const path = check(parameters, PathParameters)
  if (!path.ok) return path
  return ok({ ...context, caller: caller.value, actor: `credential:${caller.value.credentialId}` })
}

/** The scope alone is not enough: the credential must be of the service itself, not of an identity store. */
async function authenticateOperator(request: Request, context: RequestContext): Promise<Result<Caller, SessionError>> {
  const caller = await authenticateBearer(context.services.db, request, context)
  if (!caller.ok) return fail(await credentialError(caller.error, request, context))
  if (caller.value.identityStoreId !== OPERATOR_STORE) {
    return fail({ code: 'forbidden', needed: ['operator'], provided: caller.value.scopes })
  }
  return requireScope(caller.value, 'operator')
}
