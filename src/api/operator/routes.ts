/** The operator API: identity stores, users, credentials, and what was done to them. */
import type { z } from 'zod'
import type { Answer, Api, Route } from '../route.ts'
import * as accessKeys from './access-keys.ts'
import { openMessage } from './authorization-messages.ts'
import * as changes from './credential-changes.ts'
import * as credentials from './credentials.ts'
import * as deploymentSecrets from './deployment-secrets.ts'
import { renderBug, renderError } from './errors.ts'
import * as history from './history.ts'
import * as stores from './identity-stores.ts'
import * as openid from './openid-provider.ts'
import { type Operation, type Outcome, operatorOnly } from './operation.ts'
import * as schemas from './schemas.ts'
import { importStoreUsers } from './user-import.ts'
import * as users from './users.ts'

const STORE = '/identity-stores/:identity_store_id'
const USER = `${STORE}/users/:user_id`

const problem = (description: string): Answer => ({
  description,
  schema: schemas.ProblemBody,
  mediaType: 'application/problem+json',
})
const json = (schema: z.ZodType) => ({ schema, mediaTypes: ['application/json'] })
const always = {
  400: problem('The request is malformed; every bad field is named.'),
  401: problem('No valid credential.'),
  403: problem("Not an operator's credential, or not from this address."),
  503: problem('Temporarily unavailable.'),
}
const withBody = {
  ...always,
  408: problem('The body broke off or came too slowly.'),
  413: problem('The body is too large.'),
  415: problem('The body is not JSON.'),
}
const notFound = { 404: problem('No such identity store, user or credential.') }
const conflict = (description: string) => ({ 409: problem(description) })

/** A route that only operators may use. */
function route(
  method: Route['method'],
  path: string,
  operationId: string,
  summary: string,
  act: (operation: Operation) => Outcome,
  rest: Pick<Route, 'answers' | 'body' | 'query'>,
): Route {
  return { method, path, operationId, summary, security: ['operator'], handle: operatorOnly(act), ...rest }
}

/** A route that makes an operator's credential by a secret of the deployment. */
function operatorBySecret(
  path: string,
  operationId: string,
  summary: string,
  clash: string,
  handle: Route['handle'],
): Route {
  return {
    method: 'POST',
    path,
    operationId,
    summary,
    security: ['operator'],
    body: json(schemas.OperatorBySecretInput),
    answers: {
      201: { description: 'The credential; its token is shown once.', schema: schemas.NewCredentialBody },
      ...withBody,
      ...conflict(clash),
    },
    handle,
  }
}

/** What can be done to one credential, of the operators or of a store. */
function credentialRoutes(path: string, whose: string): readonly Route[] {
  return [
    route('GET', path, `get${whose}Credential`, 'Read a credential.', changes.getCredential, {
      answers: { 200: { description: 'It.', schema: schemas.CredentialBody }, ...always, ...notFound },
    }),
    route('PATCH', path, `patch${whose}Credential`, 'Rename a credential.', changes.patchCredential, {
      body: json(schemas.CredentialPatch),
      answers: { 200: { description: 'Renamed.', schema: schemas.CredentialBody }, ...withBody, ...notFound },
    }),
    route(
      'POST',
      `${path}/rotate`,
      `rotate${whose}Credential`,
      'Give a credential a new secret; the old one stays good for a while.',
      changes.rotate,
      {
        body: json(schemas.RotationInput),
        answers: {
          200: { description: 'Its new secret is shown once.', schema: schemas.NewCredentialBody },
          ...withBody,
          ...notFound,
          ...conflict('It is revoked, expired or a temporary access key, or too many of its secrets are good.'),
        },
      },
    ),
  ]
}

