/** What the operator API takes and gives of sealed authorization messages. */
import { z } from 'zod'
import { MISSING_RIGHTS } from '../../auth/authorization-messages.ts'
import { scope, timestamp } from './schemas.ts'

/** A sealed message is some hundreds of characters. */
export const AuthorizationMessageInput = z
  .strictObject({
    encoded_authorization_message: z.string().min(1).max(32_768),
  })
  .meta({ id: 'AuthorizationMessageInput' })
export const AuthorizationMessageBody = z
  .object({
    request_id: z.string(),
    at: timestamp,
    missing: z
      .enum(MISSING_RIGHTS)
      .describe('What the caller lacked: the action, the right to this identity store, or an address to call from.'),
    action: z.string(),
    identity_store_id: z.string().describe('As the request named it; it may not exist.'),
    user_id: z.string().describe('As the request named it; the user may not exist.'),
    access_key: z.string(),
    caller: z
      .object({
        identity_store_id: z.string(),
        credential_id: z.string(),
        name: z.string(),
        scopes: z.array(scope),
        delegated_store_ids: z.array(z.string()),
      })
      .nullable()
      .describe('As it was then. Null where the address was refused.'),
  })
  .meta({ id: 'AuthorizationMessage' })
