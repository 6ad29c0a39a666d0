/** The caller's own API session, and the user it is of. */
import type { z } from 'zod'
import type { CheckedSession } from '../../sessions/object/user-sessions.ts'
import { parseQuery } from '../parse.ts'
import { parseAnyJson, selectFields } from './body.ts'
import { answer, auditFacts, type Operation, type Outcome } from './caller.ts'
import { type ApiSessionBody, ApiSessionPatch, FieldsQuery, type UserBody, WORKSPACES } from './schemas.ts'

/** `GET /session` */
export async function getApiSession({ session }: Operation): Outcome {
  return answer(apiSessionBody(session))
}

/** `PATCH /session`: chooses the workspace of this API session. */
export async function patchApiSession({ request, context, verified, session }: Operation): Outcome {
  const patch = await parseAnyJson(request, ApiSessionPatch)
  if (!patch.ok) return patch
  const workspace = patch.value.workspace_id
  if (workspace === undefined) return answer(apiSessionBody(session))
  const { services, client } = context
  const how = { client, workspace }
  const changed = await services.apiSessions.check(verified, how, auditFacts(context))
  return changed.ok ? answer(apiSessionBody(changed.value)) : changed
}

/** `GET /user`: the caller. */
export async function getMe({ request, context, user: { user } }: Operation): Outcome {
  const query = parseQuery(request, FieldsQuery)
  if (!query.ok) return query
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
  return answer(selectFields(body, query.value.fields))
}

function apiSessionBody({ session, workspace }: CheckedSession): z.infer<typeof ApiSessionBody> {
  return {
    can: { view: true, update: true },
    workspace_id: workspace ?? WORKSPACES[0],
    sudo_user_id: session.actor?.userId ?? null,
  }
}
