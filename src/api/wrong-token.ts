/** Telling callers who show a session's token where a credential is taken. */
import { bearerToken } from '../auth/session-carriers.ts'
import type { SessionError } from '../domain/errors.ts'
import type { RequestContext } from './context.ts'

/** The error for a caller who shows no valid credential: `wrong_token_kind` if the token is a genuine session token. */
export async function credentialError(
  error: SessionError,
  request: Request,
  { services }: RequestContext,
): Promise<SessionError> {
  const session = error.code === 'unauthenticated' ? await services.tokens.verify(bearerToken(request) ?? '') : null
  if (session === null) return error
  return { code: 'wrong_token_kind', expected: 'credential', found: `${session.kind} session` }
}
