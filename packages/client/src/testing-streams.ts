/** What a double needs to tell of the end of its sessions: a clock that is moved, and streams. */
import type { Clock } from './ended.ts'
import type { EndReason } from './session.ts'

/** The machine's own, whatever a test makes of it. */
const defer = globalThis.setTimeout

/** Time passes when it is moved. */
export class TestClock implements Clock {
  private at: number
  private waiting: { readonly until: number; readonly done: () => void }[] = []

  constructor(startsAt: number) {
    this.at = startsAt
  }

  now(): number {
    return this.at
  }

  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const one = { until: this.at + milliseconds, done: resolve }
      const leave = () => {
        this.waiting = this.waiting.filter((other) => other !== one)
        resolve()
      }
      this.waiting.push(one)
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
    })
  }

  /** Moves it on. What happens by then comes before who waits until then. */
  advance(milliseconds: number, happens: () => void): void {
    this.at += milliseconds
    happens()
    const due = this.waiting.filter(({ until }) => until <= this.at)
    this.waiting = this.waiting.filter((one) => !due.includes(one))
    // What was sent is read first.
    for (const { done } of due) defer(done)
  }
}

interface Stream {
  readonly sessionId: string
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  toldOf: number | null
}

/** The streams of sessions; instants are epoch milliseconds. */
export class TestStreams {
  private streams: Stream[] = []

  get count(): number {
    return this.streams.length
  }

  open(sessionId: string): ReadableStream<Uint8Array> {
    let stream: Stream | undefined
    return new ReadableStream({
      start: (controller) => {
        stream = { sessionId, controller, toldOf: null }
        this.streams.push(stream)
      },
      cancel: () => {
        this.streams = this.streams.filter((other) => other !== stream)
      },
    })
  }

  ended(sessionId: string, reason: EndReason, endedAt: number): void {
    for (const stream of this.of(sessionId)) {
      send(stream, { type: 'ended', reason, ended_at: new Date(endedAt).toISOString() })
    }
    this.close(this.of(sessionId))
  }

  endingSoon(sessionId: string, reason: EndReason, endsAt: number): void {
    for (const stream of this.of(sessionId)) {
      if (stream.toldOf !== endsAt)
        send(stream, { type: 'ending_soon', reason, ends_at: new Date(endsAt).toISOString() })
      stream.toldOf = endsAt
    }
  }

  /** Every connection is lost. */
  breakDown(): void {
    this.close(this.streams)
  }

  private of(sessionId: string): readonly Stream[] {
    return this.streams.filter((stream) => stream.sessionId === sessionId)
  }

  private close(which: readonly Stream[]): void {
    for (const { controller } of which) controller.close()
    this.streams = this.streams.filter((stream) => !which.includes(stream))
  }
}

function send({ controller }: Stream, told: { readonly type: string; readonly [member: string]: unknown }): void {
  controller.enqueue(new TextEncoder().encode(`event: ${told.type}\ndata: ${JSON.stringify(told)}\n\n`))
}
