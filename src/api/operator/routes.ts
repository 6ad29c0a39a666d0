/** The operator API: identity stores, users, credentials, and what was done to them. */
import type { z } from 'zod'
import { type Api, type Handler, type Route, route, routesFor } from '../route.ts'
import * as accessKeys from './access-keys.ts'
import { openMessage } from './authorization-messages.ts'
import { authenticate } from './caller.ts'
import * as changes from './credential-changes.ts'
import * as credentials from './credentials.ts'
import * as deploymentSecrets from './deployment-secrets.ts'
import { errors, renderBug, renderError } from './errors.ts'
import * as history from './history.ts'
import * as stores from './identity-stores.ts'
import * as openid from './openid-provider.ts'
import { policyRoutes } from './policy-routes.ts'
import * as schemas from './schemas.ts'
import { importStoreUsers } from './user-import.ts'
import * as users from './users.ts'

const STORE = '/identity-stores/:identity_store_id'
const USER = `${STORE}/users/:user_id` as const
const CREDENTIAL = '/credentials/:credential_id'
const STORE_CREDENTIAL = `${STORE}${CREDENTIAL}` as const

const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const operatorRoute = routesFor('operator', authenticate)

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

/** What can be done to one credential, of the operators or of a store. */
function credentialRoutes(path: typeof CREDENTIAL | typeof STORE_CREDENTIAL, whose: string): readonly Route[] {
  return [
    operatorRoute({
      method: 'GET',
      path,
      operationId: `get${whose}Credential`,
      summary: 'Read a credential.',
      responses: { 200: { description: 'The credential, without its secret.', schema: schemas.CredentialBody } },
      handle: changes.getCredential,
    }),
    operatorRoute({
      method: 'PATCH',
      path,
      operationId: `patch${whose}Credential`,
      summary: 'Rename a credential.',
      body: json(schemas.CredentialPatch),
      responses: { 200: { description: 'The credential under its new name.', schema: schemas.CredentialBody } },
      handle: changes.patchCredential,
    }),
    operatorRoute({
      method: 'POST',
      path: `${path}/rotate`,
      operationId: `rotate${whose}Credential`,
      summary: 'Give a credential a new secret; the old one stays good for a while.',
      body: json(schemas.RotationInput),
      responses: {
        200: {
          description: 'The credential with its new secret, which is shown once.',
          schema: schemas.NewCredentialBody,
        },
      },
      errors: { 409: 'It is revoked, expired or a temporary access key, or too many of its secrets are good.' },
      handle: changes.rotate,
    }),
  ]
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
  operatorRoute({
    method: 'GET',
    path: '/credentials',
    operationId: 'listOperatorCredentials',
    summary: "List the operators' credentials.",
    query: schemas.PageQuery,
    responses: {
      200: { description: "A page of the operators' credentials, oldest first.", schema: schemas.CredentialListBody },
    },
    handle: credentials.listAll,
  }),
  operatorRoute({
    method: 'POST',
    path: '/credentials',
    operationId: 'createOperatorCredential',
    summary: "Make an operator's credential.",
    body: json(schemas.OperatorCredentialInput),
    responses: {
      201: {
        description: 'The new credential with its token, which is shown once.',
        schema: schemas.NewCredentialBody,
      },
    },
    handle: credentials.createOperatorCredential,
  }),
  operatorRoute({
    method: 'DELETE',
    path: CREDENTIAL,
    operationId: 'revokeOperatorCredential',
    summary: "Revoke an operator's credential. Idempotent.",
    responses: { 204: { description: 'The credential is revoked.' } },
    errors: { 409: "It is the last operator's credential that works." },
    handle: credentials.revoke,
  }),
  ...credentialRoutes(CREDENTIAL, 'Operator'),
  operatorRoute({
    method: 'POST',
    path: '/authorization-messages/open',
    operationId: 'openAuthorizationMessage',
    summary: 'Open the sealed message that a refused caller of the Identity Center API was given.',
    body: json(schemas.AuthorizationMessageInput),
    responses: {
      200: {
        description: 'What the caller asked for, and why it was refused.',
        schema: schemas.AuthorizationMessageBody,
      },
    },
    handle: openMessage,
  }),
  operatorRoute({
    method: 'GET',
    path: '/audit-events',
    operationId: 'listOperatorAuditEvents',
    summary: "List what was done to the operators' credentials.",
    query: schemas.PageQuery,
    responses: { 200: { description: 'A page of audit events, newest first.', schema: schemas.AuditEventListBody } },
    handle: history.listEvents,
  }),

  operatorRoute({
    method: 'GET',
    path: '/identity-stores',
    operationId: 'listIdentityStores',
    summary: 'List the identity stores.',
    query: schemas.PageQuery,
    responses: { 200: { description: 'A page of identity stores, by id.', schema: schemas.IdentityStoreListBody } },
    handle: stores.listStores,
  }),
  operatorRoute({
    method: 'PUT',
    path: STORE,
    operationId: 'putIdentityStore',
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
    summary: 'Read an identity store.',
    responses: { 200: { description: 'The identity store.', schema: schemas.IdentityStoreBody } },
    handle: stores.getStore,
  }),
  operatorRoute({
    method: 'PATCH',
    path: STORE,
    operationId: 'patchIdentityStore',
    summary: 'Change an identity store.',
    body: json(schemas.IdentityStorePatch),
    responses: { 200: { description: 'The identity store after the change.', schema: schemas.IdentityStoreBody } },
    handle: stores.patchStore,
  }),
  operatorRoute({
    method: 'DELETE',
    path: STORE,
    operationId: 'deleteIdentityStore',
    summary: 'Delete an identity store that has no users.',
    responses: { 204: { description: 'The identity store is deleted.' } },
    errors: { 409: 'It still has users.' },
    handle: stores.deleteStore,
  }),

  operatorRoute({
    method: 'GET',
    path: `${STORE}/users`,
    operationId: 'listUsers',
    summary: 'List the users.',
    query: schemas.PageQuery,
    responses: { 200: { description: "A page of the store's users, by id.", schema: schemas.UserListBody } },
    handle: users.listStoreUsers,
  }),
  operatorRoute({
    method: 'POST',
    path: `${STORE}/users`,
    operationId: 'importUsers',
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
    summary: 'Read a user.',
    responses: { 200: { description: 'The user, without the password.', schema: schemas.UserBody } },
    handle: users.getUser,
  }),
  operatorRoute({
    method: 'PATCH',
    path: USER,
    operationId: 'patchUser',
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
    summary: 'Delete a user; all sessions end.',
    responses: { 204: { description: 'The user is deleted, and all sessions have ended.' } },
    handle: users.deleteStoreUser,
  }),

  operatorRoute({
    method: 'PUT',
    path: `${STORE}/openid-provider`,
    operationId: 'putOpenIdProvider',
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
    summary: 'Read the OpenID provider.',
    responses: { 200: { description: 'The OpenID provider, without its secret.', schema: schemas.OpenIdProviderBody } },
    handle: openid.getProvider,
  }),
  operatorRoute({
    method: 'DELETE',
    path: `${STORE}/openid-provider`,
    operationId: 'deleteOpenIdProvider',
    summary: 'Remove the OpenID provider.',
    responses: { 204: { description: 'The OpenID provider is removed.' } },
    handle: openid.deleteProvider,
  }),

  operatorRoute({
    method: 'GET',
    path: `${STORE}/credentials`,
    operationId: 'listCredentials',
    summary: 'List the credentials.',
    query: schemas.PageQuery,
    responses: {
      200: { description: "A page of the store's credentials, oldest first.", schema: schemas.CredentialListBody },
    },
    handle: credentials.listAll,
  }),
  operatorRoute({
    method: 'POST',
    path: `${STORE}/credentials`,
    operationId: 'createCredential',
    summary: 'Make a credential.',
    body: json(schemas.CredentialInput),
    responses: {
      201: {
        description: 'The new credential with its secret, which is shown once.',
        schema: schemas.NewCredentialBody,
      },
    },
    handle: credentials.createStoreCredential,
  }),
  operatorRoute({
    method: 'DELETE',
    path: STORE_CREDENTIAL,
    operationId: 'revokeCredential',
    summary: 'Revoke a credential. Idempotent.',
    responses: { 204: { description: 'The credential is revoked.' } },
    handle: credentials.revoke,
  }),
  ...credentialRoutes(STORE_CREDENTIAL, ''),
  operatorRoute({
    method: 'POST',
    path: `${STORE_CREDENTIAL}/temporary-keys`,
    operationId: 'createTemporaryKey',
    summary: 'Issue a temporary access key from an access key; it may do what that one may.',
    body: json(schemas.TemporaryKeyInput),
    responses: {
      201: {
        description: 'The temporary access key; its secret key and security token are shown once.',
        schema: schemas.NewCredentialBody,
      },
    },
    errors: { 409: 'It is not an access key that may be used.' },
    handle: accessKeys.createTemporaryKey,
  }),
  operatorRoute({
    method: 'PUT',
    path: `${STORE_CREDENTIAL}/delegated-stores`,
    operationId: 'putDelegatedStores',
    summary: 'Let an access key administer other identity stores: a delegated administrator.',
    body: json(schemas.DelegatedStoresInput),
    responses: {
      200: {
        description: 'The credential with the identity stores that it administers.',
        schema: schemas.CredentialBody,
      },
    },
    errors: { 409: 'It is not an access key, or a temporary one.' },
    handle: accessKeys.putDelegatedStores,
  }),
  ...policyRoutes(operatorRoute),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/audit-events`,
    operationId: 'listAuditEvents',
    summary: 'List what was done in an identity store, also in a deleted one.',
    query: schemas.PageQuery,
    responses: { 200: { description: 'A page of audit events, newest first.', schema: schemas.AuditEventListBody } },
    handle: history.listEvents,
  }),
  operatorRoute({
    method: 'GET',
    path: `${STORE}/jobs`,
    operationId: 'listJobs',
    summary: 'List what is still to be finished.',
    responses: {
      200: { description: "The store's unfinished jobs, the next one to run first.", schema: schemas.JobListBody },
    },
    handle: history.listStoreJobs,
  }),
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
