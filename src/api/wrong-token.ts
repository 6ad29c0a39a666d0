/** Telling callers who show a session's token where a credential is taken. */
import { bearerToken } from '../auth/session-carriers.ts'
import type { SessionError } from '../domain/errors.ts'
import type { RequestContext } from './context.ts'

/** What a caller is told who is not known by a credential: that the token is genuine, if it is a session's. */
export async function credentialError(
  error: SessionError,
  request: Request,
  { services }: RequestContext,
): Promise<SessionError> {
  const session = error.code === 'unauthenticated' ? await services.tokens.verify(bearerToken(request) ?? '') : null
  if (session === null) return error
  return { code: 'wrong_token_kind', expected: 'credential', found: `${session.kind} session` }
}
