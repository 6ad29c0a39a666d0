/** The feed of a store's events, in the order in which they were committed. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { eventId, numberOf, type StoreEvent } from '../../domain/events.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { type EventStore, findEventStore, readEvents, setFeed } from '../../store/events.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { type EventFeedBody, EventFeedInput, type EventListBody, EventQuery } from './event-schemas.ts'
import { requireStore, type StorePath, storeEntry } from './identity-stores.ts'

/** `PUT …/events` */
export async function putFeed(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, EventFeedInput)
  if (!input.ok) return input
  const entry = storeEntry(context, identityStoreId, 'events.put')
  const put = await setFeed(context.services.db, input.value.enabled, entry)
  if (!put.ok) return put
  if (put.value === null) return fail({ code: 'identity_store_not_found' })
  const { feed, recording } = put.value
  const body: z.infer<typeof EventFeedBody> = { enabled: feed, recording, next: lastOf(put.value) }
  return ok(json(body))
}

/** `GET …/events` */
export async function readFeed(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const query = parseQuery(request, EventQuery)
  if (!query.ok) return query
  const store = await requireRecording(context, identityStoreId)
  if (!store.ok) return store
  const { tag } = store.value
  const from = query.value.after === undefined ? ok(0) : placeOf(store.value, 'after', query.value.after)
  if (!from.ok) return from
  const page = await readEvents(context.services.db, identityStoreId, from.value, query.value.limit)
  if (!page.ok) return page
  const { events, firstNumber } = page.value
  const to = events.at(-1)?.number ?? from.value
  const body: z.infer<typeof EventListBody> = {
    events: events.map((event) => eventBody(tag, event)),
    next: to === 0 ? null : eventId(tag, to),
    missed:
      query.value.after === undefined ? 0 : Math.max(0, (firstNumber ?? store.value.lastNumber + 1) - from.value - 1),
    last: lastOf(store.value),
    enabled: store.value.feed,
  }
  return ok(json(body))
}

/** A store whose events are written down. Errors: `identity_store_not_found`; `conflict` where they are not. */
export async function requireRecording(
  context: OperatorContext,
  identityStoreId: string,
): Promise<Result<EventStore, SessionError>> {
  const there = await requireStore(context, identityStoreId)
  if (!there.ok) return there
  const store = await findEventStore(context.services.db, identityStoreId)
  if (!store.ok) return store
  if (store.value?.recording === true) return ok(store.value)
  return fail({ code: 'conflict', detail: 'Its events are not written down: turn the feed on, or make an endpoint.' })
}

/** The number of an event of a store. Errors: `invalid_request`. */
export function placeOf({ tag, lastNumber }: EventStore, field: string, id: string): Result<number, SessionError> {
  const number = numberOf(tag, id)
  if (number !== null && number <= lastNumber) return ok(number)
  const message = 'Must be the id of an event of this identity store.'
  return fail({ code: 'invalid_request', issues: [{ field, code: 'invalid', message }] })
}

/** An event as the feed has it. */
function eventBody(tag: string, { number, type, at, data }: StoreEvent) {
  return { id: eventId(tag, number), type, timestamp: timestamp(at), data }
}

function lastOf({ tag, lastNumber }: EventStore): string | null {
  return lastNumber === 0 ? null : eventId(tag, lastNumber)
}
