/** A store's session config: read, change, preview, and the versions it had. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import type { SessionConfig, Versioned } from '../../domain/policy.ts'
import type { RuleThatEnds } from '../../domain/preview.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { previewConfig } from '../../sessions/config-preview.ts'
import { listConfigVersions, readSessionConfig } from '../../store/session-configs.ts'
import { auditEntry } from '../audit.ts'
import type { RequestContext } from '../context.ts'
import { parseJson, parseQuery, parseValue } from '../parse.ts'
import { json, timestamp } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { sessionBody } from '../session-body.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore, type StorePath } from './identity-stores.ts'
import { type ConfigVersionListBody, SessionConfigChange, VersionParameter, VersionQuery } from './policy-schemas.ts'

/** `GET …/session-config`: as D1 has it. */
export async function getConfig(_request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const config = await requireConfig(path, context)
  return config.ok ? ok(configResponse(config.value, context)) : config
}

/** `PATCH …/session-config`: what the body names is changed, if the version is that of `If-Match`. */
export async function patchConfig(request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const change = await parseJson(request, SessionConfigChange)
  if (!change.ok) return change
  const seen = seenVersion(request)
  if (!seen.ok) return seen
  return applyChange(changesOf(change.value), seen.value, 'session_config.updated', path, context)
}

/** `GET …/session-config/versions`: the newest first. */
export async function listVersions(request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const query = parseQuery(request, VersionQuery)
  if (!query.ok) return query
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const { limit, cursor = Number.MAX_SAFE_INTEGER } = query.value
  const found = await listConfigVersions(context.services.db, path.identity_store_id, cursor, limit + 1)
  if (!found.ok) return found
  const shown = found.value.slice(0, limit)
  const body: z.infer<typeof ConfigVersionListBody> = {
    versions: shown.map(({ version, config, changedAt, actor, requestId }) => ({
      version,
      changed_at: timestamp(changedAt),
      changed_by: actor,
      request_id: requestId,
      config: configFields(config, context),
    })),
    next_cursor: found.value.length > limit ? String(shown.at(-1)?.version) : null,
  }
  return ok(json(body))
}

interface VersionPath extends StorePath {
  readonly version: string
}

/** `POST …/session-config/versions/{version}/restore`: a new version that says what that one said. */
export async function restoreVersion(request: Request, path: VersionPath, context: OperatorContext): HandlerResult {
  const version = parseValue(path.version, VersionParameter)
  if (!version.ok) return version
  const seen = seenVersion(request)
  if (!seen.ok) return seen
  const store = await requireStore(context, path.identity_store_id)
  if (!store.ok) return store
  const found = await listConfigVersions(context.services.db, path.identity_store_id, version.value + 1, 1)
  if (!found.ok) return found
  const [kept] = found.value
  if (kept?.version !== version.value) return fail({ code: 'config_version_not_found' })
  return applyChange(kept.config, seen.value, 'session_config.restored', path, context)
}

/** `POST …/session-config/preview`: what a change would end, if it were made now. */
export async function preview(request: Request, path: StorePath, context: OperatorContext): HandlerResult {
  const change = await parseJson(request, SessionConfigChange)
  if (!change.ok) return change
  const config = await requireConfig(path, context)
  if (!config.ok) return config
  const { services, now } = context
  const next = { version: config.value.version, value: { ...config.value.value, ...changesOf(change.value) } }
  const previewed = await previewConfig(services.db, path.identity_store_id, next, services.settings.limits, now)
  if (!previewed.ok) return previewed
  const { sessions, users, byRule, examples } = previewed.value
  // What D1 takes for idle may be live, and then another rule ends it, or it takes the place of one that a limit ends.
  const isExact = byRule.inactivity_timeout.sessions === 0
  const rule = (name: RuleThatEnds) => ({ ...byRule[name], exact: isExact && name !== 'inactivity_timeout' })
  return ok(
    json({
      version: config.value.version,
      sessions,
      users,
      by_rule: {
        overall_timeout: rule('overall_timeout'),
        inactivity_timeout: rule('inactivity_timeout'),
        concurrent_sessions: rule('concurrent_sessions'),
      },
      examples: examples.map((view) => sessionBody(view, null)),
    }),
  )
}

async function applyChange(
  changes: Partial<SessionConfig>,
  seen: number | null,
  action: string,
  { identity_store_id: identityStoreId }: StorePath,
  context: OperatorContext,
): HandlerResult {
  const entry = auditEntry(context, identityStoreId, action, `identity_store:${identityStoreId}`)
  const changed = await context.services.sessions.changes.updateConfig(changes, entry, seen)
  return changed.ok ? ok(configResponse(changed.value, context)) : changed
}

async function requireConfig(
  { identity_store_id: identityStoreId }: StorePath,
  context: RequestContext,
): Promise<Result<Versioned<SessionConfig>, SessionError>> {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const config = await readSessionConfig(context.services.db, identityStoreId)
  if (!config.ok) return config
  return config.value === null ? fail({ code: 'identity_store_not_found' }) : ok(config.value)
}

/** The version in `If-Match`; null without one, or with `*`. */
function seenVersion(request: Request): Result<number | null, SessionError> {
  const header = request.headers.get('if-match')
  if (header === null || header === '*') return ok(null)
  const version = /^"(\d{1,15})"$/.exec(header)?.[1]
  if (version !== undefined) return ok(Number(version))
  return fail({
    code: 'invalid_request',
    issues: [{ field: 'If-Match', code: 'invalid', message: 'Must be one ETag of the session config, as `"3"`.' }],
  })
}

function configResponse({ version, value }: Versioned<SessionConfig>, context: RequestContext): Response {
  const response = json({ version, ...configFields(value, context) })
  response.headers.set('etag', `"${version}"`)
  return response
}

function configFields(config: SessionConfig, { services }: RequestContext) {
  const standard = services.settings.limits.inactivityTimeoutSeconds
  return {
    overall_timeout_seconds: Math.round(config.sessionMinutes * 60),
    inactivity_timeout_seconds: config.useInactivityBasedLogout ? (config.inactivityTimeoutSeconds ?? standard) : null,
    concurrent_sessions: {
      limit: config.concurrentSessionLimit,
      when_reached: config.whenLimitReached,
      by_client_kind: config.clientKindLimits,
    },
    persistent_cookies: config.allowPersistentSessions,
    track_location: config.trackSessionLocation,
  }
}

function changesOf(change: z.infer<typeof SessionConfigChange>): Partial<SessionConfig> {
  const { overall_timeout_seconds: overall, inactivity_timeout_seconds: inactivity, concurrent_sessions } = change
  const changes = {
    sessionMinutes: overall === undefined ? undefined : overall / 60,
    useInactivityBasedLogout: inactivity === undefined ? undefined : inactivity !== null,
    inactivityTimeoutSeconds: inactivity,
    concurrentSessionLimit: concurrent_sessions?.limit,
    whenLimitReached: concurrent_sessions?.when_reached,
    clientKindLimits: concurrent_sessions?.by_client_kind,
    allowPersistentSessions: change.persistent_cookies,
    trackSessionLocation: change.track_location,
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}
