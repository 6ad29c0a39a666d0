import type { EndReason } from './session.ts'
import type { SessionView } from './session-view.ts'

/** What can be wrong with a field. */
export const ISSUE_CODES = ['missing', 'invalid', 'unknown'] as const

/** One thing wrong with a request. `field` is the dotted path of the bad field, `''` for the whole. */
export interface Issue {
  readonly field: string
  readonly code: (typeof ISSUE_CODES)[number]
  readonly message: string
}

/**
 * How much a client may still do. `signin-address` counts the wrong passwords of an address, `signin-requests` the
 * requests at the gate in front. What is counted for a user is never told: strangers would learn it.
 */
export interface Quota {
  readonly policy: 'signin-address' | 'signin-requests'
  /** In a window. */
  readonly tries: number
  readonly windowSeconds: number
  readonly left: number
  /** Until there are more. */
  readonly secondsUntilMore: number
}

/**
 * Everything that can go wrong in an expected way. One closed union: each API renders it in its own
 * words with an exhaustive `switch`, so a new code does not compile until every API has an answer.
 */
export type SessionError =
  /** The request is malformed; every bad field is named. */
  | { readonly code: 'invalid_request'; readonly issues: readonly Issue[] }
  /** The body is larger than the route takes. */
  | { readonly code: 'request_too_large'; readonly limitBytes: number }
  /** The body's media type is none that the route takes. */
  | { readonly code: 'unsupported_media_type'; readonly accepted: readonly string[] }
  /** The body broke off, or was not complete in time. */
  | { readonly code: 'request_timeout' }
  /** No such path. */
  | { readonly code: 'path_not_found' }
  /** The path exists, but not with this method. */
  | { readonly code: 'method_not_allowed'; readonly allowed: readonly string[] }
  /** No token or credential, or none that we know. */
  | { readonly code: 'unauthenticated' }
  /** The token is genuine, and of another kind than is taken here. */
  | { readonly code: 'wrong_token_kind'; readonly expected: TokenKind; readonly found: TokenKind }
  /** The credential is known and past its expiry. */
  | { readonly code: 'credential_expired' }
  /** The credential is known and was revoked, or its owner or its store was deleted. */
  | { readonly code: 'credential_revoked' }
  /** The credential is known, and the user for whom it acts is disabled. */
  | { readonly code: 'credential_owner_disabled' }
  /** The credential may not be used from this address. */
  | { readonly code: 'address_not_allowed' }
  /** The token is genuine; its session has ended. */
  | { readonly code: 'session_ended'; readonly reason: EndReason; readonly endedAt: number }
  /** Wrong user name or password, an unknown or a disabled user: alike on purpose. */
  | { readonly code: 'invalid_credentials'; readonly quota?: Quota }
  /** Too many wrong passwords for this user from this address. */
  | { readonly code: 'locked_out'; readonly retryAfterSeconds: number }
  /** Too many requests. */
  | { readonly code: 'rate_limited'; readonly retryAfterSeconds: number; readonly quota?: Quota }
  /** The caller is known and lacks the scope, or what `detail` says. */
  | {
      readonly code: 'forbidden'
      readonly needed: readonly string[]
      readonly provided: readonly string[]
      readonly detail?: string
    }
  /** The caller may do it, but must prove itself once more first: it last did at `provenAt`, epoch milliseconds. */
  | { readonly code: 'confirmation_needed'; readonly provenAt: number }
  /** A cookie request came from a foreign page. */
  | { readonly code: 'origin_not_allowed' }
  /** `identityStoreIds`: those that do not exist; missing where it is the one in the path. */
  | { readonly code: 'identity_store_not_found'; readonly identityStoreIds?: readonly string[] }
  | { readonly code: 'user_not_found' }
  | { readonly code: 'user_disabled' }
  /**
   * The user has as many sessions as the limit allows, and the policy ends none of them for a new one. `sessions`:
   * these, oldest first.
   */
  | { readonly code: 'session_limit_reached'; readonly sessions: readonly SessionView[] }
  | { readonly code: 'session_not_found' }
  | { readonly code: 'credential_not_found' }
  /** The group has no config of its own. */
  | { readonly code: 'group_config_not_found' }
  /** No such job, or it is over and nothing of it is kept. */
  | { readonly code: 'job_not_found' }
  /** The identity store has no such endpoint for events. */
  | { readonly code: 'event_endpoint_not_found' }
  /** Many more sessions would be ended than the caller saw. `count`: how many. */
  | { readonly code: 'more_than_expected'; readonly count: number }
  /** No such version of the session config is kept. */
  | { readonly code: 'config_version_not_found' }
  /** No such lockout is in force. */
  | { readonly code: 'lockout_not_found' }
  /** The identity store has no OpenID provider. */
  | { readonly code: 'openid_provider_not_found' }
  /** What was to be changed has another version by now. */
  | { readonly code: 'precondition_failed'; readonly version: number }
  /** The idempotency key came before, with another body. */
  | { readonly code: 'idempotency_key_reused' }
  /** The request that came with the idempotency key before is still being answered. */
  | { readonly code: 'idempotent_request_running' }
  /** The change clashes with what is there; `detail` says with what. */
  | { readonly code: 'conflict'; readonly detail: string }
  /**
   * Something we depend on does not answer. Nothing is known to have been done. Of the application server it is
   * also told whether it refused (nothing was done) or did not answer in time (it may still be done).
   */
  | {
      readonly code: 'unavailable'
      readonly what: string
      readonly retryAfterSeconds: number
      readonly because?: 'refused' | 'timed_out'
      readonly detail?: string
    }

/** What a caller proves itself with: a session's token, of any kind, or a credential that an operator made. */
export const TOKEN_KINDS = ['web session', 'api session', 'operator session', 'credential'] as const
export type TokenKind = (typeof TOKEN_KINDS)[number]

/** The code of a `SessionError`. */
export type SessionErrorCode = SessionError['code']
