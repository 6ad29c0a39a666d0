/** What the operator API takes and gives of events. */
import { z } from 'zod'
import { DISABLED_REASONS, ENDPOINT_KINDS, EVENT_TYPES, type EventType, isNamed } from '../../domain/events.ts'
import { nextCursor } from '../common-schemas.ts'
import { limit, printableText } from './schemas.ts'

const instant = z.iso.datetime()
const eventId = z
  .string()
  .max(64)
  .meta({ id: 'EventId', description: 'As in the feed; the same each time that the event is delivered.' })
const eventType = z.enum(Object.keys(EVENT_TYPES) as EventType[]).meta({ id: 'EventType' })

/** Which stretch of the feed: what came after the event `after`. */
export const EventQuery = z.strictObject({
  after: eventId.optional(),
  limit,
})

export const EventListBody = z
  .object({
    events: z.array(
      z.object({ id: eventId, type: eventType, timestamp: instant, data: z.record(z.string(), z.unknown()) }),
    ),
    next: eventId
      .nullable()
      .describe('For the next `after`, also when nothing has come yet; null: from the beginning.'),
    missed: z.int().describe('Events after `after` that are kept no longer.'),
    last: eventId.nullable().describe('The newest event; null: there is none.'),
    enabled: z.boolean().describe('Whether the feed is on.'),
  })
  .meta({ id: 'EventList' })

export const EventFeedInput = z.strictObject({ enabled: z.boolean() }).meta({ id: 'EventFeedInput' })
export const EventFeedBody = z
  .object({
    enabled: z.boolean(),
    recording: z.boolean().describe('Whether events are written down: for the feed, or for endpoints.'),
    next: eventId.nullable(),
  })
  .meta({ id: 'EventFeed' })

const endpointId = z.uuid()
const url = z.url().max(2_000)
const pattern = z
  .string()
  .max(64)
  .regex(/^[a-z_.]*\*?$/)
  .refine((name) => Object.keys(EVENT_TYPES).some((type) => isNamed(type, [name])), 'Must be a type, or begin some.')
const types = z
  .array(pattern)
  .min(1)
  .max(50)
  .meta({ id: 'EventTypes', description: 'Types, or how they begin: `session.*`, `*`.' })
const description = printableText.max(200)
const v1a = z.boolean().describe('Sign with Ed25519 (`v1a`) too.')

export const EventEndpointInput = z
  .strictObject({
    kind: z.literal('webhook'),
    url,
    types: types.default(['*']),
    description: description.default(''),
    v1a: v1a.default(false),
  })
  .meta({ id: 'EventEndpointInput' })
export const EventEndpointPatch = z
  .strictObject({ url, types, description, v1a, enabled: z.boolean() })
  .partial()
  .refine((fields) => Object.keys(fields).length > 0, 'Must name at least one field.')
  .meta({ id: 'EventEndpointPatch' })

export const EventEndpointBody = z
  .object({
    endpoint_id: endpointId,
    kind: z.enum(ENDPOINT_KINDS),
    url,
    types,
    description,
    public_key: z.string().nullable().describe('Verifies signatures of version `v1a`; null without it.'),
    receiver: z.string().nullable().describe('The credential that a stream belongs to; null of a webhook.'),
    enabled: z.boolean(),
    disabled_at: instant.nullable(),
    disabled_reason: z.enum(DISABLED_REASONS).nullable(),
    old_secret_valid_until: instant.nullable(),
    created_at: instant,
    updated_at: instant,
    secret: z.string().optional().describe('Signs the messages; shown once.'),
  })
  .meta({ id: 'EventEndpoint' })
export const EventEndpointListBody = z
  .object({
    endpoints: z.array(EventEndpointBody),
    recording: z.boolean().describe('Whether events are written down.'),
  })
  .meta({ id: 'EventEndpointList' })

export const DeliveryQuery = z.strictObject({
  limit,
  cursor: z.coerce.number().int().positive().optional(),
})
export const DeliveryListBody = z
  .object({
    deliveries: z.array(
      z.object({
        event_id: eventId,
        type: z.string(),
        attempt: z.int(),
        at: instant,
        duration_milliseconds: z.int(),
        status: z.int().nullable().describe('HTTP status; null: no answer.'),
        answer: z.string().describe('The beginning of the answer, or why there is none.'),
        state: z.enum(['delivered', 'waiting', 'given_up']),
        next_at: instant.nullable(),
      }),
    ),
    pending: z.int().describe('Events that wait to be sent.'),
    failing_since: instant.nullable(),
    next_cursor: nextCursor,
  })
  .meta({ id: 'EventDeliveryList' })

export const ReplayInput = z
  .union([
    z.strictObject({ event_id: eventId }),
    z.strictObject({ after: eventId.optional(), before: eventId.optional() }),
  ])
  .meta({ id: 'EventReplay', description: 'One event, or those between two; all that are kept where nothing is said.' })
export const QueuedBody = z.object({ event_id: eventId.nullable() }).meta({ id: 'QueuedEvents' })

export const KeyRotationInput = z
  .strictObject({
    compromised: z.boolean().default(false).describe('The new key signs at once, and no other is good.'),
  })
  .meta({ id: 'SsfKeyRotation' })
export const SsfKeysBody = z
  .object({ keys: z.array(z.object({ key_id: z.string(), created_at: instant, signs_from: instant })) })
  .meta({ id: 'SsfSigningKeys' })
