/** The session config, whole for everyone and changed by administrators. */

import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import type { SessionConfig } from '../../domain/policy.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import { countCall } from '../../store/admissions.ts'
import { type ConfigChanges, readSessionConfig } from '../../store/session-configs.ts'
import { auditEntry } from '../audit.ts'
import { json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import { parseAnyJson } from './body.ts'
import { type LookerContext, requireAdministrator } from './caller.ts'
import { type SessionConfigBody, SessionConfigPatch } from './schemas.ts'

/** `GET /session_config`: as D1 has it, so that it shows a change at once wherever it is asked. */
export async function getSessionConfig(_request: Request, _parameters: object, context: LookerContext): HandlerResult {
  const config = await readSessionConfig(context.services.db, context.identityStoreId)
  if (!config.ok) return config
  if (config.value === null) return fail({ code: 'identity_store_not_found' })
  return ok(json(configBody(config.value.value, context)))
}

/** `PATCH /session_config`: what the body names is changed, the rest stays. */
export async function patchSessionConfig(request: Request, parameters: object, context: LookerContext): HandlerResult {
  const { identityStoreId } = context
  const allowed = requireAdministrator(context)
  if (!allowed.ok) return allowed
  const admitted = await admit(context)
  if (!admitted.ok) return admitted
  const patch = await parseAnyJson(request, SessionConfigPatch)
  if (!patch.ok) return patch
  const changes = changesOf(patch.value)
  if (Object.keys(changes).length === 0) return getSessionConfig(request, parameters, context)
  const entry = auditEntry(context, identityStoreId, 'session_config.updated', `identity_store:${identityStoreId}`)
  const config = await context.services.sessions.changes.updateConfig(changes, entry)
  return config.ok ? ok(json(configBody(config.value.value, context))) : config
}

/** Counts the change, per user whatever the API client. Errors: `rate_limited`, `unavailable`. */
function admit({ services, now, identityStoreId, caller }: LookerContext): Promise<Result<void, SessionError>> {
  const subject = { identityStoreId, caller: `user:${caller.user.userId}`, method: 'looker.session_config.update' }
  const perMinute = services.settings.lookerConfigChangesPerMinute
  return countCall(services.db, subject, perMinute, now)
}

/** Whole minutes are all that this API has. */
function shownMinutes({ sessionMinutes }: SessionConfig): number {
  return Math.floor(sessionMinutes)
}

/** The changes in a body. A client that writes back what it has read must not undo what this API cannot show it. */
function changesOf(patch: z.infer<typeof SessionConfigPatch>): ConfigChanges {
  const unlimited = patch.unlimited_sessions_per_user
  const changes = {
    allowPersistentSessions: patch.allow_persistent_sessions,
    wholeSessionMinutes: patch.session_minutes,
    concurrentSessionLimit: unlimited === true ? null : undefined,
    limited: unlimited === false ? true : undefined,
    useInactivityBasedLogout: patch.use_inactivity_based_logout,
    // Where it is turned on again, the timeout is the service's default.
    inactivityTimeoutSeconds: patch.use_inactivity_based_logout === false ? null : undefined,
    trackSessionLocation: patch.track_session_location,
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

function configBody(config: SessionConfig, { administers }: LookerContext): z.infer<typeof SessionConfigBody> {
  return {
    can: { show: true, update: administers },
    allow_persistent_sessions: config.allowPersistentSessions,
    session_minutes: shownMinutes(config),
    unlimited_sessions_per_user: config.concurrentSessionLimit === null,
    use_inactivity_based_logout: config.useInactivityBasedLogout,
    track_session_location: config.trackSessionLocation,
  }
}
