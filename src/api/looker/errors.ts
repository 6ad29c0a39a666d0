/** Looker's words for what goes wrong: always `message` and `documentation_url`, never a key `error`. */
import type { z } from 'zod'
import type { Issue, SessionError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'
import type { ProblemCode } from '../problems-page.ts'
import type { ApiErrors } from '../route.ts'
import { ErrorBody, ValidationErrorBody } from './schemas.ts'

/** Renders an expected failure. */
export function renderError(error: SessionError, context: RequestContext): Response {
  switch (error.code) {
    case 'invalid_request':
      // What has no field is no object of fields at all.
      return error.issues[0]?.field === ''
        ? render(context, error.code, 400, error.issues.map(({ message }) => message).join(' '))
        : renderIssues(context, error.issues)
    case 'unsupported_media_type':
      return render(context, error.code, 400, `Send ${error.accepted.join(' or ')}.`)
    case 'request_timeout':
      return render(context, error.code, 408, 'The body broke off or came too slowly.')
    case 'request_too_large':
      return render(context, error.code, 413, `The body may have at most ${error.limitBytes} bytes.`)
    case 'unauthenticated':
    case 'credential_expired':
    case 'credential_revoked':
    case 'credential_owner_disabled':
    case 'session_ended':
      return render(context, error.code, 401, 'Requires authentication.', {
        'www-authenticate': 'Bearer realm="looker"',
      })
    case 'wrong_token_kind':
      return render(
        context,
        error.code,
        401,
        `Requires an access token; this is another kind of token: ${error.found}.`,
        { 'www-authenticate': 'Bearer realm="looker"' },
      )
    case 'address_not_allowed':
    case 'origin_not_allowed':
    case 'precondition_failed':
    case 'idempotency_key_reused':
    case 'idempotent_request_running':
    case 'session_limit_reached':
    case 'user_disabled':
    case 'confirmation_needed':
    case 'forbidden':
      return render(context, error.code, 403, 'You do not have permission to do that.')
    case 'invalid_credentials':
    case 'path_not_found':
    case 'identity_store_not_found':
    case 'user_not_found':
    case 'session_not_found':
    case 'credential_not_found':
    case 'config_version_not_found':
    case 'group_config_not_found':
    case 'lockout_not_found':
    case 'job_not_found':
    case 'event_endpoint_not_found':
    case 'more_than_expected':
    case 'openid_provider_not_found':
      return render(context, error.code, 404, 'Not found')
    case 'method_not_allowed':
      return render(context, error.code, 405, 'Method not allowed', { allow: error.allowed.join(', ') })
    case 'conflict':
      return render(context, error.code, 409, error.detail)
    case 'locked_out':
    case 'rate_limited':
      return render(context, error.code, 429, 'Too many requests', retryAfter(error.retryAfterSeconds))
    case 'unavailable':
      return render(context, error.code, 503, 'Temporarily unavailable', retryAfter(error.retryAfterSeconds))
    // No default: a new code fails to compile until Looker has an answer.
  }
}

/** Renders a bug: says nothing but the request id. */
export function renderBug(context: RequestContext): Response {
  return render(
    context,
    'internal_error',
    500,
    `An error has occurred. Please report it with the request id ${context.requestId}.`,
  )
}

function renderIssues(context: RequestContext, issues: readonly Issue[]): Response {
  const body: z.infer<typeof ValidationErrorBody> = {
    message: 'Validation Failed',
    errors: issues.map(({ field, code, message }) => ({
      field,
      code: code === 'missing' ? 'missing_field' : 'invalid',
      message: `'${field}': ${message}`,
      documentation_url: documentationUrl(context, 'invalid_request'),
    })),
    documentation_url: documentationUrl(context, 'invalid_request'),
  }
  return Response.json(body, { status: 422, headers: { 'cache-control': 'no-store' } })
}

function render(
  context: RequestContext,
  code: ProblemCode,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const body: z.infer<typeof ErrorBody> = { message, documentation_url: documentationUrl(context, code) }
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** Of our own documentation: for a URL in the vendor's form, clients would go and ask the vendor. */
function documentationUrl({ services }: RequestContext, code: ProblemCode): string {
  return `${services.settings.publicOrigins[0]}/docs/problems#${code}`
}

function retryAfter(seconds: number): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(seconds))) }
}

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: (status) => (status === 422 ? ValidationErrorBody : ErrorBody),
  query: { 422: 'Parameters are wrong; every one is named.' },
  body: {
    400: 'The body is not a JSON object.',
    408: 'The body broke off or came too slowly.',
    413: 'The body is too large.',
    422: 'Fields are wrong; every one is named, and nothing was changed.',
  },
  pathParameters: { 404: 'There is no such user, session or lockout.' },
  security: {
    access_token: {
      401: 'No live access token came with the request.',
      403: "The caller's role does not allow it.",
      503: 'Temporarily unavailable; try again after `Retry-After`.',
    },
  },
}
