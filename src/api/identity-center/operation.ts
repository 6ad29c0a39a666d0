/** What both operations have: a caller who signed the request and may do this in this identity store. */
import { readSignature } from '../../auth/access-key-signature.ts'
import { authenticateSigner, type Signer } from '../../auth/access-keys.ts'
import type { AuthorizationMessage } from '../../auth/authorization-messages.ts'
import { requireScope } from '../../auth/credentials.ts'
import { passGate } from '../../auth/gates.ts'
import type { Scope } from '../../auth/scopes.ts'
import type { SessionError } from '../../domain/errors.ts'
import type { Result } from '../../domain/result.ts'
import { readBody } from '../../http/body.ts'
import { findUser, type KnownUser } from '../../store/users.ts'
import type { RequestContext } from '../context.ts'
import type { Handler } from '../route.ts'
import { renderDenied, renderError } from './errors.ts'

/** One request of a caller who may make it, about a user who exists. */
export interface Operation {
  readonly context: RequestContext
  readonly body: Uint8Array
  readonly caller: Signer
  readonly user: KnownUser
}

/** A handler that only callers with the permission reach. */
export function permitted(
  action: Scope,
  act: (operation: Operation) => Promise<Result<Response, SessionError>>,
): Handler {
  return async (request, parameters, context) => {
    const { services, now } = context
    const { db, sealing, settings } = services
    const { identity_store_id: identityStoreId = '', user_id: userId = '' } = parameters
    // Before any look-up; by address, so that nobody can use up another caller's share.
    const passed = await passGate(services.accessKeyGate, 'access-key', context.client)
    if (!passed.ok) return renderError(passed.error, context)

    const signature = readSignature(request.headers, now, settings.strictSignatures)
    if (!signature.ok) return renderError({ code: 'bad_signature', fault: signature.error }, context)
    const body = await readBody(request)
    if (!body.ok) return renderError(body.error, context)
    const dependencies = { db, sealing, publicOrigins: settings.publicOrigins, strict: settings.strictSignatures }
    const signer = await authenticateSigner(dependencies, request, body.value, signature.value, context)

    const asked = { action, identityStoreId, userId, accessKey: signature.value.accessKey }
    if (!signer.ok) {
      if (signer.error.code !== 'address_not_allowed') return renderError(signer.error, context)
      return renderDenied({ ...asked, missing: 'address', caller: null }, context)
    }
    const caller = signer.value
    const missing = missingRight(caller, action, identityStoreId)
    if (missing !== null) return renderDenied({ ...asked, missing, caller }, context)

    const user = await findUser(db, { identityStoreId, userId })
    if (!user.ok) return renderError(user.error, context)
    if (user.value === null) return renderError({ code: 'user_not_found' }, context)
    const outcome = await act({ context, body: body.value, caller, user: user.value })
    return outcome.ok ? outcome.value : renderError(outcome.error, context)
  }
}

/** The store comes first: a foreign caller learns nothing of a store, not even whether it exists. */
function missingRight(caller: Signer, action: Scope, identityStoreId: string): AuthorizationMessage['missing'] | null {
  const administered = [caller.identityStoreId, ...caller.delegatedStoreIds]
  if (!administered.includes(identityStoreId)) return 'identity_store'
  return requireScope(caller, action).ok ? null : 'permission'
}
