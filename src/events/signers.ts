/** What signs a stream's tokens: the issuer of its store, with its current key. */
import type { Sealing } from '../auth/sealing.ts'
import type { Database } from '../store/database.ts'
import { findSsfKeys } from '../store/ssf-keys.ts'
import type { StreamRow } from '../store/ssf-streams.ts'
import { issuerOf, type Signer } from './security-event-tokens.ts'
import { keepKeys, keysAt, openKey } from './ssf-keys.ts'

/**
 * The signer of a stream; a key is made if one is due. Null: no key can be unsealed.
 * @param known the previous signer, used while D1 does not answer
 */
export async function findSigner(
  db: Database,
  sealing: Sealing,
  publicOrigins: readonly string[],
  { identityStoreId, endpointId: streamId, receiver }: StreamRow,
  known: Signer | null,
): Promise<Signer | null> {
  const now = Date.now()
  const actor = `event_endpoint:${streamId}`
  const found = await findSsfKeys(db, identityStoreId)
  const asked = { identityStoreId, actor, requestId: actor, now }
  const keys = found.ok ? await keepKeys(db, sealing, found.value, asked) : found
  if (!keys.ok) return known
  const { signing } = keysAt(keys.value, now)
  if (signing === null) return null
  const key = known?.key.keyId === signing.keyId ? known.key : await openKey(sealing, signing)
  const issuer = issuerOf(publicOrigins, identityStoreId)
  return key === null ? null : { issuer, identityStoreId, streamId, audience: receiver, key }
}
