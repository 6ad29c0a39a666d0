/** API logins: with an API client's id and secret, on behalf of another user (sudo), and their end. */
import type { z } from 'zod'
import { authenticateApiClient, requireScope } from '../../auth/credentials.ts'
import { passGate } from '../../auth/gates.ts'
import type { SessionError } from '../../domain/errors.ts'
import { ID_PATTERN } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { readBody, utf8 } from '../../http/body.ts'
import type { OpenedWithToken } from '../../sessions/api-sessions.ts'
import { findUser } from '../../store/users.ts'
import { auditFacts } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseValue } from '../parse.ts'
import { empty, json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { badBody } from './body.ts'
import { accessToken, type LookerContext } from './caller.ts'
import { type AccessToken, LoginInput } from './schemas.ts'

/** `POST /login`. Wrong credentials are 404, as at Looker, and the answer does not say what is wrong with them. */
export async function login(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const done = await logIn(request, context)
  return done.ok || !REFUSALS.has(done.error.code) ? done : fail({ code: 'credential_not_found' })
}

const REFUSALS: ReadonlySet<SessionError['code']> = new Set([
  'unauthenticated',
  'credential_expired',
  'credential_revoked',
  'credential_owner_disabled',
  'user_not_found',
  'user_disabled',
])

async function logIn(request: Request, context: RequestContext): HandlerResult {
  const { services, client, now, requestId } = context
  const passed = await passGate(services.signInGate, 'api', client)
  if (!passed.ok) return passed
  const input = await readLogin(request)
  if (!input.ok) return input
  const { client_id: id, client_secret: secret } = input.value
  const apiClient = await authenticateApiClient(services.db, id, secret, context)
  if (!apiClient.ok) return apiClient
  const caller = requireScope(apiClient.value, 'looker')
  if (!caller.ok) return caller
  const { identityStoreId, ownerUserId, credentialId } = caller.value
  if (ownerUserId === null) return fail({ code: 'user_not_found' })
  const user = await findUser(services.db, { identityStoreId, userId: ownerUserId })
  if (!user.ok) return user
  if (user.value === null) return fail({ code: 'user_not_found' })
  const by = { caller: `credential:${credentialId}`, requestId }
  const opened = await services.apiSessions.logIn(user.value, credentialId, client, by)
  return opened.ok ? ok(json(tokenBody(opened.value, now))) : opened
}

/** In the body as a form, else in the query. A session that comes along is ignored. */
async function readLogin(request: Request): Promise<Result<z.infer<typeof LoginInput>, SessionError>> {
  const body = await readBody(request)
  if (!body.ok) return body
  const form = new URLSearchParams(utf8(body.value) ?? '')
  const given = form.size > 0 ? form : new URL(request.url).searchParams
  const input = parseValue(Object.fromEntries(given), LoginInput)
  return input.ok ? input : badBody('client_id and client_secret are required.')
}

/** `POST /login/{user_id}`. */
export async function loginUser(
  _request: Request,
  { user_id: userId }: { readonly user_id: string },
  context: LookerContext,
): HandlerResult {
  const { services, client, now, identityStoreId, session, caller, actor } = context
  // A caller who may act for nobody learns nothing of which users exist.
  if (!context.administers) return fail({ code: 'forbidden', needed: [], provided: [] })
  const target = ID_PATTERN.test(userId) ? await findUser(services.db, { identityStoreId, userId }) : ok(null)
  if (!target.ok) return target
  if (target.value === null) return fail({ code: 'user_not_found' })
  const entry = { ...auditFacts(context), actor }
  const opened = await services.apiSessions.openFor(target.value, session, caller, client, entry)
  return opened.ok ? ok(json(tokenBody(opened.value, now))) : opened
}

/** `DELETE /logout`: ends the session of the access token. */
export async function logout(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const verified = await accessToken(request, context)
  if (!verified.ok) return verified
  const done = await context.services.apiSessions.logOut(verified.value, auditFacts(context))
  return done.ok ? ok(empty()) : done
}

function tokenBody({ token, expiresAt }: OpenedWithToken, now: number): z.infer<typeof AccessToken> {
  const seconds = Math.round((expiresAt - now) / 1000)
  return { access_token: token, token_type: 'Bearer', expires_in: seconds, refresh_token: null }
}
