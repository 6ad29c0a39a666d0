/** Whether the audit log still is what was written, a stretch at a time. */
import { z } from 'zod'
import { CHAIN_FAULTS } from '../../audit/chain.ts'
import { type ChainCursor, verifyChain } from '../../audit/verification.ts'
import { fail, ok } from '../../domain/result.ts'
import { MAX_VERIFIED_EVENTS } from '../../limits.ts'
import { nextCursor } from '../common-schemas.ts'
import { parseQuery } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { hasAuditLog, ownerOf } from './audit-events.ts'
import type { OperatorContext } from './caller.ts'
import type { OwnerPath } from './credentials.ts'

/** `n` and the number, or `e` and the event, after which a stretch begins. */
const CURSOR = /^(?:n(\d{1,15})|e([0-9a-f-]{0,64}))$/

export const VerificationQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_VERIFIED_EVENTS).default(MAX_VERIFIED_EVENTS),
  cursor: z.string().regex(CURSOR, 'Must be the `next_cursor` of a stretch.').optional(),
})

const point = { number: z.int(), hash: z.string() }
export const VerificationBody = z
  .object({
    events: z.int().describe('How many were looked at.'),
    faults: z.array(
      z.object({ fault: z.enum(CHAIN_FAULTS), number: z.int().nullable(), event_id: z.string().nullable() }),
    ),
    next_cursor: nextCursor,
    begin: z.object({ ...point, signed: z.string().nullable() }).describe('After it the chain begins.'),
    head: z
      .object({ ...point, signed: z.string(), sealed_at: z.iso.datetime().nullable() })
      .describe('How far it is sealed.'),
    unsealed: z.int(),
    keys: z.array(z.object({ kid: z.string(), kty: z.string(), crv: z.string(), x: z.string() })),
  })
  .meta({ id: 'AuditVerification' })

/** `GET …/audit-events/verification` */
export async function getVerification(
  request: Request,
  path: OwnerPath,
  { services, now }: OperatorContext,
): HandlerResult {
  const query = parseQuery(request, VerificationQuery)
  if (!query.ok) return query
  const identityStoreId = ownerOf(path)
  const known = await hasAuditLog(services.db, identityStoreId)
  if (!known.ok) return known
  if (!known.value) return fail({ code: 'identity_store_not_found' })
  const { cursor, limit } = query.value
  const verified = await verifyChain(services, identityStoreId, cursorOf(cursor), limit, now)
  if (!verified.ok) return verified
  const { faults, next, head, ...rest } = verified.value
  const { sealedAt, ...signedHead } = head
  const body: z.infer<typeof VerificationBody> = {
    ...rest,
    keys: [...rest.keys],
    faults: faults.map(({ eventId, ...fault }) => ({ ...fault, event_id: eventId })),
    next_cursor: next === null ? null : 'after' in next ? `n${next.after}` : `e${next.afterEvent}`,
    head: { ...signedHead, sealed_at: sealedAt === null ? null : timestamp(sealedAt) },
  }
  return ok(json(body))
}

function cursorOf(text: string | undefined): ChainCursor | null {
  const [, number, event] = CURSOR.exec(text ?? '') ?? []
  if (number !== undefined) return { after: Number(number) }
  return event === undefined ? null : { afterEvent: event }
}
