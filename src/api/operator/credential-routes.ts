/** Routes of credentials: the operators' own, and those of identity stores. */
import type { Route } from '../route.ts'
import * as accessKeys from './access-keys.ts'
import * as changes from './credential-changes.ts'
import * as credentials from './credentials.ts'
import { json, operatorRoute } from './operator-route.ts'
import * as schemas from './schemas.ts'

const STORE = '/identity-stores/:identity_store_id'
const CREDENTIAL = '/credentials/:credential_id'
const STORE_CREDENTIAL = `${STORE}${CREDENTIAL}` as const

/** What can be done to one credential, of the operators or of a store. */
function credentialRoutes(path: typeof CREDENTIAL | typeof STORE_CREDENTIAL, whose: string): readonly Route[] {
  return [
    operatorRoute({
      method: 'GET',
      path,
      operationId: `get${whose}Credential`,
      scope: 'operator:read',
      summary: 'Read a credential.',
      responses: { 200: { description: 'The credential, without its secret.', schema: schemas.CredentialBody } },
      handle: changes.getCredential,
    }),
    operatorRoute({
      method: 'PATCH',
      path,
      operationId: `patch${whose}Credential`,
      scope: 'operator:credentials',
      summary: 'Rename a credential.',
      body: json(schemas.CredentialPatch),
      responses: { 200: { description: 'The credential under its new name.', schema: schemas.CredentialBody } },
      handle: changes.patchCredential,
    }),
    operatorRoute({
      method: 'POST',
      path: `${path}/rotate`,
      operationId: `rotate${whose}Credential`,
      scope: 'operator:credentials',
      confirmed: true,
      idempotent: true,
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

/** The operators' own. */
export const operatorCredentialRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: '/credentials',
    operationId: 'listOperatorCredentials',
    scope: 'operator:read',
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
    scope: 'operator:credentials',
    confirmed: true,
    idempotent: true,
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
    scope: 'operator:credentials',
    confirmed: true,
    summary: "Revoke an operator's credential. Idempotent.",
    responses: { 204: { description: 'The credential is revoked.' } },
    errors: { 409: "It is the last operator's credential that works." },
    handle: credentials.revoke,
  }),
  ...credentialRoutes(CREDENTIAL, 'Operator'),
]

/** Those of an identity store. */
export const storeCredentialRoutes: readonly Route[] = [
  operatorRoute({
    method: 'GET',
    path: `${STORE}/credentials`,
    operationId: 'listCredentials',
    scope: 'operator:read',
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
    scope: 'operator:credentials',
    confirmed: true,
    idempotent: true,
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
    scope: 'operator:credentials',
    confirmed: true,
    summary: 'Revoke a credential. Idempotent.',
    responses: { 204: { description: 'The credential is revoked.' } },
    handle: credentials.revoke,
  }),
  ...credentialRoutes(STORE_CREDENTIAL, ''),
  operatorRoute({
    method: 'POST',
    path: `${STORE_CREDENTIAL}/temporary-keys`,
    operationId: 'createTemporaryKey',
    scope: 'operator:credentials',
    confirmed: true,
    idempotent: true,
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
    scope: 'operator:credentials',
    confirmed: true,
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
]
