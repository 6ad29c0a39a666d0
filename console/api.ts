/** The service's API, as its OpenAPI document describes it: the only file that imports the generated client. */
import { client } from '../packages/client/src/generated/client.gen.ts'
import type {
  EventDeliveryList,
  EventList,
  ListConsoleSessionsResponse,
  UserSummaries,
} from '../packages/client/src/generated/types.gen.ts'
import { whoAsks } from './common/attention.ts'
import { frugal } from './frugal.ts'
import { Refusal } from './http.ts'

client.setConfig({
  baseUrl: '/',
  credentials: 'same-origin',
  headers: { 'latchkey-console': '1' },
  fetch: frugal(fetch),
  throwOnError: true,
})
client.interceptors.request.use((request) => {
  if (request.method === 'GET') request.headers.set('latchkey-console', whoAsks())
  return request
})
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
  countStoreSessions,
  createCredential,
  createEventEndpoint,
  createOperatorCredential,
  deleteEventEndpoint,
  deleteGroupSessionConfig,
  deleteIdentityStore,
  deleteJob,
  deleteLockout,
  deleteUserSessionSettings,
  endConsoleSession,
  endStoreSessions,
  endUserSessions,
  getEventEndpoint,
  getGroupSessionConfig,
  getOverview,
  getSessionConfig,
  getStoreSession,
  getUser,
  getUserPolicy,
  getUserSessionSettings,
  importUsers,
  listAuditEvents,
  listConsoleSessions,
  listCredentials,
  listEventDeliveries,
  listEventEndpoints,
  listEvents,
  listIdentityStores,
  listJobs,
  listLockouts,
  listOperatorCredentials,
  listSessionConfigVersions,
  listStoreSessions,
  listUserSessions,
  listUserSummaries,
  listUsers,
  patchEventEndpoint,
  patchIdentityStore,
  patchSessionConfig,
  patchUser,
  previewSessionConfig,
  putEventFeed,
  putGroupSessionConfig,
  putIdentityStore,
  putUserSessionSettings,
  replayEvents,
  restoreSessionConfigVersion,
  retryJob,
  revokeCredential,
  revokeOperatorCredential,
  rotateEventEndpointSecret,
  testEventEndpoint,
} from '../packages/client/src/generated/sdk.gen.ts'
export type {
  AdministeredSession,
  AuditEvent,
  Credential,
  EventEndpoint,
  ExplainedSession,
  GroupSessionConfig,
  IdentityStore,
  Job,
  Lockout,
  NewCredential,
  Overview,
  Policy,
  SessionConfig,
  SessionConfigChange,
  SessionConfigPreview,
  TimelineEntry,
  User,
} from '../packages/client/src/generated/types.gen.ts'
/** A user in a line. */
export type UserSummary = UserSummaries['users'][number]
/** An operator's session at the console. */
export type ConsoleSession = ListConsoleSessionsResponse['console_sessions'][number]
/** An event of the feed. */
export type StoreEvent = EventList['events'][number]
/** An attempt to deliver one. */
export type Delivery = EventDeliveryList['deliveries'][number]
