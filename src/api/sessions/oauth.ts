/** Introspection (RFC 7662) and revocation (RFC 7009), for resource servers with a credential. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok } from '../../domain/result.ts'
import { acceptedAgeSeconds } from '../../http/cache-control.ts'
import { MAX_CHECK_AGE_SECONDS } from '../../limits.ts'
import { endOnRecord } from '../../sessions/recorded-end.ts'
import { auditEntry } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseForm } from '../parse.ts'
import { empty } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { privateJson } from './body.ts'
import { backEnd } from './caller.ts'
import { renderOAuthError } from './errors.ts'
import { IntrospectForm, type IntrospectionBody, TokenForm } from './schemas.ts'

const NO_WEB_SESSION: SessionError = {
  code: 'invalid_request',
  issues: [
    { field: 'token', code: 'invalid', message: 'Is the token of an API session. It ends where it was opened.' },
  ],
}

/** `POST /oauth2/introspect`. A token that is not live, not ours or of another store is `{"active":false}`. */
export async function introspect(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, now } = context
  const caller = await backEnd(request, 'sessions:introspect', context)
  if (!caller.ok) return caller
  const form = await parseForm(request, IntrospectForm)
  if (!form.ok) return form
  const verified = await services.sessions.verifyOfStore(form.value.token, 'web', caller.value.identityStoreId)
  if (!verified.ok) return ok(privateJson({ active: false }, context))
  const maxAgeSeconds = acceptedAgeSeconds(request, MAX_CHECK_AGE_SECONDS)
  const options = { touch: form.value.touch === 'true', cookie: false, client: null, maxAgeSeconds }
  const check = await services.sessions.check(verified.value, options, now)
  if (!check.ok) return check.error.code === 'unavailable' ? check : ok(privateJson({ active: false }, context))
  const { checked, ageSeconds } = check.value
  const { session, identityStoreId, userId, expiresAt, idlesOutAt } = checked
  const body: z.infer<typeof IntrospectionBody> = {
    active: true,
    token_type: 'Bearer',
    sub: userId,
    sid: session.id,
    identity_store_id: identityStoreId,
    iat: Math.floor(session.openedAt / 1000),
    auth_time: Math.floor(session.openedAt / 1000),
    exp: Math.floor(Math.min(expiresAt, idlesOutAt ?? expiresAt) / 1000),
  }
  const headers: Record<string, string> = maxAgeSeconds > 0 ? { age: String(ageSeconds) } : {}
  return ok(privateJson(body, context, { headers }))
}

/**
 * `POST /oauth2/revoke`. 200: whatever the token was, it is not valid now. Refused for a genuine one that lives on: of
 * another store (`forbidden`), or of an API session, which ends where it was opened (`unsupported_token_type`).
 */
export async function revoke(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, requestId } = context
  const caller = await backEnd(request, 'sessions:revoke', context)
  if (!caller.ok) return caller
  const form = await parseForm(request, TokenForm)
  if (!form.ok) return form
  const { token: text } = form.value
  const token = await services.tokens.verify(text)
  if (token === null) return ok(empty(200))
  const verified = { text, token }
  const { identityStoreId, credentialId } = caller.value
  if (!services.sessions.isOfStore(verified, identityStoreId))
    return fail({ code: 'forbidden', needed: [], provided: [] })
  if (token.kind !== 'web') return ok(renderOAuthError(NO_WEB_SESSION, context, 'unsupported_token_type'))
  const actor = `credential:${credentialId}`
  const { sessionId } = token
  const entry = auditEntry({ ...context, actor }, identityStoreId, 'session.ended', `session:${sessionId}`)
  const ended = await endOnRecord(services.db, entry, { session_ids: [sessionId] }, () =>
    services.sessions.endByToken(verified, 'revoked', { caller: actor, requestId }),
  )
  return ended.ok ? ok(empty(200)) : ended
}
