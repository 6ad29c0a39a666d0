/** Slack's words for what goes wrong. Everything is HTTP 200 but `ratelimited`: clients repeat any other status for half an hour. */
import type { SessionError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'
import type { ApiErrors } from '../route.ts'
import { RefusalBody, type SlackErrorCode } from './schemas.ts'

/** A refusal in Slack's words. */
export interface Refusal {
  readonly error: SlackErrorCode
  /** What is wrong with the arguments, one sentence each. */
  readonly messages?: readonly string[]
  /** For `missing_scope`. */
  readonly needed?: string
  readonly provided?: string
  /** For `ratelimited`. */
  readonly retryAfterSeconds?: number
}

/** A refusal that is only a code. */
export function refusal(error: SlackErrorCode): { readonly ok: false; readonly error: Refusal } {
  return { ok: false, error: { error } }
}

/** The arguments are wrong, and how. */
export function invalidArguments(messages: readonly string[]): { readonly ok: false; readonly error: Refusal } {
  return { ok: false, error: { error: 'invalid_arguments', messages: messages.map((text) => `[ERROR] ${text}`) } }
}

/** An expected failure of ours in Slack's words. */
export function refusalOf(error: SessionError): Refusal {
  switch (error.code) {
    case 'invalid_request':
      return { error: 'invalid_arguments', messages: error.issues.map(({ message }) => `[ERROR] ${message}`) }
    case 'request_too_large':
      return {
        error: 'invalid_arguments',
        messages: [`[ERROR] the request is larger than ${error.limitBytes} bytes`],
      }
    case 'unsupported_media_type':
      return { error: 'invalid_post_type' }
    case 'request_timeout':
      return { error: 'request_timeout' }
    case 'path_not_found':
    case 'method_not_allowed':
      return { error: 'unknown_method' }
    case 'unauthenticated':
    case 'session_ended':
    case 'invalid_credentials':
    case 'origin_not_allowed':
    case 'credential_not_found':
    case 'config_version_not_found':
    case 'group_config_not_found':
    case 'lockout_not_found':
    case 'job_not_found':
    case 'event_endpoint_not_found':
    case 'more_than_expected':
      return { error: 'invalid_auth' }
    case 'wrong_token_kind':
      return { error: 'not_allowed_token_type' }
    case 'credential_expired':
      return { error: 'token_expired' }
    case 'credential_revoked':
      return { error: 'token_revoked' }
    case 'address_not_allowed':
      return { error: 'accesslimited' }
    case 'locked_out':
    case 'rate_limited':
      return { error: 'ratelimited', retryAfterSeconds: error.retryAfterSeconds }
    case 'forbidden':
      return { error: 'missing_scope', needed: error.needed.join(','), provided: error.provided.join(',') }
    case 'identity_store_not_found':
      return { error: 'team_not_found' }
    case 'user_not_found':
      return { error: 'user_not_found' }
    case 'user_disabled':
    case 'credential_owner_disabled':
      return { error: 'account_inactive' }
    case 'session_not_found':
      return { error: 'session_not_found' }
    case 'confirmation_needed':
    case 'openid_provider_not_found':
    case 'precondition_failed':
    case 'idempotency_key_reused':
    case 'idempotent_request_running':
    case 'session_limit_reached':
    case 'conflict':
      return { error: 'internal_error' }
    case 'unavailable':
      return { error: 'service_unavailable' }
    // No default: a new code fails to compile until it has an answer here.
  }
}

/** The response to a refused call. */
export function refusalResponse(
  { error, messages, needed, provided, retryAfterSeconds }: Refusal,
  headers: Headers,
): Response {
  if (error === 'ratelimited') headers.set('retry-after', String(Math.max(1, retryAfterSeconds ?? 1)))
  const body = {
    ok: false,
    error,
    ...(needed === undefined ? {} : { needed }),
    ...(provided === undefined ? {} : { provided }),
    ...(messages === undefined ? {} : { response_metadata: { messages } }),
  }
  return slackJson(body, headers, error === 'ratelimited' ? 429 : 200)
}

/** A response. `headers` gain what every one has. */
export function slackJson(body: object, headers: Headers, status = 200): Response {
  headers.set('content-type', 'application/json; charset=utf-8')
  headers.set('cache-control', 'private, no-store')
  return new Response(JSON.stringify(body), { status, headers })
}

/** The headers of a response before anything is known of the caller. */
export function requestHeaders(context: RequestContext): Headers {
  return new Headers({ 'x-slack-req-id': context.requestId.replaceAll('-', '') })
}

/** Renders an expected failure outside any method: of the path or its HTTP method. */
export function renderError(error: SessionError, context: RequestContext): Response {
  return refusalResponse(refusalOf(error), requestHeaders(context))
}

/** Renders a bug outside any method. */
export function renderBug(context: RequestContext): Response {
  return refusalResponse({ error: 'internal_error' }, requestHeaders(context))
}

/** The errors that routes have because of what they take: all but one come with status 200. */
export const errors: ApiErrors = {
  schemaOf: () => RefusalBody,
  security: { credential: { 429: '`ratelimited`: too many calls; try again after `Retry-After`.' } },
}
