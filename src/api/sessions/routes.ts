/** The own API: sessions, OAuth's introspection and revocation, health. */
import type { z } from 'zod'
import { type Api, type Route, route } from '../route.ts'
import { SessionBody } from '../session-body.ts'
import { backchannelLogout } from './backchannel-logout.ts'
import { checkForBackEnd } from './check.ts'
import {
  errors,
  logoutErrors,
  oauthErrors,
  renderBug,
  renderError,
  renderLogoutBug,
  renderLogoutError,
  renderOAuthError,
} from './errors.ts'
import { sessionEvents } from './events.ts'
import { health } from './health.ts'
import { listForBackEnd } from './list-for-back-end.ts'
import { introspect, revoke } from './oauth.ts'
import { openSession } from './open.ts'
import { checkSession, endOtherSessions, endSession, listSessions, signOut } from './own.ts'
import * as schemas from './schemas.ts'

const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const form = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/x-www-form-urlencoded'] })

const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/sessions/current',
    operationId: 'checkSession',
    summary: 'Check the session. Strict, or as old as `Cache-Control: max-age=N` (N ≤ 60) allows.',
    security: ['session'],
    query: schemas.CheckQuery,
    responses: {
      200: { description: 'The session is live; this is what is known of it.', schema: SessionBody },
    },
    handle: checkSession,
  }),
  route({
    method: 'GET',
    path: '/sessions/current/events',
    operationId: 'listenToSession',
    summary: 'Tell when the session ends, and a minute before: a WebSocket, or `text/event-stream`. No activity.',
    security: ['session'],
    responses: {
      101: { description: 'Messages of JSON; `ping` is answered `pong`.' },
      200: { description: 'The same as events, by name.' },
    },
    errors: {
      403: 'The cookie came from a foreign page.',
      409: 'The session has as many streams as it may.',
    },
    handle: sessionEvents,
  }),
  route({
    method: 'POST',
    path: '/sessions/check',
    operationId: 'checkSessionOfUser',
    summary: "Check the session of a back end's user, by its token. As strict as `Cache-Control: max-age=N` asks.",
    security: ['credential', 'api_client'],
    body: json(schemas.CheckForUser),
    responses: { 200: { description: 'What has become of the session.', schema: schemas.CheckedStateBody } },
    handle: checkForBackEnd,
  }),
  route({
    method: 'POST',
    path: '/sessions/list',
    operationId: 'listSessionsOfUser',
    summary: "List the sessions of a back end's user, by the token of one of them, newest first, in pages.",
    security: ['credential', 'api_client'],
    body: json(schemas.ListForUser),
    responses: {
      200: {
        description: "The user's live sessions, newest first, or what has become of the token's own.",
        schema: schemas.ListedStateBody,
      },
    },
    handle: listForBackEnd,
  }),
  route({
    method: 'POST',
    path: '/sessions',
    operationId: 'openSession',
    idempotent: true,
    summary: 'Sign in with user name and password; or, with a credential, open a session for a verified user.',
    security: ['none', 'credential'],
    body: json(schemas.SignIn.or(schemas.OpenForUser)),
    responses: {
      201: {
        description: 'The new session. Its token is in the cookie or in the body, never in both.',
        schema: schemas.OpenedBody,
      },
    },
    errors: {
      401: 'The user name or the password is wrong, or the credential is not valid.',
      403: 'The credential does not allow it, the user is disabled, or the page is a foreign one.',
      404: 'The identity store has no such user.',
      409: 'The user is a bot, or was changed at the same time: verify again.',
      429: 'Too many attempts; try again after `Retry-After`.',
    },
    handle: openSession,
  }),
  route({
    method: 'GET',
    path: '/sessions',
    operationId: 'listSessions',
    summary: "List the user's own sessions, newest first, in pages.",
    security: ['session'],
    query: schemas.ListQuery,
    responses: { 200: { description: "The user's live sessions, newest first.", schema: schemas.SessionListBody } },
    handle: listSessions,
  }),
  route({
    method: 'DELETE',
    path: '/sessions',
    operationId: 'endOtherSessions',
    summary: "End all the user's sessions but this one.",
    security: ['session'],
    query: schemas.EndQuery,
    responses: { 200: { description: 'The other sessions have ended; this is how many.', schema: schemas.EndedBody } },
    handle: endOtherSessions,
  }),
  route({
    method: 'DELETE',
    path: '/sessions/current',
    operationId: 'signOut',
    summary: 'Sign out: end every session whose token comes with the request. Idempotent.',
    security: ['session', 'none'],
    responses: { 204: { description: 'The user is signed out, also where no session came with the request.' } },
    errors: {
      400: 'The request has more session cookies than are looked at.',
      401: 'The token is genuine, and of no session that ends here.',
      403: "The request came from a foreign site's page.",
      503: 'Temporarily unavailable; some of the sessions may have ended.',
    },
    handle: signOut,
  }),
  route({
    method: 'DELETE',
    path: '/sessions/:sessionId',
    operationId: 'endSession',
    summary: "End one of the user's own sessions.",
    security: ['session'],
    responses: { 204: { description: 'The session has ended.' } },
    errors: { 404: 'The user has no such live session.' },
    handle: endSession,
  }),
  route({
    method: 'GET',
    path: '/healthz',
    operationId: 'health',
    summary: 'Tell whether every binding answers.',
    security: ['none'],
    responses: {
      200: { description: 'Every binding answers, and no migration is missing.', schema: schemas.HealthBody },
      503: {
        description: 'A binding does not answer, or a migration is missing; the body names it.',
        schema: schemas.HealthBody,
      },
    },
    handle: health,
  }),
]

const oauthRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/introspect',
    operationId: 'introspect',
    summary: 'Introspect a session token (RFC 7662).',
    security: ['credential', 'api_client'],
    body: form(schemas.IntrospectForm),
    responses: {
      200: {
        description: 'Whether the token is of a live session of the store, and if so, whose.',
        schema: schemas.IntrospectionBody,
      },
    },
    handle: introspect,
  }),
  route({
    method: 'POST',
    path: '/revoke',
    operationId: 'revoke',
    summary: 'Revoke a session token (RFC 7009).',
    security: ['credential', 'api_client'],
    body: form(schemas.TokenForm),
    responses: { 200: { description: 'The token is not valid any more, if it ever was.' } },
    handle: revoke,
  }),
]

const logoutRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/:identity_store_id',
    operationId: 'backchannelLogout',
    summary: "End what the identity store's OpenID provider says has ended (Back-Channel Logout 1.0).",
    security: ['none'],
    body: form(schemas.LogoutForm),
    responses: { 200: { description: 'It has ended, or will in a moment, whatever happens.' } },
    handle: backchannelLogout,
  }),
]

const common = { name: 'Sessions', renderBug, trailingSlash: 'never', errors } as const

export const sessionsApi: Api = { ...common, base: '', routes, territory: ['*'], renderError }

/** The same in OAuth's words. Paths that are not served are told in ours. */
export const oauthApi: Api = {
  ...common,
  base: '/oauth2',
  routes: oauthRoutes,
  territory: [],
  renderError: renderOAuthError,
  errors: oauthErrors,
}

/** The same in the words that OpenID providers take. */
export const logoutApi: Api = {
  ...common,
  base: '/oauth2/backchannel-logout',
  routes: logoutRoutes,
  territory: [],
  renderError: renderLogoutError,
  renderBug: renderLogoutBug,
  errors: logoutErrors,
}
