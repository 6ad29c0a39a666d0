/** A user's web sessions: one's own, or for administrators any user's of the store. */
import type { z } from 'zod'
import { mayDo, type Party } from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { ID_PATTERN } from '../../domain/ids.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { CredentialsType } from '../../domain/session.ts'
import type { SessionView } from '../../domain/session-view.ts'
import { parseUserAgent } from '../../http/user-agents.ts'
import { endOnRecord } from '../../sessions/recorded-end.ts'
import { findUser } from '../../store/users.ts'
import { auditEntry } from '../audit.ts'
import { parseQuery } from '../parse.ts'
import { empty, json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { selectFields } from './body.ts'
import type { LookerContext } from './caller.ts'
import { FieldsQuery, type SessionBody } from './schemas.ts'

type OfUser = { readonly user_id: string }
type OneOfUser = OfUser & { readonly session_id: string }

/** `GET /users/{user_id}/sessions`: the live ones, oldest first; exact, for the user's object is asked. */
export async function listUserSessions(
  request: Request,
  { user_id: userId }: OfUser,
  context: LookerContext,
): HandlerResult {
  const query = parseQuery(request, FieldsQuery)
  if (!query.ok) return query
  const found = await sessionsOf(userId, context)
  if (!found.ok) return found
  const { owner, views } = found.value
  return ok(json(views.map((view) => selectFields(sessionBody(view, owner, context), query.value.fields))))
}

/** `GET /users/{user_id}/sessions/{session_id}` */
export async function getUserSession(request: Request, parameters: OneOfUser, context: LookerContext): HandlerResult {
  const query = parseQuery(request, FieldsQuery)
  if (!query.ok) return query
  const found = await findSession(parameters, context)
  if (!found.ok) return found
  const { owner, view } = found.value
  return ok(json(selectFields(sessionBody(view, owner, context), query.value.fields)))
}

/** `DELETE /users/{user_id}/sessions/{session_id}`: ends it. */
export async function deleteUserSession(
  _request: Request,
  parameters: OneOfUser,
  context: LookerContext,
): HandlerResult {
  const found = await findSession(parameters, context)
  if (!found.ok) return found
  const { owner, view } = found.value
  if (!mayEnd(context, owner)) return fail({ code: 'forbidden', needed: [], provided: [] })
  const { services, requestId, identityStoreId, actor } = context
  const only = [view.session.id]
  const entry = auditEntry(context, identityStoreId, 'session.ended', `user:${owner.userId}`)
  const ended = await endOnRecord(services.db, entry, { session_ids: only }, () =>
    services.sessions.end(owner, { only }, 'revoked', { caller: actor, requestId }),
  )
  if (!ended.ok) return ended
  return ended.value.length === 0 ? fail({ code: 'session_not_found' }) : ok(empty())
}

async function findSession(
  { user_id: userId, session_id: sessionId }: OneOfUser,
  context: LookerContext,
): Promise<Result<{ readonly owner: Party; readonly view: SessionView }, SessionError>> {
  const found = await sessionsOf(userId, context)
  if (!found.ok) return found
  const view = found.value.views.find(({ session }) => session.id === sessionId)
  return view === undefined ? fail({ code: 'session_not_found' }) : ok({ owner: found.value.owner, view })
}

/** Whether the caller may end sessions of this user. */
function mayEnd({ caller }: LookerContext, owner: Party): boolean {
  return mayDo(caller.user, 'end_sessions', owner)
}

/** Errors: `forbidden` for another's if the caller does not administer, whether or not there is such a user. */
async function sessionsOf(
  userId: string,
  { services, identityStoreId, caller, administers }: LookerContext,
): Promise<Result<{ readonly owner: Party; readonly views: readonly SessionView[] }, SessionError>> {
  const own = userId === caller.user.userId
  if (!own && !administers) return fail({ code: 'forbidden', needed: [], provided: [] })
  if (!ID_PATTERN.test(userId)) return fail({ code: 'user_not_found' })
  const found = own ? ok(caller) : await findUser(services.db, { identityStoreId, userId })
  if (!found.ok) return found
  if (found.value === null) return fail({ code: 'user_not_found' })
  const owner = found.value.user
  if (!mayDo(caller.user, 'see_sessions', owner)) return fail({ code: 'forbidden', needed: [], provided: [] })
  const views = await services.sessions.list(owner, found.value.rules)
  return views.ok ? ok({ owner, views: views.value }) : views
}

/** Looker's names for what a user was verified by, where it has any. */
const CREDENTIALS_TYPES: Readonly<Record<CredentialsType, string>> = {
  password: 'email',
  openid: 'oidc',
  api_client: 'api3',
  trusted_back_end: 'trusted_back_end',
  login_token: 'login_token',
  sudo: 'sudo',
  operator_token: 'operator_token',
}

function sessionBody(view: SessionView, owner: Party, context: LookerContext): z.infer<typeof SessionBody> {
  const { session, userId, expiresAt, idlesOutAt } = view
  const { browser, operatingSystem } = parseUserAgent(session.client.userAgent)
  return {
    can: { show: true, delete: mayEnd(context, owner) },
    id: session.id,
    ip_address: session.client.address,
    browser,
    operating_system: operatingSystem,
    city: session.location?.city ?? null,
    state: session.location?.region ?? null,
    country: session.location?.country ?? null,
    credentials_type: CREDENTIALS_TYPES[session.credentialsType],
    // Activity does not move the overall timeout, so no session is ever extended.
    extended_at: null,
    extended_count: 0,
    sudo_user_id: session.actor?.userId ?? null,
    created_at: timestamp(session.openedAt),
    expires_at: timestamp(Math.min(expiresAt, idlesOutAt ?? expiresAt)),
    url: `${context.services.settings.publicOrigins[0]}/api/4.0/users/${userId}/sessions/${session.id}`,
  }
}
