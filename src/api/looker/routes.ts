/** Looker API 4.0, as far as it concerns sessions. Source: the Looker API 4.0 specification, version 4.0.26.12. */
import type { z } from 'zod'
import { type Api, type Route, route, routesFor } from '../route.ts'
import { authenticate } from './caller.ts'
import { errors, renderBug, renderError } from './errors.ts'
import { deleteUserLockout, listUserLockouts, searchUserLockouts } from './lockouts.ts'
import { login, loginUser, logout } from './login.ts'
import { getApiSession, getMe, patchApiSession } from './own-session.ts'
import * as schemas from './schemas.ts'
import { alive, versions } from './service.ts'
import { getSessionConfig, patchSessionConfig } from './session-config.ts'
import { deleteUserSession, getUserSession, listUserSessions } from './user-sessions.ts'

const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const callerRoute = routesFor('access_token', authenticate)

/** The session config's routes, which are served at two places. */
function configRoutes(operationId: string): readonly Route[] {
  const path = '/session_config'
  return [
    callerRoute({
      method: 'GET',
      path,
      operationId,
      summary: 'Read the session config.',
      responses: {
        200: { description: 'The session config of the identity store.', schema: schemas.SessionConfigBody },
      },
      handle: getSessionConfig,
    }),
    callerRoute({
      method: 'PATCH',
      path,
      operationId: `${operationId}Update`,
      summary: 'Change what the body names of the session config, for administrators.',
      body: json(schemas.SessionConfigPatch),
      responses: {
        200: { description: 'The whole session config after the change.', schema: schemas.SessionConfigBody },
      },
      errors: { 429: 'Too many changes; try again after `Retry-After`.' },
      handle: patchSessionConfig,
    }),
  ]
}

function logoutRoute(path: string, operationId: string): Route {
  return route({
    method: 'DELETE',
    path,
    operationId,
    summary: 'End the session of the access token. Idempotent.',
    security: ['access_token'],
    responses: { 204: { description: 'The session has ended, and the access token with it.' } },
    errors: { 403: null },
    handle: logout,
  })
}

/** What tools ask first, with a version in the path and without. */
function serviceRoutes(operationId: string): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/alive',
      operationId: `${operationId}Alive`,
      summary: 'Tell whether the service is there.',
      security: ['none'],
      responses: { 200: { description: 'The service is there.' } },
      handle: alive,
    }),
    route({
      method: 'GET',
      path: '/versions',
      operationId: `${operationId}Versions`,
      summary: 'List the versions of the Looker API that are spoken.',
      security: ['none'],
      responses: { 200: { description: 'The versions, and where they are served.', schema: schemas.VersionsBody } },
      handle: versions,
    }),
  ]
}

const SESSIONS = '/users/:user_id/sessions'

