/** Where a store's events are sent to. A secret is shown once, in the answer that makes it. */
import type { z } from 'zod'
import { isLocal, urlFault } from '../../domain/endpoint-url.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { isTaken } from '../../events/send.ts'
import { newSecret, newSigningKey, signingKeyRecord } from '../../events/signing.ts'
import { MAX_ENDPOINTS, SECRET_OVERLAP_MILLISECONDS } from '../../limits.ts'
import { newRecordId } from '../../store/audit-events.ts'
import {
  type ChangedEndpoint,
  deleteEndpoint,
  type EventEndpointRow,
  findEndpoint,
  insertEndpoint,
  listEndpoints,
  rotateEndpointSecret,
  updateEndpoint,
} from '../../store/event-endpoints.ts'
import { type EventStore, findEventStore } from '../../store/events.ts'
import { isStream } from '../../store/ssf-streams.ts'
import { auditEntry } from '../audit.ts'
import { callEndpoint, type EndpointWork, followEndpoint } from '../event-objects.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type OperatorContext, requireConfirmed } from './caller.ts'
import { placeOf } from './event-feed.ts'
import {
  type DeliveryListBody,
  DeliveryQuery,
  type EventEndpointBody,
  EventEndpointInput,
  EventEndpointPatch,
  ReplayInput,
} from './event-schemas.ts'
import { requireStore, type StorePath } from './identity-stores.ts'

export interface EndpointPath extends StorePath {
  readonly endpoint_id: string
}

const NO_STREAM = { receiver: null, eventsRequested: null, streamStatus: null, statusReason: null }

/** `POST …/event-endpoints` */
export async function createEndpoint(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, EventEndpointInput)
  if (!input.ok) return input
  const { kind, url, types, description, v1a } = input.value
  const usable = checkUrl(context, url)
  if (!usable.ok) return usable
  const endpointId = newRecordId(context.now)
  const key = { identity_store_id: identityStoreId, endpoint_id: endpointId }
  const secret = newSecret()
  const row = {
    identityStoreId,
    endpointId,
    kind,
    url,
    types,
    description,
    sealedSecret: await seal(context, key, secret),
    previousSealedSecret: null,
    previousValidUntil: null,
    ...(await signingKey(context, key, v1a)),
    disabledAt: null,
    disabledReason: null,
    createdAt: context.now,
    updatedAt: context.now,
    ...NO_STREAM,
  }
  const made = await insertEndpoint(context.services.db, row, entryOf(context, key, 'event_endpoint.created'))
  if (!made.ok) {
    if (made.error.code === 'unavailable') return fail(made.error)
    return fail({ code: 'conflict', detail: `An identity store has at most ${MAX_ENDPOINTS} endpoints.` })
  }
  if (made.value === null) return fail({ code: 'identity_store_not_found' })
  await follow(context, key, made.value.store)
  return ok(json({ ...endpointBody(context, made.value), secret }, 201))
}

/** `GET …/event-endpoints` */
export async function listAll(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const rows = await listEndpoints(context.services.db, identityStoreId)
  if (!rows.ok) return rows
  const kept = await findEventStore(context.services.db, identityStoreId)
  if (!kept.ok) return kept
  const endpoints = rows.value.map((endpoint) => endpointBody(context, { endpoint }))
  return ok(json({ endpoints, recording: kept.value?.recording === true }))
}

/** `GET …/event-endpoints/{endpoint_id}` */
export async function getEndpoint(_request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const found = await requireEndpoint(context, path)
  return found.ok ? ok(json(endpointBody(context, found.value))) : found
}

/** `PATCH …/event-endpoints/{endpoint_id}` */
export async function patchEndpoint(request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, EventEndpointPatch)
  if (!input.ok) return input
  const { v1a, ...changes } = input.value
  // Elsewhere is as good as anew: whoever gets the messages learns all that happens.
  const confirmed = changes.url === undefined ? ok() : requireConfirmed(context.caller.session, context.now)
  if (!confirmed.ok) return confirmed
  const usable = changes.url === undefined ? ok() : checkUrl(context, changes.url)
  if (!usable.ok) return usable
  const found = Object.keys(input.value).every((field) => field === 'enabled')
    ? await requireEndpoint(context, path)
    : await requireWebhook(context, path)
  if (!found.ok) return found
  const hasKey = found.value.endpoint.publicKey !== null
  const keys = v1a === undefined || v1a === hasKey ? {} : await signingKey(context, path, v1a)
  const entry = entryOf(context, path, 'event_endpoint.updated')
  return changed(
    context,
    path,
    await updateEndpoint(context.services.db, path.endpoint_id, { ...changes, ...keys }, entry),
  )
}

