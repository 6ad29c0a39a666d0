/** Sealed reasons of refusals, opened for operators alone. */
import type { z } from 'zod'
import { openAuthorizationMessage } from '../../auth/authorization-messages.ts'
import type { Scope } from '../../auth/scopes.ts'
import { fail, ok } from '../../domain/result.ts'
import { parseJson } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type AuthorizationMessageBody, AuthorizationMessageInput } from './authorization-message-schemas.ts'
import type { OperatorContext } from './caller.ts'

/** `POST /authorization-messages/open` */
export async function openMessage(request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, AuthorizationMessageInput)
  if (!input.ok) return input
  const field = 'encoded_authorization_message'
  const message = await openAuthorizationMessage(context.services.sealing, input.value[field])
  if (message === null) {
    return fail({ code: 'invalid_request', issues: [{ field, code: 'invalid', message: 'Is none that we sealed.' }] })
  }
  const { caller } = message
  const body: z.infer<typeof AuthorizationMessageBody> = {
    request_id: message.requestId,
    at: timestamp(message.at),
    missing: message.missing,
    action: message.action,
    identity_store_id: message.identityStoreId,
    user_id: message.userId,
    access_key: message.accessKey,
    caller: caller && {
      identity_store_id: caller.identityStoreId,
      credential_id: caller.credentialId,
      name: caller.name,
      scopes: caller.scopes as Scope[],
      delegated_store_ids: [...caller.delegatedStoreIds],
    },
  }
  return ok(json(body))
}
