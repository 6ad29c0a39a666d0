/** One session, whole; and the sessions of one user, exact. */
import type { z } from 'zod'
import { resolvePolicy } from '../../domain/policy.ts'
import { fail, ok } from '../../domain/result.ts'
import { endOnRecord } from '../../sessions/recorded-end.ts'
import { findRecord, storyIn } from '../../store/session-lists.ts'
import { findUser } from '../../store/users.ts'
import { auditEntry } from '../audit.ts'
import { parseJson } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import {
  type EndedBody,
  EndUserSessionsInput,
  type SessionDetailBody,
  type SessionListBody,
} from './session-schemas.ts'
import { operatorSessionBody, timelineOf } from './session-story-body.ts'
import { policyBody, requireKnownUser } from './user-policy.ts'
import type { UserPath } from './users.ts'

interface SessionPath extends StorePath {
  readonly session_id: string
}

/** `GET …/sessions/{session_id}`: of a live session, and of one that ended not long ago, as the user's object has it. */
export async function getSession(_request: Request, path: SessionPath, context: OperatorContext): HandlerResult {
  const { identity_store_id: identityStoreId, session_id: sessionId } = path
  const { db, sessions, settings } = context.services
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const record = await findRecord(db, identityStoreId, sessionId)
  if (!record.ok) return record
  if (record.value === null) return fail({ code: 'session_not_found' })
  const user = await findUser(db, record.value)
  if (!user.ok) return user
  const known = user.value
  const told = known === null ? ok(null) : await sessions.story(known.user, known.rules, sessionId)
  if (!told.ok) return told
  const policy = known === null ? null : resolvePolicy(known.rules, settings.limits)
  const story = told.value ?? storyIn(record.value, policy)
  const body: z.infer<typeof SessionDetailBody> = {
    ...operatorSessionBody(story),
    timeline: timelineOf(story),
    policy: policy === null || story.ending !== null ? null : policyBody(story.userId, policy).rules,
    source: told.value === null ? 'mirror' : 'object',
  }
  return ok(json(body))
}

/** `GET …/users/{user_id}/sessions`: the live ones, newest first. */
export async function listOfUser(_request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const user = await requireKnownUser(path, context)
  if (!user.ok) return user
  const stories = await context.services.sessions.stories(user.value.user, user.value.rules)
  if (!stories.ok) return stories
  const body: z.infer<typeof SessionListBody> = {
    sessions: stories.value.map(operatorSessionBody).reverse(),
    next_cursor: null,
    scanned: stories.value.length,
    source: 'object',
    kept_days: context.services.settings.retention.sessionRecordDays,
    may_be_behind_seconds: 0,
  }
  return ok(json(body))
}

/** `POST …/users/{user_id}/sessions/end`: those that are open now; all, all but some, or some. */
export async function endOfUser(request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, EndUserSessionsInput)
  if (!input.ok) return input
  const user = await requireKnownUser(path, context)
  if (!user.ok) return user
  const { user: owner, rules } = user.value
  const { services, caller, actor, requestId } = context
  if (!caller.mayDo('end_sessions', owner)) return fail({ code: 'forbidden', needed: [], provided: caller.scopes })
  const { session_ids: ids, except_session_ids: except } = input.value
  const entry = auditEntry(context, path.identity_store_id, 'sessions.ended', `user:${owner.userId}`)
  const ended = await endOnRecord(services.db, entry, input.value, async () => {
    const by = { caller: actor, requestId }
    if (ids !== undefined) return services.sessions.end(owner, { only: ids }, 'revoked', by)
    if (except === undefined) return services.sessions.end(owner, { all: 'web' }, 'revoked', by)
    // Objects of an earlier version know no `all but several`, so those to end are named.
    const open = await services.sessions.list(owner, rules)
    if (!open.ok) return open
    const only = open.value.map(({ session }) => session.id).filter((id) => !except.includes(id))
    return services.sessions.end(owner, { only }, 'revoked', by)
  })
  const body = (found: readonly string[]): z.infer<typeof EndedBody> => ({ ended: [...found] })
  return ended.ok ? ok(json(body(ended.value))) : ended
}
