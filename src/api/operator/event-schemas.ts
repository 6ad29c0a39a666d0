/** What the operator API takes and gives of events. */
import { z } from 'zod'
import { EVENT_TYPES, type EventType } from '../../domain/events.ts'
import { MAX_PAGE_ENTRIES } from '../../limits.ts'

const instant = z.iso.datetime()
const eventId = z
  .string()
  .max(64)
  .meta({ id: 'EventId', description: 'As in the feed; the same each time that the event is delivered.' })
export const eventType = z.enum(Object.keys(EVENT_TYPES) as EventType[]).meta({ id: 'EventType' })

/** Which stretch of the feed: what came after the event `after`. */
export const EventQuery = z.strictObject({
  after: eventId.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_ENTRIES).default(100),
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
