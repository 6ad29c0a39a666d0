/** The users that a list names, in a line each. */
import type { z } from 'zod'
import { ok } from '../../domain/result.ts'
import { MAX_SUMMARIZED_SESSIONS } from '../../limits.ts'
import { readUserSummaries } from '../../store/user-summaries.ts'
import { parseQuery } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { type UserSummariesBody, UserSummaryQuery } from './overview-schemas.ts'

/** `GET …/user-summaries?user_ids=a,b`: of those who are there. */
export async function listUserSummaries(
  request: Request,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const query = parseQuery(request, UserSummaryQuery)
  if (!query.ok) return query
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const ids = [...new Set(query.value.user_ids.split(','))]
  const found = await readUserSummaries(context.services.db, identityStoreId, ids)
  if (!found.ok) return found
  const body: z.infer<typeof UserSummariesBody> = {
    users: found.value.map(({ userId, username, liveSessions, lastOpenedAt }) => ({
      user_id: userId,
      username,
      live_sessions: {
        count: Math.min(liveSessions, MAX_SUMMARIZED_SESSIONS),
        exact: liveSessions <= MAX_SUMMARIZED_SESSIONS,
      },
      last_opened_at: lastOpenedAt === null ? null : timestamp(lastOpenedAt),
    })),
    source: 'mirror',
  }
  return ok(json(body))
}
