/** How the transmitter words errors: `err` and `description` (RFC 8935), and a challenge (RFC 6750). */
import type { SessionError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'
import type { ApiErrors } from '../route.ts'
import { type ERROR_CODES, ErrorBody } from './schemas.ts'

type ErrorCode = (typeof ERROR_CODES)[number]

interface Fault {
  readonly status: number
  readonly err: ErrorCode
  readonly description: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Renders an expected failure. */
export function renderError(error: SessionError, _context: RequestContext): Response {
  return render(faultOf(error))
}

/** Renders a bug: says nothing but the request id. */
export function renderBug({ requestId }: RequestContext): Response {
  return render({ status: 500, err: 'server_error', description: `Please report it: ${requestId}.` })
}

function render({ status, err, description, headers }: Fault): Response {
  const common = { 'cache-control': 'no-store', 'content-language': 'en' }
  return Response.json({ err, description }, { status, headers: { ...common, ...headers } })
}

function faultOf(error: SessionError): Fault {
  switch (error.code) {
    case 'invalid_request':
      return badRequest(
        error.issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join(' '),
      )
    case 'unsupported_media_type':
      return badRequest('The body must be JSON.')
    case 'request_timeout':
      return badRequest('The body broke off or came too slowly.')
    case 'request_too_large':
      return { ...badRequest(`The body is larger than ${error.limitBytes} bytes.`), status: 413 }
    case 'precondition_failed':
    case 'idempotency_key_reused':
    case 'idempotent_request_running':
      return { ...badRequest(`It clashes with another request: ${error.code}.`), status: 409 }
    case 'unauthenticated':
      return unknown('There is no credential of this issuer in the request, or none that is known.')
    case 'wrong_token_kind':
      return unknown(`The token is of another kind than is taken here: ${error.found}.`)
    case 'invalid_credentials':
    case 'session_ended':
    case 'credential_revoked':
      return unknown('The credential was revoked.')
    case 'credential_expired':
      return unknown('The credential has expired.')
    case 'credential_owner_disabled':
      return unknown('The user for whom the credential acts is disabled.')
    case 'forbidden':
      return {
        ...denied(error.detail ?? 'The credential lacks the scope.'),
        headers: challenge(`error="insufficient_scope", scope="${error.needed.join(' ')}"`),
      }
    case 'conflict':
      return denied(error.detail)
    case 'address_not_allowed':
      return denied('The credential may not be used from this address.')
    case 'origin_not_allowed':
    case 'confirmation_needed':
    case 'user_disabled':
    case 'session_limit_reached':
    case 'more_than_expected':
      return denied(`Not allowed: ${error.code}.`)
    case 'method_not_allowed':
      return {
        ...badRequest('The path does not take this method.'),
        status: 405,
        headers: { allow: error.allowed.join(', ') },
      }
    case 'path_not_found':
      return notFound('There is no such path.')
    case 'event_endpoint_not_found':
      return notFound('The receiver has no such stream.')
    case 'identity_store_not_found':
      return notFound('There is no such issuer.')
    case 'user_not_found':
    case 'session_not_found':
    case 'credential_not_found':
    case 'config_version_not_found':
    case 'group_config_not_found':
    case 'lockout_not_found':
    case 'job_not_found':
    case 'openid_provider_not_found':
      return notFound('There is no such thing.')
    case 'rate_limited':
    case 'locked_out':
      return {
        status: 429,
        err: 'too_many_requests',
        description: 'Too many requests.',
        headers: { 'retry-after': String(Math.max(1, error.retryAfterSeconds)) },
      }
    case 'unavailable':
      return {
        status: 503,
        err: 'temporarily_unavailable',
        description: 'Temporarily unavailable.',
        headers: { 'retry-after': String(error.retryAfterSeconds) },
      }
    // No default: a new code fails to compile until it has an answer here.
  }
}

function badRequest(description: string): Fault {
  return { status: 400, err: 'invalid_request', description }
}

function unknown(description: string): Fault {
  return { status: 401, err: 'authentication_failed', description, headers: challenge('error="invalid_token"') }
}

function denied(description: string): Fault {
  return { status: 403, err: 'access_denied', description }
}

function notFound(description: string): Fault {
  return { status: 404, err: 'not_found', description }
}

function challenge(more: string) {
  return { 'www-authenticate': `Bearer realm="latchkey", ${more}` }
}

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: () => ErrorBody,
  query: { 400: 'The query is malformed.' },
  body: { 400: 'The body is malformed, or says what is not so.', 413: 'The body is too large.' },
  pathParameters: { 404: 'There is no such issuer, or the receiver has no such stream.' },
  security: {
    credential: {
      401: 'The credential is missing, unknown, expired, revoked, or of another issuer.',
      403: 'The credential lacks the scope, or may not do this.',
      503: 'Temporarily unavailable; try again after `Retry-After`.',
    },
  },
}
