/**
 * The streams on which clients listen to the user's sessions: each is told when its session ends, and a while before
 * its deadline. A stream is a WebSocket that hibernates: while the object is not in memory, the platform keeps it and
 * what is attached to it.
 */

import { deadline, endsSoonAt } from '../../domain/deadlines.ts'
import { END_SENTENCES } from '../../domain/end-sentences.ts'
import type { SessionError } from '../../domain/errors.ts'
import type { UserState } from '../../domain/lifecycle.ts'
import type { RuleUpdates } from '../../domain/policy.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { Ending } from '../../domain/session.ts'
import { MAX_STREAMS_OF_SESSION, SILENT_STREAM_MILLISECONDS } from '../../limits.ts'
import type { SessionProof } from './token-secrets.ts'

/** What is attached to a stream; epoch milliseconds. */
interface Attached {
  readonly openedAt: number
  /** The deadline that it was told of last; null for none. */
  readonly toldOf: number | null
}

/**
 * What is asked when a stream is opened. A call of a method cannot answer a WebSocket, only `fetch` can: so this goes
 * in a header of its request.
 */
interface Asked {
  readonly proof: SessionProof
  readonly updates: RuleUpdates
}

const ASKED = 'latchkey-asked'
const FULL = `The session has ${MAX_STREAMS_OF_SESSION} streams open.`
/** RFC 6455, section 7.4.1, and the registry that it opens: normal closure, policy violation, service restart. */
const [CLOSED, REFUSED, TRY_AGAIN] = [1000, 1008, 1012]

export class SessionStreams {
  private readonly ctx: DurableObjectState
  /** The live sessions, and their policy. */
  private readonly state: () => Pick<UserState, 'sessions' | 'policy'>

  constructor(ctx: DurableObjectState, state: () => Pick<UserState, 'sessions' | 'policy'>) {
    this.ctx = ctx
    this.state = state
  }

  /**
   * The client's end of a new stream. Errors: `conflict` if the session has as many as it may, and a client is at each.
   */
  open(sessionId: string, now: number): Result<WebSocket, SessionError> {
    const others = this.of(sessionId).sort((a, b) => this.heardAt(a) - this.heardAt(b))
    const [longestSilent] = others
    if (longestSilent !== undefined && others.length >= MAX_STREAMS_OF_SESSION) {
      if (now - this.heardAt(longestSilent) < SILENT_STREAM_MILLISECONDS)
        return fail({ code: 'conflict', detail: FULL })
      longestSilent.close(TRY_AGAIN, 'silent')
    }
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket]
    // Answered without waking the object.
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    this.ctx.acceptWebSocket(server, [sessionId])
    attach(server, { openedAt: now, toldOf: null })
    return ok(client)
  }

  /** Tells that a session has ended. That is the end of its streams too. */
  ended(sessionId: string, { reason, endedAt }: Ending): void {
    const streams = this.of(sessionId)
    if (streams.length === 0) return
    const told = { type: 'ended', reason, end_sentence: END_SENTENCES[reason], ended_at: instant(endedAt) }
    for (const stream of streams) {
      stream.send(JSON.stringify(told))
      stream.close(CLOSED, reason)
    }
  }

  /** Tells of the deadlines that have come near, of each once. */
  tellDeadlines(now: number): void {
    for (const { stream, session, policy } of this.untold()) {
      const { reason, endedAt } = deadline(session, policy)
      if (now < endsSoonAt(session, policy) || now >= endedAt) continue
      stream.send(JSON.stringify({ type: 'ending_soon', reason, ends_at: instant(endedAt) }))
      attach(stream, { ...attachedTo(stream), toldOf: endedAt })
    }
  }

  /** When `tellDeadlines` is to come next; null for never. */
  nextTellingAt(): number | null {
    const times = this.untold().map(({ session, policy }) => endsSoonAt(session, policy))
    return times.length === 0 ? null : Math.min(...times)
  }

  /**
   * Closes the streams of sessions past their deadline, so that their clients ask again: for where the end itself must
   * not be told unasked.
   */
  askAnew(now: number): void {
    for (const { stream, session, policy } of this.listened()) {
      if (deadline(session, policy).endedAt <= now) stream.close(TRY_AGAIN, 'ask again')
    }
  }

  /** Nothing but `ping` is taken: everything else would wake the object. */
  refuse(stream: WebSocket): void {
    stream.close(REFUSED, 'nothing but ping is taken')
  }

  /** The streams that were not told of their session's deadline. */
  private untold() {
    return this.listened().filter(
      ({ stream, session, policy }) => attachedTo(stream).toldOf !== deadline(session, policy).endedAt,
    )
  }

  /** Every stream, with its session. */
  private listened() {
    // As most objects are, at nearly every alarm.
    if (this.ctx.getWebSockets().length === 0) return []
    const { sessions, policy } = this.state()
    return sessions.flatMap((session) => this.of(session.id).map((stream) => ({ stream, session, policy })))
  }

  /** The open streams of a session. */
  private of(sessionId: string): WebSocket[] {
    return this.ctx.getWebSockets(sessionId).filter(({ readyState }) => readyState === WebSocket.OPEN)
  }

  private heardAt(stream: WebSocket): number {
    return Math.max(attachedTo(stream).openedAt, this.ctx.getWebSocketAutoResponseTimestamp(stream)?.getTime() ?? 0)
  }
}

/** The request for a stream. */
export function streamRequest(proof: SessionProof, updates: RuleUpdates): Request {
  const asked: Asked = { proof, updates }
  const headers = { upgrade: 'websocket', [ASKED]: encodeURIComponent(JSON.stringify(asked)) }
  return new Request('https://user.invalid/', { headers })
}

/** What a stream is asked for with. */
export function askedIn(request: Request): Asked {
  return JSON.parse(decodeURIComponent(request.headers.get(ASKED) ?? ''))
}

function attach(stream: WebSocket, attached: Attached): void {
  stream.serializeAttachment(attached)
}

function attachedTo(stream: WebSocket): Attached {
  return stream.deserializeAttachment()
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
