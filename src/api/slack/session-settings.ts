/** Users' own session settings: `setSettings`, `getSettings`, `clearSettings`. */
import type { z } from 'zod'
import { rolesWithin } from '../../domain/authority.ts'
import { fail, ok, type Result } from '../../domain/result.ts'
import type { AuditEntry } from '../../store/audit-events.ts'
import {
  type ChangedUsers,
  changeSessionSettings,
  clearSessionSettings,
  readSessionSettings,
  type SettingsFault,
} from '../../store/session-settings.ts'
import type { Unavailable } from '../../time-limit.ts'
import { auditEntry } from '../audit.ts'
import { type Refusal, refusal, refusalOf } from './errors.ts'
import { type Call, done, type MethodResult } from './method.ts'
import type { SetSettingsArguments, SettingsBody, UsersArguments } from './schemas.ts'

/** `admin.users.session.setSettings` for up to 1 000 users: all of them or none. */
export async function setSettings(call: Call<z.infer<typeof SetSettingsArguments>>): MethodResult {
  const { user_ids: userIds, duration, desktop_app_browser_quit: quit } = call.input
  if (duration === undefined && quit === undefined) return refusal('at_least_one_session_setting_required')
  const changes = { durationSeconds: duration, desktopAppBrowserQuit: quit }
  const { db } = call.context.services
  return change(call, userIds, 'session_settings.changed', (entry) =>
    changeSessionSettings(db, userIds, rolesOf(call), changes, entry),
  )
}

/** `admin.users.session.clearSettings`: the store's config decides again. */
export async function clearSettings(call: Call<z.infer<typeof UsersArguments>>): MethodResult {
  const { user_ids: userIds } = call.input
  const { db } = call.context.services
  return change(call, userIds, 'session_settings.cleared', (entry) =>
    clearSessionSettings(db, userIds, rolesOf(call), entry),
  )
}

/** `admin.users.session.getSettings` */
export async function getSettings({ caller, input, context }: Call<z.infer<typeof UsersArguments>>): MethodResult {
  const read = await readSessionSettings(context.services.db, caller.identityStoreId, input.user_ids)
  if (!read.ok) return fail(faultRefusal(read.error))
  const has = ({ durationSeconds, desktopAppBrowserQuit }: (typeof read.value)[number]) =>
    durationSeconds !== null || desktopAppBrowserQuit !== null
  const body: Omit<z.infer<typeof SettingsBody>, 'ok'> = {
    session_settings: read.value.filter(has).map(({ userId, durationSeconds, desktopAppBrowserQuit }) => ({
      user_id: userId,
      ...(desktopAppBrowserQuit === null ? {} : { desktop_app_browser_quit: desktopAppBrowserQuit }),
      ...(durationSeconds === null ? {} : { duration: durationSeconds }),
    })),
    no_settings_applied: read.value.filter((settings) => !has(settings)).map(({ userId }) => userId),
  }
  return ok(body)
}

async function change(
  { caller, context }: Call<unknown>,
  userIds: readonly string[],
  action: string,
  write: (entry: AuditEntry) => Promise<Result<ChangedUsers, Unavailable | SettingsFault>>,
): MethodResult {
  const { identityStoreId } = caller
  const { requestId, services } = context
  const subject = userIds.length === 1 ? `user:${userIds[0]}` : 'users'
  const entry = auditEntry(context, identityStoreId, action, subject)
  const changed = await services.sessions.changes.changeSettings(identityStoreId, userIds, requestId, () =>
    write(entry),
  )
  if (!changed.ok) return fail(faultRefusal(changed.error))
  return changed.value.appliedNow ? done : refusal('unable_to_update_existing_sessions')
}

/** The roles of those whose settings the caller may change. */
function rolesOf({ caller }: Call<unknown>) {
  return rolesWithin(caller.user.role, 'change_session_settings')
}

function faultRefusal(error: Unavailable | SettingsFault): Refusal {
  if (error.code === 'user_is_bot') return { error: 'bots_not_allowed' }
  return error.code === 'role_not_within' ? { error: 'admin_unauthorized' } : refusalOf(error)
}
