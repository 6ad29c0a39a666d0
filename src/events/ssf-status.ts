/** The status of a stream, and what its receiver is told of it. */
import type { DisabledReason } from '../domain/events.ts'
import { STREAM_UPDATED } from '../domain/security-events.ts'
import { type StreamRow, statusOf } from '../store/ssf-streams.ts'
import { bodyOf, type EndpointStorage } from './endpoint-storage.ts'
import type { StreamStorage } from './ssf-storage.ts'

/** What the receiver is told of a stream that does not stand as it has said. */
const STOPPED: Readonly<Record<DisabledReason, string>> = {
  operator: 'An operator has paused the stream.',
  receiver: 'The receiver has asked for it.',
  gone: 'The receiver answered 410.',
  failing: 'The receiver has taken nothing for three days.',
}

/** The id of a token that tells of no event. */
export function newTokenId(): string {
  return `ssf_${crypto.randomUUID().replaceAll('-', '')}`
}

/**
 * Queues a message of the stream's status, if the receiver does not know it, and drops messages that the status
 * forbids.
 */
export function followStatus(storage: EndpointStorage, streams: StreamStorage, stream: StreamRow): void {
  const status = statusOf(stream)
  if (streams.toldStatus() !== status) {
    streams.setTold(status)
    const now = Date.now()
    const reason = stream.statusReason ?? (stream.disabledReason === null ? null : STOPPED[stream.disabledReason])
    const data = { status, ...(reason !== null && { reason }) }
    const body = bodyOf({ type: STREAM_UPDATED, at: now, data })
    storage.put({ id: newTokenId(), type: STREAM_UPDATED, body, due_at: now })
  }
  streams.dropUntil(status === 'disabled' ? Number.MAX_SAFE_INTEGER : stream.fromNumber)
}
