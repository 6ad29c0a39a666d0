/** `POST /sessions/list`: a back end lists its user's sessions, as the user's client. */
import { ok } from '../../domain/result.ts'
import type { RequestContext } from '../context.ts'
import { parseJson } from '../parse.ts'
import type { HandlerResult } from '../route.ts'
import { privateJson } from './body.ts'
import { backEnd } from './caller.ts'
import { notActive } from './check.ts'
import { listBody, oneMore } from './pages.ts'
import { ListForUser } from './schemas.ts'

/**
 * Answers as the check does, with the list. The session is noted with the user's client from the body; a `GET
 * /sessions` by the back end would note the back end's own address.
 */
export async function listForBackEnd(request: Request, _parameters: object, context: RequestContext): HandlerResult {
  const { sessions } = context.services
  const caller = await backEnd(request, 'sessions:introspect', context)
  if (!caller.ok) return caller
  const input = await parseJson(request, ListForUser)
  if (!input.ok) return input
  const { token, client: asked, ...page } = input.value
  const client = asked === null ? null : { address: asked.address, userAgent: asked.user_agent }
  const verified = await sessions.verifyOfStore(token, 'web', caller.value.identityStoreId)
  const list = verified.ok ? await sessions.listOwn(verified.value, client, oneMore(page), context.now) : verified
  if (list.ok) return ok(privateJson({ state: 'active', ...listBody(list.value, page) }, context))
  const state = notActive(list.error)
  return state === null ? list : ok(privateJson(state, context))
}
