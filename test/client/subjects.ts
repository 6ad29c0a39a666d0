/** The three Latchkeys that the client is to find alike: over HTTP, over a service binding, and the double. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import type { SessionsBinding } from '../../packages/client/src/binding.ts'
import { createClient, type LatchkeyClient } from '../../packages/client/src/index.ts'
import { createTestClient } from '../../packages/client/src/testing.ts'
import type { SessionsEntrypoint } from '../../src/entrypoint.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { fireUserAlarm, userObject } from '../support/objects.ts'
import { send } from '../support/requests.ts'
import { makeBearer, makeOperator, makeStore, makeUser } from '../support/stores.ts'

const SCOPES = ['sessions:open', 'sessions:introspect', 'sessions:revoke'] as const

/** What holds in the identity store. */
export interface Rules {
  readonly overallTimeoutSeconds?: number
  readonly inactivityTimeoutSeconds?: number
  readonly concurrentSessionLimit?: number
  readonly whenLimitReached?: 'evict_oldest' | 'refuse'
}

/** A Latchkey with an identity store of one user. */
export interface Subject {
  readonly client: LatchkeyClient
  readonly userId: string
  readonly advance: (seconds: number) => void
  readonly disableUser: () => Promise<void>
  /** From now on sessions cannot be asked, until the answer is called. */
  readonly breakDown: () => () => void
  /** How many listen to a session of the user. */
  readonly listeners: () => Promise<number>
  /** Whoever listens loses the connection. */
  readonly disconnect: () => Promise<void>
  /** What is due by now is done. */
  readonly doWhatIsDue: () => Promise<void>
}

async function service(rules: Rules, clientOf: (identityStoreId: string) => Promise<LatchkeyClient>): Promise<Subject> {
  stopClock()
  const { overallTimeoutSeconds = 2_592_000, inactivityTimeoutSeconds = null, ...limits } = rules
  const user = await makeUser({
    config: {
      sessionMinutes: overallTimeoutSeconds / 60,
      useInactivityBasedLogout: inactivityTimeoutSeconds !== null,
      inactivityTimeoutSeconds,
      ...limits,
    },
  })
  const { identityStoreId, userId } = user
  return {
    client: await clientOf(identityStoreId),
    userId,
    advance: advanceClock,
    async disableUser() {
      const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
      const done = await send(path, { method: 'PATCH', bearer: await makeOperator(), json: { active: false } })
      if (!done.ok) throw new Error(await done.text())
    },
    breakDown: () => intercept((call, goOn) => (call.to === 'USERS' ? Promise.reject(new Error('broken')) : goOn())),
    listeners: () => runInDurableObject(userObject(user), (_object, state) => state.getWebSockets().length),
    disconnect: () => evictDurableObject(userObject(user), { webSockets: 'close' }),
    doWhatIsDue: async () => void (await fireUserAlarm(user)),
  }
}

/** The client as it asks the service over HTTP, through a socket. */
async function httpClient(identityStoreId: string): Promise<LatchkeyClient> {
  const credential = await makeBearer(identityStoreId, SCOPES)
  return createClient({ baseUrl: `http://127.0.0.1:${env.PORT}`, credential })
}

/** The service binding of a Worker that speaks for a store. */
export function boundTo(identityStoreId: string): SessionsBinding {
  const entrypoint = exports.SessionsEntrypoint as unknown as (options: object) => Service<SessionsEntrypoint>
  return entrypoint({ props: { identityStoreId, scopes: SCOPES } })
}

export const SUBJECTS: readonly (readonly [string, (rules?: Rules) => Promise<Subject>])[] = [
  ['over HTTP', (rules = {}) => service(rules, httpClient)],
  ['over a binding', (rules = {}) => service(rules, async (store) => createClient({ binding: boundTo(store) }))],
  [
    'the double',
    async (rules = {}) => {
      stopClock()
      const client = createTestClient({ ...rules, users: ['user'] })
      return {
        client,
        userId: 'user',
        advance(seconds) {
          advanceClock(seconds)
          client.clock.advance(seconds)
        },
        disableUser: async () => client.disableUser('user'),
        breakDown() {
          client.setUnavailable(true)
          return () => client.setUnavailable(false)
        },
        listeners: async () => client.followers(),
        async disconnect() {
          client.setUnavailable(true)
          client.setUnavailable(false)
        },
        doWhatIsDue: async () => {},
      }
    },
  ],
]

/** A token of a session of another identity store. */
export async function foreignToken(): Promise<string> {
  const user = await makeUser({ identityStoreId: await makeStore() })
  const client = await httpClient(user.identityStoreId)
  const opened = await client.sessions.open({ userId: user.userId, client: { address: null, userAgent: null } })
  if (!opened.ok) throw new Error(opened.code)
  return opened.token
}
