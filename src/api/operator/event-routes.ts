/** Routes of events: the feed. */
import type { Route } from '../route.ts'
import * as feed from './event-feed.ts'
import * as schemas from './event-schemas.ts'
import { json, operatorRoute } from './operator-route.ts'

const EVENTS = '/identity-stores/:identity_store_id/events'

/** The routes. */
export const eventRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: EVENTS,
    operationId: 'listEvents',
    scope: 'operator:read',
    summary: 'Read what happened, oldest first. Nothing is ever inserted before what was read.',
    query: schemas.EventQuery,
    responses: { 200: { description: 'A stretch of the events.', schema: schemas.EventListBody } },
    errors: { 409: 'Events are not written down.' },
    handle: feed.readFeed,
  }),
  operatorRoute({
    method: 'PUT',
    path: EVENTS,
    operationId: 'putEventFeed',
    scope: 'operator:stores',
    summary: 'Write events down for the feed, or do so no longer.',
    body: json(schemas.EventFeedInput),
    responses: { 200: { description: 'Whether events are written down.', schema: schemas.EventFeedBody } },
    handle: feed.putFeed,
  }),
]