const routes: readonly Route[] = [
  operatorBySecret(
    '/bootstrap',
    'bootstrap',
    "Make the first operator's credential, with the bootstrap secret as the bearer.",
    'There is, or was, an operator already.',
    deploymentSecrets.bootstrap,
  ),
  operatorBySecret(
    '/recovery',
    'recoverOperator',
    "Make an operator's credential when all are lost, with a recovery secret as the bearer. Each secret makes one.",
    'The secret has made one already.',
    deploymentSecrets.recovery,
  ),
  route(
    'GET',
    '/credentials',
    'listOperatorCredentials',
    "List the operators' credentials.",
    credentials.listOperatorCredentials,
    {
      query: schemas.PageQuery,
      answers: { 200: { description: 'A page, oldest first.', schema: schemas.CredentialListBody }, ...always },
    },
  ),
  route(
    'POST',
    '/credentials',
    'createOperatorCredential',
    "Make an operator's credential.",
    credentials.createOperatorCredential,
    {
      body: json(schemas.OperatorCredentialInput),
      answers: { 201: { description: 'Its token is shown once.', schema: schemas.NewCredentialBody }, ...withBody },
    },
  ),
  route(
    'DELETE',
    '/credentials/:credential_id',
    'revokeOperatorCredential',
    "Revoke an operator's credential. Idempotent.",
    credentials.revokeOperatorCredential,
    {
      answers: { 204: { description: 'It is revoked.' }, ...always, ...notFound, ...conflict('It is the last one.') },
    },
  ),
  ...credentialRoutes('/credentials/:credential_id', 'Operator'),
  route(
    'POST',
    '/authorization-messages/open',
    'openAuthorizationMessage',
    'Open the sealed message that a refused caller of the Identity Center API was given.',
    openMessage,
    {
      body: json(schemas.AuthorizationMessageInput),
      answers: { 200: { description: 'Why it was refused.', schema: schemas.AuthorizationMessageBody }, ...withBody },
    },
  ),
  route(
    'GET',
    '/audit-events',
    'listOperatorAuditEvents',
    "List what was done to the operators' credentials.",
    history.listOperatorEvents,
    {
      query: schemas.PageQuery,
      answers: { 200: { description: 'A page, newest first.', schema: schemas.AuditEventListBody }, ...always },
    },
  ),

  route('GET', '/identity-stores', 'listIdentityStores', 'List the identity stores.', stores.listStores, {
    query: schemas.PageQuery,
    answers: { 200: { description: 'A page, by id.', schema: schemas.IdentityStoreListBody }, ...always },
  }),
  route('PUT', STORE, 'putIdentityStore', 'Create or replace an identity store.', stores.putStore, {
    body: json(schemas.IdentityStoreInput),
    answers: {
      200: { description: 'Replaced.', schema: schemas.IdentityStoreBody },
      201: { description: 'Created.', schema: schemas.IdentityStoreBody },
      ...withBody,
      ...conflict('The id belonged to a deleted identity store.'),
    },
  }),
  route('GET', STORE, 'getIdentityStore', 'Read an identity store.', stores.getStore, {
    answers: { 200: { description: 'It.', schema: schemas.IdentityStoreBody }, ...always, ...notFound },
  }),
  route('PATCH', STORE, 'patchIdentityStore', 'Change an identity store.', stores.patchStore, {
    body: json(schemas.IdentityStorePatch),
    answers: { 200: { description: 'Changed.', schema: schemas.IdentityStoreBody }, ...withBody, ...notFound },
  }),
  route('DELETE', STORE, 'deleteIdentityStore', 'Delete an identity store that has no users.', stores.deleteStore, {
    answers: { 204: { description: 'Deleted.' }, ...always, ...notFound, ...conflict('It still has users.') },
  }),

  route('GET', `${STORE}/users`, 'listUsers', 'List the users.', users.listStoreUsers, {
    query: schemas.PageQuery,
    answers: { 200: { description: 'A page, by id.', schema: schemas.UserListBody }, ...always, ...notFound },
  }),
  route(
    'POST',
    `${STORE}/users`,
    'importUsers',
    'Create up to 1 000 users, each with its own result.',
    importStoreUsers,
    {
      body: json(schemas.BulkInput),
      answers: { 200: { description: 'The results, in order.', schema: schemas.BulkBody }, ...withBody, ...notFound },
    },
  ),
  route('PUT', USER, 'putUser', 'Create, replace or revive a user.', users.putStoreUser, {
    body: json(schemas.UserInput),
    answers: {
      200: { description: 'Replaced.', schema: schemas.UserBody },
      201: { description: 'Created.', schema: schemas.UserBody },
      ...withBody,
      ...notFound,
      ...conflict('Another user has the username, or the user was changed at the same time.'),
    },
  }),
  route('GET', USER, 'getUser', 'Read a user.', users.getUser, {
    answers: { 200: { description: 'The user.', schema: schemas.UserBody }, ...always, ...notFound },
  }),
  route(
    'PATCH',
    USER,
    'patchUser',
    'Change a user: `active: false` or a new password ends all sessions.',
    users.patchUser,
    {
      body: json(schemas.UserPatch),
      answers: {
        200: { description: 'Changed.', schema: schemas.UserBody },
        ...withBody,
        ...notFound,
        ...conflict('Another user has the username.'),
      },
    },
  ),
  route('DELETE', USER, 'deleteUser', 'Delete a user; all sessions end.', users.deleteStoreUser, {
    answers: { 204: { description: 'Deleted.' }, ...always, ...notFound },
  }),

  route(
    'PUT',
    `${STORE}/openid-provider`,
    'putOpenIdProvider',
    'Set the OpenID provider. With another issuer the users are known by other subjects: the old ones are forgotten.',
    openid.putProvider,
    {
      body: json(schemas.OpenIdProviderInput),
      answers: {
        200: { description: 'Set.', schema: schemas.OpenIdProviderBody },
        ...withBody,
        ...notFound,
        ...conflict("Another identity store's provider has the redirect URI."),
      },
    },
  ),
  route('GET', `${STORE}/openid-provider`, 'getOpenIdProvider', 'Read the OpenID provider.', openid.getProvider, {
    answers: {
      200: { description: 'Without its secret.', schema: schemas.OpenIdProviderBody },
      ...always,
      ...notFound,
    },
  }),
  route(
    'DELETE',
    `${STORE}/openid-provider`,
    'deleteOpenIdProvider',
    'Remove the OpenID provider.',
    openid.deleteProvider,
    {
      answers: { 204: { description: 'Removed.' }, ...always, ...notFound },
    },
  ),

  route('GET', `${STORE}/credentials`, 'listCredentials', 'List the credentials.', credentials.listStoreCredentials, {
    query: schemas.PageQuery,
    answers: {
      200: { description: 'A page, oldest first.', schema: schemas.CredentialListBody },
      ...always,
      ...notFound,
    },
  }),
  route('POST', `${STORE}/credentials`, 'createCredential', 'Make a credential.', credentials.createStoreCredential, {
    body: json(schemas.CredentialInput),
    answers: {
      201: { description: 'Its secret is shown once.', schema: schemas.NewCredentialBody },
      ...withBody,
      ...notFound,
    },
  }),
  route(
    'DELETE',
    `${STORE}/credentials/:credential_id`,
    'revokeCredential',
    'Revoke a credential. Idempotent.',
    credentials.revokeStoreCredential,
    {
      answers: { 204: { description: 'It is revoked.' }, ...always, ...notFound },
    },
  ),
  ...credentialRoutes(`${STORE}/credentials/:credential_id`, ''),
  route(
    'POST',
    `${STORE}/credentials/:credential_id/temporary-keys`,
    'createTemporaryKey',
    'Issue a temporary access key from an access key; it may do what that one may.',
    accessKeys.createTemporaryKey,
    {
      body: json(schemas.TemporaryKeyInput),
      answers: {
        201: { description: 'Its secret key and security token are shown once.', schema: schemas.NewCredentialBody },
        ...withBody,
        ...notFound,
        ...conflict('It is not an access key that may be used.'),
      },
    },
  ),
  route(
    'PUT',
    `${STORE}/credentials/:credential_id/delegated-stores`,
    'putDelegatedStores',
    'Let an access key administer other identity stores: a delegated administrator.',
    accessKeys.putDelegatedStores,
    {
      body: json(schemas.DelegatedStoresInput),
      answers: {
        200: { description: 'The credential.', schema: schemas.CredentialBody },
        ...withBody,
        ...notFound,
        ...conflict('It is not an access key, or a temporary one.'),
      },
    },
  ),
  route('GET', `${STORE}/audit-events`, 'listAuditEvents', 'List what was done.', history.listStoreEvents, {
    query: schemas.PageQuery,
    answers: { 200: { description: 'A page, newest first.', schema: schemas.AuditEventListBody }, ...always },
  }),
  route('GET', `${STORE}/jobs`, 'listJobs', 'List what is still to be finished.', history.listStoreJobs, {
    answers: { 200: { description: 'The next one first.', schema: schemas.JobListBody }, ...always, ...notFound },
  }),
]

/** The operator API. */
export const operatorApi: Api = {
  name: 'Operator',
  base: '/operator',
  routes,
  renderError,
  renderBug,
  trailingSlash: 'never',
}
