/** Who calls: a receiver, known by a credential of the issuer's identity store. */
import { authenticateBearer, type Caller } from '../../auth/credentials.ts'
import type { Scope } from '../../auth/scopes.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { issuerOf } from '../../events/security-event-tokens.ts'
import { findEndpoint } from '../../store/event-endpoints.ts'
import { isStream, type StreamRow } from '../../store/ssf-streams.ts'
import type { RequestContext } from '../context.ts'
import { credentialError } from '../wrong-token.ts'

/** The parameters of every path. */
export interface IssuerPath {
  readonly identity_store_id: string
}

/** One request of a receiver. */
export interface ReceiverContext extends RequestContext {
  readonly caller: Caller
  /** The caller in the audit log. */
  readonly actor: string
  readonly issuer: string
}

/** Lets in receivers of the issuer who have one of some scopes. */
export function receiver(...scopes: readonly [Scope, ...Scope[]]) {
  return async (
    request: Request,
    { identity_store_id: identityStoreId }: IssuerPath,
    context: RequestContext,
  ): Promise<Result<ReceiverContext, SessionError>> => {
    const { services } = context
    const known = await authenticateBearer(services.db, request, context)
    if (!known.ok) return fail(await credentialError(known.error, request, context))
    const caller = known.value
    if (caller.identityStoreId !== identityStoreId) return fail({ code: 'unauthenticated' })
    if (!scopes.some((scope) => caller.scopes.includes(scope))) {
      return fail({ code: 'forbidden', needed: [scopes[0]], provided: caller.scopes })
    }
    const issuer = issuerOf(services.settings.publicOrigins, identityStoreId)
    return ok({ ...context, caller, actor: `credential:${caller.credentialId}`, issuer })
  }
}

/** A stream of the receiver. Errors: `event_endpoint_not_found`, also for another receiver's; `unavailable`. */
export async function requireStream(
  { services, caller }: ReceiverContext,
  streamId: string,
): Promise<Result<StreamRow, SessionError>> {
  const found = await findEndpoint(services.db, caller.identityStoreId, streamId)
  if (!found.ok) return found
  const row = found.value?.endpoint
  if (row === undefined || !isStream(row) || row.receiver !== caller.credentialId) {
    return fail({ code: 'event_endpoint_not_found' })
  }
  return ok(row)
}
