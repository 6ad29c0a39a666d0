/** What the operator API takes and gives of policy. Durations are in seconds. */
import { z } from 'zod'
import {
  LAYERS,
  MAX_DURATION_SECONDS,
  MAX_INACTIVITY_TIMEOUT_SECONDS,
  MAX_OVERALL_TIMEOUT_SECONDS,
  MIN_DURATION_SECONDS,
  MIN_INACTIVITY_TIMEOUT_SECONDS,
  MIN_OVERALL_TIMEOUT_SECONDS,
  WHEN_LIMIT_REACHED,
} from '../../domain/policy.ts'
import { MAX_PAGE_ENTRIES } from '../../limits.ts'
import { nextCursor } from '../common-schemas.ts'
import { SessionBody } from '../session-body.ts'

const timestamp = z.iso.datetime()
const sessionLimit = z.int().min(1).max(MAX_PAGE_ENTRIES).nullable()
const kindLimits = z
  .strictObject({ web: sessionLimit, mobile: sessionLimit })
  .meta({ id: 'ClientKindLimits', description: 'A limit for each kind of client besides; null: none.' })
  .nullable()
const whenReached = z.enum(WHEN_LIMIT_REACHED).meta({
  id: 'WhenLimitReached',
  description: 'Who goes when one more is opened; `refuse`: nobody, and the sign-in is refused.',
})
const overallTimeout = z.int().min(MIN_OVERALL_TIMEOUT_SECONDS).max(MAX_OVERALL_TIMEOUT_SECONDS)
const inactivityTimeout = z
  .int()
  .min(MIN_INACTIVITY_TIMEOUT_SECONDS)
  .max(MAX_INACTIVITY_TIMEOUT_SECONDS)
  .nullable()
  .describe('Null: sessions do not idle out.')

const concurrentSessions = z
  .strictObject({
    limit: sessionLimit.describe('Live web sessions of a user; null: as many as the service allows.'),
    when_reached: whenReached,
    by_client_kind: kindLimits,
  })
  .meta({ id: 'ConcurrentSessions' })

const configFields = {
  overall_timeout_seconds: overallTimeout,
  inactivity_timeout_seconds: inactivityTimeout,
  concurrent_sessions: concurrentSessions,
  persistent_cookies: z.boolean().describe('Whether a cookie may outlive the browser.'),
  track_location: z.boolean().describe('Whether the places of sessions are kept.'),
}

/** What is left out stays as it is. */
export const SessionConfigChange = z
  .strictObject({
    ...configFields,
    concurrent_sessions: concurrentSessions.partial().meta({ id: 'ConcurrentSessionsChange' }),
  })
  .partial()
  .refine((fields) => Object.keys(fields).length > 0, 'Must name at least one field.')
  .meta({ id: 'SessionConfigChange' })
const configBody = z
  .object({ ...configFields, overall_timeout_seconds: z.int(), inactivity_timeout_seconds: z.int().nullable() })
  .meta({ id: 'SessionRules' })
export const SessionConfigBody = z.object({ version: z.int() }).and(configBody).meta({ id: 'SessionConfig' })

export const ConfigVersionListBody = z
  .object({
    versions: z.array(
      z.object({
        version: z.int(),
        changed_at: timestamp,
        changed_by: z.string().nullable().describe('Null: that was not noted.'),
        request_id: z.string().nullable(),
        config: configBody,
      }),
    ),
    next_cursor: nextCursor,
  })
  .meta({ id: 'SessionConfigVersionList' })
export const VersionQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.coerce.number().int().positive().optional(),
})
export const VersionParameter = z.coerce.number().int().positive()

const previewedRule = z
  .object({
    sessions: z.int(),
    users: z.int(),
    exact: z
      .boolean()
      .describe('False: an upper bound, since the last activity is known to the objects of users only.'),
  })
  .meta({ id: 'PreviewedRule' })
export const PreviewBody = z
  .object({
    version: z.int().describe('Of the config that the preview was made for.'),
    sessions: z.int(),
    users: z.int(),
    by_rule: z.object({
      overall_timeout: previewedRule,
      inactivity_timeout: previewedRule,
      concurrent_sessions: previewedRule,
    }),
    examples: z.array(SessionBody).describe('The first twenty sessions that would end.'),
  })
  .meta({ id: 'SessionConfigPreview' })

/** What is missing is left to the store's config. */
export const GroupConfigInput = z
  .strictObject({
    overall_timeout_seconds: overallTimeout.optional(),
    inactivity_timeout_seconds: inactivityTimeout.optional(),
    concurrent_sessions: concurrentSessions.optional(),
  })
  .meta({ id: 'GroupSessionConfigInput' })
export const GroupConfigBody = z
  .object({ group_id: z.string(), version: z.int(), ...GroupConfigInput.shape })
  .meta({ id: 'GroupSessionConfig' })

export const UserSettingsInput = z
  .strictObject({
    duration_seconds: z.int().min(MIN_DURATION_SECONDS).max(MAX_DURATION_SECONDS).nullable(),
    desktop_app_browser_quit: z.boolean().nullable(),
  })
  .meta({ id: 'SessionSettingsInput' })
export const UserSettingsBody = z
  .object({
    user_id: z.string(),
    duration_seconds: z.int().nullable(),
    desktop_app_browser_quit: z.boolean().nullable(),
  })
  .meta({ id: 'SessionSettings' })

const explained = z
  .object({
    value: z.unknown(),
    from: z.enum([...LAYERS, 'ceiling']).describe('The layer that decided.'),
    layers: z.record(z.string(), z.unknown()).describe('What each layer says; one that is missing says nothing.'),
    version: z.int().nullable().describe('Of the layer that decided; null: it has none.'),
  })
  .meta({ id: 'ExplainedRule' })
export const PolicyBody = z
  .object({
    user_id: z.string(),
    rules: z
      .object({
        overall_timeout_seconds: explained,
        inactivity_timeout_seconds: explained,
        concurrent_session_limit: explained,
        client_kind_limits: explained,
        when_limit_reached: explained,
        persistent_cookies: explained,
        track_location: explained,
      })
      .meta({ id: 'PolicyRules' }),
  })
  .meta({ id: 'Policy' })
