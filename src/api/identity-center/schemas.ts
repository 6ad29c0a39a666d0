/**
 * What the Identity Center API takes and gives. JSON, snake_case; instants are epoch milliseconds.
 * Source: support.huaweicloud.com/intl/en-us/api-iam-identity-center (ListSessions, BatchDeleteSessions)
 */
import { z } from 'zod'

/** Most sessions in one batch. */
const MAX_BATCH = 1_000

/** Unknown fields are let pass, as the vendor does. Ids that are none of ours are no fault: they end nothing. */
export const BatchDeleteInput = z
  .object({
    session_ids: z.array(z.string()).min(1).max(MAX_BATCH).describe('Ids of sessions; all others are passed over.'),
  })
  .meta({ id: 'IdentityCenterBatchDelete' })

export const SessionListBody = z
  .object({
    session_list: z
      .array(
        z.object({
          creation_time: z.int().describe('When it was opened.'),
          ip_address: z.string().optional().describe('The client that opened it, where known.'),
          session_id: z.string(),
          session_not_valid_after: z.int().describe('When it ends at the latest.'),
          user_agent: z.string().optional().describe('The client that opened it, where known.'),
          user_id: z.string(),
        }),
      )
      .describe('The live sessions, newest first.'),
  })
  .meta({ id: 'IdentityCenterSessionList' })

export const ErrorBody = z
  .object({
    error_code: z.string().describe('`APIGW.…` of the gateway, `IIC.…` of the service.'),
    error_msg: z.string(),
    request_id: z.string().describe('The same as the header `X-Request-Id`.'),
    encoded_authorization_message: z.string().optional().describe('With 403; an operator can have it opened.'),
  })
  .meta({ id: 'IdentityCenterError' })
