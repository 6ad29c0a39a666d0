/** Routes of operators' console sessions. */
import { type Route, route } from '../route.ts'
import * as schemas from './console-session-schemas.ts'
import * as sessions from './console-sessions.ts'
import { json, operatorRoute } from './operator-route.ts'
import { PageQuery } from './schemas.ts'

const SESSIONS = '/console-sessions'
const CURRENT = `${SESSIONS}/current` as const

/** The routes; what goes by a name before what goes by an id. */
export const consoleSessionRoutes: readonly Route[] = [
  operatorRoute({
    method: 'POST',
    path: SESSIONS,
    operationId: 'openConsoleSession',
    scope: null,
    about: 'console_session',
    summary: "Exchange an operator's token, in `Authorization`, for the cookie of a console session.",
    responses: { 201: { description: 'Who has signed in; the token is in the cookie.', schema: schemas.CallerBody } },
    handle: sessions.openConsoleSession,
  }),
  operatorRoute({
    method: 'POST',
    path: `${SESSIONS}/codes`,
    operationId: 'makeConsoleCode',
    scope: null,
    about: 'console_session',
    summary: 'Make a code that opens a console session once, within five minutes; with a token, not a session.',
    responses: { 201: { description: 'The code, which is shown once.', schema: schemas.ConsoleCodeBody } },
    handle: sessions.makeCode,
  }),
  route({
    method: 'POST',
    path: `${SESSIONS}/by-code`,
    operationId: 'openConsoleSessionByCode',
    summary: 'Exchange a code for the cookie of a console session; what needs a fresh proof needs the token still.',
    security: ['none'],
    body: json(schemas.ConsoleCodeInput),
    responses: { 201: { description: 'Who has signed in.', schema: schemas.CallerBody } },
    errors: { 401: 'The code was used, or is too old.' },
    handle: sessions.openByCode,
  }),
  operatorRoute({
    method: 'GET',
    path: SESSIONS,
    operationId: 'listConsoleSessions',
    scope: 'operator:read',
    summary: "List the operators' live console sessions.",
    query: PageQuery,
    responses: {
      200: { description: 'A page of console sessions, newest first.', schema: schemas.ConsoleSessionListBody },
    },
    handle: sessions.listAll,
  }),
  operatorRoute({
    method: 'GET',
    path: CURRENT,
    operationId: 'getCurrentCaller',
    scope: null,
    about: 'own',
    summary: 'Ask who one is to the operator API: what one may do, where, and until when.',
    responses: { 200: { description: 'The caller and what it may do.', schema: schemas.CallerBody } },
    handle: sessions.whoAmI,
  }),
  operatorRoute({
    method: 'DELETE',
    path: CURRENT,
    operationId: 'endCurrentConsoleSession',
    scope: null,
    about: 'console_session',
    summary: 'Sign out of the console.',
    responses: { 204: { description: 'The session has ended.' } },
    errors: { 404: 'The request is not made with a console session.' },
    handle: sessions.signOut,
  }),
  operatorRoute({
    method: 'POST',
    path: `${CURRENT}/confirm`,
    operationId: 'confirmConsoleSession',
    scope: null,
    about: 'console_session',
    summary:
      'Show the token again, in `Authorization` beside the cookie: for five minutes the session may do what needs a fresh proof. A new session takes its place.',
    responses: { 200: { description: 'Who calls; the new token is in the cookie.', schema: schemas.CallerBody } },
    handle: sessions.confirm,
  }),
  operatorRoute({
    method: 'DELETE',
    path: `${SESSIONS}/:session_id`,
    operationId: 'endConsoleSession',
    scope: 'operator:sessions',
    summary: 'End a console session. Idempotent.',
    responses: { 204: { description: 'The session has ended.' } },
    errors: { 404: 'There is no such console session.' },
    handle: sessions.endOne,
  }),
]
