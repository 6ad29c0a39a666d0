/** OpenID Connect Back-Channel Logout 1.0, as the relying party. */
import { passGate } from '../../auth/gates.ts'
import { fail, ok } from '../../domain/result.ts'
import type { RequestContext } from '../context.ts'
import { parseForm } from '../parse.ts'
import { empty } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { LogoutForm } from './schemas.ts'

/** `POST /oauth2/backchannel-logout/{identity_store_id}`. 200: what the token names has ended, or will whatever happens. */
export async function backchannelLogout(
  request: Request,
  { identity_store_id: identityStoreId }: { readonly identity_store_id: string },
  context: RequestContext,
): HandlerResult {
  const { services, client, now, requestId } = context
  const passed = await passGate(services.logoutGate, 'logout', client)
  if (!passed.ok) return passed
  const form = await parseForm(request, LogoutForm)
  if (!form.ok) return form
  const verified = await services.logoutTokens.verify(identityStoreId, form.value.logout_token, now)
  if (!verified.ok) return verified
  const { logout, ...token } = verified.value
  const by = { caller: `openid_provider:${logout.issuer}`, requestId }
  const accepted = await services.sessions.changes.acceptLogout(identityStoreId, logout, token, by)
  if (!accepted.ok) return accepted
  if (accepted.value) return ok(empty(200))
  const issue = { field: 'logout_token', code: 'invalid', message: 'jti: the token came before.' } as const
  return fail({ code: 'invalid_request', issues: [issue] })
}
