/** One credential: read, renamed, given a new secret. */
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import {
  findCredentialOfStore,
  type RotationFault,
  renameCredential,
  rotateCredential,
} from '../../store/credential-changes.ts'
import { type Credential, OPERATOR_STORE } from '../../store/credentials.ts'
import { parseJson } from '../parse.ts'
import { anotherSecret, credentialBody, credentialEntry } from './credentials.ts'
import { requireStore } from './identity-stores.ts'
import { answer, type Operation, type Outcome } from './operation.ts'
import { CredentialPatch, RotationInput } from './schemas.ts'

/** `GET …/credentials/{credential_id}` */
export async function getCredential(operation: Operation): Outcome {
  const credential = await requireCredential(operation)
  return credential.ok ? answer(credentialBody(credential.value)) : credential
}

/** `PATCH …/credentials/{credential_id}` */
export async function patchCredential(operation: Operation): Outcome {
  const input = await parseJson(operation.request, CredentialPatch)
  if (!input.ok) return input
  const credential = await requireCredential(operation)
  if (!credential.ok) return credential
  const entry = changeEntry(operation, credential.value, 'credential.renamed')
  const { db } = operation.context.services
  const renamed = await renameCredential(db, operation.credentialId, input.value.name, entry)
  if (!renamed.ok) return renamed
  return renamed.value === null ? fail({ code: 'credential_not_found' }) : answer(credentialBody(renamed.value))
}

/** `POST …/credentials/{credential_id}/rotate` */
export async function rotate(operation: Operation): Outcome {
  const { context } = operation
  const input = await parseJson(operation.request, RotationInput)
  if (!input.ok) return input
  const credential = await requireCredential(operation)
  if (!credential.ok) return credential
  const { kept, shown } = await anotherSecret(credential.value, context)
  const seconds = input.value.overlap_seconds
  const oldUntil = seconds === 0 ? null : context.now + seconds * 1000
  const entry = changeEntry(operation, credential.value, 'credential.rotated')
  const rotated = await rotateCredential(context.services.db, operation.credentialId, kept, oldUntil, entry)
  if (rotated.ok) return answer({ ...credentialBody(rotated.value), ...shown })
  return fail(rotated.error.code === 'unavailable' ? rotated.error : refusal(rotated.error))
}

function refusal({ code }: RotationFault): SessionError {
  switch (code) {
    case 'credential_not_found':
      return { code }
    case 'not_rotatable':
      return { code: 'conflict', detail: 'It must be neither revoked nor expired nor a temporary access key.' }
    case 'too_many_secrets':
      return { code: 'conflict', detail: 'Too many of its secrets are good. `overlap_seconds` 0 ends the old ones.' }
  }
}

/** The credential of the path: of a store that is there, or an operator's. */
async function requireCredential(operation: Operation): Promise<Result<Credential, SessionError>> {
  const { context, credentialId } = operation
  const identityStoreId = storeOf(operation)
  const store = identityStoreId === OPERATOR_STORE ? ok() : await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const found = await findCredentialOfStore(context.services.db, identityStoreId, credentialId)
  if (!found.ok) return found
  return found.value === null ? fail({ code: 'credential_not_found' }) : ok(found.value)
}

function storeOf({ identityStoreId }: Operation): string {
  return identityStoreId === '' ? OPERATOR_STORE : identityStoreId
}

function changeEntry({ context, caller }: Operation, credential: Credential, action: string) {
  return credentialEntry(context, `credential:${caller.credentialId}`, credential, action)
}
