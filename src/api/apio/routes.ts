/** The APIO API: sign-in, the login profile, login tokens. Source: Netaxis APIO documentation. */
import type { z } from 'zod'
import type { RequestContext } from '../context.ts'
import type { Answer, Api, Handler, Route } from '../route.ts'
import { renderBug, renderError } from './errors.ts'
import { generateToken, login, loginByOpenId, loginByToken, logout } from './login.ts'
import * as schemas from './schemas.ts'
import { changeSessionInfo, deprecated, readSessionInfo } from './session-info.ts'

const error = (description: string): Answer => ({ description, schema: schemas.ErrorBody })
const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const plain =
  (handle: (request: Request, context: RequestContext) => Promise<Response>): Handler =>
  (request, _parameters, context) =>
    handle(request, context)

const reading = { 401: error('No open session.'), 503: error('Temporarily unavailable.') }
const writing = {
  400: error('Fields are wrong; each is named.'),
  401: error('No open session.'),
  403: error('From a foreign page.'),
  416: error('The body is no JSON object, or empty.'),
  503: error('Temporarily unavailable; nothing was changed.'),
}
const signingIn = {
  200: { description: 'Signed in; the session is in the cookie `sessionid`.', schema: schemas.LoginBody },
  ...writing,
  401: error('The credentials are not valid: whichever of them, and whatever the reason.'),
  429: error('Too many attempts; see `Retry-After`.'),
  502: error('Refused by the system that verifies the user.'),
  504: error('No answer in time from the system that verifies the user.'),
}
const info: Answer = { description: 'The user of the session.', schema: schemas.SessionInfoBody }
const tooMany = { 429: error('Too many changes by this user; see `Retry-After`.') }
const changing = {
  200: { ...info, description: 'The changed profile.' },
  ...writing,
  ...tooMany,
  502: error('The application server refuses the change; nothing was changed.'),
  504: error('No answer in time: the change may be made within a minute, or not, in both databases alike.'),
}
const INFO = '/session/user_login_info/'
const ALIAS = '/session/login_info/'

const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/login/',
    operationId: 'apioLogin',
    summary: 'Sign in with user name and password, as the login mode says.',
    security: ['none'],
    body: json(schemas.LoginInput),
    answers: signingIn,
    handle: plain(login),
  },
  {
    method: 'POST',
    path: '/logout/',
    operationId: 'apioLogout',
    summary: 'Sign out.',
    security: ['session_cookie'],
    answers: { 200: { description: 'Signed out.', schema: schemas.NothingBody }, ...writing },
    handle: plain(logout),
  },
  {
    method: 'GET',
    path: INFO,
    operationId: 'apioSessionInfo',
    summary: 'Read the login profile.',
    security: ['session_cookie'],
    answers: { 200: info, ...reading },
    handle: plain(readSessionInfo),
  },
  {
    method: 'PUT',
    path: INFO,
    operationId: 'apioChangeSessionInfo',
    summary: "Change the login profile: in our database, and in the application server's as the login mode says.",
    security: ['session_cookie'],
    body: json(schemas.ProfileInput),
    answers: changing,
    handle: plain(changeSessionInfo),
  },
  {
    method: 'GET',
    path: ALIAS,
    operationId: 'apioSessionInfoAlias',
    summary: 'Deprecated: `/session/user_login_info/`.',
    security: ['session_cookie'],
    answers: { 200: info, ...reading },
    handle: deprecated(readSessionInfo),
  },
  {
    method: 'PUT',
    path: ALIAS,
    operationId: 'apioChangeSessionInfoAlias',
    summary: 'Deprecated: `/session/user_login_info/`.',
    security: ['session_cookie'],
    body: json(schemas.ProfileInput),
    answers: changing,
    handle: deprecated(changeSessionInfo),
  },
  {
    method: 'POST',
    path: '/auth_token/generate/',
    operationId: 'apioGenerateLoginToken',
    summary: 'Make a login token: for oneself, or, as an owner, for users of the store with a lower role.',
    security: ['session_cookie'],
    body: json(schemas.GenerateInput),
    answers: {
      201: { description: 'The token.', schema: schemas.LoginTokenBody },
      ...writing,
      ...tooMany,
      403: error('Not for this user name, or from a foreign page.'),
    },
    handle: plain(generateToken),
  },
  {
    method: 'POST',
    path: '/auth_token/login/',
    operationId: 'apioTokenLogin',
    summary: 'Sign in with a login token.',
    security: ['none'],
    body: json(schemas.TokenLoginInput),
    answers: signingIn,
    handle: plain(loginByToken),
  },
  {
    method: 'POST',
    path: '/openid/login/',
    operationId: 'apioOpenIdLogin',
    summary: "Sign in with an authorization code of the identity store's OpenID provider.",
    security: ['none'],
    body: json(schemas.OpenIdLoginInput),
    answers: signingIn,
    handle: plain(loginByOpenId),
  },
]

/** The APIO API. */
export const apioApi: Api = { name: 'APIO', base: '/api/v1', routes, renderError, renderBug, trailingSlash: 'always' }
