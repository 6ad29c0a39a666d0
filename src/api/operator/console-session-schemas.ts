/** What the console sessions' routes give. JSON, snake_case; instants are ISO 8601. */
import { z } from 'zod'
import { nextCursor } from '../common-schemas.ts'

const instant = z.iso.datetime()

/** Who calls, and what the caller may do. */
export const CallerBody = z
  .object({
    actor: z.string().describe('The name that the caller has in the audit log.'),
    name: z.string().describe('The name of the credential; of a user, the user name.'),
    credential_id: z.string().nullable().describe('Null: it is an administrator of a store.'),
    user_id: z.string().nullable().describe('Null: it is an operator.'),
    scopes: z.array(z.string()),
    limited_store_ids: z
      .array(z.string())
      .nullable()
      .describe('The identity stores that the caller is limited to. Null: all.'),
    session_id: z.uuid().nullable().describe('Null: the caller shows a credential.'),
    opened_at: instant.nullable(),
    expires_at: instant.nullable().describe('Null: the credential does not expire.'),
    idles_out_at: instant.nullable(),
    confirmed_until: instant
      .nullable()
      .describe('Until when it may do what needs a fresh proof. Null: always, by showing a credential.'),
  })
  .meta({ id: 'OperatorCaller' })

/** A code that opens one console session. */
export const ConsoleCodeBody = z.object({ code: z.string(), expires_at: instant }).meta({ id: 'ConsoleCode' })
export const ConsoleCodeInput = z.strictObject({ code: z.string().max(64) }).meta({ id: 'ConsoleCodeInput' })

const ConsoleSessionBody = z
  .object({
    session_id: z.uuid(),
    credential_id: z.string(),
    name: z.string().describe('The name of the credential.'),
    current: z.boolean(),
    opened_at: instant,
    expires_at: instant.describe('When it ends at the latest.'),
    address: z.string().nullable(),
    browser: z.string().nullable(),
    operating_system: z.string().nullable(),
  })
  .meta({ id: 'ConsoleSession' })
export const ConsoleSessionListBody = z
  .object({
    console_sessions: z.array(ConsoleSessionBody),
    next_cursor: nextCursor,
    source: z.literal('mirror').describe('What was opened or ended seconds ago may not show yet.'),
  })
  .meta({ id: 'ConsoleSessionList' })
