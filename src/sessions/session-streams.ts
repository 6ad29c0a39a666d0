import type { SessionError } from '../domain/errors.ts'
import type { RuleUpdates } from '../domain/policy.ts'
import { ok, type Result } from '../domain/result.ts'
import { streamRequest } from './object/streams.ts'
import type { SessionProof } from './object/token-secrets.ts'
import type { UserSessions } from './object/user-sessions.ts'

/**
 * Opens a stream of a session: a WebSocket that nobody has accepted yet. Errors: as for a check; `conflict` if the
 * session has as many as it may.
 */
export async function openStream(
  stub: DurableObjectStub<UserSessions>,
  proof: SessionProof,
  updates: RuleUpdates,
): Promise<Result<WebSocket, SessionError>> {
  const response = await stub.fetch(streamRequest(proof, updates))
  return response.webSocket === null ? response.json() : ok(response.webSocket)
}
