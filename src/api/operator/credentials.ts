/** Credentials: what callers prove themselves with. A secret is shown once, in the answer that makes it. */
import type { z } from 'zod'
import { hashSecret, newAccessKey, newApiClient, newBearer } from '../../auth/credentials.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, type Result } from '../../domain/result.ts'
import { newRecordId } from '../../store/audit-events.ts'
import {
  type Credential,
  insertCredential,
  listCredentials,
  OPERATOR_STORE,
  revokeCredential,
} from '../../store/credentials.ts'
import type { CredentialKind } from '../../store/schema.ts'
import { auditEntry } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseJson, parseQuery } from '../parse.ts'
import { requireStore } from './identity-stores.ts'
import { answer, answerNothing, instant, type Operation, type Outcome, page } from './operation.ts'
import { type CredentialBody, CredentialInput, OperatorCredentialInput, PageQuery } from './schemas.ts'

/** `POST …/credentials` of an identity store. */
export async function createStoreCredential({ request, context, caller, identityStoreId }: Operation): Outcome {
  const input = await parseJson(request, CredentialInput)
  if (!input.ok) return input
  const expiresAt = futureInstant(input.value.expires_at, context.now)
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
  const entry = credentialEntry(context, `credential:${caller.credentialId}`, credential, 'credential.created')
  const written = await insertCredential(context.services.db, credential, 'store_and_owner', entry)
  if (!written.ok) return written
  if (written.value) return answer({ ...credentialBody(credential), ...shown }, 201)
  const store = await requireStore(context, identityStoreId)
  return store.ok ? fail({ code: 'user_not_found' }) : store
}

/** `POST /credentials`: another operator. */
export async function createOperatorCredential({ request, context, caller }: Operation): Outcome {
  const input = await parseJson(request, OperatorCredentialInput)
  if (!input.ok) return input
  const expiresAt = futureInstant(input.value.expires_at, context.now)
  if (!expiresAt.ok) return expiresAt
  const { name, address_allow_list: addressAllowList } = input.value
  const { credential, shown } = await newCredential(
    { ...OPERATOR, name, addressAllowList, expiresAt: expiresAt.value },
    context,
  )
  const entry = credentialEntry(context, `credential:${caller.credentialId}`, credential, 'credential.created')
  const written = await insertCredential(context.services.db, credential, 'none', entry)
  return written.ok ? answer({ ...credentialBody(credential), ...shown }, 201) : written
}

/** `GET …/credentials` of an identity store. */
export async function listStoreCredentials(operation: Operation): Outcome {
  const store = await requireStore(operation.context, operation.identityStoreId)
  return store.ok ? list(operation, operation.identityStoreId) : store
}

/** `GET /credentials`: the operators'. */
export function listOperatorCredentials(operation: Operation): Outcome {
  return list(operation, OPERATOR_STORE)
}

/** `DELETE …/credentials/{credential_id}` of an identity store. */
export async function revokeStoreCredential(operation: Operation): Outcome {
  const store = await requireStore(operation.context, operation.identityStoreId)
  return store.ok ? revoke(operation, operation.identityStoreId) : store
}

/** `DELETE /credentials/{credential_id}`: an operator's. */
export function revokeOperatorCredential(operation: Operation): Outcome {
  return revoke(operation, OPERATOR_STORE)
}

async function list({ request, context }: Operation, identityStoreId: string): Outcome {
  const query = parseQuery(request, PageQuery)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  const credentials = await listCredentials(context.services.db, identityStoreId, cursor ?? null, limit + 1)
  if (!credentials.ok) return credentials
  const { rows, nextCursor } = page(credentials.value, limit, (credential) => credential.credentialId)
  return answer({ credentials: rows.map(credentialBody), next_cursor: nextCursor })
}

async function revoke({ context, caller, credentialId }: Operation, identityStoreId: string): Outcome {
  const entry = credentialEntry(
    context,
    `credential:${caller.credentialId}`,
    { identityStoreId, credentialId },
    'credential.revoked',
  )
  const revoked = await revokeCredential(context.services.db, identityStoreId, credentialId, entry)
  if (revoked.ok) return answerNothing()
  const { error } = revoked
  if (error.code !== 'last_operator_credential') return fail(error)
  return fail({ code: 'conflict', detail: "It is the last operator's credential that works. Make another one first." })
}

type Wanted = Pick<
  Credential,
  'identityStoreId' | 'kind' | 'name' | 'ownerUserId' | 'scopes' | 'addressAllowList' | 'expiresAt'
>

/** What every operator's credential has. */
export const OPERATOR = {
  identityStoreId: OPERATOR_STORE,
  kind: 'bearer',
  ownerUserId: null,
  scopes: ['operator'],
} as const

/** A credential with a new secret, and the secret as it is shown once. */
export async function newCredential(wanted: Wanted, context: RequestContext) {
  const credentialId = newRecordId(context.now)
  const { publicId, secret, shown } = newSecret(wanted.kind)
  const credential: Credential = {
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

/** The audit entry for what is done to a credential. */
export function credentialEntry(
  context: RequestContext,
  actor: string,
  { identityStoreId, credentialId }: Pick<Credential, 'identityStoreId' | 'credentialId'>,
  action: string,
) {
  return auditEntry(context, actor, identityStoreId, action, `credential:${credentialId}`)
}

function futureInstant(text: string | null, now: number): Result<number | null, SessionError> {
  const at = text === null ? null : Date.parse(text)
  if (at === null || at > now) return { ok: true, value: at }
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
    scopes: [...credential.scopes],
    address_allow_list: credential.addressAllowList === null ? null : [...credential.addressAllowList],
    created_at: instant(credential.createdAt),
    expires_at: expiresAt === null ? null : instant(expiresAt),
    revoked_at: revokedAt === null ? null : instant(revokedAt),
    last_used_at: lastUsedAt === null ? null : instant(lastUsedAt),
    old_secret_valid_until: oldUntil === 0 ? null : instant(oldUntil),
  }
}
