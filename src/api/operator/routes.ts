/** The operator API: identity stores, their users, sessions, policy and credentials, and what was done to them. */
import { type Api, type Handler, type Route, route } from '../route.ts'
import * as messageSchemas from './authorization-message-schemas.ts'
import { openMessage } from './authorization-messages.ts'
import { consoleSessionRoutes } from './console-session-routes.ts'
import { operatorCredentialRoutes, storeCredentialRoutes } from './credential-routes.ts'
import * as deploymentSecrets from './deployment-secrets.ts'
import { errors, renderBug, renderError } from './errors.ts'
import { eventRoutes } from './event-routes.ts'
import * as stores from './identity-stores.ts'
import { jobRoutes } from './job-routes.ts'
import * as openid from './openid-provider.ts'
import { json, operatorRoute } from './operator-route.ts'
import { overviewRoutes } from './overview-routes.ts'
import { IdentityStoreListBody, StoreQuery, UserQuery } from './overview-schemas.ts'
import { policyRoutes } from './policy-routes.ts'
import * as schemas from './schemas.ts'
import { sessionRoutes } from './session-routes.ts'
import { importStoreUsers } from './user-import.ts'
import * as users from './users.ts'

const STORE = '/identity-stores/:identity_store_id'
const USER = `${STORE}/users/:user_id` as const

/** A route that makes an operator's credential by a secret of the deployment, which stands for a credential. */
function secretRoute(path: string, operationId: string, summary: string, clash: string, handle: Handler): Route {
  return route({
    method: 'POST',
    path,
    operationId,
    summary,
    security: ['operator'],
    body: json(schemas.OperatorBySecretInput),
    responses: {
      201: {
        description: 'The new credential with its token, which is shown once.',
        schema: schemas.NewCredentialBody,
      },
    },
    errors: { 401: 'It is not the secret that this service was deployed with.', 409: clash },
    handle,
  })
}

