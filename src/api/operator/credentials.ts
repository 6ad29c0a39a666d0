/** Credentials: what callers prove themselves with. A secret is shown once, in the answer that makes it. */
import type { z } from 'zod'
import { hashSecret, newAccessKey, newApiClient, newBearer } from '../../auth/credentials.ts'
import { operatorScopes, type Scope } from '../../auth/scopes.ts'
import type { SessionError } from '../../domain/errors.ts'
import { NO_STORE } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { wakeEndpointsOf } from '../../events/wake.ts'
import { newRecordId } from '../../store/audit-events.ts'
import { type Credential, insertCredential, listCredentials, revokeCredential } from '../../store/credentials.ts'
import type { CredentialKind } from '../../store/schema.ts'
import { auditEntry } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseJson } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type OperatorContext, requirePowersOf } from './caller.ts'
import { requireStore, requireStoreOrOperators, requireStores } from './identity-stores.ts'
import { readPage } from './pages.ts'
import { type CredentialBody, CredentialInput, OperatorCredentialInput } from './schemas.ts'

/** Whose credentials: an identity store's, else the operators'. */
export interface OwnerPath {
  readonly identity_store_id?: string
}

export interface CredentialPath extends OwnerPath {
  readonly credential_id: string
}

/** `POST …/credentials` of an identity store. */
export async function createStoreCredential(
  request: Request,
  { identity_store_id: identityStoreId }: { readonly identity_store_id: string },
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, CredentialInput)
  if (!input.ok) return input
  const expiresAt = futureTime(input.value.expires_at, context.now)
  if (!expiresAt.ok) return expiresAt
  const { credential, shown } = await newCredential(
    {
      identityStoreId,
      kind: input.value.kind,
      name: input.value.name,
      ownerUserId: input.value.owner_user_id,
      scopes: [...new Set(input.value.scopes)],
      addressAllowList: input.value.address_allow_list,
      expiresAt: expiresAt.value,
    },
    context,
  )
  const entry = credentialEntry(context, credential, 'credential.created')
  const written = await insertCredential(context.services.db, credential, 'store_and_owner', entry)
  if (!written.ok) return written
  if (written.value) {
    wakeEndpointsOf(context.services.db, context.services.endpoints, identityStoreId)
    return ok(json({ ...credentialBody(credential), ...shown }, 201))
  }
  const store = await requireStore(context, identityStoreId)
  return store.ok ? fail({ code: 'user_not_found' }) : store
}

/** `POST /credentials`: another operator. */
export async function createOperatorCredential(
  request: Request,
  _parameters: object,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, OperatorCredentialInput)
  if (!input.ok) return input
  const expiresAt = futureTime(input.value.expires_at, context.now)
  if (!expiresAt.ok) return expiresAt
  const { name, scopes, limited_store_ids: limitedStoreIds, address_allow_list: addressAllowList } = input.value
  const within = requirePowersOf(context.caller, { identityStoreId: NO_STORE, scopes, delegatedStoreIds: [] })
  if (!within.ok) return within
  const stores = await requireStores(context, limitedStoreIds ?? [])
  if (!stores.ok) return stores
  const wanted = {
    ...OPERATOR,
    name,
    // A limited operator's scopes are spelled out, without `operator`: an older version knows no limit, and lets in
    // `operator` alone.
    scopes: limitedStoreIds === null ? [...new Set(scopes)] : operatorScopes(scopes),
    limitedStoreIds,
    addressAllowList,
  }
  const { credential, shown } = await newCredential({ ...wanted, expiresAt: expiresAt.value }, context)
  const entry = credentialEntry(context, credential, 'credential.created')
  const written = await insertCredential(context.services.db, credential, 'none', entry)
  return written.ok ? ok(json({ ...credentialBody(credential), ...shown }, 201)) : written
}

/** `GET …/credentials` */
export async function listAll(
  request: Request,
  { identity_store_id: identityStoreId = NO_STORE }: OwnerPath,
  context: OperatorContext,
): HandlerResult {
  const store = await requireStoreOrOperators(context, identityStoreId)
  if (!store.ok) return store
  const read = (cursor: string | null, limit: number) =>
    listCredentials(context.services.db, identityStoreId, cursor, limit)
  const page = await readPage(request, read, ({ credentialId }) => credentialId)
  if (!page.ok) return page
  return ok(json({ credentials: page.value.rows.map(credentialBody), next_cursor: page.value.nextCursor }))
}

/** `DELETE …/credentials/{credential_id}` */
export async function revoke(
  _request: Request,
  { identity_store_id: identityStoreId = NO_STORE, credential_id: credentialId }: CredentialPath,
  context: OperatorContext,
): HandlerResult {
  const store = await requireStoreOrOperators(context, identityStoreId)
  if (!store.ok) return store
  const entry = credentialEntry(context, { identityStoreId, credentialId }, 'credential.revoked')
  const revoked = await revokeCredential(context.services.db, identityStoreId, credentialId, entry)
  if (revoked.ok) {
    wakeEndpointsOf(context.services.db, context.services.endpoints, identityStoreId)
    // Said again after a failure, it ends them then.
    const ended = await endConsoleSessions({ identityStoreId, credentialId }, context)
    return ended.ok ? ok(empty()) : ended
  }
  const { error } = revoked
  if (error.code !== 'last_operator_credential') return fail(error)
  return fail({ code: 'conflict', detail: "It is the last operator's credential that works. Make another one first." })
}

