/** Identity stores, as operators keep them. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { AuditEntry } from '../../store/audit-events.ts'
import {
  deleteIdentityStore,
  findIdentityStore,
  type IdentityStore,
  listIdentityStores,
  putIdentityStore,
  updateIdentityStore,
} from '../../store/identity-stores.ts'
import { auditEntry } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { answer, answerNothing, instant, type Operation, type Outcome, page } from './operation.ts'
import { type IdentityStoreBody, IdentityStoreInput, IdentityStorePatch, PageQuery } from './schemas.ts'

/** `GET /identity-stores` */
export async function listStores({ request, context }: Operation): Outcome {
  const query = parseQuery(request, PageQuery)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  const stores = await listIdentityStores(context.services.db, cursor ?? null, limit + 1)
  if (!stores.ok) return stores
  const { rows, nextCursor } = page(stores.value, limit, (store) => store.identityStoreId)
  return answer({ identity_stores: rows.map(storeBody), next_cursor: nextCursor })
}

/** `PUT /identity-stores/{identity_store_id}` */
export async function putStore(operation: Operation): Outcome {
  const { request, context } = operation
  const input = await parseJson(request, IdentityStoreInput)
  if (!input.ok) return input
  const { name, default_login_mode: defaultLoginMode, state, update_profile_to_bs_db_sso: sso } = input.value
  const put = await putIdentityStore(
    context.services.db,
    { name, defaultLoginMode, state, updateProfileToBsDbSso: sso },
    storeEntry(operation, 'identity_store.put'),
  )
  if (put.ok) return answer(storeBody(put.value.store), put.value.created ? 201 : 200)
  if (put.error.code === 'unavailable') return fail(put.error)
  return fail({ code: 'conflict', detail: 'identity_store_id: it belonged to an identity store that was deleted.' })
}

/** `GET /identity-stores/{identity_store_id}` */
export async function getStore({ context, identityStoreId }: Operation): Outcome {
  const store = await requireStore(context, identityStoreId)
  return store.ok ? answer(storeBody(store.value)) : store
}

/** `PATCH /identity-stores/{identity_store_id}` */
export async function patchStore(operation: Operation): Outcome {
  const { request, context } = operation
  const input = await parseJson(request, IdentityStorePatch)
  if (!input.ok) return input
  const { name, default_login_mode: defaultLoginMode, state, update_profile_to_bs_db_sso: sso } = input.value
  const updated = await updateIdentityStore(
    context.services.db,
    { name, defaultLoginMode, state, updateProfileToBsDbSso: sso },
    storeEntry(operation, 'identity_store.updated'),
  )
  if (!updated.ok) return updated
  return updated.value === null ? fail({ code: 'identity_store_not_found' }) : answer(storeBody(updated.value))
}

/** `DELETE /identity-stores/{identity_store_id}` */
export async function deleteStore(operation: Operation): Outcome {
  const deleted = await deleteIdentityStore(
    operation.context.services.db,
    storeEntry(operation, 'identity_store.deleted'),
  )
  if (deleted.ok) return answerNothing()
  const { error } = deleted
  return error.code === 'has_users' ? fail({ code: 'conflict', detail: 'It still has users.' }) : fail(error)
}

/** A store that is there. Errors: `identity_store_not_found`, `unavailable`. */
export async function requireStore(
  { services }: RequestContext,
  identityStoreId: string,
): Promise<Result<IdentityStore, SessionError>> {
  const store = await findIdentityStore(services.db, identityStoreId)
  if (!store.ok) return store
  return store.value === null ? fail({ code: 'identity_store_not_found' }) : ok(store.value)
}

/** The audit entry of what an operator does to a store itself. */
export function storeEntry({ context, caller, identityStoreId }: Operation, action: string): AuditEntry {
  const actor = `credential:${caller.credentialId}`
  return auditEntry(context, actor, identityStoreId, action, `identity_store:${identityStoreId}`)
}

function storeBody(store: IdentityStore): z.infer<typeof IdentityStoreBody> {
  return {
    identity_store_id: store.identityStoreId,
    name: store.name,
    default_login_mode: store.defaultLoginMode,
    state: store.state,
    update_profile_to_bs_db_sso: store.updateProfileToBsDbSso,
    created_at: instant(store.createdAt),
    updated_at: instant(store.updatedAt),
  }
}
