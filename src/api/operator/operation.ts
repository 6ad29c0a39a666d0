/** What every operator's request has: a caller who may do everything, and an audit entry for what is done. */
import { authenticateBearer, type Caller, requireScope } from '../../auth/credentials.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { OPERATOR_STORE } from '../../store/credentials.ts'
import type { RequestContext } from '../context.ts'
import { check } from '../parse.ts'
import type { Handler } from '../route.ts'
import { credentialError } from '../wrong-token.ts'
import { renderError } from './errors.ts'
import { PathParameters } from './schemas.ts'

/** One request of an operator. */
export interface Operation {
  readonly request: Request
  readonly context: RequestContext
  readonly caller: Caller
  /** Of the path, where it has them; they fit the pattern. */
  readonly identityStoreId: string
  readonly userId: string
  readonly credentialId: string
}

/** What a handler comes to. */
export type Outcome = Promise<Result<Response, SessionError>>

/** A handler that only operators reach. */
export function operatorOnly(act: (operation: Operation) => Outcome): Handler {
  return async (request, parameters, context) => {
    const outcome = await perform(act, request, parameters, context)
    return outcome.ok ? outcome.value : renderError(outcome.error, context)
  }
}

async function perform(
  act: (operation: Operation) => Outcome,
  request: Request,
  parameters: Record<string, string>,
  context: RequestContext,
): Outcome {
  const caller = await authenticateOperator(request, context)
  if (!caller.ok) return caller
  const path = check(parameters, PathParameters)
  if (!path.ok) return path
  const { identity_store_id: identityStoreId = '', user_id: userId = '', credential_id: credentialId = '' } = path.value
  return act({ request, context, caller: caller.value, identityStoreId, userId, credentialId })
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

/** An answer that no cache may keep. */
export function answer(body: unknown, status = 200): Result<Response, never> {
  return ok(Response.json(body, { status, headers: { 'cache-control': 'no-store' } }))
}

/** The answer to what leaves nothing to show. */
export function answerNothing(): Result<Response, never> {
  return ok(new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } }))
}

/** A page of what was fetched with one row too many, and where the next one begins. */
export function page<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => string,
): { readonly rows: readonly T[]; readonly nextCursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { rows: shown, nextCursor: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}

/** An instant as answers show it. */
export function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
