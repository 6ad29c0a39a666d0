/** The operator API's words for what goes wrong: problem details. */
import { ProblemBody } from '../problem-body.ts'
import type { ApiErrors } from '../route.ts'

export { renderInternalProblem as renderBug, renderProblem as renderError } from '../problems.ts'

const SECURITY = {
  401: 'The credential or session is missing, unknown, expired or ended.',
  403: 'The caller lacks the scope (`x-required-scope`) or the role, must prove once more who it is, may not call from this address, or a page of a foreign origin made the request.',
  503: 'Temporarily unavailable; try again after `Retry-After`.',
}

const MALFORMED = { 400: 'The path, the query or the body is malformed; everything that is bad is named.' }

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: () => ProblemBody,
  mediaType: 'application/problem+json',
  query: MALFORMED,
  body: {
    ...MALFORMED,
    408: 'The body broke off or came too slowly.',
    413: 'The body is too large.',
    415: 'The body is not JSON.',
  },
  pathParameters: {
    ...MALFORMED,
    404: 'There is no such identity store, user, session, credential, job, endpoint or OpenID provider.',
  },
  security: { operator: SECURITY, console_session: SECURITY, session: SECURITY },
}
