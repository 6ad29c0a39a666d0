/** The client: the same methods over HTTP and over a service binding. */
import type { Check, Ended, Opened, OwnEnded, OwnSessions } from './answers.ts'
import type { Client, SessionsBinding } from './binding.ts'
import { overBinding } from './over-binding.ts'
import { overHttp } from './over-http.ts'
import type { Place } from './session.ts'

interface CommonOptions {
  /** Longest time that a call may take, its repetitions included. Default: 5 000. */
  readonly timeoutMilliseconds?: number
  /** How often a call is tried again that may be done twice. Default: 2. */
  readonly retries?: number
}

export type ClientOptions = CommonOptions &
  (
    | {
        /** Where Latchkey is reached, such as `https://sessions.example.com`. */
        readonly baseUrl: string
        /**
         * A token that an operator made, with the scopes of what is to be called. Without one, sessions are checked by
         * Latchkey's own cookie, which the application gets where both are reached under one host.
         */
        readonly credential?: string
        /** Default: the global one. */
        readonly fetch?: typeof fetch
      }
    | { readonly binding: SessionsBinding }
  )

export interface CallOptions {
  /** Gives the call up. The promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

export interface CheckOptions extends CallOptions {
  /** Greatest age of the answer in whole seconds, 0 to 60. Default: 0, the session is asked. */
  readonly maxAge?: number | undefined
  /** `false`: does not count as the user's activity. Default: true. */
  readonly touch?: boolean | undefined
  /** The end user's client, so that lists show its address and not the application's. */
  readonly client?: Client | undefined
  /** Name of the cookie that the token came in; for clients without a credential. Default: `sessionid`. */
  readonly cookie?: string | undefined
}

export interface OpenOptions extends CallOptions {
  readonly userId: string
  readonly client: Client
  readonly location?: Partial<Place> | null
  /** Near which the user's sessions are to be kept, such as `weur`; for the user's first. Default: near the application. */
  readonly region?: string
  /** Asks for a cookie that outlives the browser; policy decides, `session.persistent` tells. */
  readonly persistent?: boolean
  /** Sessions that end to make room, after `session_limit_reached`. */
  readonly endSessions?: readonly string[]
  /**
   * Names this opening: asked for again with the same key and input within 24 hours, it is answered as it was, and no second
   * session is opened. With a key it is tried again as the other calls are; a try without an answer may have opened a
   * session that nobody has the token of. 1 to 255 characters of ASCII, no quote and no backslash; `crypto.randomUUID()`
   * makes one.
   */
  readonly idempotencyKey?: string
}

export interface EndedOptions extends CallOptions {
  /** Follows the session no more. What `ended` answered is not aborted by that. */
  readonly signal?: AbortSignal | undefined
  /** How long nobody may be able to say that the session lives, in seconds, 30 at least. Default: 60. */
  readonly unavailableAfterSeconds?: number | undefined
  /** The session will end at an instant (RFC 3339), unless it is used: told a minute before, at most. */
  readonly onEndingSoon?: ((endsAt: string) => void) | undefined
}

/** The methods that are answered once. */
export type Calls = Omit<Sessions, 'ended'>

export interface Sessions {
  /** Whether a token's session is live. A token that is null, as where there is no cookie, is `unauthenticated`. */
  check(token: string | null | undefined, options?: CheckOptions): Promise<Check>
  /** Opens a session for a user whom the application has verified. Tried again only with an `idempotencyKey`: it might open two. */
  open(options: OpenOptions): Promise<Opened>
  /** Ends a token's session. To end it twice is to end it once. */
  end(token: string, options?: CallOptions): Promise<Ended>
  /** The sessions of the token's user, newest first. */
  listOwn(token: string, options?: CallOptions & { readonly client?: Client | undefined }): Promise<OwnSessions>
  /** Ends one of the sessions of the token's user, or all but the token's own. */
  endOwn(token: string, which: string | 'others', options?: CallOptions): Promise<OwnEnded>
  /**
   * A signal that is aborted when the token's session ends, at that moment and whatever ends it, with a `SessionOver` that
   * says why. Not activity. Holds a connection until then: hand it a `signal` of your own to stop.
   */
  ended(token: string | null | undefined, options?: EndedOptions): AbortSignal
}

export interface LatchkeyClient {
  readonly sessions: Sessions
  /** What time it is, epoch milliseconds: that of the machine, or of a double. */
  readonly now: () => number
}

/**
 * Makes a client. Nothing is asked yet. Throws a `TypeError` for what is no address, and for a credential or a binding
 * that is undefined.
 */
export function createClient(options: ClientOptions): LatchkeyClient {
  // As of a variable or a binding that nobody has set: each call would fail, and say nothing of that.
  for (const name of ['credential', 'binding'] as const) {
    if (name in options && !(options as never)[name]) throw new TypeError(`createClient: ${name} is missing.`)
  }
  const { timeoutMilliseconds = 5_000, retries = 2 } = options
  const patience = { timeoutMilliseconds, retries }
  const calls = 'binding' in options ? overBinding(options.binding, patience) : overHttp(options, patience)
  const ended: Sessions['ended'] = (token, how = {}) => {
    const over = new AbortController()
    // Loaded where it is used: who only checks carries none of it.
    import('./ended.ts')
      .then(({ followed }) => followed(over, token, how, options, calls.check))
      .catch((error) => over.abort(error))
    return over.signal
  }
  return { sessions: { ...calls, ended }, now: Date.now }
}
