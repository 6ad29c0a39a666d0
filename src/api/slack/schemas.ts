/** Arguments and answers of the Slack methods, in Slack's names. Source: docs.slack.dev/reference/methods */
import { z } from 'zod'
import { MAX_DURATION_SECONDS, MIN_DURATION_SECONDS } from '../../domain/policy.ts'

/** Most users in one call. Source: admin.users.session.setSettings, resetBulk. */
const MAX_USERS = 1_000
/** Largest page of a list, and the default. Source: admin.users.session.list. */
const MAX_PAGE = 1_000

const id = z.string().max(255)
const userIds = z
  .array(id.min(1))
  .min(1)
  .max(MAX_USERS)
  .transform((ids) => [...new Set(ids)])
  .describe('A JSON array, or the ids with commas between them.')
  .meta({ id: 'SlackUserIds' })
const teamId = id.optional().describe("The identity store's id; it must be the token's.")

/** What any call may carry. */
export const Common = z
  .object({
    token: z.string().optional().describe('The token, if it is not in the header `Authorization`.'),
    team_id: teamId,
  })
  .meta({ id: 'SlackCommonArguments' })

export const SetSettingsArguments = z.object({
  user_ids: userIds,
  duration: z
    .int()
    .min(MIN_DURATION_SECONDS)
    .max(MAX_DURATION_SECONDS)
    .optional()
    .describe('Overall timeout of the sessions, in seconds.'),
  desktop_app_browser_quit: z
    .boolean()
    .optional()
    .describe('The session ends with the browser: its cookie does not outlive it.'),
})
export const UsersArguments = z.object({ user_ids: userIds })
export const ListArguments = z.object({
  user_id: id.optional().describe('With `team_id`: the sessions of this user only, exactly.'),
  team_id: teamId,
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
  limit: z.int().min(1).max(MAX_PAGE).default(MAX_PAGE),
})
export const InvalidateArguments = z.object({
  session_id: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  user_id: id.optional().describe('The user whose session it is; this or `team_id` is needed.'),
  team_id: teamId,
})
const clients = {
  mobile_only: z.boolean().default(false).describe('Only sessions of phones and tablets.'),
  web_only: z.boolean().default(false).describe('Only sessions of other clients.'),
}
const NOT_BOTH = { error: 'mobile_only and web_only exclude each other', path: ['mobile_only'] }
export const ResetArguments = z.object({ user_id: id, ...clients }).refine(oneKind, NOT_BOTH)
export const ResetBulkArguments = z.object({ user_ids: userIds, ...clients }).refine(oneKind, NOT_BOTH)
export const TestArguments = z.object({ error: z.string().optional().describe('Answered as an error.') })
export const NoArguments = z.object({})

/** Success without more to say. */
export const DoneBody = z.object({ ok: z.literal(true) }).meta({ id: 'SlackDone' })
export const SettingsBody = z
  .object({
    ok: z.literal(true),
    session_settings: z.array(
      z.object({
        user_id: z.string(),
        duration: z.int().optional().describe('Seconds; missing where it was never set.'),
        desktop_app_browser_quit: z.boolean().optional(),
      }),
    ),
    no_settings_applied: z.array(z.string()).describe('Users without settings of their own.'),
  })
  .meta({ id: 'SlackSessionSettings' })
const client = z
  .object({
    device_hardware: z.string(),
    os: z.string(),
    os_version: z.string(),
    slack_client_version: z.string(),
    ip: z.string(),
  })
  .meta({ id: 'SlackClient' })
export const SessionListBody = z
  .object({
    ok: z.literal(true),
    active_sessions: z.array(
      z.object({
        user_id: z.string(),
        session_id: z.int(),
        team_id: z.string(),
        created: client,
        recent: client.optional().describe('Missing where the client is still the same.'),
      }),
    ),
    response_metadata: z.object({ next_cursor: z.string().describe('Empty on the last page.') }),
  })
  .meta({ id: 'SlackSessionList' })
export const AuthTestBody = z
  .object({
    ok: z.literal(true),
    url: z.string(),
    team: z.string(),
    team_id: z.string(),
    user: z.string(),
    user_id: z.string().optional(),
    bot_id: z.string().optional().describe('Of a token that acts for no user.'),
    is_enterprise_install: z.boolean(),
  })
  .meta({ id: 'SlackAuthTest' })
export const TestBody = z
  .object({
    ok: z.boolean(),
    error: z.string().optional(),
    args: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'SlackApiTest' })
/** The codes that are sent, in Slack's spelling. docs/slack.md says when. */
export const ERROR_CODES = [
  'access_denied',
  'accesslimited',
  'account_inactive',
  'admin_unauthorized',
  'at_least_one_session_setting_required',
  'bots_not_allowed',
  'cannot_invalidate_primary_owner',
  'cannot_reset_bot',
  'cannot_reset_primary_owner',
  'fatal_error',
  'feature_not_enabled',
  'internal_error',
  'invalid_arg_name',
  'invalid_arguments',
  'invalid_array_arg',
  'invalid_auth',
  'invalid_charset',
  'invalid_cursor',
  'invalid_form_data',
  'invalid_json',
  'invalid_post_type',
  'json_not_object',
  'missing_post_type',
  'missing_scope',
  'missing_team',
  'missing_user',
  'not_allowed_token_type',
  'not_an_admin',
  'not_authed',
  'org_login_required',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'session_invalidation_failed',
  'session_not_found',
  'team_access_not_granted',
  'team_added_to_org',
  'team_not_found',
  'token_expired',
  'token_revoked',
  'unable_to_update_existing_sessions',
  'unknown_method',
  'user_not_found',
  'user_session_reset_failed',
] as const
export type SlackErrorCode = (typeof ERROR_CODES)[number]

/** A refusal; the same HTTP status as success. */
export const RefusalBody = z
  .object({
    ok: z.literal(false),
    error: z.enum(ERROR_CODES),
    needed: z.string().optional(),
    provided: z.string().optional(),
    response_metadata: z.object({ messages: z.array(z.string()) }).optional(),
  })
  .meta({ id: 'SlackRefusal' })

function oneKind(given: { readonly mobile_only: boolean; readonly web_only: boolean }): boolean {
  return !(given.mobile_only && given.web_only)
}