const routes: readonly Route[] = [
  secretRoute(
    '/bootstrap',
    'bootstrap',
    "Make the first operator's credential, with the bootstrap secret as the bearer.",
    'There is, or was, an operator already.',
    deploymentSecrets.bootstrap,
  ),
  secretRoute(
    '/recovery',
    'recoverOperator',
    "Make an operator's credential when all are lost, with a recovery secret as the bearer. Each secret makes one.",
    'The secret has made an operator already.',
    deploymentSecrets.recovery,
  ),
  ...operatorCredentialRoutes,
  ...consoleSessionRoutes,
  operatorRoute({
    method: 'POST',
    path: '/authorization-messages/open',
    operationId: 'openAuthorizationMessage',
    scope: 'operator:read',
    confirmed: true,
    summary: 'Open the sealed message that a refused caller of the Identity Center API was given.',
    body: json(messageSchemas.AuthorizationMessageInput),
    responses: {
      200: {
        description: 'What the caller asked for, and why it was refused.',
        schema: messageSchemas.AuthorizationMessageBody,
      },
    },
    handle: openMessage,
  }),

  operatorRoute({
    method: 'GET',
    path: '/identity-stores',
    operationId: 'listIdentityStores',
    scope: 'operator:read',
    about: 'own',
    summary: 'List the identity stores.',
    query: StoreQuery,
    responses: { 200: { description: 'A page of identity stores, by id.', schema: IdentityStoreListBody } },
    handle: stores.listStores,
  }),
  operatorRoute({
    method: 'PUT',
    path: STORE,
    operationId: 'putIdentityStore',
    scope: 'operator:stores',
    about: 'all',
    summary: 'Create or replace an identity store.',
    body: json(schemas.IdentityStoreInput),
    responses: {
      200: { description: 'The identity store was replaced.', schema: schemas.IdentityStoreBody },
      201: { description: 'The identity store was created.', schema: schemas.IdentityStoreBody },
    },
    errors: { 404: null, 409: 'The id belonged to a deleted identity store.' },
    handle: stores.putStore,
  }),
  operatorRoute({
    method: 'GET',
    path: STORE,
    operationId: 'getIdentityStore',
    scope: 'operator:read',
    summary: 'Read an identity store.',
    responses: { 200: { description: 'The identity store.', schema: schemas.IdentityStoreBody } },
    handle: stores.getStore,
  }),
  operatorRoute({
    method: 'PATCH',
    path: STORE,
    operationId: 'patchIdentityStore',
    scope: 'operator:stores',
    summary: 'Change an identity store.',
    body: json(schemas.IdentityStorePatch),
    responses: { 200: { description: 'The identity store after the change.', schema: schemas.IdentityStoreBody } },
    handle: stores.patchStore,
  }),
  operatorRoute({
    method: 'DELETE',
    path: STORE,
    operationId: 'deleteIdentityStore',
    scope: 'operator:stores',
    summary: 'Delete an identity store that has no users.',
    responses: { 204: { description: 'The identity store is deleted.' } },
    errors: { 409: 'It still has users.' },
    handle: stores.deleteStore,
  }),

  operatorRoute({
    method: 'GET',
    path: `${STORE}/users`,
    operationId: 'listUsers',
    scope: 'operator:read',
    summary: 'List the users.',
    query: UserQuery,
    responses: {
      200: { description: "A page of the store's users, by id, or by user name.", schema: schemas.UserListBody },
    },
    handle: users.listStoreUsers,
  }),
  operatorRoute({
    method: 'POST',
    path: `${STORE}/users`,
    operationId: 'importUsers',
    scope: 'operator:stores',
    idempotent: true,
    summary: 'Create up to 1 000 users, each with its own result.',
    body: json(schemas.BulkInput),
    responses: {
      200: { description: 'A result for each user, in the order of the request.', schema: schemas.BulkBody },
    },
    handle: importStoreUsers,
  }),
  operatorRoute({
    method: 'PUT',
    path: USER,
    operationId: 'putUser',
    scope: 'operator:stores',
    summary: 'Create, replace or revive a user.',
    body: json(schemas.UserInput),
    responses: {
      200: { description: 'The user was replaced.', schema: schemas.UserBody },
      201: { description: 'The user was created, or revived.', schema: schemas.UserBody },
    },
    errors: { 409: 'Another user has the username, or the user was changed at the same time.' },
    handle: users.putStoreUser,
  }),
  operatorRoute({
    method: 'GET',
    path: USER,
    operationId: 'getUser',
    scope: 'operator:read',
    summary: 'Read a user.',
    responses: { 200: { description: 'The user, without the password.', schema: schemas.UserBody } },
    handle: users.getUser,
  }),
  operatorRoute({
    method: 'PATCH',
    path: USER,
    operationId: 'patchUser',
    scope: 'operator:stores',
    summary: 'Change a user: `active: false` or a new password ends all sessions.',
    body: json(schemas.UserPatch),
    responses: { 200: { description: 'The user after the change.', schema: schemas.UserBody } },
    errors: { 409: 'Another user has the username.' },
    handle: users.patchUser,
  }),
  operatorRoute({
    method: 'DELETE',
    path: USER,
    operationId: 'deleteUser',
    scope: 'operator:stores',
    summary: 'Delete a user; all sessions end.',
    responses: { 204: { description: 'The user is deleted, and all sessions have ended.' } },
    handle: users.deleteStoreUser,
  }),

  operatorRoute({
    method: 'PUT',
    path: `${STORE}/openid-provider`,
    operationId: 'putOpenIdProvider',
    scope: 'operator:stores',
    summary:
      'Set the OpenID provider. With another issuer the users are known by other subjects: the old ones are forgotten.',
    body: json(schemas.OpenIdProviderInput),
    responses: { 200: { description: 'The OpenID provider, without its secret.', schema: schemas.OpenIdProviderBody } },
    errors: { 409: "Another identity store's provider has the redirect URI." },
    handle: openid.putProvider,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/openid-provider`,
    operationId: 'getOpenIdProvider',
    scope: 'operator:read',
    summary: 'Read the OpenID provider.',
    responses: { 200: { description: 'The OpenID provider, without its secret.', schema: schemas.OpenIdProviderBody } },
    handle: openid.getProvider,
  }),
  operatorRoute({
    method: 'DELETE',
    path: `${STORE}/openid-provider`,
    operationId: 'deleteOpenIdProvider',
    scope: 'operator:stores',
    summary: 'Remove the OpenID provider.',
    responses: { 204: { description: 'The OpenID provider is removed.' } },
    handle: openid.deleteProvider,
  }),

  ...storeCredentialRoutes,
  ...policyRoutes,
  ...overviewRoutes,
  ...sessionRoutes,
  ...jobRoutes,
  ...eventRoutes,
]

/** The operator API. */
export const operatorApi: Api = {
  name: 'Operator',
  base: '/operator',
  routes,
  territory: ['/operator/*'],
  trailingSlash: 'never',
  renderError,
  renderBug,
  errors,
}
