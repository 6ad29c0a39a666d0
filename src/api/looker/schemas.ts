/** What Looker's API takes and gives. Source: the Looker API 4.0 specification, version 4.0.26.12. */
import { z } from 'zod'
import { MAX_SESSION_MINUTES, MIN_SESSION_MINUTES } from '../../domain/policy.ts'

const MINUTES_MESSAGE = `Must be a whole number from ${MIN_SESSION_MINUTES} to ${MAX_SESSION_MINUTES}.`
const boolean = z.boolean('Must be true or false.')
const text = z.string().nullable()
const can = z.record(z.string(), z.boolean()).meta({ id: 'LookerCan', description: 'What the caller may do.' })
const timestamp = z.string().describe('ISO 8601, UTC.')

/** Longest value of a parameter, in characters. */
const MAX_TEXT_LENGTH = 1_024
const parameter = z.string().max(MAX_TEXT_LENGTH)

/** By form, or by query (deprecated). */
export const LoginInput = z
  .object({ client_id: parameter.min(1), client_secret: parameter.min(1) })
  .meta({ id: 'LookerLogin' })

export const AccessToken = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds until it expires.'),
    refresh_token: z.null(),
  })
  .meta({ id: 'LookerAccessToken' })

/** What may be changed; unknown and read-only fields are ignored. */
export const SessionConfigPatch = z
  .object({
    allow_persistent_sessions: boolean.optional(),
    session_minutes: z
      .int({ error: MINUTES_MESSAGE, abort: true })
      .min(MIN_SESSION_MINUTES, MINUTES_MESSAGE)
      .max(MAX_SESSION_MINUTES, MINUTES_MESSAGE)
      .optional(),
    unlimited_sessions_per_user: boolean.optional(),
    use_inactivity_based_logout: boolean.optional(),
    track_session_location: boolean.optional(),
  })
  .meta({ id: 'LookerSessionConfigPatch' })

export const SessionConfigBody = z
  .object({
    can,
    allow_persistent_sessions: z.boolean(),
    session_minutes: z.int(),
    unlimited_sessions_per_user: z.boolean(),
    use_inactivity_based_logout: z.boolean(),
    track_session_location: z.boolean(),
  })
  .meta({ id: 'LookerSessionConfig' })

/** `fields`: names, comma-separated; unknown ones are passed over. */
export const FieldsQuery = z
  .object({ fields: parameter.optional().describe('Names, comma-separated.') })
  .meta({ id: 'LookerFieldsQuery' })

export const SessionBody = z
  .object({
    can,
    id: z.uuid(),
    ip_address: text,
    browser: text,
    operating_system: text,
    city: text,
    state: text,
    country: text,
    credentials_type: text,
    extended_at: timestamp.nullable(),
    extended_count: z.int().nullable(),
    sudo_user_id: text,
    created_at: timestamp,
    expires_at: timestamp,
    url: z.url(),
  })
  .meta({ id: 'LookerSession' })

export const WORKSPACES = ['production', 'dev'] as const

const workspace = z.enum(WORKSPACES, 'Must be production or dev.').meta({ id: 'LookerWorkspace' })

export const ApiSessionPatch = z
  .object({
    workspace_id: workspace.optional(),
  })
  .meta({ id: 'LookerApiSessionPatch' })

export const ApiSessionBody = z
  .object({ can, workspace_id: workspace, sudo_user_id: text })
  .meta({ id: 'LookerApiSession' })

export const UserBody = z
  .object({
    can,
    id: z.string(),
    first_name: text,
    last_name: text,
    display_name: text,
    email: text,
    is_disabled: z.boolean(),
    url: z.url(),
  })
  .meta({ id: 'LookerUser' })

const flag = z.enum(['true', 'false', '1', '0'], 'Must be true or false.').transform((value) => /true|1/.test(value))
const count = z.coerce.number('Must be a whole number.').int('Must be a whole number.')

export const LockoutSearchQuery = FieldsQuery.extend({
  limit: count.min(1).max(1_000).optional(),
  offset: count.min(0).optional(),
  page: count.min(1).optional().describe('Deprecated: use `offset`.'),
  per_page: count.min(1).max(1_000).optional().describe('Deprecated: use `limit`.'),
  sorts: parameter.optional().describe('Fields, comma-separated, each may be followed by `asc` or `desc`.'),
  auth_type: parameter.optional(),
  full_name: parameter.optional(),
  email: parameter.optional(),
  remote_id: parameter.optional(),
  filter_or: flag.optional().describe('Whether one matching filter is enough.'),
})

export const LockoutBody = z
  .object({
    can,
    key: z.string(),
    auth_type: z.literal('email'),
    ip: z.string(),
    user_id: z.string(),
    remote_id: z.null(),
    full_name: text,
    email: text,
    fail_count: z.int(),
    lockout_at: z.iso.datetime(),
  })
  .meta({ id: 'LookerUserLoginLockout' })

const version = z
  .object({
    version: z.string(),
    full_version: z.string(),
    status: z.string(),
    swagger_url: z.url(),
  })
  .meta({ id: 'LookerApiVersionElement' })
export const VersionsBody = z
  .object({
    looker_release_version: z.string(),
    current_version: version,
    supported_versions: z.array(version),
    api_server_base_url: z.string(),
    web_server_base_url: z.string(),
  })
  .meta({ id: 'LookerApiVersion' })

export const ErrorBody = z.object({ message: z.string(), documentation_url: z.url() }).meta({ id: 'LookerError' })

export const ValidationErrorBody = ErrorBody.extend({
  errors: z.array(
    z.object({
      field: z.string(),
      code: z.enum(['missing_field', 'invalid']),
      message: z.string(),
      documentation_url: z.url(),
    }),
  ),
}).meta({ id: 'LookerValidationError' })
