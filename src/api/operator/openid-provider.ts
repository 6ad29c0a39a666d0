/** The OpenID provider of an identity store. Its client secret is sealed, and never shown again. */
import type { z } from 'zod'
import { fail, ok } from '../../domain/result.ts'
import {
  deleteOpenIdProvider,
  findOpenIdProvider,
  type OpenIdProvider,
  putOpenIdProvider,
} from '../../store/openid-providers.ts'
import { parseJson } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath, storeEntry } from './identity-stores.ts'
import { type OpenIdProviderBody, OpenIdProviderInput } from './schemas.ts'

/** `PUT …/openid-provider` */
export async function putProvider(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const { db, sealing } = context.services
  const input = await parseJson(request, OpenIdProviderInput)
  if (!input.ok) return input
  const { issuer, client_id: clientId, client_secret: secret, redirect_uri: redirectUri } = input.value
  const sealedClientSecret = await sealing.seal('openid_client_secret', identityStoreId, identityStoreId, secret)
  const fields = { issuer, clientId, sealedClientSecret, redirectUri }
  const put = await putOpenIdProvider(db, fields, storeEntry(context, identityStoreId, 'openid_provider.put'))
  if (put.ok) return put.value === null ? fail({ code: 'identity_store_not_found' }) : ok(json(providerBody(put.value)))
  if (put.error.code === 'unavailable') return fail(put.error)
  return fail({ code: 'conflict', detail: "redirect_uri: another identity store's provider has it." })
}

/** `GET …/openid-provider` */
export async function getProvider(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const provider = await findOpenIdProvider(context.services.db, identityStoreId)
  if (!provider.ok) return provider
  return provider.value === null ? fail({ code: 'openid_provider_not_found' }) : ok(json(providerBody(provider.value)))
}

/** `DELETE …/openid-provider` */
export async function deleteProvider(
  _request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const deleted = await deleteOpenIdProvider(
    context.services.db,
    storeEntry(context, identityStoreId, 'openid_provider.deleted'),
  )
  if (!deleted.ok) return deleted
  return deleted.value ? ok(empty()) : fail({ code: 'openid_provider_not_found' })
}

function providerBody(provider: OpenIdProvider): z.infer<typeof OpenIdProviderBody> {
  return {
    issuer: provider.issuer,
    client_id: provider.clientId,
    redirect_uri: provider.redirectUri,
    created_at: timestamp(provider.createdAt),
    updated_at: timestamp(provider.updatedAt),
  }
}
