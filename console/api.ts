/** The service's API, as its OpenAPI document describes it: the only file that imports the generated client. */
import { client } from '../packages/client/src/generated/client.gen.ts'
import { Refusal } from './http.ts'

client.setConfig({ baseUrl: '/', credentials: 'same-origin', headers: { 'latchkey-console': '1' }, throwOnError: true })
client.interceptors.error.use((error, response) => {
  // Nobody has answered: what `fetch` threw says so.
  if (response === undefined) return error
  const problem = typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
  return new Refusal(response.status, problem, response.headers.get('x-request-id'))
})

/** The body of an answer. Throws a `Refusal` for an error, and what `fetch` throws where nobody answers. */
export async function bodyOf<A extends { readonly data?: unknown }>(
  answer: Promise<A>,
): Promise<Exclude<A['data'], undefined>> {
  return (await answer).data as Exclude<A['data'], undefined>
}

export {
  createCredential,
  createOperatorCredential,
  deleteIdentityStore,
  deleteUserSessionSettings,
  getSessionConfig,
  getUser,
  getUserPolicy,
  getUserSessionSettings,
  listCredentials,
  listIdentityStores,
  listOperatorCredentials,
  listSessionConfigVersions,
  patchIdentityStore,
  patchSessionConfig,
  patchUser,
  previewSessionConfig,
  putIdentityStore,
  putUserSessionSettings,
  restoreSessionConfigVersion,
  revokeCredential,
  revokeOperatorCredential,
} from '../packages/client/src/generated/sdk.gen.ts'
export type {
  AuditEvent,
  Credential,
  IdentityStore,
  NewCredential,
  Policy,
  SessionConfig,
  SessionConfigChange,
  SessionConfigPreview,
  User,
} from '../packages/client/src/generated/types.gen.ts'
export * from './undocumented.ts'