type Wanted = Pick<
  Credential,
  'identityStoreId' | 'kind' | 'name' | 'ownerUserId' | 'scopes' | 'addressAllowList' | 'expiresAt'
> &
  Partial<Pick<Credential, 'limitedStoreIds'>>

/** What every operator's credential has. */
export const OPERATOR = {
  identityStoreId: NO_STORE,
  kind: 'bearer',
  ownerUserId: null,
  scopes: ['operator'],
} as const

/** A credential with a new secret, and the secret as it is shown once. */
export async function newCredential(wanted: Wanted, context: RequestContext) {
  const credentialId = newRecordId(context.now)
  const { publicId, secret, shown } = newSecret(wanted.kind)
  const credential: Credential = {
    limitedStoreIds: null,
    ...wanted,
    credentialId,
    publicId,
    ...(await keptSecret({ ...wanted, credentialId }, secret, context)),
    previousSecrets: [],
    sessionTokenHash: null,
    parentCredentialId: null,
    delegatedStoreIds: [],
    createdAt: context.now,
    revokedAt: null,
    lastUsedAt: null,
  }
  return { credential, shown }
}

/** Another secret for a credential, as it is kept, and as it is shown once. */
export async function anotherSecret(credential: Credential, context: RequestContext) {
  const { secret, shown } = newSecret(credential.kind, credential.publicId)
  return { kept: await keptSecret(credential, secret, context), shown }
}

/** What is kept of a secret: it sealed, where requests are signed with it, else its hash. */
async function keptSecret(
  { kind, identityStoreId, credentialId }: Pick<Credential, 'kind' | 'identityStoreId' | 'credentialId'>,
  secret: string,
  { services }: RequestContext,
): Promise<Pick<Credential, 'secretHash' | 'sealedSecret'>> {
  if (kind !== 'access_key') return { secretHash: hashSecret(secret), sealedSecret: null }
  const sealedSecret = await services.sealing.seal('access_key', identityStoreId, credentialId, secret)
  return { secretHash: null, sealedSecret }
}

/** A secret of a kind, and the parts of the credential that are shown. `known`: the public part stays as it is. */
function newSecret(kind: CredentialKind, known?: string) {
  switch (kind) {
    case 'bearer': {
      const { publicId, secret, token } = newBearer(known)
      return { publicId, secret, shown: { token } }
    }
    case 'api_client': {
      const { publicId, secret } = newApiClient(known)
      return { publicId, secret, shown: { client_id: publicId, client_secret: secret } }
    }
    case 'access_key': {
      const { publicId, secret } = newAccessKey(known)
      return { publicId, secret, shown: { access_key: publicId, secret_key: secret } }
    }
  }
}

/** Ends the console sessions of an operator's credential; others have none. Errors: `unavailable`. */
export async function endConsoleSessions(
  { identityStoreId, credentialId }: Pick<Credential, 'identityStoreId' | 'credentialId'>,
  context: OperatorContext,
): Promise<Result<unknown, SessionError>> {
  if (identityStoreId !== NO_STORE) return ok()
  const by = { caller: context.actor, requestId: context.requestId }
  return context.services.consoleSessions.endAll(credentialId, by)
}

/** The audit entry for what is done to a credential. */
export function credentialEntry(
  context: Pick<OperatorContext, 'now' | 'requestId' | 'actor'>,
  { identityStoreId, credentialId }: Pick<Credential, 'identityStoreId' | 'credentialId'>,
  action: string,
) {
  return auditEntry(context, identityStoreId, action, `credential:${credentialId}`)
}

function futureTime(text: string | null, now: number): Result<number | null, SessionError> {
  const at = text === null ? null : Date.parse(text)
  if (at === null || at > now) return ok(at)
  return fail({
    code: 'invalid_request',
    issues: [{ field: 'expires_at', code: 'invalid', message: 'Must be in the future.' }],
  })
}

/** A credential as operators see it. */
export function credentialBody(credential: Credential): z.infer<typeof CredentialBody> {
  const { expiresAt, revokedAt, lastUsedAt } = credential
  const oldUntil = Math.max(0, ...credential.previousSecrets.map((secret) => secret.valid_until))
  return {
    credential_id: credential.credentialId,
    kind: credential.kind,
    name: credential.name,
    public_id: credential.publicId,
    owner_user_id: credential.ownerUserId,
    parent_credential_id: credential.parentCredentialId,
    delegated_store_ids: [...credential.delegatedStoreIds],
    limited_store_ids: credential.limitedStoreIds === null ? null : [...credential.limitedStoreIds],
    scopes: credential.scopes as Scope[],
    address_allow_list: credential.addressAllowList === null ? null : [...credential.addressAllowList],
    created_at: timestamp(credential.createdAt),
    expires_at: expiresAt === null ? null : timestamp(expiresAt),
    revoked_at: revokedAt === null ? null : timestamp(revokedAt),
    last_used_at: lastUsedAt === null ? null : timestamp(lastUsedAt),
    old_secret_valid_until: oldUntil === 0 ? null : timestamp(oldUntil),
  }
}
