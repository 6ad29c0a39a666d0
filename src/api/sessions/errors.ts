/** The own API's words for what goes wrong: problem details, and OAuth's beside them where OAuth has its own. */
import type { SessionError } from '../../domain/errors.ts'
import { problemResponse } from '../../http/problem.ts'
import type { RequestContext } from '../context.ts'
import { problemOf } from '../problems.ts'

export { renderInternalProblem as renderBug, renderProblem as renderError } from '../problems.ts'

/** Renders a failure for OAuth clients: `error` is the code of RFC 6749, section 5.2, or of RFC 7009, section 2.2.1. */
export function renderOAuthError(failure: SessionError, context: RequestContext, code?: string): Response {
  const problem = problemOf(failure)
  const challenge = { 'www-authenticate': 'Basic realm="latchkey", Bearer realm="latchkey"' }
  const headers = { ...problem.headers, ...(problem.status === 401 ? challenge : {}) }
  return problemResponse(
    { ...problem, headers, extra: { error: code ?? oauthCode(problem.status), ...problem.extra } },
    context.headers,
  )
}

function oauthCode(status: number): string {
  if (status === 401) return 'invalid_client'
  if (status === 403) return 'unauthorized_client'
  return status < 500 ? 'invalid_request' : 'temporarily_unavailable'
}
