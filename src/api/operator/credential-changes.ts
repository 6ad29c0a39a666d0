/** One credential: read, renamed, given a new secret. */
import type { SessionError } from '../../domain/errors.ts'
import { NO_STORE } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import {
  findCredentialOfStore,
  type RotationFault,
  renameCredential,
  rotateCredential,
} from '../../store/credential-changes.ts'
import type { Credential } from '../../store/credentials.ts'
import { parseJson } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { type OperatorContext, requirePowersOf } from './caller.ts'
import {
  anotherSecret,
  type CredentialPath,
  credentialBody,
  credentialEntry,
  endConsoleSessions,
} from './credentials.ts'
import { requireStoreOrOperators } from './identity-stores.ts'
import { CredentialPatch, RotationInput } from './schemas.ts'

/** `GET …/credentials/{credential_id}` */
export async function getCredential(
  _request: Request,
  parameters: CredentialPath,
  context: OperatorContext,
): HandlerResult {
  const credential = await requireCredential(parameters, context)
  return credential.ok ? ok(json(credentialBody(credential.value))) : credential
}

/** `PATCH …/credentials/{credential_id}` */
export async function patchCredential(
  request: Request,
  parameters: CredentialPath,
  context: OperatorContext,
): HandlerResult {
  const input = await parseJson(request, CredentialPatch)
  if (!input.ok) return input
  const credential = await requireCredential(parameters, context)
  if (!credential.ok) return credential
  const { credentialId } = credential.value
  const entry = credentialEntry(context, credential.value, 'credential.renamed')
  const renamed = await renameCredential(context.services.db, credentialId, input.value.name, entry)
  if (!renamed.ok) return renamed
  return renamed.value === null ? fail({ code: 'credential_not_found' }) : ok(json(credentialBody(renamed.value)))
}

/** `POST …/credentials/{credential_id}/rotate` */
export async function rotate(request: Request, parameters: CredentialPath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, RotationInput)
  if (!input.ok) return input
  const { overlap_seconds: seconds } = input.value
  const credential = await requireCredential(parameters, context)
  if (!credential.ok) return credential
  const within = requirePowersOf(context.caller, credential.value)
  if (!within.ok) return within
  const { credentialId } = credential.value
  // Whoever has an old secret that is to end now may have such a session too; also one that is opened at this moment.
  const endThose = async () => (seconds === 0 ? endConsoleSessions(credential.value, context) : ok())
  const ended = await endThose()
  if (!ended.ok) return ended
  const { kept, shown } = await anotherSecret(credential.value, context)
  const oldUntil = seconds === 0 ? null : context.now + seconds * 1000
  const entry = credentialEntry(context, credential.value, 'credential.rotated')
  const rotated = await rotateCredential(context.services.db, credentialId, kept, oldUntil, entry)
  await endThose()
  if (rotated.ok) return ok(json({ ...credentialBody(rotated.value), ...shown }))
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
async function requireCredential(
  { identity_store_id: identityStoreId = NO_STORE, credential_id: credentialId }: CredentialPath,
  context: OperatorContext,
): Promise<Result<Credential, SessionError>> {
  const store = await requireStoreOrOperators(context, identityStoreId)
  if (!store.ok) return store
  const found = await findCredentialOfStore(context.services.db, identityStoreId, credentialId)
  if (!found.ok) return found
  return found.value === null ? fail({ code: 'credential_not_found' }) : ok(found.value)
}
