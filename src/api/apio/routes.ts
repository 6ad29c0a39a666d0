/** The APIO API: sign-in, the login profile, login tokens. Source: Netaxis APIO documentation. */
import type { z } from 'zod'
import { type Api, type Route, route, routesFor } from '../route.ts'
import { authenticate } from './caller.ts'
import { errors, renderBug, renderError } from './errors.ts'
import { generateToken, login, loginByOpenId, loginByToken, logout } from './login.ts'
import * as schemas from './schemas.ts'
import { changeSessionInfo, deprecated, readSessionInfo } from './session-info.ts'

const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const callerRoute = routesFor('session_cookie', authenticate)

const signingIn = {
  method: 'POST',
  security: ['none'],
  responses: {
    200: { description: 'Signed in; the session is in the cookie `sessionid`.', schema: schemas.LoginBody },
  },
} as const
const TOO_MANY = { 429: 'Too many changes by this user; try again after `Retry-After`.' }

const readInfo = callerRoute({
  method: 'GET',
  path: '/session/user_login_info/',
  operationId: 'apioSessionInfo',
  summary: 'Read the login profile.',
  responses: { 200: { description: "The login profile of the session's user.", schema: schemas.SessionInfoBody } },
  handle: readSessionInfo,
})
const changeInfo = callerRoute({
  method: 'PUT',
  path: '/session/user_login_info/',
  operationId: 'apioChangeSessionInfo',
  summary: "Change the login profile: in our database, and in the application server's as the login mode says.",
  body: json(schemas.ProfileInput),
  responses: { 200: { description: 'The login profile after the change.', schema: schemas.SessionInfoBody } },
  errors: {
    ...TOO_MANY,
    502: 'The application server refuses the change; nothing was changed.',
    504: 'No answer in time: the change may be made within a minute, or not, in both databases alike.',
  },
  handle: changeSessionInfo,
})

const routes: readonly Route[] = [
  route({
    ...signingIn,
    path: '/login/',
    operationId: 'apioLogin',
    summary: 'Sign in with user name and password, as the login mode says.',
    body: json(schemas.LoginInput),
    handle: login,
  }),
  route({
    method: 'POST',
    path: '/logout/',
    operationId: 'apioLogout',
    summary: 'Sign out.',
    security: ['session_cookie'],
    responses: { 200: { description: 'The session has ended.', schema: schemas.NothingBody } },
    errors: { 400: 'The body has fields, or the request has more cookies than are looked at.' },
    handle: logout,
  }),
  readInfo,
  changeInfo,
  deprecated(readInfo, 'apioSessionInfoAlias'),
  deprecated(changeInfo, 'apioChangeSessionInfoAlias'),
  callerRoute({
    method: 'POST',
    path: '/auth_token/generate/',
    operationId: 'apioGenerateLoginToken',
    summary: 'Make a login token: for oneself, or, as an owner, for users of the store with a lower role.',
    body: json(schemas.GenerateInput),
    responses: { 201: { description: 'The login token; it is shown once.', schema: schemas.LoginTokenBody } },
    errors: { ...TOO_MANY, 403: 'No login token for this user name, or the request comes from a foreign page.' },
    handle: generateToken,
  }),
  route({
    ...signingIn,
    path: '/auth_token/login/',
    operationId: 'apioTokenLogin',
    summary: 'Sign in with a login token.',
    body: json(schemas.TokenLoginInput),
    handle: loginByToken,
  }),
  route({
    ...signingIn,
    path: '/openid/login/',
    operationId: 'apioOpenIdLogin',
    summary: "Sign in with an authorization code of the identity store's OpenID provider.",
    body: json(schemas.OpenIdLoginInput),
    handle: loginByOpenId,
  }),
]

/** The APIO API. */
export const apioApi: Api = {
  name: 'APIO',
  base: '/api/v1',
  routes,
  territory: ['/api/v1/*'],
  trailingSlash: 'always',
  renderError,
  renderBug,
  errors,
}
