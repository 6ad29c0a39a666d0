/** The objects that send events: calling one, and telling them what was changed. */
import type { SessionError } from '../domain/errors.ts'
import type { Result } from '../domain/result.ts'
import type { Owner } from '../events/endpoint-storage.ts'
import { endpointStub } from '../events/wake.ts'
import { OBJECT_TIMEOUT_MILLISECONDS } from '../limits.ts'
import type { EventStore } from '../store/events.ts'
import { within } from '../time-limit.ts'
import type { Services } from './context.ts'

/** What is asked of an endpoint's object. */
export type EndpointWork<T> = (stub: ReturnType<typeof endpointStub>, owner: Owner) => Promise<T>

/** Calls an endpoint's object. Errors: `unavailable`. */
export function callEndpoint<T>(
  { endpoints }: Pick<Services, 'endpoints'>,
  { identityStoreId, endpointId }: Owner,
  work: EndpointWork<T>,
  milliseconds = OBJECT_TIMEOUT_MILLISECONDS,
): Promise<Result<T, SessionError>> {
  return within(milliseconds, 'event endpoint', async () =>
    work(endpointStub(endpoints, identityStoreId, endpointId), { identityStoreId, endpointId }),
  )
}

/**
 * Tells the objects what was changed of an endpoint. The change stands: what cannot be told now is found within an hour.
 * @param tell what the endpoint's own object is told
 */
export async function followEndpoint(
  services: Pick<Services, 'endpoints' | 'jobs'>,
  owner: Owner,
  { endpoints }: EventStore,
  tell: EndpointWork<unknown> = (stub, { identityStoreId, endpointId }) => stub.wake(identityStoreId, endpointId),
): Promise<void> {
  const { jobs } = services
  await Promise.all([
    within(OBJECT_TIMEOUT_MILLISECONDS, 'jobs', () =>
      jobs.get(jobs.idFromName(owner.identityStoreId)).setEndpoints(owner.identityStoreId, endpoints),
    ),
    callEndpoint(services, owner, tell),
  ])
}
