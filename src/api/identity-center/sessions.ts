/** A user's sessions: the list, and the end of some of them. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import type { SessionView } from '../../domain/session-view.ts'
import { utf8 } from '../../http/body.ts'
import { endOnRecord } from '../../sessions/recorded-end.ts'
import { auditEntry } from '../audit.ts'
import { parseValue } from '../parse.ts'
import { empty, json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { SignedContext } from './caller.ts'
import { BatchDeleteInput, type SessionListBody } from './schemas.ts'

/** `GET …/users/{user_id}/sessions`: exact, since the user's object is asked. Not the user's activity. */
export async function listSessions(
  _request: Request,
  _parameters: object,
  { services, user }: SignedContext,
): HandlerResult {
  const list = await services.sessions.list(user.user, user.rules)
  if (!list.ok) return list
  const body: z.infer<typeof SessionListBody> = { session_list: list.value.map(sessionBody).reverse() }
  return ok(json(body))
}

/**
 * `POST …/users/{user_id}/sessions/batch-delete`: one call of the user's object. Idempotent; ids that are not of live
 * sessions of this user are passed over. The request is in the audit log before anything is ended; each session's own
 * record then says by whom and by which request it was ended.
 */
export async function batchDeleteSessions(
  _request: Request,
  _parameters: object,
  context: SignedContext,
): HandlerResult {
  const { services, requestId, body, caller, actor, user } = context
  const input = parseBody(body)
  if (!input.ok) return input
  const { identityStoreId, userId } = user.user
  const ids = [...new Set(input.value.session_ids)].filter((id) => SESSION_ID_PATTERN.test(id))
  const ended = await endOnRecord(
    services.db,
    auditEntry(context, identityStoreId, 'sessions.batch_delete', `user:${userId}`),
    { session_ids: ids, caller_identity_store_id: caller.identityStoreId },
    () => services.sessions.end(user.user, { only: ids }, 'revoked', { caller: actor, requestId }),
  )
  return ended.ok ? ok(empty(200)) : ended
}

function parseBody(bytes: Uint8Array): Result<z.infer<typeof BatchDeleteInput>, SessionError> {
  try {
    return parseValue(JSON.parse(utf8(bytes) ?? ''), BatchDeleteInput)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return fail({
      code: 'invalid_request',
      issues: [{ field: '', code: 'invalid', message: 'the request body is not valid JSON.' }],
    })
  }
}

function sessionBody({
  session,
  userId,
  expiresAt,
}: SessionView): z.infer<typeof SessionListBody>['session_list'][number] {
  const { address, userAgent } = session.client
  return {
    creation_time: session.openedAt,
    ...(address !== null && { ip_address: address }),
    session_id: session.id,
    session_not_valid_after: expiresAt,
    ...(userAgent !== null && { user_agent: userAgent }),
    user_id: userId,
  }
}
