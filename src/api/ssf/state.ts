/** The status of a stream, its subjects, and its verification. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { type Subject, subjectKey } from '../../domain/security-events.ts'
import { MAX_REMOVED_SUBJECTS, MIN_VERIFICATION_SECONDS } from '../../limits.ts'
import { recordAuditEvent } from '../../store/audit-events.ts'
import { statusOf, updateStreamStatus } from '../../store/ssf-streams.ts'
import { auditEntry } from '../audit.ts'
import { callEndpoint, followEndpoint } from '../event-objects.ts'
import { parseAsJson, parseQuery } from '../parse.ts'
import { empty, json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type ReceiverContext, requireStream } from './caller.ts'
import {
  AddSubjectInput,
  RemoveSubjectInput,
  type StatusBody,
  StatusInput,
  StreamQuery,
  VerificationInput,
} from './schemas.ts'

/** `GET /ssf/{identity_store_id}/status` */
export async function readStatus(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const query = parseQuery(request, StreamQuery)
  if (!query.ok) return query
  const stream = await requireStream(context, query.value.stream_id)
  return stream.ok ? ok(json(statusBody(stream.value))) : stream
}

/** `POST /ssf/{identity_store_id}/status` */
export async function changeStatus(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const input = await parseAsJson(request, StatusInput)
  if (!input.ok) return input
  const { stream_id: streamId, status, reason = null } = input.value
  const stream = await requireStream(context, streamId)
  if (!stream.ok) return stream
  const entry = entryOf(context, streamId, 'event_endpoint.updated')
  const changed = await updateStreamStatus(context.services.db, stream.value, status, reason, entry)
  if (!changed.ok) {
    if (changed.error.code === 'unavailable') return fail(changed.error)
    return fail({
      code: 'forbidden',
      needed: ['ssf.manage'],
      provided: [],
      detail: 'An operator has paused the stream.',
    })
  }
  if (changed.value === null) return fail({ code: 'event_endpoint_not_found' })
  const { endpoint, store } = changed.value
  await followEndpoint(context.services, endpoint, store, (stub, owner) => stub.setTold(owner, status))
  return ok(json(statusBody(endpoint)))
}

/** `POST /ssf/{identity_store_id}/subjects/add`. 200 also for whom nobody knows: receivers find nothing out by it. */
export async function addSubject(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const input = await parseAsJson(request, AddSubjectInput)
  if (!input.ok) return input
  const set = await setSubject(context, input.value, true)
  return set.ok ? ok(empty(200)) : set
}

/** `POST /ssf/{identity_store_id}/subjects/remove`. 204 also for whom nobody knows. */
export async function removeSubject(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const input = await parseAsJson(request, RemoveSubjectInput)
  if (!input.ok) return input
  const set = await setSubject(context, input.value, false)
  return set.ok ? ok(empty()) : set
}

async function setSubject(
  context: ReceiverContext,
  { stream_id: streamId, subject }: { readonly stream_id: string; readonly subject: Subject },
  isWanted: boolean,
): Promise<Result<void, SessionError>> {
  const stream = await requireStream(context, streamId)
  if (!stream.ok) return stream
  const { services, issuer } = context
  const { identityStoreId, endpointId } = stream.value
  const key = subjectKey(subject, { issuer, identityStoreId })
  if (key === null) return ok()
  const entry = entryOf(context, streamId, `event_endpoint.subject_${isWanted ? 'added' : 'removed'}`)
  const recorded = await recordAuditEvent(services.db, entry, { subject: key })
  if (!recorded.ok) return recorded
  const set = await callEndpoint(services, { identityStoreId, endpointId }, (stub, owner) =>
    stub.setSubject(owner, key, isWanted),
  )
  if (!set.ok) return set
  return set.value
    ? ok()
    : fail({ code: 'conflict', detail: `A stream leaves out at most ${MAX_REMOVED_SUBJECTS} subjects.` })
}

/** `POST /ssf/{identity_store_id}/verification` */
export async function verify(request: Request, _path: object, context: ReceiverContext): HandlerResult {
  const input = await parseAsJson(request, VerificationInput)
  if (!input.ok) return input
  const { stream_id: streamId, state } = input.value
  const stream = await requireStream(context, streamId)
  if (!stream.ok) return stream
  const { identityStoreId, endpointId } = stream.value
  if (statusOf(stream.value) === 'disabled') {
    const message = 'The stream is disabled: nothing is kept for it.'
    return fail({ code: 'invalid_request', issues: [{ field: 'stream_id', code: 'invalid', message }] })
  }
  const queued = await callEndpoint(context.services, { identityStoreId, endpointId }, (stub, owner) =>
    stub.verify(owner, state === undefined ? {} : { state }),
  )
  if (!queued.ok) return queued
  if (queued.value === null) return fail({ code: 'rate_limited', retryAfterSeconds: MIN_VERIFICATION_SECONDS })
  return ok(empty())
}

function entryOf(context: ReceiverContext, streamId: string, action: string) {
  return auditEntry(context, context.caller.identityStoreId, action, `event_endpoint:${streamId}`)
}

function statusBody(stream: Parameters<typeof statusOf>[0]): z.infer<typeof StatusBody> {
  const { endpointId, statusReason } = stream
  return { stream_id: endpointId, status: statusOf(stream), ...(statusReason !== null && { reason: statusReason }) }
}
