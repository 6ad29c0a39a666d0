/** Credentials: what callers prove themselves with. A secret is shown once, in the answer that makes it. */
import type { z } from 'zod'
import { hashSecret, newAccessKey, newApiClient, newBearer, secretFits } from '../../auth/credentials.ts'
import { bearerToken } from '../../auth/session-carriers.ts'
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
import type { RequestContext } from '../context.ts'
import { parseJson, parseQuery } from '../parse.ts'
import type { Handler } from '../route.ts'
import { renderError } from './errors.ts'
import { requireStore } from './identity-stores.ts'
import { answer, answerNothing, auditEntry, instant, type Operation, type Outcome, page } from './operation.ts'
import { BootstrapInput, type CredentialBody, CredentialInput, OperatorCredentialInput, PageQuery } from './schemas.ts'

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

/** `POST /bootstrap`: the first operator, by the secret that the service was deployed with. */
export const bootstrap: Handler = async (request, _parameters, context) => {
  const outcome = await makeFirstOperator(request, context)
  return outcome.ok ? outcome.value : renderError(outcome.error, context)
}

async function makeFirstOperator(request: Request, context: RequestContext): Outcome {
  const { settings, db } = context.services
  const secret = bearerToken(request)?.token ?? ''
  if (!secretFits(secret, hashSecret(settings.operatorBootstrapSecret))) return fail({ code: 'unauthenticated' })
  const input = await parseJson(request, BootstrapInput)
  if (!input.ok) return input
  const { credential, shown } = await newCredential(
    { ...OPERATOR, name: input.value.name, addressAllowList: null, expiresAt: null },
    context,
  )
  const entry = credentialEntry(context, 'bootstrap', credential, 'credential.created')
  const written = await insertCredential(db, credential, 'first_operator', entry)
  if (!written.ok) return written
  if (written.value) return answer({ ...credentialBody(credential), ...shown }, 201)
  return fail({ code: 'conflict', detail: 'There is an operator already.' })
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

const OPERATOR = { identityStoreId: OPERATOR_STORE, kind: 'bearer', ownerUserId: null, scopes: ['operator'] } as const

/** A credential with a new secret, and the secret as it is shown once. */
export async function newCredential(wanted: Wanted, { services, now }: RequestContext) {
  const credentialId = newRecordId(now)
  const { publicId, secret, shown } = newSecret(wanted.kind)
  const sealed = wanted.kind === 'access_key'
  const credential: Credential = {
    ...wanted,
    credentialId,
    publicId,
    secretHash: sealed ? null : hashSecret(secret),
    sealedSecret: sealed
      ? await services.sealing.seal('access_key', wanted.identityStoreId, credentialId, secret)
      : null,
    sessionTokenHash: null,
    parentCredentialId: null,
    delegatedStoreIds: [],
    createdAt: now,
    revokedAt: null,
  }
  return { credential, shown }
}

function newSecret(kind: CredentialKind) {
  switch (kind) {
    case 'bearer': {
      const { publicId, secret, token } = newBearer()
      return { publicId, secret, shown: { token } }
    }
    case 'api_client': {
      const { publicId, secret } = newApiClient()
      return { publicId, secret, shown: { client_id: publicId, client_secret: secret } }
    }
    case 'access_key': {
      const { publicId, secret } = newAccessKey()
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
  const { expiresAt, revokedAt } = credential
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
  }
}
