/** APIO's words for what goes wrong: a status and `details`. Source: Netaxis APIO, API errors. */
import type { SessionError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'
import type { ApiErrors } from '../route.ts'
import { ErrorBody } from './schemas.ts'

/** Renders an expected failure. */
export function renderError(error: SessionError, _context: RequestContext): Response {
  switch (error.code) {
    case 'invalid_request':
      return details(
        400,
        error.issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join(' '),
      )
    case 'request_too_large':
      return details(400, `The body is larger than ${error.limitBytes} bytes.`)
    case 'request_timeout':
      return details(400, 'The body broke off or came too slowly.')
    case 'unsupported_media_type':
      return details(416, 'The body must be a JSON object, and not empty, sent as application/json.')
    case 'path_not_found':
      return details(404, 'No such URL. Every URL ends with one slash.')
    case 'method_not_allowed':
      return details(405, 'The URL does not take this method.', { allow: error.allowed.join(', ') })
    case 'unauthenticated':
    case 'credential_expired':
    case 'credential_revoked':
    case 'credential_owner_disabled':
    case 'session_ended':
    case 'user_not_found':
      return details(401, 'An open session is needed.')
    case 'wrong_token_kind':
      return details(401, `An open web session is needed; this is the token of another kind: ${error.found}.`)
    case 'invalid_credentials':
    case 'user_disabled':
      return details(401, 'The credentials are not valid.')
    case 'precondition_failed':
    case 'idempotency_key_reused':
    case 'idempotent_request_running':
      return details(412, 'It was changed at the same time.')
    case 'session_limit_reached':
      return details(409, 'You have as many sessions as allowed. End one of them first.')
    case 'locked_out':
    case 'rate_limited':
      return details(429, 'Too many attempts.', { 'retry-after': String(Math.max(1, error.retryAfterSeconds)) })
    case 'origin_not_allowed':
      return details(403, 'The request comes from a foreign page.')
    case 'confirmation_needed':
    case 'forbidden':
    case 'address_not_allowed':
      return details(403, 'Not allowed.')
    case 'identity_store_not_found':
    case 'session_not_found':
    case 'credential_not_found':
    case 'config_version_not_found':
    case 'group_config_not_found':
    case 'lockout_not_found':
    case 'job_not_found':
    case 'event_endpoint_not_found':
    case 'more_than_expected':
    case 'openid_provider_not_found':
      return details(404, 'Not found.')
    case 'conflict':
      return details(400, error.detail)
    case 'unavailable':
      return unavailable(error)
    // No default: a new code fails to compile until APIO has an answer.
  }
}

/** Renders a bug: says nothing but the request id. */
export function renderBug(context: RequestContext): Response {
  return details(500, `Internal error. Please report it with the request id ${context.requestId}.`)
}

/**
 * 502: the application server refused. 503: it was not reached. In both cases nothing was changed. 504: it did not
 * answer in time; look at what it has before repeating.
 */
function unavailable({ what, because, detail, retryAfterSeconds }: Extract<SessionError, { code: 'unavailable' }>) {
  switch (because) {
    case 'refused':
      return details(502, detail ?? `Refused by the ${what}.`)
    case 'timed_out':
      return details(504, detail ?? `The ${what} did not answer in time. Nothing was changed.`)
    default:
      return details(503, detail ?? 'Temporarily unavailable. Nothing was changed.', {
        'retry-after': String(retryAfterSeconds),
      })
  }
}

function details(status: number, text: string, headers: Record<string, string> = {}): Response {
  return Response.json({ details: text }, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: () => ErrorBody,
  unsafe: {
    403: "The request comes from a foreign site's page.",
    416: 'The body is no JSON object, or empty.',
    503: 'Temporarily unavailable; nothing was changed.',
  },
  body: { 400: 'Fields are wrong; every one is named.' },
  security: {
    // Who has none yet signs in.
    none: {
      401: 'The credentials are not valid: whichever of them, and whatever the reason.',
      429: 'Too many attempts; try again after `Retry-After`.',
      502: 'The system that verifies the user refuses.',
      504: 'The system that verifies the user did not answer in time.',
    },
    session_cookie: {
      401: 'No open session came with the request.',
      503: 'Temporarily unavailable; nothing was changed.',
    },
  },
}
