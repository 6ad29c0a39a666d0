/** Who calls the own API beside the holders of sessions: a back end with a credential. */
import { authenticateApiClient, authenticateBearer, type Caller, requireScope } from '../../auth/credentials.ts'
import type { Scope } from '../../auth/scopes.ts'
import type { SessionError } from '../../domain/errors.ts'
import { fail, type Result } from '../../domain/result.ts'
import type { RequestContext } from '../context.ts'
import { credentialError } from '../wrong-token.ts'

/** A back end: a bearer credential, or an API client by HTTP Basic. Errors: as for credentials; `forbidden`. */
export async function backEnd(
  request: Request,
  scope: Scope,
  context: RequestContext,
): Promise<Result<Caller, SessionError>> {
  const { services } = context
  const basic = basicCredentials(request)
  const caller =
    basic === null
      ? await authenticateBearer(services.db, request, context)
      : await authenticateApiClient(services.db, basic.id, basic.secret, context)
  return caller.ok ? requireScope(caller.value, scope) : fail(await credentialError(caller.error, request, context))
}

/** RFC 6749, section 2.3.1: id and secret are form-encoded before they are joined. */
function basicCredentials(request: Request): { id: string; secret: string } | null {
  const match = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(request.headers.get('authorization') ?? '')
  if (match?.[1] === undefined) return null
  try {
    const text = atob(match[1])
    const at = text.indexOf(':')
    if (at < 0) return null
    const [id, secret] = [text.slice(0, at), text.slice(at + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    )
    return id === undefined || secret === undefined ? null : { id, secret }
  } catch {
    return null
  }
}