/** `DELETE …/event-endpoints/{endpoint_id}` */
export async function removeEndpoint(_request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const entry = entryOf(context, path, 'event_endpoint.deleted')
  const deleted = await deleteEndpoint(context.services.db, path.endpoint_id, entry)
  if (!deleted.ok) return deleted
  if (deleted.value === null) return fail({ code: 'event_endpoint_not_found' })
  await follow(context, path, deleted.value)
  return ok(empty())
}

/** `POST …/event-endpoints/{endpoint_id}/rotate-secret` */
export async function rotateSecret(_request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const found = await requireWebhook(context, path)
  if (!found.ok) return found
  const secret = newSecret()
  const rotated = await rotateEndpointSecret(
    context.services.db,
    path.endpoint_id,
    await seal(context, path, secret),
    context.now + SECRET_OVERLAP_MILLISECONDS,
    entryOf(context, path, 'event_endpoint.secret_rotated'),
  )
  return changed(context, path, rotated, { secret })
}

/** `POST …/event-endpoints/{endpoint_id}/test` */
export async function sendTest(_request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const found = await requireEnabled(context, path)
  if (!found.ok) return found
  const asStream = isStream(found.value.endpoint)
  const id = await call(context, path, (stub, owner) => (asStream ? stub.verify(owner, null) : stub.sendTest(owner)))
  return id.ok ? ok(json({ event_id: id.value }, 202)) : id
}

/** `GET …/event-endpoints/{endpoint_id}/deliveries` */
export async function listDeliveries(request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const query = parseQuery(request, DeliveryQuery)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  const found = await requireEndpoint(context, path)
  if (!found.ok) return found
  const kept = await call(context, path, async (stub) => {
    const [rows, state] = await Promise.all([stub.deliveries(cursor ?? null, limit + 1), stub.state()])
    return { rows, state }
  })
  if (!kept.ok) return kept
  const { rows, state } = kept.value
  const shown = rows.slice(0, limit)
  const body: z.infer<typeof DeliveryListBody> = {
    deliveries: shown.map((one) => ({
      event_id: one.event_id,
      type: one.type,
      attempt: one.attempt,
      at: timestamp(one.at),
      duration_milliseconds: one.duration,
      status: one.status,
      answer: one.answer,
      state: one.next_at !== null ? 'waiting' : isTaken(one.status) ? 'delivered' : 'given_up',
      next_at: instantOrNull(one.next_at),
    })),
    pending: state.pending,
    failing_since: instantOrNull(state.failingSince),
    next_cursor: rows.length > limit ? String(shown.at(-1)?.delivery) : null,
  }
  return ok(json(body))
}

/** `POST …/event-endpoints/{endpoint_id}/replay` */
export async function replay(request: Request, path: EndpointPath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, ReplayInput)
  if (!input.ok) return input
  const found = await requireEnabled(context, path)
  if (!found.ok) return found
  const range = rangeOf(found.value.store, input.value)
  if (!range.ok) return range
  const { after, before } = range.value
  const queued = await call(context, path, (stub, owner) => stub.replay(owner, after, before))
  return queued.ok ? ok(json({ event_id: 'event_id' in input.value ? input.value.event_id : null }, 202)) : queued
}

/** The numbers between which a replay is. Errors: `invalid_request`. */
function rangeOf(
  store: EventStore,
  asked: z.infer<typeof ReplayInput>,
): Result<{ readonly after: number; readonly before: number }, SessionError> {
  if ('event_id' in asked) {
    const one = placeOf(store, 'event_id', asked.event_id)
    return one.ok ? ok({ after: one.value - 1, before: one.value + 1 }) : one
  }
  const after = asked.after === undefined ? ok(0) : placeOf(store, 'after', asked.after)
  if (!after.ok) return after
  // What comes later is sent as it comes.
  const before = asked.before === undefined ? ok(store.lastNumber + 1) : placeOf(store, 'before', asked.before)
  return before.ok ? ok({ after: after.value, before: before.value }) : before
}

