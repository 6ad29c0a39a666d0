/** The Identity Center API's words for what goes wrong: the gateway's (`APIGW`) and the service's (`IIC`). */
import type { SignatureFault } from '../../auth/access-key-signature.ts'
import { type AuthorizationMessage, sealAuthorizationMessage } from '../../auth/authorization-messages.ts'
import type { SessionError } from '../../domain/errors.ts'
import type { RequestContext } from '../context.ts'
import type { ApiErrors } from '../route.ts'
import { ErrorBody } from './schemas.ts'

/** One refusal: status, code, words. */
interface Fault {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly retryAfterSeconds?: number
}

const INCORRECT = 'Incorrect IAM authentication information'

/** Renders an expected failure. */
export function renderError(error: SessionError, context: RequestContext): Response {
  return render(faultOf(error), {}, context)
}

/** Renders the refusal of a request that says itself that it is not properly signed. */
export function renderBadSignature(fault: SignatureFault, context: RequestContext): Response {
  return render(signatureFault(fault), {}, context)
}

/** Renders a refusal of a caller who is known; the reason is sealed, for operators. */
export async function renderDenied(
  message: Omit<AuthorizationMessage, 'requestId' | 'at'>,
  context: RequestContext,
): Promise<Response> {
  const { services, requestId, now } = context
  const encoded = await sealAuthorizationMessage(services.sealing, { ...message, requestId, at: now })
  const fault = message.missing === 'address' ? addressFault() : permissionFault(message.action)
  return render(fault, { encoded_authorization_message: encoded }, context)
}

/** Renders a bug: says nothing but the request id. */
export function renderBug(context: RequestContext): Response {
  return render({ status: 500, code: 'IIC.500', message: 'Internal error.' }, {}, context)
}

function render({ status, code, message, retryAfterSeconds }: Fault, extra: object, { requestId }: RequestContext) {
  const headers = new Headers({ 'cache-control': 'no-store' })
  if (retryAfterSeconds !== undefined) headers.set('retry-after', String(Math.max(1, retryAfterSeconds)))
  return Response.json({ error_code: code, error_msg: message, request_id: requestId, ...extra }, { status, headers })
}

function faultOf(error: SessionError): Fault {
  switch (error.code) {
    case 'invalid_request':
      return badRequest(
        error.issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join(' '),
      )
    case 'unsupported_media_type':
      return badRequest('the body must be JSON')
    case 'request_too_large':
      return { status: 413, code: 'APIGW.0201', message: `Request body too large: at most ${error.limitBytes} bytes` }
    case 'request_timeout':
      return { status: 400, code: 'APIGW.0201', message: 'Bad request: the body broke off or came too slowly' }
    case 'path_not_found':
    case 'method_not_allowed':
      return { status: 404, code: 'APIGW.0101', message: 'The API does not exist or has not been published' }
    case 'unauthenticated':
    case 'wrong_token_kind':
    case 'invalid_credentials':
    case 'session_ended':
      return incorrect('verify aksk signature fail')
    case 'credential_expired':
      return incorrect('the access key has expired')
    case 'credential_revoked':
      return incorrect('the access key was revoked')
    case 'credential_owner_disabled':
      return incorrect('the user of the access key is disabled')
    case 'rate_limited':
    case 'locked_out':
      return {
        status: 429,
        code: 'APIGW.0308',
        message: 'The throttling threshold has been reached',
        retryAfterSeconds: error.retryAfterSeconds,
      }
    case 'address_not_allowed':
      return addressFault()
    case 'forbidden':
      return permissionFault(error.needed.join(', '))
    case 'confirmation_needed':
    case 'origin_not_allowed':
    case 'precondition_failed':
    case 'idempotency_key_reused':
    case 'idempotent_request_running':
    case 'session_limit_reached':
    case 'user_disabled':
      return { status: 403, code: 'IIC.1001', message: `Access denied: ${error.code}.` }
    case 'identity_store_not_found':
    case 'user_not_found':
      return notFound('user')
    case 'session_not_found':
      return notFound('session')
    case 'credential_not_found':
    case 'config_version_not_found':
    case 'group_config_not_found':
    case 'lockout_not_found':
    case 'job_not_found':
    case 'event_endpoint_not_found':
    case 'more_than_expected':
      return notFound('access key')
    case 'openid_provider_not_found':
      return notFound('OpenID provider')
    case 'conflict':
      return { status: 409, code: 'IIC.1006', message: `Conflict: ${error.detail}` }
    case 'unavailable':
      return {
        status: 503,
        code: 'APIGW.0201',
        message: 'Backend unavailable',
        retryAfterSeconds: error.retryAfterSeconds,
      }
    // No default: a new code fails to compile until it has an answer here.
  }
}

function signatureFault(fault: SignatureFault): Fault {
  switch (fault) {
    case 'not_signed':
      return incorrect('no SDK-HMAC-SHA256 signature in the Authorization header')
    case 'signed_headers':
      return incorrect(
        'SignedHeaders must name x-sdk-date (and host, where this service is strict) and headers of the request, each once',
      )
    case 'date':
      return incorrect('X-Sdk-Date must be YYYYMMDDTHHMMSSZ')
    case 'date_too_far':
      return incorrect('X-Sdk-Date is more than 15 minutes away')
    case 'path':
      return incorrect('the path or the query cannot be decoded')
    case 'payload':
      return incorrect('X-Sdk-Content-Sha256 does not fit the body, or leaves it unsigned where this service is strict')
  }
}

function badRequest(what: string): Fault {
  return { status: 400, code: 'IIC.400', message: `Bad Request: ${what.replace(/\.$/, '')}.` }
}

function notFound(what: string): Fault {
  return { status: 404, code: 'IIC.404', message: `Not Found: ${what}.` }
}

function incorrect(reason: string): Fault {
  return { status: 401, code: 'APIGW.0301', message: `${INCORRECT}: ${reason}` }
}

function permissionFault(action: string): Fault {
  return { status: 403, code: 'IIC.1000', message: `No permission for action ${action}.` }
}

function addressFault(): Fault {
  return { status: 403, code: 'APIGW.0302', message: 'The IAM user is not allowed to access the API from this address' }
}

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: () => ErrorBody,
  body: {
    400: '`IIC.400`: there are not 1 to 1 000 session ids. `APIGW.0201`: the body broke off.',
    413: '`APIGW.0201`: the body is too large.',
  },
  pathParameters: { 404: '`IIC.404`: the identity store has no such user.' },
  security: {
    access_key: {
      401: '`APIGW.0301`: the request is not properly signed, or with a key that is not in use.',
      403: '`IIC.1000`: no permission for the action in this identity store. `APIGW.0302`: not from this address.',
      429: '`APIGW.0308`: too many requests; try again after `Retry-After`.',
      503: '`APIGW.0201`: temporarily unavailable; try again after `Retry-After`.',
    },
  },
}
