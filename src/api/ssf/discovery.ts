/** What receivers find out by themselves: the issuer's configuration and its keys. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { issuerOf } from '../../events/security-event-tokens.ts'
import { keepKeys, keysAt, publicJwk } from '../../events/ssf-keys.ts'
import { findIssuer, type Issuer } from '../../store/ssf-keys.ts'
import type { RequestContext } from '../context.ts'
import type { HandlerResult } from '../route.ts'
import type { IssuerPath } from './caller.ts'
import { type ConfigurationBody, type KeysBody, POLL, PUSH } from './schemas.ts'

/** RFC 6749 is demanded by the CAEP interoperability profile; the bearer token is a credential (RFC 6750). */
const SCHEMES = ['urn:ietf:rfc:6749', 'urn:ietf:rfc:6750']
const CACHED = { 'cache-control': 'public, max-age=300' }

/** `GET /.well-known/ssf-configuration/ssf/{identity_store_id}` */
export async function readConfiguration(
  _request: Request,
  { identity_store_id: identityStoreId }: IssuerPath,
  context: RequestContext,
): HandlerResult {
  const known = await requireIssuer(context, identityStoreId)
  if (!known.ok) return known
  const issuer = issuerOf(context.services.settings.publicOrigins, identityStoreId)
  const body: z.infer<typeof ConfigurationBody> = {
    spec_version: '1_0',
    issuer,
    jwks_uri: `${issuer}/jwks.json`,
    delivery_methods_supported: [PUSH, POLL],
    configuration_endpoint: `${issuer}/streams`,
    status_endpoint: `${issuer}/status`,
    add_subject_endpoint: `${issuer}/subjects/add`,
    remove_subject_endpoint: `${issuer}/subjects/remove`,
    verification_endpoint: `${issuer}/verification`,
    // Without one of these an event is about more than it is: a user instead of a session.
    critical_subject_members: ['user', 'session'],
    authorization_schemes: SCHEMES.map((spec_urn) => ({ spec_urn })),
    default_subjects: 'ALL',
  }
  return ok(Response.json(body, { headers: CACHED }))
}

/** `GET /ssf/{identity_store_id}/jwks.json`. The first key is made when it is first asked for. */
export async function readKeys(
  _request: Request,
  { identity_store_id: identityStoreId }: IssuerPath,
  context: RequestContext,
): HandlerResult {
  const { services, now, requestId } = context
  const known = await requireIssuer(context, identityStoreId)
  if (!known.ok) return known
  const { keys } = known.value
  const asked = { identityStoreId, actor: 'anyone', requestId, now }
  const kept = keys.length > 0 ? ok(keys) : await keepKeys(services.db, services.sealing, keys, asked)
  if (!kept.ok) return kept
  const body: z.infer<typeof KeysBody> = { keys: keysAt(kept.value, now).published.map(publicJwk) }
  const headers = { ...CACHED, 'content-type': 'application/jwk-set+json' }
  return ok(Response.json(body, { headers }))
}

async function requireIssuer(
  { services }: RequestContext,
  identityStoreId: string,
): Promise<Result<Issuer, SessionError>> {
  const found = await findIssuer(services.db, identityStoreId)
  if (!found.ok || found.value.isIssuer) return found
  return fail({ code: 'identity_store_not_found' })
}
