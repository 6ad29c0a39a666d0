/** The configuration of streams: made, read, changed, replaced and deleted by their receivers. */
import type { z } from 'zod'
import { isLocal, urlFault } from '../../domain/endpoint-url.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { deliverable, SECURITY_EVENTS, sourcesOf } from '../../domain/security-events.ts'
import { cutText } from '../../domain/text.ts'
import { pollUrl } from '../../events/security-event-tokens.ts'
import { AUTHORIZATION } from '../../events/targets.ts'
import { MAX_ENDPOINTS, MIN_VERIFICATION_SECONDS } from '../../limits.ts'
import { newRecordId } from '../../store/audit-events.ts'
import { type ChangedEndpoint, deleteEndpoint, insertEndpoint } from '../../store/event-endpoints.ts'
import { isStream, listStreams, type StreamChanges, type StreamRow, updateStream } from '../../store/ssf-streams.ts'
import { auditEntry } from '../audit.ts'
import { followEndpoint } from '../event-objects.ts'
import { parseAsJson, parseQuery } from '../parse.ts'
import { empty, json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type ReceiverContext, requireStream } from './caller.ts'
import { POLL, PUSH, type StreamBody, StreamChange, StreamInput, StreamQuery, StreamsQuery } from './schemas.ts'

const MAX_DESCRIPTION_LENGTH = 200
/** What a stream has whose receiver says nothing. Its delivery is always said, or meant. */
const NOTHING_SAID = {
  kind: 'ssf_poll' as const,
  url: '',
  sealedSecret: '',
  types: [],
  eventsRequested: [],
  description: '',
}

/** `POST /ssf/{identity_store_id}/streams` */
export async function createStream(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const input = await parseAsJson(request, StreamInput)
  if (!input.ok) return input
  const { caller, now, services } = context
  const { identityStoreId, credentialId: receiver } = caller
  const endpointId = newRecordId(now)
  const said = await columnsOf(context, endpointId, { delivery: { method: POLL }, ...input.value })
  if (!said.ok) return said
  const row = {
    ...NOTHING_SAID,
    ...said.value,
    identityStoreId,
    endpointId,
    previousSealedSecret: null,
    previousValidUntil: null,
    sealedSigningKey: null,
    publicKey: null,
    disabledAt: null,
    disabledReason: null,
    createdAt: now,
    updatedAt: now,
    receiver,
    streamStatus: 'enabled' as const,
    statusReason: null,
  }
  const made = await insertEndpoint(services.db, row, entryOf(context, endpointId, 'event_endpoint.created'))
  if (!made.ok) {
    if (made.error.code === 'unavailable') return fail(made.error)
    return fail({ code: 'conflict', detail: `An issuer has at most ${MAX_ENDPOINTS} streams and webhooks.` })
  }
  return told(context, made.value, 201)
}

/** `GET /ssf/{identity_store_id}/streams`: one, or all of the receiver. */
export async function readStreams(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const query = parseQuery(request, StreamsQuery)
  if (!query.ok) return query
  if (query.value.stream_id !== undefined) {
    const stream = await requireStream(context, query.value.stream_id)
    return stream.ok ? ok(json(streamBody(context, stream.value))) : stream
  }
  const { identityStoreId, credentialId } = context.caller
  const streams = await listStreams(context.services.db, identityStoreId, credentialId)
  return streams.ok ? ok(json(streams.value.map((stream) => streamBody(context, stream)))) : streams
}

/** `PATCH /ssf/{identity_store_id}/streams`: what is missing stays. */
export function patchStream(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  return changeStream(request, context, (said) => said)
}

/** `PUT /ssf/{identity_store_id}/streams`: what is missing goes, and the stream is polled where nothing is said. */
export function putStream(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  return changeStream(request, context, (said) => ({
    events_requested: [],
    description: '',
    ...said,
    delivery: said.delivery ?? { method: POLL },
  }))
}

type Said = Partial<Pick<z.infer<typeof StreamChange>, 'delivery' | 'events_requested' | 'description'>>

async function changeStream(request: Request, context: ReceiverContext, whole: (said: Said) => Said): HandlerResult {
  const input = await parseAsJson(request, StreamChange)
  if (!input.ok) return input
  const { stream_id: streamId, delivery, events_requested: requested, description, ...ours } = input.value
  const stream = await requireStream(context, streamId)
  if (!stream.ok) return stream
  const asIs = checkOurs(context, stream.value, { ...ours, delivery })
  if (!asIs.ok) return asIs
  const said = whole({
    ...(delivery && { delivery }),
    ...(requested && { events_requested: requested }),
    ...(description !== undefined && { description }),
  })
  const changes = await columnsOf(context, streamId, said)
  if (!changes.ok) return changes
  const entry = entryOf(context, streamId, 'event_endpoint.updated')
  const changed = await updateStream(context.services.db, stream.value, changes.value, entry)
  return changed.ok ? told(context, changed.value) : changed
}

