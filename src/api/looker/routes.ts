/** Looker API 4.0, as far as it concerns sessions. Source: the Looker API 4.0 specification, version 4.0.26.12. */
import type { z } from 'zod'
import type { Answer, Api, Route } from '../route.ts'
import { type Operation, type Outcome, withCaller } from './caller.ts'
import { renderBug, renderError } from './errors.ts'
import { deleteUserLockout, listUserLockouts, searchUserLockouts } from './lockouts.ts'
import { login, loginUser, logout } from './login.ts'
import { getApiSession, getMe, patchApiSession } from './own-session.ts'
import * as schemas from './schemas.ts'
import { alive, versions } from './service.ts'
import { getSessionConfig, patchSessionConfig } from './session-config.ts'
import { deleteUserSession, getUserSession, listUserSessions } from './user-sessions.ts'

const error = (description: string): Answer => ({ description, schema: schemas.ErrorBody })
const always = {
  401: error('No live access token.'),
  503: error('Temporarily unavailable; see `Retry-After`.'),
}
const forbidden = { 403: error("The caller's role does not allow it.") }
const notFound = { 404: error('Not found.') }
const withQuery = { 422: { description: 'Bad parameters, every one named.', schema: schemas.ValidationErrorBody } }
const withBody = {
  400: error('The body is not a JSON object.'),
  413: error('The body is too large.'),
  422: { description: 'Bad fields, every one named; nothing was changed.', schema: schemas.ValidationErrorBody },
}
const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })

/** A route for the holders of access tokens. */
function route(
  method: Route['method'],
  path: string,
  operationId: string,
  summary: string,
  act: (operation: Operation) => Outcome,
  rest: Pick<Route, 'answers' | 'body' | 'query'>,
): Route {
  return { method, path, operationId, summary, security: ['access_token'], handle: withCaller(act), ...rest }
}

/** The session config's routes, which are served at two places. */
function configRoutes(operationId: string): readonly Route[] {
  const ok = { 200: { description: 'The whole config.', schema: schemas.SessionConfigBody } }
  return [
    route('GET', '/session_config', operationId, 'Read the session config.', getSessionConfig, {
      answers: { ...ok, ...always },
    }),
    route(
      'PATCH',
      '/session_config',
      `${operationId}Update`,
      'Change what the body names of the session config, for administrators.',
      patchSessionConfig,
      {
        body: json(schemas.SessionConfigPatch),
        answers: { ...ok, ...always, ...forbidden, ...withBody, 429: error('Too many changes; see `Retry-After`.') },
      },
    ),
  ]
}

function logoutRoute(path: string, operationId: string): Route {
  return {
    method: 'DELETE',
    path,
    operationId,
    summary: 'End the session of the access token. Idempotent.',
    security: ['access_token'],
    answers: { 204: { description: 'Logged out.' }, ...always },
    handle: logout,
  }
}

/** What tools ask first, with a version in the path and without. */
function serviceRoutes(operationId: string): readonly Route[] {
  const open = { method: 'GET', security: ['none'] } as const
  return [
    {
      ...open,
      path: '/alive',
      operationId: `${operationId}Alive`,
      summary: 'Whether the service is there.',
      answers: { 200: { description: 'It is.' } },
      handle: alive,
    },
    {
      ...open,
      path: '/versions',
      operationId: `${operationId}Versions`,
      summary: 'The versions of the Looker API that are spoken.',
      answers: { 200: { description: 'They.', schema: schemas.VersionsBody } },
      handle: versions,
    },
  ]
}

const SESSIONS = '/users/:user_id/sessions'

