/** Access keys: temporary ones, and delegated administrators. */
import { randomBytes } from 'node:crypto'
import { hashSecret } from '../../auth/credentials.ts'
import { fail, ok } from '../../domain/result.ts'
import { wakeEndpointsOf } from '../../events/wake.ts'
import { setDelegatedStores } from '../../store/access-keys.ts'
import { findCredentialOfStore } from '../../store/credential-changes.ts'
import { type Credential, insertCredential } from '../../store/credentials.ts'
import { parseJson } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type OperatorContext, requirePowersOf } from './caller.ts'
import { credentialBody, credentialEntry, newCredential } from './credentials.ts'
import { requireStore } from './identity-stores.ts'
import { DelegatedStoresInput, TemporaryKeyInput } from './schemas.ts'

interface StoreCredentialPath {
  readonly identity_store_id: string
  readonly credential_id: string
}

/** `POST …/credentials/{credential_id}/temporary-keys` */
export async function createTemporaryKey(
  request: Request,
  { identity_store_id: identityStoreId, credential_id: credentialId }: StoreCredentialPath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, TemporaryKeyInput)
  if (!input.ok) return input
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const found = await findCredentialOfStore(context.services.db, identityStoreId, credentialId)
  if (!found.ok) return found
  const parent = found.value
  if (parent === null) return fail({ code: 'credential_not_found' })
  if (parent.kind !== 'access_key') return notUsable()
  const within = requirePowersOf(context.caller, parent)
  if (!within.ok) return within

  const { name, ownerUserId, scopes, addressAllowList, delegatedStoreIds } = parent
  const until = context.now + input.value.duration_seconds * 1000
  const expiresAt = Math.min(until, parent.expiresAt ?? until)
  const made = await newCredential(
    { identityStoreId, kind: 'access_key', name, ownerUserId, scopes, addressAllowList, expiresAt },
    context,
  )
  const securityToken = randomBytes(32).toString('base64url')
  const credential: Credential = {
    ...made.credential,
    delegatedStoreIds,
    parentCredentialId: parent.credentialId,
    sessionTokenHash: hashSecret(securityToken),
  }
  const entry = credentialEntry(context, credential, 'credential.created')
  const written = await insertCredential(context.services.db, credential, 'parent_usable', entry)
  if (!written.ok) return written
  if (!written.value) return notUsable()
  wakeEndpointsOf(context.services.db, context.services.endpoints, credential.identityStoreId)
  return ok(json({ ...credentialBody(credential), ...made.shown, security_token: securityToken }, 201))
}

/** `PUT …/credentials/{credential_id}/delegated-stores` */
export async function putDelegatedStores(
  request: Request,
  { identity_store_id: identityStoreId, credential_id: credentialId }: StoreCredentialPath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, DelegatedStoresInput)
  if (!input.ok) return input
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const entry = credentialEntry(context, { identityStoreId, credentialId }, 'credential.delegated')
  const stores = [...new Set(input.value.identity_store_ids)]
  const { limitedStoreIds } = context.caller
  const foreign = limitedStoreIds === null ? [] : stores.filter((id) => !limitedStoreIds.includes(id))
  if (foreign.length > 0) return fail({ code: 'identity_store_not_found', identityStoreIds: foreign })
  const set = await setDelegatedStores(context.services.db, identityStoreId, credentialId, stores, entry)
  if (set.ok) return ok(json(credentialBody(set.value)))
  if (set.error.code !== 'not_delegable') return fail(set.error)
  return fail({ code: 'conflict', detail: 'Only an access key that is not a temporary one can administer others.' })
}

function notUsable() {
  const detail = 'It must be an access key that is neither temporary nor expired nor revoked.'
  return fail({ code: 'conflict', detail } as const)
}
