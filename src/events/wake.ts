/** Telling endpoints that there may be something for them. */
import { waitUntil } from 'cloudflare:workers'
import { OBJECTS_AT_ONCE, WAKE_TIMEOUT_MILLISECONDS } from '../limits.ts'
import type { Database } from '../store/database.ts'
import { endpointsOfStores, findEventStore } from '../store/events.ts'
import { within } from '../time-limit.ts'
import type { EventEndpoint } from './event-endpoint.ts'

export type Endpoints = DurableObjectNamespace<EventEndpoint>

/** The object of an endpoint. */
export function endpointStub(
  endpoints: Endpoints,
  identityStoreId: string,
  endpointId: string,
): DurableObjectStub<EventEndpoint> {
  return endpoints.get(endpoints.idFromName(`${identityStoreId}/${endpointId}`))
}

/**
 * Wakes endpoints of a store. One that cannot be woken now looks by itself, within a minute: nobody is told, and nothing
 * waits for it.
 */
export async function wakeEndpoints(
  endpoints: Endpoints,
  identityStoreId: string,
  endpointIds: readonly string[],
): Promise<void> {
  await Promise.all(
    endpointIds.map((endpointId) =>
      within(WAKE_TIMEOUT_MILLISECONDS, 'event endpoint', async () =>
        endpointStub(endpoints, identityStoreId, endpointId).wake(identityStoreId, endpointId),
      ),
    ),
  )
}

/** Wakes the endpoints of a store, if it has any, after a change that no job follows. Nobody waits for them. */
export function wakeEndpointsOf(db: Database, endpoints: Endpoints, identityStoreId: string): void {
  const work = async () => {
    const store = await findEventStore(db, identityStoreId)
    if (store.ok && store.value !== null) await wakeEndpoints(endpoints, identityStoreId, store.value.endpoints)
  }
  waitUntil(work())
}

/** Wakes every endpoint, also those whose own alarm was lost. */
export async function wakeAllEndpoints(db: Database, endpoints: Endpoints): Promise<void> {
  for (let after = ''; ; ) {
    const page = await endpointsOfStores(db, after, OBJECTS_AT_ONCE)
    if (!page.ok) return
    for (const one of page.value) await wakeEndpoints(endpoints, one.identityStoreId, one.endpoints)
    const last = page.value.at(-1)
    if (last === undefined || page.value.length < OBJECTS_AT_ONCE) return
    after = last.identityStoreId
  }
}