const routes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/login',
    operationId: 'lookerLogin',
    summary: 'Log in with client id and secret, in a form; in the query is deprecated.',
    security: ['none'],
    body: { schema: schemas.LoginInput, mediaTypes: ['application/x-www-form-urlencoded'] },
    responses: { 200: { description: 'An access token for the API.', schema: schemas.AccessToken } },
    errors: {
      400: 'The client id or the secret is missing.',
      403: 'The API client lacks the scope, or may not be used from this address.',
      404: 'There is no such client id with this secret.',
      422: null,
      429: 'Too many logins; try again after `Retry-After`.',
      503: 'Temporarily unavailable; try again after `Retry-After`.',
    },
    handle: login,
  }),
  callerRoute({
    method: 'POST',
    path: '/login/:user_id',
    operationId: 'lookerLoginUser',
    summary: 'Log in on behalf of a user of a lower role (sudo).',
    responses: {
      200: {
        description: "An access token that acts for the user, and lives no longer than the caller's own.",
        schema: schemas.AccessToken,
      },
    },
    handle: loginUser,
  }),
  logoutRoute('/logout', 'lookerLogout'),
  ...serviceRoutes('looker'),
  ...configRoutes('lookerSessionConfig'),
  callerRoute({
    method: 'GET',
    path: '/session',
    operationId: 'lookerSession',
    summary: 'Read the API session.',
    responses: { 200: { description: 'The session of the access token.', schema: schemas.ApiSessionBody } },
    handle: getApiSession,
  }),
  callerRoute({
    method: 'PATCH',
    path: '/session',
    operationId: 'lookerSessionUpdate',
    summary: 'Choose the workspace of the API session.',
    body: json(schemas.ApiSessionPatch),
    responses: { 200: { description: 'The session after the change.', schema: schemas.ApiSessionBody } },
    handle: patchApiSession,
  }),
  callerRoute({
    method: 'GET',
    path: '/user',
    operationId: 'lookerMe',
    summary: 'Read the user of the API session.',
    query: schemas.FieldsQuery,
    responses: { 200: { description: 'The user whom the access token acts for.', schema: schemas.UserBody } },
    handle: getMe,
  }),
  callerRoute({
    method: 'GET',
    path: SESSIONS,
    operationId: 'lookerAllUserSessions',
    summary: "List a user's live web sessions, oldest first.",
    query: schemas.FieldsQuery,
    responses: { 200: { description: "The user's live sessions, oldest first.", schema: schemas.SessionBody.array() } },
    handle: listUserSessions,
  }),
  callerRoute({
    method: 'GET',
    path: `${SESSIONS}/:session_id`,
    operationId: 'lookerUserSession',
    summary: "Read a user's live web session.",
    query: schemas.FieldsQuery,
    responses: { 200: { description: 'The live session.', schema: schemas.SessionBody } },
    handle: getUserSession,
  }),
  callerRoute({
    method: 'DELETE',
    path: `${SESSIONS}/:session_id`,
    operationId: 'lookerDeleteUserSession',
    summary: "End a user's live web session.",
    responses: { 204: { description: 'The session has ended.' } },
    handle: deleteUserSession,
  }),
  callerRoute({
    method: 'GET',
    path: '/user_login_lockouts',
    operationId: 'lookerAllUserLoginLockouts',
    summary: 'List the lockouts in force, newest first.',
    query: schemas.FieldsQuery,
    responses: { 200: { description: 'The lockouts in force, newest first.', schema: schemas.LockoutBody.array() } },
    handle: listUserLockouts,
  }),
  callerRoute({
    method: 'GET',
    path: '/user_login_lockouts/search',
    operationId: 'lookerSearchUserLoginLockouts',
    summary: 'Search the lockouts in force.',
    query: schemas.LockoutSearchQuery,
    responses: {
      200: { description: 'The lockouts that match, sorted as asked.', schema: schemas.LockoutBody.array() },
    },
    handle: searchUserLockouts,
  }),
  callerRoute({
    method: 'DELETE',
    path: '/user_login_lockout/:key',
    operationId: 'lookerDeleteUserLoginLockout',
    summary: 'End a lockout: the user may try again at once.',
    responses: { 204: { description: 'The lockout has ended.' } },
    handle: deleteUserLockout,
  }),
]

const common = { name: 'Looker', renderError, renderBug, trailingSlash: 'never', errors } as const

/** Looker's API at its own place. Its Ruby client writes `//login`. */
export const lookerApi: Api = {
  ...common,
  base: '/api/4.0',
  routes,
  territory: ['/api/4.0/*'],
  mergesSlashes: true,
}

/** What is served without a version: what tools ask first, the config as the vendor documents it bare, and where the python client logs out. */
export const lookerBareApi: Api = {
  ...common,
  base: '',
  routes: [
    ...serviceRoutes('lookerBare'),
    ...configRoutes('lookerBareSessionConfig'),
    logoutRoute('/api/logout', 'lookerBareLogout'),
  ],
  territory: ['/alive', '/versions', '/session_config', '/api/logout'],
}
