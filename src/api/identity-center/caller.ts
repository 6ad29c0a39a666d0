/** Who calls the Identity Center: the holder of an access key, who has signed the request with it. */
import { readSignature } from '../../auth/access-key-signature.ts'
import { authenticateSigner, type Signer } from '../../auth/access-keys.ts'
import type { AuthorizationMessage } from '../../auth/authorization-messages.ts'
import { requireScope } from '../../auth/credentials.ts'
import { passGate } from '../../auth/gates.ts'
import type { Scope } from '../../auth/scopes.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { readBody } from '../../http/body.ts'
import { findUser, type KnownUser } from '../../store/users.ts'
import type { RequestContext } from '../context.ts'
import { renderBadSignature, renderDenied } from './errors.ts'

/** The parameters of every path. */
export interface UserPath {
  readonly identity_store_id: string
  readonly user_id: string
}

/** One request of a caller who may make it, about a user who exists. */
export interface SignedContext extends RequestContext {
  readonly body: Uint8Array
  readonly caller: Signer
  /** The caller in records and the audit log. */
  readonly actor: string
  readonly user: KnownUser
}

/** Lets in only callers who have signed the request and may do `action` in the identity store. */
export function permitted(action: Scope) {
  return async (
    request: Request,
    { identity_store_id: identityStoreId, user_id: userId }: UserPath,
    context: RequestContext,
  ): Promise<Result<SignedContext, SessionError | Response>> => {
    const { services, now } = context
    const { db, sealing, settings } = services
    // Before any look-up; by address, so that nobody can use up another caller's share.
    const passed = await passGate(services.accessKeyGate, 'access-key', context.client)
    if (!passed.ok) return passed

    const signature = readSignature(request.headers, now, settings.strictSignatures)
    if (!signature.ok) return fail(renderBadSignature(signature.error, context))
    const body = await readBody(request)
    if (!body.ok) return body
    const dependencies = { db, sealing, publicOrigins: settings.publicOrigins, strict: settings.strictSignatures }
    const signer = await authenticateSigner(dependencies, request, body.value, signature.value, context)

    const asked = { action, identityStoreId, userId, accessKey: signature.value.accessKey }
    if (!signer.ok) {
      const { error } = signer
      if (error.code === 'bad_signature') return fail(renderBadSignature(error.fault, context))
      if (error.code !== 'address_not_allowed') return fail(error)
      return fail(await renderDenied({ ...asked, missing: 'address', caller: null }, context))
    }
    const caller = signer.value
    const missing = missingRight(caller, action, identityStoreId)
    if (missing !== null) return fail(await renderDenied({ ...asked, missing, caller }, context))

    const user = await findUser(db, { identityStoreId, userId })
    if (!user.ok) return user
    if (user.value === null) return fail({ code: 'user_not_found' })
    const actor = `credential:${caller.credentialId}`
    return ok({ ...context, body: body.value, caller, actor, user: user.value })
  }
}

/** The store comes first: a foreign caller learns nothing of a store, not even whether it exists. */
function missingRight(caller: Signer, action: Scope, identityStoreId: string): AuthorizationMessage['missing'] | null {
  const administered = [caller.identityStoreId, ...caller.delegatedStoreIds]
  if (!administered.includes(identityStoreId)) return 'identity_store'
  return requireScope(caller, action).ok ? null : 'permission'
}
