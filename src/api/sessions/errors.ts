/** The own API's words for what goes wrong: problem details, and OAuth's beside them where OAuth has its own. */
import { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { problemResponse } from '../../http/problem.ts'
import type { RequestContext } from '../context.ts'
import { ProblemBody } from '../problem-body.ts'
import { problemOf } from '../problems.ts'
import type { ApiErrors } from '../route.ts'

export { renderInternalProblem as renderBug, renderProblem as renderError } from '../problems.ts'

/** Codes of RFC 6749, section 5.2, and of RFC 7009, section 2.2.1. */
export const OAUTH_ERROR_CODES = [
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'unsupported_token_type',
  'temporarily_unavailable',
] as const
type OAuthErrorCode = (typeof OAUTH_ERROR_CODES)[number]

/** A problem with OAuth's code beside ours. */
const OAuthProblemBody = z
  .intersection(ProblemBody, z.object({ error: z.enum(OAUTH_ERROR_CODES) }))
  .meta({ id: 'OAuthProblem' })

/** Renders a failure for OAuth clients: `error` is the code of RFC 6749, section 5.2, or of RFC 7009, section 2.2.1. */
export function renderOAuthError(failure: SessionError, context: RequestContext, code?: OAuthErrorCode): Response {
  const problem = problemOf(failure)
  const challenge = { 'www-authenticate': 'Basic realm="latchkey", Bearer realm="latchkey"' }
  const headers = { ...problem.headers, ...(problem.status === 401 ? challenge : {}) }
  return problemResponse(
    { ...problem, headers, extra: { error: code ?? oauthCode(problem.status), ...problem.extra } },
    context.headers,
  )
}

/** The form of RFC 6749, section 5.2, as OpenID Connect Back-Channel Logout 1.0 has it. */
const LogoutErrorBody = z
  .object({ error: z.enum(['invalid_request', 'temporarily_unavailable']), error_description: z.string() })
  .meta({ id: 'LogoutError' })

/** Renders a failure for OpenID providers: all that is wrong with a request is 400. */
export function renderLogoutError(failure: SessionError): Response {
  const { status, title, detail = title, headers } = problemOf(failure)
  if (status >= 500 || status === 429) return logoutError(status, 'temporarily_unavailable', detail, headers)
  const said = failure.code === 'invalid_request' ? failure.issues.map(({ message }) => message).join(' ') : detail
  return logoutError(400, 'invalid_request', said)
}

/** Renders a bug likewise. */
export function renderLogoutBug({ requestId }: RequestContext): Response {
  return logoutError(500, 'temporarily_unavailable', `Internal error; the request id is ${requestId}.`)
}

function logoutError(
  status: number,
  error: z.infer<typeof LogoutErrorBody>['error'],
  description: string,
  headers: Record<string, string> = {},
): Response {
  const body: z.infer<typeof LogoutErrorBody> = { error, error_description: description }
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

function oauthCode(status: number): OAuthErrorCode {
  if (status === 401) return 'invalid_client'
  if (status === 403) return 'unauthorized_client'
  return status < 500 ? 'invalid_request' : 'temporarily_unavailable'
}

const session = {
  401: 'No live session came with the request. If a genuine one has ended, `reason` tells why.',
  503: 'The session cannot be checked now. Do not take it for live; try again after `Retry-After`.',
}
const credential = {
  401: 'The credential is missing, unknown, expired or revoked.',
  403: 'The credential lacks the scope, or may not be used from this address.',
  503: 'Temporarily unavailable; try again after `Retry-After`.',
}

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: () => ProblemBody,
  mediaType: 'application/problem+json',
  unsafe: { 403: "The cookie came from a foreign site's page." },
  query: { 400: 'The query is malformed; every bad parameter is named.' },
  body: {
    400: 'The body is malformed; every bad field is named.',
    408: 'The body broke off or came too slowly.',
    413: 'The body is too large.',
    415: 'The body is of another media type than is taken here.',
  },
  security: { session, credential, api_client: credential },
}

/** The same at /oauth2. */
export const oauthErrors: ApiErrors = { ...errors, name: 'OAuth', schemaOf: () => OAuthProblemBody }

/** The same of logout tokens. */
export const logoutErrors: ApiErrors = {
  name: 'OpenID Connect',
  schemaOf: () => LogoutErrorBody,
  body: { 400: 'The token is not valid, or came before; nothing ends.' },
  security: {
    none: { 429: 'Too many requests; try again after `Retry-After`.', 503: 'Temporarily unavailable; send it again.' },
  },
}
