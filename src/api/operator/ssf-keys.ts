/** The keys that sign for a store's streams. They rotate by themselves; an operator may have it done before. */
import type { z } from 'zod'
import { ok } from '../../domain/result.ts'
import { keysAt, rotateKeys } from '../../events/ssf-keys.ts'
import { findSsfKeys } from '../../store/ssf-keys.ts'
import { parseJson } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { KeyRotationInput, type SsfKeysBody } from './event-schemas.ts'
import { requireStore, type StorePath } from './identity-stores.ts'

/** `POST …/ssf-keys/rotate` */
export async function rotateSsfKey(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, KeyRotationInput)
  if (!input.ok) return input
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const { services, actor, requestId, now } = context
  const found = await findSsfKeys(services.db, identityStoreId)
  if (!found.ok) return found
  const asked = { identityStoreId, actor, requestId, now }
  const rotated = await rotateKeys(services.db, services.sealing, found.value, asked, input.value.compromised)
  if (!rotated.ok) return rotated
  const keys = keysAt(rotated.value, now).published.map(({ keyId, createdAt, signsFrom }) => {
    return { key_id: keyId, created_at: timestamp(createdAt), signs_from: timestamp(signsFrom) }
  })
  const body: z.infer<typeof SsfKeysBody> = { keys }
  return ok(json(body))
}
