/**
 * Follows a session until it ends. Loaded where it is used: who only checks carries none of it. What is told comes as
 * server-sent events, over HTTP as over a binding. A connection that is lost is made anew; to make one is a check.
 */
import type { SessionsBinding } from './binding.ts'
import type { Calls, ClientOptions, EndedOptions } from './client.ts'
import { LatchkeyError } from './error.ts'
import { type EndReason, fromWire } from './session.ts'
import { SessionOver } from './session-over.ts'
import { canBeToken } from './tokens.ts'
import { VERSION } from './version.ts'

interface Disposed {
  [Symbol.dispose]?(): void
}

type OverHttp = Extract<ClientOptions, { baseUrl: string }>

/** The events of a session, or why there are none. */
export type Listening =
  | {
      readonly ok: true
      readonly events: ReadableStream<Uint8Array>
      /** When nobody reads them any more. */
      readonly done?: () => void
    }
  | {
      readonly ok: false
      readonly code: string
      readonly reason?: EndReason | undefined
      /** RFC 3339. */
      readonly endedAt?: string | undefined
      readonly retryAfterSeconds?: number | undefined
    }

/** Asks for the events of a token's session. To reject is to have no answer, but for a `LatchkeyError`. */
export type Listen = (token: string, signal: AbortSignal) => Promise<Listening>

/** The clock that waiting goes by. */
export interface Clock {
  readonly now: () => number
  /** Resolves after a time, or when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/** A message, with JavaScript's names. */
interface Told {
  readonly type: string
  readonly reason: EndReason
  readonly endSentence?: string
  readonly endedAt?: string
  readonly endsAt?: string
}

/** Something comes every 20 seconds: who has heard nothing for so long is not connected. */
const SILENCE_MILLISECONDS = 30_000
const CONNECT_MILLISECONDS = 10_000
const FIRST_PAUSE_MILLISECONDS = 250
const MAX_PAUSE_MILLISECONDS = 15_000
const DEFAULT_PATIENCE_SECONDS = 60
/** In less time there may be no word of a session that lives. */
const MIN_PATIENCE_SECONDS = 30

const REAL_CLOCK: Clock = {
  now: () => Date.now(),
  wait: (milliseconds, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, milliseconds)
      signal.addEventListener('abort', done)
      if (signal.aborted) done()
    }),
}

/** Follows a session as a client with these options does; see `follow`. */
export function followed(
  over: AbortController,
  token: string | null | undefined,
  how: EndedOptions,
  options: ClientOptions,
  check: Calls['check'],
): Promise<void> {
  const listen = 'binding' in options ? overBinding(options.binding) : overHttp(options, check)
  return follow(over, token, listen, how)
}

function overHttp({ baseUrl, credential, fetch: send = fetch }: OverHttp, check: Calls['check']): Listen {
  // The stream is the session's own. Whether it is one of the application's store, only the credential can tell.
  let isKnown = credential === undefined
  return async (token, signal) => {
    if (!isKnown) {
      const { state, ...rest } = await check(token, { touch: false, signal })
      if (state !== 'active') return { ...rest, ok: false, code: state === 'ended' ? 'session_ended' : state }
      isKnown = true
    }
    const response = await send(`${new URL(baseUrl).href.replace(/\/+$/, '')}/sessions/current/events`, {
      headers: { authorization: `Bearer ${token}`, 'latchkey-client': VERSION, accept: 'text/event-stream' },
      redirect: 'manual',
      signal,
    })
    if (response.ok && response.body !== null) return { ok: true, events: response.body }
    const retryAfterSeconds = Number(response.headers.get('retry-after'))
    if (response.status >= 500 || response.status === 429) return { ok: false, code: 'unavailable', retryAfterSeconds }
    return { ...(fromWire(await response.json()) as { code: string }), ok: false }
  }
}

/** Listens over a service binding. */
export function overBinding(binding: Pick<SessionsBinding, 'events'>): Listen {
  return async (token) => {
    const answer = await binding.events({ token })
    // The runtime keeps what came over a binding until it is told.
    if (answer.ok) return { ok: true, events: answer.value, done: () => (answer as Disposed)[Symbol.dispose]?.() }
    const { endedAt, ...error } = answer.error
    return { ...error, ok: false, ...(endedAt !== undefined && { endedAt: new Date(endedAt).toISOString() }) }
  }
}

