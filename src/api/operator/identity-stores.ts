/** Identity stores, as operators keep them. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { NO_STORE } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { MAX_COUNTED_USERS } from '../../limits.ts'
import type { AuditEntry } from '../../store/audit-events.ts'
import {
  deleteIdentityStore,
  findIdentityStore,
  type IdentityStore,
  listIdentityStores,
  missingIdentityStores,
  putIdentityStore,
  updateIdentityStore,
} from '../../store/identity-stores.ts'
import { readStoreCounts, type StoreCounts } from '../../store/store-counts.ts'
import { auditEntry } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { type IdentityStoreListBody, StoreQuery } from './overview-schemas.ts'
import { readPage } from './pages.ts'
import { type IdentityStoreBody, IdentityStoreInput, IdentityStorePatch } from './schemas.ts'

export interface StorePath {
  readonly identity_store_id: string
}

/** `GET /identity-stores` */
export async function listStores(request: Request, _parameters: object, context: OperatorContext): HandlerResult {
  const { db } = context.services
  const { limitedStoreIds } = context.caller
  const query = parseQuery(request, StoreQuery)
  if (!query.ok) return query
  const read = (cursor: string | null, limit: number) => listIdentityStores(db, limitedStoreIds, cursor, limit)
  const page = await readPage(request, read, ({ identityStoreId }) => identityStoreId, StoreQuery)
  if (!page.ok) return page
  const { rows, nextCursor } = page.value
  const counted = query.value.counts
    ? await readStoreCounts(
        db,
        rows.map(({ identityStoreId: id }) => id),
      )
    : ok([])
  if (!counted.ok) return counted
  const counts = new Map(counted.value.map((one) => [one.identityStoreId, countsBody(one)]))
  const body: z.infer<typeof IdentityStoreListBody> = {
    identity_stores: rows.map((row) => ({ ...storeBody(row), ...counts.get(row.identityStoreId) })),
    next_cursor: nextCursor,
  }
  return ok(json(body))
}

/** `PUT /identity-stores/{identity_store_id}` */
export async function putStore(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, IdentityStoreInput)
  if (!input.ok) return input
  const { name, default_login_mode: defaultLoginMode, state, update_profile_to_bs_db_sso: sso } = input.value
  const put = await putIdentityStore(
    context.services.db,
    { name, defaultLoginMode, state, updateProfileToBsDbSso: sso },
    storeEntry(context, identityStoreId, 'identity_store.put'),
  )
  if (put.ok) return ok(json(storeBody(put.value.store), put.value.created ? 201 : 200))
  if (put.error.code === 'unavailable') return fail(put.error)
  return fail({ code: 'conflict', detail: 'identity_store_id: it belonged to an identity store that was deleted.' })
}

/** `GET /identity-stores/{identity_store_id}` */
export async function getStore(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const store = await requireStore(context, identityStoreId)
  return store.ok ? ok(json(storeBody(store.value))) : store
}

/** `PATCH /identity-stores/{identity_store_id}` */
export async function patchStore(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, IdentityStorePatch)
  if (!input.ok) return input
  const { name, default_login_mode: defaultLoginMode, state, update_profile_to_bs_db_sso: sso } = input.value
  const updated = await updateIdentityStore(
    context.services.db,
    { name, defaultLoginMode, state, updateProfileToBsDbSso: sso },
    storeEntry(context, identityStoreId, 'identity_store.updated'),
  )
  if (!updated.ok) return updated
  return updated.value === null ? fail({ code: 'identity_store_not_found' }) : ok(json(storeBody(updated.value)))
}

/** `DELETE /identity-stores/{identity_store_id}` */
export async function deleteStore(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const deleted = await deleteIdentityStore(
    context.services.db,
    storeEntry(context, identityStoreId, 'identity_store.deleted'),
  )
  if (deleted.ok) return ok(empty())
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

/** Whether all are there. Errors: `identity_store_not_found`, which names those that are not; `unavailable`. */
export async function requireStores(
  { services }: RequestContext,
  identityStoreIds: readonly string[],
): Promise<Result<void, SessionError>> {
  const missing = identityStoreIds.length === 0 ? ok([]) : await missingIdentityStores(services.db, identityStoreIds)
  if (!missing.ok) return missing
  return missing.value.length === 0 ? ok() : fail({ code: 'identity_store_not_found', identityStoreIds: missing.value })
}

/** A store that is there; the operators' own credentials are in no store. */
export async function requireStoreOrOperators(
  context: RequestContext,
  identityStoreId: string,
): Promise<Result<unknown, SessionError>> {
  return identityStoreId === NO_STORE ? ok() : requireStore(context, identityStoreId)
}

/** The audit entry of what an operator does to a store itself. */
export function storeEntry(context: OperatorContext, identityStoreId: string, action: string): AuditEntry {
  return auditEntry(context, identityStoreId, action, `identity_store:${identityStoreId}`)
}

function countsBody({ users, liveSessions }: StoreCounts) {
  return {
    users: { count: Math.min(users, MAX_COUNTED_USERS), exact: users <= MAX_COUNTED_USERS },
    live_sessions: liveSessions ?? 0,
  }
}

function storeBody(store: IdentityStore): z.infer<typeof IdentityStoreBody> {
  return {
    identity_store_id: store.identityStoreId,
    name: store.name,
    default_login_mode: store.defaultLoginMode,
    state: store.state,
    update_profile_to_bs_db_sso: store.updateProfileToBsDbSso,
    created_at: timestamp(store.createdAt),
    updated_at: timestamp(store.updatedAt),
  }
}
