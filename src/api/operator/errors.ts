/** The operator API's words for what goes wrong: problem details. */
import { ProblemBody } from '../problem-body.ts'
import type { ApiErrors } from '../route.ts'

export { renderInternalProblem as renderBug, renderProblem as renderError } from '../problems.ts'

/** The errors that routes have because of what they take. */
export const errors: ApiErrors = {
  schemaOf: () => ProblemBody,
  mediaType: 'application/problem+json',
  query: { 400: 'The query is malformed; every bad parameter is named.' },
  body: {
    400: 'The body is malformed; every bad field is named.',
    408: 'The body broke off or came too slowly.',
    413: 'The body is too large.',
    415: 'The body is not JSON.',
  },
  pathParameters: {
    400: 'The path, the query or the body is malformed; everything that is bad is named.',
    404: 'There is no such identity store, user, session, credential, job or OpenID provider.',
  },
  security: {
    operator: {
      401: 'The credential is missing, unknown, expired or revoked.',
      403: "The credential is not an operator's, or may not be used from this address.",
      503: 'Temporarily unavailable; try again after `Retry-After`.',
    },
  },
}