async function requireEndpoint(
  context: OperatorContext,
  { identity_store_id: identityStoreId, endpoint_id: endpointId }: EndpointPath,
): Promise<Result<ChangedEndpoint, SessionError>> {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const found = await findEndpoint(context.services.db, identityStoreId, endpointId)
  if (!found.ok) return found
  return found.value === null ? fail({ code: 'event_endpoint_not_found' }) : ok(found.value)
}

async function requireWebhook(context: OperatorContext, path: EndpointPath) {
  const found = await requireEndpoint(context, path)
  if (!found.ok || !isStream(found.value.endpoint)) return found
  return fail({ code: 'conflict', detail: 'Only its receiver changes this of a stream.' } as const)
}

async function requireEnabled(context: OperatorContext, path: EndpointPath) {
  const found = await requireEndpoint(context, path)
  if (!found.ok || found.value.endpoint.disabledAt === null) return found
  return fail({ code: 'conflict', detail: 'The endpoint is disabled: enable it first.' } as const)
}

/** Answers an endpoint as it was changed, once those who send have heard of it. */
async function changed(
  context: OperatorContext,
  path: EndpointPath,
  result: Result<ChangedEndpoint | null, SessionError>,
  more: object = {},
): HandlerResult {
  if (!result.ok) return result
  if (result.value === null) return fail({ code: 'event_endpoint_not_found' })
  await follow(context, path, result.value.store)
  return ok(json({ ...endpointBody(context, result.value), ...more }))
}

/** Tells the objects what was changed. */
function follow(context: OperatorContext, path: EndpointPath, store: EventStore): Promise<void> {
  return followEndpoint(context.services, ownerOf(path), store)
}

function call<T>(
  context: OperatorContext,
  path: EndpointPath,
  work: EndpointWork<T>,
): Promise<Result<T, SessionError>> {
  return callEndpoint(context.services, ownerOf(path), work)
}

function ownerOf({ identity_store_id: identityStoreId, endpoint_id: endpointId }: EndpointPath) {
  return { identityStoreId, endpointId }
}

function checkUrl({ services }: OperatorContext, url: string): Result<void, SessionError> {
  const message = urlFault(url, isLocal(services.settings.publicOrigins))
  if (message === null) return ok()
  return fail({ code: 'invalid_request', issues: [{ field: 'url', code: 'invalid', message }] })
}

async function signingKey(context: OperatorContext, path: EndpointPath, wanted: boolean) {
  if (!wanted) return { sealedSigningKey: null, publicKey: null }
  const { signingKey, publicKey } = await newSigningKey()
  return { sealedSigningKey: await seal(context, path, signingKey, signingKeyRecord(path.endpoint_id)), publicKey }
}

function seal(
  { services }: OperatorContext,
  path: EndpointPath,
  secret: string,
  record = path.endpoint_id,
): Promise<string> {
  return services.sealing.seal('event_endpoint', path.identity_store_id, record, secret)
}

function entryOf(context: OperatorContext, path: EndpointPath, action: string) {
  return auditEntry(context, path.identity_store_id, action, `event_endpoint:${path.endpoint_id}`)
}

function instantOrNull(at: number | null): string | null {
  return at === null ? null : timestamp(at)
}

function endpointBody(
  { now }: OperatorContext,
  { endpoint }: { readonly endpoint: EventEndpointRow },
): z.infer<typeof EventEndpointBody> {
  const { disabledAt, previousValidUntil } = endpoint
  return {
    endpoint_id: endpoint.endpointId,
    kind: endpoint.kind,
    url: endpoint.url,
    types: [...endpoint.types],
    description: endpoint.description,
    public_key: endpoint.publicKey,
    receiver: endpoint.receiver,
    enabled: disabledAt === null,
    disabled_at: instantOrNull(disabledAt),
    disabled_reason: endpoint.disabledReason,
    old_secret_valid_until:
      previousValidUntil !== null && previousValidUntil > now ? timestamp(previousValidUntil) : null,
    created_at: timestamp(endpoint.createdAt),
    updated_at: timestamp(endpoint.updatedAt),
  }
}
