/** Polls of a stream (RFC 8936). */
import type { z } from 'zod'
import { fail, ok } from '../../domain/result.ts'
import {
  MAX_ANSWER_LENGTH,
  MAX_POLLED_EVENTS,
  OBJECT_TIMEOUT_MILLISECONDS,
  POLL_WAIT_MILLISECONDS,
} from '../../limits.ts'
import { callEndpoint } from '../event-objects.ts'
import { parseAsJson } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type IssuerPath, type ReceiverContext, requireStream } from './caller.ts'
import { type PollBody, PollInput } from './schemas.ts'

/** `POST /ssf/{identity_store_id}/streams/{stream_id}/poll` */
export async function poll(
  request: Request,
  { stream_id: streamId }: IssuerPath & { readonly stream_id: string },
  context: ReceiverContext,
): HandlerResult {
  const input = await parseAsJson(request, PollInput)
  if (!input.ok) return input
  const stream = await requireStream(context, streamId)
  if (!stream.ok) return stream
  const { identityStoreId, endpointId, kind } = stream.value
  if (kind !== 'ssf_poll') return fail({ code: 'event_endpoint_not_found' })
  const { maxEvents, returnImmediately, ack, setErrs } = input.value
  const errors = Object.entries(setErrs).map(([id, { err, description = '' }]) => {
    return [id, `${err}: ${description}`.slice(0, MAX_ANSWER_LENGTH)] as const
  })
  const asked = {
    maxEvents: Math.min(maxEvents, MAX_POLLED_EVENTS),
    returnImmediately,
    ack,
    setErrs: Object.fromEntries(errors),
  }
  const polled = await callEndpoint(
    context.services,
    { identityStoreId, endpointId },
    (stub, owner) => stub.poll(owner, asked),
    POLL_WAIT_MILLISECONDS + OBJECT_TIMEOUT_MILLISECONDS,
  )
  if (!polled.ok) return polled
  const { sets, moreAvailable } = polled.value
  const body: z.infer<typeof PollBody> = { sets, ...(moreAvailable && { moreAvailable }) }
  return ok(json(body))
}
