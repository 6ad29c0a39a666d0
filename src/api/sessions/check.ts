/** `POST /sessions/check`: a back end asks whether its user's session is live. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { ok } from '../../domain/result.ts'
import { acceptedAgeSeconds } from '../../http/cache-control.ts'
import { MAX_CHECK_AGE_SECONDS } from '../../limits.ts'
import type { RequestContext } from '../context.ts'
import { parseJson } from '../parse.ts'
import { timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { privateJson, privateText } from './body.ts'
import { backEnd } from './caller.ts'
import { rememberedText } from './remembered-text.ts'
import { type CheckedStateBody, CheckForUser } from './schemas.ts'

/** Whatever has become of the session, the answer is 200 and says so; what cannot be checked is 503. */
export async function checkForBackEnd(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { services, now } = context
  const { sessions } = services
  const caller = await backEnd(request, 'sessions:introspect', context)
  if (!caller.ok) return caller
  const input = await parseJson(request, CheckForUser)
  if (!input.ok) return input
  const { token, touch, client: asked } = input.value
  const client = asked === null ? null : { address: asked.address, userAgent: asked.user_agent }
  const maxAgeSeconds = acceptedAgeSeconds(request, MAX_CHECK_AGE_SECONDS)
  const verified = await sessions.verifyOfStore(token, 'web', caller.value.identityStoreId)
  const check = verified.ok
    ? await sessions.check(verified.value, { touch, cookie: false, client, maxAgeSeconds }, now)
    : verified
  if (!check.ok) {
    const state = notActive(check.error)
    return state === null ? check : ok(privateJson(state, context))
  }
  const { checked, ageSeconds } = check.value
  const headers: Record<string, string> = maxAgeSeconds > 0 ? { age: String(ageSeconds) } : {}
  return ok(privateText(`{"state":"active","session":${rememberedText(checked)}}`, context, { headers }))
}

/** What an error says of the session; null if it says nothing. */
export function notActive(error: SessionError): Exclude<z.infer<typeof CheckedStateBody>, { state: 'active' }> | null {
  if (error.code === 'unauthenticated' || error.code === 'wrong_token_kind') return { state: 'unauthenticated' }
  if (error.code !== 'session_ended') return null
  return { state: 'ended', reason: error.reason, ended_at: timestamp(error.endedAt) }
}
