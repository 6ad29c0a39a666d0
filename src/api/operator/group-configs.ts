/** The session config of a group: a layer between the store's config and the user. */
import type { z } from 'zod'
import type { GroupConfig } from '../../domain/policy.ts'
import { fail, ok } from '../../domain/result.ts'
import { readGroupConfig } from '../../store/group-session-configs.ts'
import { auditEntry } from '../audit.ts'
import { parseJson } from '../parse.ts'
import { empty, json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { type GroupConfigBody, GroupConfigInput } from './policy-schemas.ts'

interface GroupPath extends StorePath {
  readonly group_id: string
}

/** `GET …/groups/{group_id}/session-config`: a group of which nothing was said says nothing. */
export async function getGroupConfig(_request: Request, path: GroupPath, context: OperatorContext): HandlerResult {
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const config = await readGroupConfig(context.services.db, path.identity_store_id, path.group_id)
  if (!config.ok) return config
  return ok(json(groupBody(path, config.value?.version ?? 0, config.value?.value ?? {})))
}

/** `PUT …/groups/{group_id}/session-config` */
export async function putGroupConfig(request: Request, path: GroupPath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, GroupConfigInput)
  if (!input.ok) return input
  const { overall_timeout_seconds, inactivity_timeout_seconds, concurrent_sessions: concurrent } = input.value
  const config: GroupConfig = {
    ...(overall_timeout_seconds === undefined ? {} : { overallTimeoutSeconds: overall_timeout_seconds }),
    ...(inactivity_timeout_seconds === undefined ? {} : { inactivityTimeoutSeconds: inactivity_timeout_seconds }),
    ...(concurrent === undefined
      ? {}
      : {
          concurrentSessions: {
            limit: concurrent.limit,
            whenReached: concurrent.when_reached,
            byClientKind: concurrent.by_client_kind,
          },
        }),
  }
  const version = await change(config, 'group_session_config.put', path, context)
  return version.ok ? ok(json(groupBody(path, version.value, config))) : version
}

/** `DELETE …/groups/{group_id}/session-config`: the store's config decides again. */
export async function deleteGroupConfig(_request: Request, path: GroupPath, context: OperatorContext): HandlerResult {
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const known = await readGroupConfig(context.services.db, path.identity_store_id, path.group_id)
  if (!known.ok) return known
  if (known.value === null) return fail({ code: 'group_config_not_found' })
  const version = await change({}, 'group_session_config.removed', path, context)
  return version.ok ? ok(empty()) : version
}

function change(
  config: GroupConfig,
  action: string,
  { identity_store_id: identityStoreId, group_id: groupId }: GroupPath,
  context: OperatorContext,
) {
  const entry = auditEntry(context, identityStoreId, action, `group:${groupId}`)
  return context.services.sessions.changes.putGroupConfig(groupId, config, entry)
}

function groupBody(
  { group_id }: GroupPath,
  version: number,
  { overallTimeoutSeconds, inactivityTimeoutSeconds, concurrentSessions }: GroupConfig,
): z.infer<typeof GroupConfigBody> {
  return {
    group_id,
    version,
    overall_timeout_seconds: overallTimeoutSeconds,
    inactivity_timeout_seconds: inactivityTimeoutSeconds,
    concurrent_sessions:
      concurrentSessions === undefined
        ? undefined
        : {
            limit: concurrentSessions.limit,
            when_reached: concurrentSessions.whenReached,
            by_client_kind: concurrentSessions.byClientKind,
          },
  }
}
