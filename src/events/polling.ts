/** Polls of a stream (RFC 8936): what their receivers ask for, and how they wait. */
import type { EndpointStorage } from './endpoint-storage.ts'
import type { StreamStorage } from './ssf-storage.ts'

/** What a poll asks for. */
export interface Poll {
  readonly maxEvents: number
  readonly returnImmediately: boolean
  /** Tokens that were taken, by their ids … */
  readonly ack: readonly string[]
  /** … and those that were not, and why. */
  readonly setErrs: Readonly<Record<string, string>>
}

/** What is answered. */
export interface Polled {
  /** Tokens by their ids. */
  readonly sets: Readonly<Record<string, string>>
  readonly moreAvailable: boolean
}

/** Forgets the tokens that the receiver has taken, or says it will never take. */
export function acknowledge(storage: EndpointStorage, streams: StreamStorage, { ack, setErrs }: Poll): void {
  const at = Date.now()
  const done = (id: string, status: number, answer: string) => {
    const message = streams.find(id)
    if (message === null) return
    const { type, attempts } = message
    storage.record({ event_id: id, type, attempt: attempts + 1, at, duration: 0, status, answer, next_at: null })
  }
  for (const id of ack) done(id, 200, 'acknowledged')
  for (const [id, why] of Object.entries(setErrs)) done(id, 400, why)
}

/** The waiting poll of a stream: at most one, the latest. */
export class WaitingPoll {
  private release: (() => void) | null = null

  /** Waits until `end` is called, or for `milliseconds`. */
  async wait(milliseconds: number): Promise<void> {
    this.end()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.release = resolve
    const timer = setTimeout(resolve, milliseconds)
    await promise
    clearTimeout(timer)
    if (this.release === resolve) this.release = null
  }

  end(): void {
    this.release?.()
    this.release = null
  }
}
