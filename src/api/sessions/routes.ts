/** The own API: sessions, OAuth's introspection and revocation, health. */
import type { z } from 'zod'
import type { Answer, Api, Route } from '../route.ts'
import { renderBug, renderError } from './errors.ts'
import { health } from './health.ts'
import { introspect, revoke } from './oauth.ts'
import { openSession } from './open.ts'
import { checkSession, endOtherSessions, endSession, listSessions, signOut } from './own.ts'
import * as schemas from './schemas.ts'

const problem = (description: string): Answer => ({
  description,
  schema: schemas.ProblemBody,
  mediaType: 'application/problem+json',
})
const common = { 400: problem('The request is malformed; every bad field is named.') }
const authenticated = {
  ...common,
  401: problem('No live session; `reason` tells why a genuine one ended.'),
  503: problem('It cannot be checked now, so it is not active.'),
}
const unsafe = { ...authenticated, 403: problem('The cookie came from a foreign page.') }
const withCredential = {
  ...common,
  408: problem('The body broke off or came too slowly.'),
  401: problem('No valid credential.'),
  403: problem('The credential lacks the scope, or may not be used from this address.'),
  413: problem('The body is too large.'),
  415: problem('The body is of another media type.'),
  503: problem('Temporarily unavailable.'),
}
const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const form = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/x-www-form-urlencoded'] })

const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/sessions/current',
    operationId: 'checkSession',
    summary: 'Check the session. Strict, or as old as `Cache-Control: max-age=N` (N ≤ 60) allows.',
    security: ['session'],
    query: schemas.CheckQuery,
    answers: { 200: { description: 'It is live.', schema: schemas.SessionBody }, ...authenticated },
    handle: (request, _parameters, context) => checkSession(request, context),
  },
  {
    method: 'POST',
    path: '/sessions',
    operationId: 'openSession',
    summary: 'Sign in with user name and password; or, with a credential, open a session for a verified user.',
    security: ['none', 'credential'],
    body: json(schemas.SignIn.or(schemas.OpenForUser)),
    answers: {
      201: {
        description: 'The session. The token is in the cookie or in the body, never in both.',
        schema: schemas.OpenedBody,
      },
      ...withCredential,
      401: problem('Wrong user name or password, or no valid credential.'),
      403: problem('The credential does not allow it, the user is disabled, or the page is a foreign one.'),
      404: problem('No such user.'),
      409: problem('The user is a bot, or was changed at the same time: verify again.'),
      429: problem('Too many attempts; see `Retry-After`.'),
    },
    handle: (request, _parameters, context) => openSession(request, context),
  },
  {
    method: 'GET',
    path: '/sessions',
    operationId: 'listSessions',
    summary: "List the user's own sessions, newest first, in pages.",
    security: ['session'],
    query: schemas.ListQuery,
    answers: { 200: { description: 'The live sessions.', schema: schemas.SessionListBody }, ...authenticated },
    handle: (request, _parameters, context) => listSessions(request, context),
  },
  {
    method: 'DELETE',
    path: '/sessions',
    operationId: 'endOtherSessions',
    summary: "End all the user's sessions but this one.",
    security: ['session'],
    query: schemas.EndQuery,
    answers: { 200: { description: 'They have ended.', schema: schemas.EndedBody }, ...unsafe },
    handle: (request, _parameters, context) => endOtherSessions(request, context),
  },
  {
    method: 'DELETE',
    path: '/sessions/current',
    operationId: 'signOut',
    summary: 'Sign out: end every session whose token comes with the request. Idempotent.',
    security: ['session', 'none'],
    answers: {
      204: { description: 'Signed out.' },
      400: problem('There are more session cookies than are looked at.'),
      401: problem('The token is genuine, and of no session that ends here.'),
      403: problem('The request came from a foreign page.'),
      503: problem('Temporarily unavailable.'),
    },
    handle: (request, _parameters, context) => signOut(request, context),
  },
  {
    method: 'DELETE',
    path: '/sessions/:sessionId',
    operationId: 'endSession',
    summary: "End one of the user's own sessions.",
    security: ['session'],
    answers: {
      204: { description: 'It has ended.' },
      ...unsafe,
      404: problem('No such live session of this user.'),
    },
    handle: endSession,
  },
  {
    method: 'POST',
    path: '/oauth2/introspect',
    operationId: 'introspect',
    summary: 'Introspect a session token (RFC 7662).',
    security: ['credential', 'api_client'],
    body: form(schemas.IntrospectForm),
    answers: { 200: { description: 'Whether it is active.', schema: schemas.IntrospectionBody }, ...withCredential },
    handle: (request, _parameters, context) => introspect(request, context),
  },
  {
    method: 'POST',
    path: '/oauth2/revoke',
    operationId: 'revoke',
    summary: 'Revoke a session token (RFC 7009).',
    security: ['credential', 'api_client'],
    body: form(schemas.TokenForm),
    answers: { 200: { description: 'The token is not valid any more.' }, ...withCredential },
    handle: (request, _parameters, context) => revoke(request, context),
  },
  {
    method: 'GET',
    path: '/healthz',
    operationId: 'health',
    summary: 'Whether every binding answers.',
    security: ['none'],
    answers: {
      200: { description: 'All answer.', schema: schemas.HealthBody },
      503: { description: 'Some do not.', schema: schemas.HealthBody },
    },
    handle: (_request, _parameters, context) => health(context),
  },
]

export const sessionsApi: Api = { name: 'Sessions', base: '', routes, renderError, renderBug, trailingSlash: 'never' }
