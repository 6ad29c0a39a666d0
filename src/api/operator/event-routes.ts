/** Routes of events: the feed, and endpoints that they are sent to. */
import type { Route } from '../route.ts'
import * as endpoints from './event-endpoints.ts'
import * as feed from './event-feed.ts'
import * as schemas from './event-schemas.ts'
import { json, operatorRoute } from './operator-route.ts'
import { rotateSsfKey } from './ssf-keys.ts'

const STORE = '/identity-stores/:identity_store_id'
const EVENTS = `${STORE}/events` as const
const ENDPOINTS = `${STORE}/event-endpoints` as const
const ENDPOINT = `${ENDPOINTS}/:endpoint_id` as const

const AN_ENDPOINT = 'The endpoint as it is now.'
const DISABLED = 'It is disabled.'

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
  operatorRoute({
    method: 'POST',
    path: ENDPOINTS,
    operationId: 'createEventEndpoint',
    scope: 'operator:stores',
    confirmed: true,
    idempotent: true,
    summary: 'Send events somewhere, from now on.',
    body: json(schemas.EventEndpointInput),
    responses: { 201: { description: 'The endpoint with its secret.', schema: schemas.EventEndpointBody } },
    errors: { 409: 'There are too many.' },
    handle: endpoints.createEndpoint,
  }),
  operatorRoute({
    method: 'GET',
    path: ENDPOINTS,
    operationId: 'listEventEndpoints',
    scope: 'operator:read',
    summary: 'List the endpoints.',
    responses: { 200: { description: 'All endpoints of the store.', schema: schemas.EventEndpointListBody } },
    handle: endpoints.listAll,
  }),
  operatorRoute({
    method: 'GET',
    path: ENDPOINT,
    operationId: 'getEventEndpoint',
    scope: 'operator:read',
    summary: 'Read an endpoint.',
    responses: { 200: { description: AN_ENDPOINT, schema: schemas.EventEndpointBody } },
    handle: endpoints.getEndpoint,
  }),
  operatorRoute({
    method: 'PATCH',
    path: ENDPOINT,
    operationId: 'patchEventEndpoint',
    scope: 'operator:stores',
    summary: 'Change, disable or enable an endpoint.',
    body: json(schemas.EventEndpointPatch),
    responses: { 200: { description: AN_ENDPOINT, schema: schemas.EventEndpointBody } },
    handle: endpoints.patchEndpoint,
  }),
  operatorRoute({
    method: 'DELETE',
    path: ENDPOINT,
    operationId: 'deleteEventEndpoint',
    scope: 'operator:stores',
    summary: 'Remove an endpoint.',
    responses: { 204: { description: 'The endpoint is sent nothing any more.' } },
    handle: endpoints.removeEndpoint,
  }),
  operatorRoute({
    method: 'POST',
    path: `${ENDPOINT}/rotate-secret`,
    operationId: 'rotateEventEndpointSecret',
    scope: 'operator:stores',
    confirmed: true,
    summary: 'Make a new secret; the old one signs too for a day.',
    responses: { 200: { description: 'The endpoint with its secret.', schema: schemas.EventEndpointBody } },
    handle: endpoints.rotateSecret,
  }),
  operatorRoute({
    method: 'POST',
    path: `${ENDPOINT}/test`,
    operationId: 'testEventEndpoint',
    scope: 'operator:stores',
    summary: 'Send an event that tells of nothing.',
    responses: { 202: { description: 'The event is on its way.', schema: schemas.QueuedBody } },
    errors: { 409: DISABLED },
    handle: endpoints.sendTest,
  }),
  operatorRoute({
    method: 'GET',
    path: `${ENDPOINT}/deliveries`,
    operationId: 'listEventDeliveries',
    scope: 'operator:read',
    summary: 'List the last attempts and what was answered.',
    query: schemas.DeliveryQuery,
    responses: { 200: { description: 'Attempts, the newest first.', schema: schemas.DeliveryListBody } },
    handle: endpoints.listDeliveries,
  }),
  operatorRoute({
    method: 'POST',
    path: `${ENDPOINT}/replay`,
    operationId: 'replayEvents',
    scope: 'operator:stores',
    summary: 'Send events once more.',
    body: json(schemas.ReplayInput),
    responses: { 202: { description: 'The events are on their way.', schema: schemas.QueuedBody } },
    errors: { 409: DISABLED },
    handle: endpoints.replay,
  }),
  operatorRoute({
    method: 'POST',
    path: `${STORE}/ssf-keys/rotate`,
    operationId: 'rotateSsfKey',
    scope: 'operator:stores',
    summary: 'Make the next key that signs for streams.',
    body: json(schemas.KeyRotationInput),
    responses: { 200: { description: 'The keys that are published.', schema: schemas.SsfKeysBody } },
    handle: rotateSsfKey,
  }),
]
