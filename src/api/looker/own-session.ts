/** The caller's own API session, and the user it is of. */
import type { z } from 'zod'
import { ok } from '../../domain/result.ts'
import type { CheckedSession } from '../../sessions/object/user-sessions.ts'
import { auditFacts } from '../audit.ts'
import { parseQuery } from '../parse.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { parseAnyJson, selectFields } from './body.ts'
import type { LookerContext } from './caller.ts'
import { type ApiSessionBody, ApiSessionPatch, FieldsQuery, type UserBody, WORKSPACES } from './schemas.ts'

/** `GET /session` */
export async function getApiSession(_request: Request, _parameters: object, { session }: LookerContext): HandlerResult {
  return ok(json(apiSessionBody(session)))
}

/** `PATCH /session`: chooses the workspace of this API session. */
export async function patchApiSession(request: Request, _parameters: object, context: LookerContext): HandlerResult {
  const patch = await parseAnyJson(request, ApiSessionPatch)
  if (!patch.ok) return patch
  const workspace = patch.value.workspace_id
  const { services, client, verified, session } = context
  if (workspace === undefined) return ok(json(apiSessionBody(session)))
  const changed = await services.apiSessions.check(verified, { client, workspace }, auditFacts(context))
  return changed.ok ? ok(json(apiSessionBody(changed.value))) : changed
}

/** `GET /user`: the caller. */
export async function getMe(request: Request, _parameters: object, context: LookerContext): HandlerResult {
  const query = parseQuery(request, FieldsQuery)
  if (!query.ok) return query
  const { user } = context.caller
  const names = [user.firstName, user.lastName].filter((name) => name !== null)
  const body: z.infer<typeof UserBody> = {
    can: { show: true },
    id: user.userId,
    first_name: user.firstName,
    last_name: user.lastName,
    display_name: names.length === 0 ? user.username : names.join(' '),
    email: user.emailAddress,
    is_disabled: !user.active,
    url: `${context.services.settings.publicOrigins[0]}/api/4.0/users/${user.userId}`,
  }
  return ok(json(selectFields(body, query.value.fields)))
}

function apiSessionBody({ session, workspace }: CheckedSession): z.infer<typeof ApiSessionBody> {
  return {
    can: { view: true, update: true },
    workspace_id: WORKSPACES.find((known) => known === workspace) ?? WORKSPACES[0],
    sudo_user_id: session.actor?.userId ?? null,
  }
}
