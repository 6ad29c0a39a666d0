/** What holds for one user, and the user's own session settings. */
import type { z } from 'zod'
import type { Role } from '../../domain/authority.ts'
import type { SessionError } from '../../domain/errors.ts'
import { NO_SESSION_SETTINGS, type Policy, type Rule, resolvePolicy } from '../../domain/policy.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { AuditEntry } from '../../store/audit-events.ts'
import {
  type ChangedUsers,
  changeSessionSettings,
  clearSessionSettings,
  readSessionSettings,
  type SettingsFault,
} from '../../store/session-settings.ts'
import { findUser, type KnownUser } from '../../store/users.ts'
import type { Unavailable } from '../../time-limit.ts'
import { auditEntry } from '../audit.ts'
import { parseJson } from '../parse.ts'
import { empty, json } from '../responses.ts'
import type { HandlerResult } from '../route.ts'
import type { OperatorContext } from './caller.ts'
import { requireStore } from './identity-stores.ts'
import { type PolicyBody, type UserSettingsBody, UserSettingsInput } from './policy-schemas.ts'
import type { UserPath } from './users.ts'

/** `GET …/users/{user_id}/session-settings` */
export async function getSettings(_request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const { identity_store_id: identityStoreId, user_id: userId } = path
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const read = await readSessionSettings(context.services.db, identityStoreId, [userId])
  if (!read.ok) return fail(refusal(read.error))
  const { durationSeconds, desktopAppBrowserQuit } = read.value[0] ?? NO_SESSION_SETTINGS
  return ok(json(settingsBody(userId, durationSeconds, desktopAppBrowserQuit)))
}

/** `PUT …/users/{user_id}/session-settings`: applied to the live sessions too. */
export async function putSettings(request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const input = await parseJson(request, UserSettingsInput)
  if (!input.ok) return input
  const { duration_seconds: durationSeconds, desktop_app_browser_quit: desktopAppBrowserQuit } = input.value
  const changes = { durationSeconds, desktopAppBrowserQuit }
  const changed = await change(path, 'session_settings.changed', context, (entry) =>
    changeSessionSettings(context.services.db, [path.user_id], rolesToChange(context), changes, entry),
  )
  return changed.ok ? ok(json(settingsBody(path.user_id, durationSeconds, desktopAppBrowserQuit))) : changed
}

/** `DELETE …/users/{user_id}/session-settings`: group and config decide again. */
export async function deleteSettings(_request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const changed = await change(path, 'session_settings.cleared', context, (entry) =>
    clearSessionSettings(context.services.db, [path.user_id], rolesToChange(context), entry),
  )
  return changed.ok ? ok(empty()) : changed
}

/** `GET …/users/{user_id}/policy`: rule by rule, what holds, who said so, and what the others said. */
export async function getPolicy(_request: Request, path: UserPath, context: OperatorContext): HandlerResult {
  const user = await requireKnownUser(path, context)
  if (!user.ok) return user
  const policy = resolvePolicy(user.value.rules, context.services.settings.limits)
  return ok(json(policyBody(path.user_id, policy)))
}

/** A user of a store, both of which are there, with what holds for it. */
export async function requireKnownUser(
  { identity_store_id: identityStoreId, user_id: userId }: UserPath,
  context: OperatorContext,
): Promise<Result<KnownUser, SessionError>> {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const user = await findUser(context.services.db, { identityStoreId, userId })
  if (!user.ok) return user
  return user.value === null ? fail({ code: 'user_not_found' }) : ok(user.value)
}

async function change(
  { identity_store_id: identityStoreId, user_id: userId }: UserPath,
  action: string,
  context: OperatorContext,
  write: (entry: AuditEntry) => Promise<Result<ChangedUsers, Unavailable | SettingsFault>>,
): Promise<Result<void, SessionError>> {
  const store = await requireStore(context, identityStoreId)
  if (!store.ok) return store
  const entry = auditEntry(context, identityStoreId, action, `user:${userId}`)
  const { changes } = context.services.sessions
  const changed = await changes.changeSettings(identityStoreId, [userId], context.requestId, () => write(entry))
  return changed.ok ? ok() : fail(refusal(changed.error))
}

function refusal(error: Unavailable | SettingsFault): SessionError {
  if (error.code === 'user_is_bot') return { code: 'conflict', detail: 'The user is a bot, which has no sessions.' }
  if (error.code !== 'role_not_within') return error
  return { code: 'forbidden', needed: [], provided: [], detail: 'The user has a higher role than the caller.' }
}

function rolesToChange({ caller }: OperatorContext): readonly Role[] {
  return caller.rolesWithin('change_session_settings')
}

function settingsBody(
  userId: string,
  durationSeconds: number | null,
  desktopAppBrowserQuit: boolean | null,
): z.infer<typeof UserSettingsBody> {
  return { user_id: userId, duration_seconds: durationSeconds, desktop_app_browser_quit: desktopAppBrowserQuit }
}

/** A policy, explained. */
export function policyBody(userId: string, policy: Policy): z.infer<typeof PolicyBody> {
  const explained = ({ value, from, layers, version }: Rule<unknown>) => ({
    value,
    from,
    layers: { ...layers },
    version,
  })
  return {
    user_id: userId,
    rules: {
      overall_timeout_seconds: explained(policy.overallTimeoutSeconds),
      inactivity_timeout_seconds: explained(policy.inactivityTimeoutSeconds),
      concurrent_session_limit: explained(policy.concurrentSessionLimit),
      client_kind_limits: explained(policy.clientKindLimits),
      when_limit_reached: explained(policy.whenLimitReached),
      persistent_cookies: explained(policy.persistentCookie),
      track_location: explained(policy.trackLocation),
    },
  }
}