const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/login',
    operationId: 'lookerLogin',
    summary: 'Log in with client id and secret, in a form; in the query is deprecated.',
    security: ['none'],
    body: { schema: schemas.LoginInput, mediaTypes: ['application/x-www-form-urlencoded'] },
    answers: {
      200: { description: 'An access token.', schema: schemas.AccessToken },
      400: error('An id or a secret is missing.'),
      403: error('The API client lacks the scope, or may not be used from this address.'),
      404: error('No such id and secret.'),
      429: error('Too many logins; see `Retry-After`.'),
      503: error('Temporarily unavailable; see `Retry-After`.'),
    },
    handle: login,
  },
  route('POST', '/login/:user_id', 'lookerLoginUser', 'Log in on behalf of a user of a lower role (sudo).', loginUser, {
    answers: {
      200: { description: "An access token, of no more use than the caller's own.", schema: schemas.AccessToken },
      ...always,
      ...forbidden,
      ...notFound,
    },
  }),
  logoutRoute('/logout', 'lookerLogout'),
  ...serviceRoutes('looker'),
  ...configRoutes('lookerSessionConfig'),
  route('GET', '/session', 'lookerSession', 'Read the API session.', getApiSession, {
    answers: { 200: { description: 'It.', schema: schemas.ApiSessionBody }, ...always },
  }),
  route('PATCH', '/session', 'lookerSessionUpdate', 'Choose the workspace of the API session.', patchApiSession, {
    body: json(schemas.ApiSessionPatch),
    answers: { 200: { description: 'It.', schema: schemas.ApiSessionBody }, ...always, ...withBody },
  }),
  route('GET', '/user', 'lookerMe', 'Read the user of the API session.', getMe, {
    query: schemas.FieldsQuery,
    answers: { 200: { description: 'The user.', schema: schemas.UserBody }, ...always, ...withQuery },
  }),
  route('GET', SESSIONS, 'lookerAllUserSessions', "List a user's live web sessions, oldest first.", listUserSessions, {
    query: schemas.FieldsQuery,
    answers: {
      200: { description: 'They, exact.', schema: schemas.SessionBody.array() },
      ...always,
      ...forbidden,
      ...notFound,
      ...withQuery,
    },
  }),
  route('GET', `${SESSIONS}/:session_id`, 'lookerUserSession', "Read a user's live web session.", getUserSession, {
    query: schemas.FieldsQuery,
    answers: {
      200: { description: 'It.', schema: schemas.SessionBody },
      ...always,
      ...forbidden,
      ...notFound,
      ...withQuery,
    },
  }),
  route(
    'DELETE',
    `${SESSIONS}/:session_id`,
    'lookerDeleteUserSession',
    "End a user's live web session.",
    deleteUserSession,
    { answers: { 204: { description: 'It has ended.' }, ...always, ...forbidden, ...notFound } },
  ),
  route(
    'GET',
    '/user_login_lockouts',
    'lookerAllUserLoginLockouts',
    'List the lockouts in force, newest first.',
    listUserLockouts,
    {
      query: schemas.FieldsQuery,
      answers: {
        200: { description: 'They.', schema: schemas.LockoutBody.array() },
        ...always,
        ...forbidden,
        ...withQuery,
      },
    },
  ),
  route(
    'GET',
    '/user_login_lockouts/search',
    'lookerSearchUserLoginLockouts',
    'Search the lockouts in force.',
    searchUserLockouts,
    {
      query: schemas.LockoutSearchQuery,
      answers: {
        200: { description: 'Those that match.', schema: schemas.LockoutBody.array() },
        ...always,
        ...forbidden,
        ...withQuery,
      },
    },
  ),
  route(
    'DELETE',
    '/user_login_lockout/:key',
    'lookerDeleteUserLoginLockout',
    'End a lockout: the user may try again at once.',
    deleteUserLockout,
    { answers: { 204: { description: 'It has ended.' }, ...always, ...forbidden, ...notFound } },
  ),
]

const common = { name: 'Looker', renderError, renderBug, trailingSlash: 'never' } as const

/** Looker's API at its own place. */
export const lookerApi: Api = { ...common, base: '/api/4.0', routes }

/** What is served without a version: what tools ask first, the config as the vendor documents it bare, and where the python client logs out. */
export const lookerBareApi: Api = {
  ...common,
  base: '',
  routes: [
    ...serviceRoutes('lookerBare'),
    ...configRoutes('lookerBareSessionConfig'),
    logoutRoute('/api/logout', 'lookerBareLogout'),
  ],
}
