/** What the operator API tells of what was done. */
import { z } from 'zod'
import { nextCursor } from '../common-schemas.ts'
import { scanned, timestamp } from './schemas.ts'

const state = z.record(z.string(), z.unknown()).nullable()
const AuditEventBody = z
  .object({
    event_id: z.string(),
    at: timestamp,
    actor: z.string().describe('`credential:` or `user:` and the id, or `bootstrap`.'),
    action: z.string(),
    subject: z.string(),
    before: state,
    after: state,
    request_id: z.string(),
    seal: z
      .object({
        number: z.int(),
        about: z.string().nullable(),
        salt: z.string().nullable().describe('Null: the body was erased.'),
        body_hash: z.string(),
        previous_hash: z.string(),
        hash: z.string(),
      })
      .nullable()
      .describe('Null for a minute.'),
  })
  .meta({ id: 'AuditEvent' })
export const AuditEventListBody = z
  .object({
    audit_events: z.array(AuditEventBody),
    next_cursor: nextCursor,
    scanned,
  })
  .meta({ id: 'AuditEventList' })
