/** `SessionError` as problem details: the words of our own APIs. */
import type { Quota, SessionError } from '../domain/errors.ts'
import { type Problem, problemResponse } from '../http/problem.ts'
import type { RequestContext } from './context.ts'
import { sessionBody } from './session-body.ts'

/** Renders an expected failure. */
export function renderProblem(error: SessionError, context: RequestContext): Response {
  return problemResponse(problemOf(error), context.headers)
}

/** Renders a bug: says nothing but the request id. */
export function renderInternalProblem(context: RequestContext): Response {
  return problemResponse(
    { status: 500, code: 'internal_error', title: 'Internal error', detail: 'Please report it with the request id.' },
    context.headers,
  )
}

/** What is said of an expected failure. */
export function problemOf(error: SessionError): Problem {
  switch (error.code) {
    case 'invalid_request':
      return { status: 400, code: error.code, title: 'Invalid request', extra: { errors: error.issues } }
    case 'request_too_large':
      return { status: 413, code: error.code, title: 'Request too large', extra: { limit_bytes: error.limitBytes } }
    case 'unsupported_media_type':
      return {
        status: 415,
        code: error.code,
        title: 'Unsupported media type',
        detail: `Send ${error.accepted.join(' or ')}.`,
        headers: { accept: error.accepted.join(', ') },
      }
    case 'request_timeout':
      return { status: 408, code: error.code, title: 'The body broke off or came too slowly' }
    case 'path_not_found':
      return { status: 404, code: error.code, title: 'No such path' }
    case 'method_not_allowed':
      return {
        status: 405,
        code: error.code,
        title: 'Method not allowed',
        headers: { allow: error.allowed.join(', ') },
      }
    case 'unauthenticated':
      return unauthenticated(error.code, 'No valid session or credential')
    case 'wrong_token_kind':
      return {
        ...unauthenticated(error.code, 'The token is genuine, and of another kind than is taken here'),
        detail: `Wanted: ${error.expected}. Found: ${error.found}.`,
        extra: { expected: error.expected, found: error.found },
      }
    case 'credential_expired':
      return unauthenticated(error.code, 'The credential has expired')
    case 'credential_revoked':
      return unauthenticated(error.code, 'The credential was revoked')
    case 'credential_owner_disabled':
      return unauthenticated(error.code, 'The user for whom the credential acts is disabled')
    case 'session_ended':
      return {
        ...unauthenticated(error.code, 'The session has ended'),
        extra: { reason: error.reason, ended_at: new Date(error.endedAt).toISOString() },
      }
    case 'invalid_credentials':
      return withQuota(unauthenticated(error.code, 'Wrong user name or password'), error.quota)
    case 'locked_out':
      return tooMany(error.code, 'Too many wrong passwords', error.retryAfterSeconds)
    case 'rate_limited':
      return withQuota(tooMany(error.code, 'Too many requests', error.retryAfterSeconds), error.quota)
    case 'address_not_allowed':
      return { status: 403, code: error.code, title: 'The credential may not be used from this address' }
    case 'forbidden':
      return {
        status: 403,
        code: error.code,
        title: 'Not allowed',
        ...(error.detail === undefined ? {} : { detail: error.detail }),
        extra: { needed: error.needed, provided: error.provided },
      }
    case 'confirmation_needed':
      return {
        status: 403,
        code: error.code,
        title: 'Prove once more who you are',
        detail: 'Show the token again, or sign in again, and do it within five minutes.',
        extra: { proven_at: new Date(error.provenAt).toISOString() },
      }
    case 'origin_not_allowed':
      return { status: 403, code: error.code, title: 'The request comes from a foreign page' }
    case 'identity_store_not_found':
      return {
        status: 404,
        code: error.code,
        title: 'No such identity store',
        ...(error.identityStoreIds === undefined ? {} : { extra: { identity_store_ids: error.identityStoreIds } }),
      }
    case 'user_not_found':
      return { status: 404, code: error.code, title: 'No such user' }
    case 'session_not_found':
      return { status: 404, code: error.code, title: 'No such session' }
    case 'credential_not_found':
      return { status: 404, code: error.code, title: 'No such credential' }
    case 'openid_provider_not_found':
      return { status: 404, code: error.code, title: 'The identity store has no OpenID provider' }
    case 'precondition_failed':
      return {
        status: 412,
        code: error.code,
        title: 'It was changed since you looked at it',
        extra: { version: error.version },
        headers: { etag: `"${error.version}"` },
      }
    case 'group_config_not_found':
      return { status: 404, code: error.code, title: 'The group has no session config' }
    case 'job_not_found':
      return { status: 404, code: error.code, title: 'No such job' }
    case 'event_endpoint_not_found':
      return { status: 404, code: error.code, title: 'No such endpoint' }
    case 'more_than_expected':
      return {
        status: 409,
        code: error.code,
        title: 'Many more sessions would end than you expected',
        detail: 'Look again, and say how many you expect now.',
        extra: { count: error.count },
      }
    case 'config_version_not_found':
      return { status: 404, code: error.code, title: 'No such version of the session config' }
    case 'lockout_not_found':
      return { status: 404, code: error.code, title: 'No such lockout' }
    case 'session_limit_reached':
      return {
        status: 409,
        code: error.code,
        title: 'The user has as many sessions as allowed',
        detail: 'Sign in again and name in `end_sessions` those that are to end.',
        extra: { sessions: error.sessions.map((view) => sessionBody(view, null)) },
      }
    case 'user_disabled':
      return { status: 403, code: error.code, title: 'The user is disabled' }
    case 'idempotency_key_reused':
      return { status: 422, code: error.code, title: 'The idempotency key came before with another body' }
    case 'idempotent_request_running':
      return {
        status: 409,
        code: error.code,
        title: 'The same request is still being answered',
        headers: { 'retry-after': '1' },
      }
    case 'conflict':
      return { status: 409, code: error.code, title: 'Conflict', detail: error.detail }
    case 'unavailable':
      return {
        status: 503,
        code: error.code,
        title: 'Temporarily unavailable',
        headers: { 'retry-after': String(error.retryAfterSeconds) },
      }
    // No default: a new code fails to compile until it has an answer here.
  }
}

function unauthenticated(code: string, title: string): Problem {
  return { status: 401, code, title, headers: { 'www-authenticate': 'Bearer realm="latchkey"' } }
}

/** What is left of a quota, in the fields of draft-ietf-httpapi-ratelimit-headers-10. */
function withQuota(problem: Problem, quota: Quota | undefined): Problem {
  if (quota === undefined) return problem
  const { policy, tries, windowSeconds, left, secondsUntilMore } = quota
  return {
    ...problem,
    ...(problem.status === 429 && { extra: { ...problem.extra, 'violated-policies': [policy] } }),
    headers: {
      ...problem.headers,
      'ratelimit-policy': `"${policy}";q=${tries};w=${windowSeconds}`,
      ratelimit: `"${policy}";r=${left};t=${secondsUntilMore}`,
    },
  }
}

function tooMany(code: string, title: string, retryAfterSeconds: number): Problem {
  return { status: 429, code, title, headers: { 'retry-after': String(Math.max(1, retryAfterSeconds)) } }
}
