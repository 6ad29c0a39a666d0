/** What a Worker is bound to: the methods of the service's `SessionsEntrypoint`. */
import type { EndReason, Place, Session, Wire } from './session.ts'

/** The end user's client; null for what is not known. */
export interface Client {
  readonly address: string | null
  readonly userAgent: string | null
}

/** A failure that is expected. Which members it has depends on the code. */
export interface BindingError {
  readonly code: string
  readonly reason?: EndReason
  /** Epoch milliseconds. */
  readonly endedAt?: number
  readonly retryAfterSeconds?: number
  readonly issues?: readonly { readonly field: string; readonly message: string }[]
  readonly detail?: string
  /** For `session_limit_reached`: the live sessions, oldest first. */
  readonly sessions?: readonly unknown[]
}

export type BindingResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: BindingError }

/**
 * `env.LATCHKEY` of a Worker whose configuration binds the service's entry point `SessionsEntrypoint`. Which identity
 * store it speaks for, and what it may do there, is in the binding's `props`.
 */
export interface SessionsBinding {
  check(input: {
    readonly token: string
    readonly touch?: boolean
    readonly maxAgeSeconds?: number
    readonly client?: Client | undefined
  }): Promise<BindingResult<Wire<Session>>>
  open(input: {
    readonly userId: string
    readonly client: Client
    readonly location?: Partial<Place> | null
    readonly region?: string
    readonly persistent?: boolean
    readonly endSessions?: readonly string[]
    readonly idempotencyKey?: string
  }): Promise<BindingResult<Wire<Session> & { readonly token: string }>>
  end(input: { readonly token: string }): Promise<BindingResult<void>>
  listOwn(input: {
    readonly token: string
    readonly client?: Client | undefined
  }): Promise<BindingResult<{ readonly sessions: readonly Wire<Session>[] }>>
  /** Server-sent events that tell when the token's session ends. */
  events(input: { readonly token: string }): Promise<BindingResult<ReadableStream<Uint8Array>>>
  endOwn(input: {
    readonly token: string
    /** The id of a session, or all but the one that asks. */
    readonly sessions: string
  }): Promise<BindingResult<{ readonly ended: number }>>
}