/** `DELETE /ssf/{identity_store_id}/streams` */
export async function deleteStream(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const query = parseQuery(request, StreamQuery)
  if (!query.ok) return query
  const stream = await requireStream(context, query.value.stream_id)
  if (!stream.ok) return stream
  const { identityStoreId, endpointId } = stream.value
  const entry = entryOf(context, endpointId, 'event_endpoint.deleted')
  const deleted = await deleteEndpoint(context.services.db, endpointId, entry)
  if (!deleted.ok) return deleted
  if (deleted.value === null) return fail({ code: 'event_endpoint_not_found' })
  await followEndpoint(context.services, { identityStoreId, endpointId }, deleted.value)
  return ok(empty())
}

/** What a receiver says, as it is kept. Errors: `invalid_request`. */
async function columnsOf(
  { services, caller, issuer }: ReceiverContext,
  endpointId: string,
  { delivery, events_requested: requested, description }: Said,
): Promise<Result<StreamChanges, SessionError>> {
  const changes: { -readonly [Field in keyof StreamChanges]: StreamChanges[Field] } = {}
  if (delivery !== undefined) {
    const isPush = delivery.method === PUSH
    const url = isPush ? delivery.endpoint_url : pollUrl(issuer, endpointId)
    const fault = isPush ? urlFault(url, isLocal(services.settings.publicOrigins)) : null
    if (fault !== null) return invalid('delivery.endpoint_url', fault)
    const authorization = (isPush && delivery.authorization_header) || ''
    changes.kind = isPush ? 'ssf_push' : 'ssf_poll'
    changes.url = url
    changes.sealedSecret = await services.sealing.seal(
      'event_endpoint',
      caller.identityStoreId,
      `${endpointId}${AUTHORIZATION}`,
      authorization,
    )
  }
  if (requested !== undefined) {
    changes.eventsRequested = requested
    changes.types = sourcesOf(requested)
  }
  if (description !== undefined) changes.description = cutText(description, MAX_DESCRIPTION_LENGTH)
  return ok(changes)
}

/** Whether what is said of our own properties is so. Errors: `invalid_request`, which names one that is not. */
function checkOurs(
  context: ReceiverContext,
  stream: StreamRow,
  said: Omit<z.infer<typeof StreamChange>, 'stream_id'>,
): Result<void, SessionError> {
  const body: Readonly<Record<string, unknown>> = { ...streamBody(context, stream), inactivity_timeout: null }
  const { delivery, ...ours } = said
  const wrong = Object.entries(ours).find(([name, value]) => value !== undefined && asSet(value) !== asSet(body[name]))
  if (wrong !== undefined) return invalid(wrong[0], 'Is not what the transmitter says.')
  const { issuer } = context
  if (delivery?.method !== POLL || delivery.endpoint_url === undefined) return ok()
  const isOurs = delivery.endpoint_url === pollUrl(issuer, stream.endpointId)
  return isOurs ? ok() : invalid('delivery.endpoint_url', 'Is the transmitter’s to say.')
}

/** A text that is the same for lists in another order, and for one value alone. */
function asSet(value: unknown): string {
  return JSON.stringify([value].flat().toSorted())
}

function invalid(field: string, message: string) {
  return fail<SessionError>({ code: 'invalid_request', issues: [{ field, code: 'invalid', message }] })
}

function entryOf(context: ReceiverContext, endpointId: string, action: string) {
  return auditEntry(context, context.caller.identityStoreId, action, `event_endpoint:${endpointId}`)
}

/** Answers a stream as it was changed, once those who send have heard of it. */
async function told(context: ReceiverContext, changed: ChangedEndpoint | null, status = 200): HandlerResult {
  if (changed === null || !isStream(changed.endpoint)) return fail({ code: 'event_endpoint_not_found' })
  await followEndpoint(context.services, changed.endpoint, changed.store)
  return ok(json(streamBody(context, changed.endpoint), status))
}

function streamBody({ issuer }: ReceiverContext, stream: StreamRow): z.infer<typeof StreamBody> {
  const { endpointId, kind, url, eventsRequested, description, receiver } = stream
  const isPush = kind === 'ssf_push'
  return {
    stream_id: endpointId,
    iss: issuer,
    aud: receiver,
    delivery: {
      method: isPush ? PUSH : POLL,
      endpoint_url: isPush ? url : pollUrl(issuer, endpointId),
    },
    events_supported: [...SECURITY_EVENTS],
    events_requested: [...(eventsRequested ?? [])],
    events_delivered: [...deliverable(eventsRequested ?? [])],
    min_verification_interval: MIN_VERIFICATION_SECONDS,
    ...(description !== '' && { description }),
  }
}