/** Aborts `over` when the session ends, or when nobody could say for too long that it lives. */
export async function follow(
  over: AbortController,
  token: string | null | undefined,
  listen: Listen,
  { signal: stop, unavailableAfterSeconds = DEFAULT_PATIENCE_SECONDS, onEndingSoon }: EndedOptions,
  clock: Clock = REAL_CLOCK,
): Promise<void> {
  if (!(unavailableAfterSeconds >= MIN_PATIENCE_SECONDS)) {
    return over.abort(new RangeError(`unavailableAfterSeconds: ${unavailableAfterSeconds} is less than 30.`))
  }
  if (!canBeToken(token)) return over.abort(new SessionOver('unauthenticated'))
  const stopped = stop === undefined ? over.signal : AbortSignal.any([over.signal, stop])
  /** When the session was last known to live. */
  let knownAt = clock.now()
  const end = (...why: ConstructorParameters<typeof SessionOver>) => over.abort(new SessionOver(...why))
  const take = ({ type, reason, endSentence, endedAt, endsAt }: Told) => {
    if (type === 'ended') end(reason, endSentence, endedAt)
    else if (type === 'ending_soon') onEndingSoon?.(endsAt as string)
  }
  /** What is awaited, or undefined after a time. */
  const timed = async <T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> => {
    const done = new AbortController()
    try {
      return (await Promise.race([work, clock.wait(milliseconds, done.signal)])) as T | undefined
    } finally {
      done.abort()
    }
  }

  /** Connects, and listens until the connection is lost. Answers how long to wait at least before the next one. */
  const connect = async (): Promise<number> => {
    const cut = new AbortController()
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
    let done: (() => void) | undefined
    const leave = () => {
      reader?.cancel().catch(() => undefined)
      cut.abort()
      done?.()
    }
    stopped.addEventListener('abort', leave)
    try {
      const listening = await timed(listen(token, cut.signal), CONNECT_MILLISECONDS)
      if (listening === undefined) return 0
      if (!listening.ok) return refused(listening)
      reader = listening.events.getReader()
      done = listening.done
      const decoder = new TextDecoder()
      for (let text = ''; !stopped.aborted; ) {
        const read = await timed(reader.read(), SILENCE_MILLISECONDS)
        if (read === undefined || read.done) return 0
        knownAt = clock.now()
        const blocks = (text + decoder.decode(read.value, { stream: true })).split('\n\n')
        text = blocks.pop() as string
        for (const block of blocks) {
          const [, data] = /^data: (.*)$/m.exec(block) ?? []
          if (data !== undefined) take(fromWire(JSON.parse(data)) as Told)
        }
      }
    } catch (error) {
      if (error instanceof LatchkeyError) over.abort(error)
    } finally {
      stopped.removeEventListener('abort', leave)
      leave()
    }
    return 0
  }

  const refused = ({ code, reason, endedAt, retryAfterSeconds = 0 }: Extract<Listening, { ok: false }>): number => {
    switch (code) {
      case 'session_ended':
        end(reason as EndReason, undefined, endedAt)
        return 0
      case 'unauthenticated':
      case 'wrong_token_kind':
        end('unauthenticated')
        return 0
      case 'unavailable':
        return retryAfterSeconds * 1000
      case 'conflict':
        // It lives, and has as many streams as it may: asking now and then has to do.
        knownAt = clock.now()
        return MAX_PAUSE_MILLISECONDS
      default:
        over.abort(new LatchkeyError(code, 'The events of the session were refused.'))
        return 0
    }
  }

  for (let failures = 0; !stopped.aborted; ) {
    const startedAt = clock.now()
    const pause = await connect()
    failures = clock.now() - startedAt > SILENCE_MILLISECONDS ? 0 : failures + 1
    const left = knownAt + unavailableAfterSeconds * 1000 - clock.now()
    if (left <= 0) end('unavailable')
    const backOff = FIRST_PAUSE_MILLISECONDS * 2 ** Math.min(failures, 8) * (0.5 + Math.random() / 2)
    await clock.wait(Math.min(left, Math.max(pause, Math.min(backOff, MAX_PAUSE_MILLISECONDS))), stopped)
  }
}
