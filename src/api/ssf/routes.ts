/** The Shared Signals Framework 1.0: each identity store is an issuer of security events. */
import type { z } from 'zod'
import { type Api, type Route, type RouteWith, route, withCaller } from '../route.ts'
import { type ReceiverContext, receiver } from './caller.ts'
import { readConfiguration, readKeys } from './discovery.ts'
import { errors, renderBug, renderError } from './errors.ts'
import { poll } from './poll.ts'
import * as schemas from './schemas.ts'
import { addSubject, changeStatus, readStatus, removeSubject, verify } from './state.ts'
import { createStream, deleteStream, patchStream, putStream, readStreams } from './streams.ts'

const ISSUER = '/ssf/:identity_store_id'
const STREAMS = `${ISSUER}/streams` as const
const STATUS = `${ISSUER}/status` as const

const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })

/** A route of receivers with a scope; what reads takes `ssf.manage` too. */
function receiversRoute<const Path extends string>(
  one: Omit<RouteWith<Path, ReceiverContext>, 'security' | 'scope'> & { readonly scope: 'ssf.read' | 'ssf.manage' },
): Route {
  const known = one.scope === 'ssf.read' ? receiver('ssf.read', 'ssf.manage') : receiver('ssf.manage')
  return { ...one, security: ['credential'], handle: withCaller(known, one.handle) } as Route
}

const A_STREAM = 'The stream as it is now.'

const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/ssf-configuration/ssf/:identity_store_id',
    operationId: 'ssfConfiguration',
    summary: 'Find the endpoints of an issuer.',
    security: ['none'],
    responses: { 200: { description: 'The configuration of the issuer.', schema: schemas.ConfigurationBody } },
    handle: readConfiguration,
  }),
  route({
    method: 'GET',
    path: `${ISSUER}/jwks.json`,
    operationId: 'ssfKeys',
    summary: 'Read the keys that sign, as a JWK set.',
    security: ['none'],
    responses: { 200: { description: 'The current key, the next one, and earlier ones.', schema: schemas.KeysBody } },
    handle: readKeys,
  }),
  receiversRoute({
    method: 'POST',
    path: STREAMS,
    operationId: 'createSsfStream',
    scope: 'ssf.manage',
    summary: 'Make a stream, which is told what comes from now on.',
    body: json(schemas.StreamInput),
    responses: { 201: { description: 'The new stream.', schema: schemas.StreamBody } },
    handle: createStream,
  }),
  receiversRoute({
    method: 'GET',
    path: STREAMS,
    operationId: 'readSsfStreams',
    scope: 'ssf.read',
    summary: 'Read a stream, or all of the receiver.',
    query: schemas.StreamsQuery,
    responses: { 200: { description: 'The stream; without `stream_id` a list.', schema: schemas.StreamsBody } },
    handle: readStreams,
  }),
  receiversRoute({
    method: 'PATCH',
    path: STREAMS,
    operationId: 'patchSsfStream',
    scope: 'ssf.manage',
    summary: 'Change the named properties of a stream.',
    body: json(schemas.StreamChange),
    responses: { 200: { description: A_STREAM, schema: schemas.StreamBody } },
    handle: patchStream,
  }),
  receiversRoute({
    method: 'PUT',
    path: STREAMS,
    operationId: 'putSsfStream',
    scope: 'ssf.manage',
    summary: 'Replace what the receiver says of a stream.',
    body: json(schemas.StreamChange),
    responses: { 200: { description: A_STREAM, schema: schemas.StreamBody } },
    handle: putStream,
  }),
  receiversRoute({
    method: 'DELETE',
    path: STREAMS,
    operationId: 'deleteSsfStream',
    scope: 'ssf.manage',
    summary: 'Delete a stream.',
    query: schemas.StreamQuery,
    responses: { 204: { description: 'The stream is deleted.' } },
    handle: deleteStream,
  }),
  receiversRoute({
    method: 'POST',
    path: `${STREAMS}/:stream_id/poll`,
    operationId: 'pollSsfStream',
    scope: 'ssf.manage',
    summary: 'Acknowledge tokens and get the next (RFC 8936). Waits for some unless `returnImmediately`.',
    body: json(schemas.PollInput),
    responses: { 200: { description: 'The tokens that wait, oldest first.', schema: schemas.PollBody } },
    handle: poll,
  }),
  receiversRoute({
    method: 'GET',
    path: STATUS,
    operationId: 'readSsfStatus',
    scope: 'ssf.read',
    summary: 'Read the status of a stream.',
    query: schemas.StreamQuery,
    responses: { 200: { description: 'The status of the stream.', schema: schemas.StatusBody } },
    handle: readStatus,
  }),
  receiversRoute({
    method: 'POST',
    path: STATUS,
    operationId: 'changeSsfStatus',
    scope: 'ssf.manage',
    summary: 'Enable, pause or disable a stream.',
    body: json(schemas.StatusInput),
    responses: { 200: { description: 'The status of the stream after the change.', schema: schemas.StatusBody } },
    handle: changeStatus,
  }),
  receiversRoute({
    method: 'POST',
    path: `${ISSUER}/subjects/add`,
    operationId: 'addSsfSubject',
    scope: 'ssf.manage',
    summary: 'Add a subject that was removed.',
    body: json(schemas.AddSubjectInput),
    responses: { 200: { description: 'The stream tells of the subject, if there is such a one. There is no body.' } },
    handle: addSubject,
  }),
  receiversRoute({
    method: 'POST',
    path: `${ISSUER}/subjects/remove`,
    operationId: 'removeSsfSubject',
    scope: 'ssf.manage',
    summary: 'Remove a subject from a stream.',
    body: json(schemas.RemoveSubjectInput),
    responses: { 204: { description: 'The stream tells nothing of the subject.' } },
    handle: removeSubject,
  }),
  receiversRoute({
    method: 'POST',
    path: `${ISSUER}/verification`,
    operationId: 'verifySsfStream',
    scope: 'ssf.manage',
    summary: 'Have a verification event sent, which shows that a stream works.',
    body: json(schemas.VerificationInput),
    responses: { 204: { description: 'A verification event is on its way.' } },
    errors: { 429: 'The last one is less than `min_verification_interval` ago.' },
    handle: verify,
  }),
]

/** The transmitter. */
export const ssfApi: Api = {
  name: 'Shared Signals',
  base: '',
  routes,
  territory: ['/ssf/*', '/.well-known/ssf-configuration/*'],
  trailingSlash: 'never',
  renderError,
  renderBug,
  errors,
}
