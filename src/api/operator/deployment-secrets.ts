/** Operators' credentials that secrets of the deployment make: the first one, and one after all were lost. */
import { hashSecret, secretFits } from '../../auth/credentials.ts'
import { bearerToken } from '../../auth/session-carriers.ts'
import { fail, ok } from '../../domain/result.ts'
import { insertOperatorBySecret } from '../../store/credentials.ts'
import type { RequestContext } from '../context.ts'
import { parseJson } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { credentialBody, credentialEntry, newCredential, OPERATOR } from './credentials.ts'
import { OperatorBySecretInput } from './schemas.ts'

/** `POST /bootstrap`: the first operator, by the secret that the service was deployed with. */
export function bootstrap(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  return makeOperator('bootstrap', request, context)
}

/** `POST /recovery`: another operator, by a secret that was set for this. Each makes one. */
export function recovery(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  return makeOperator('recovery', request, context)
}

async function makeOperator(way: 'bootstrap' | 'recovery', request: Request, context: RequestContext): HandlerResult {
  const { settings, db } = context.services
  const secret = way === 'bootstrap' ? settings.operatorBootstrapSecret : settings.operatorRecoverySecret
  const secretHash = hashSecret(secret ?? '')
  if (secret === null || !secretFits(bearerToken(request) ?? '', secretHash)) {
    return fail({ code: 'unauthenticated' })
  }
  const input = await parseJson(request, OperatorBySecretInput)
  if (!input.ok) return input
  const wanted = { ...OPERATOR, name: input.value.name, addressAllowList: null, expiresAt: null }
  const { credential, shown } = await newCredential(wanted, context)
  const entry = credentialEntry({ ...context, actor: way }, credential, 'credential.created')
  const which = way === 'bootstrap' ? 'first' : 'another'
  const written = await insertOperatorBySecret(db, credential, secretHash, which, entry)
  if (!written.ok) return written
  if (written.value) return ok(json({ ...credentialBody(credential), ...shown }, 201))
  return fail({ code: 'conflict', detail: REFUSALS[way] })
}

const REFUSALS = {
  bootstrap: 'There is, or was, an operator already. For a lost token see docs/operating.md, "A lost operator token".',
  recovery: 'The recovery secret has made an operator already. Set another one.',
}
