/** What the operator API takes and gives of sessions, and of the jobs that end them. */
import { z } from 'zod'
import { isAddressOrBlock } from '../../auth/address-allow-list.ts'
import { END_SENTENCES } from '../../domain/end-sentences.ts'
import { ID_PATTERN } from '../../domain/ids.ts'
import type { CredentialsType, EndReason } from '../../domain/session.ts'
import { MAX_NAMED_SESSIONS, MAX_PAGE_ENTRIES, MAX_SPREAD_SECONDS } from '../../limits.ts'
import { END_OUTCOMES } from '../../sessions/jobs/end-parts.ts'
import { SessionBody } from '../session-body.ts'
import { PolicyBody } from './policy-schemas.ts'
import { sessionId } from './schemas.ts'

const instant = z.iso.datetime()
const limit = z.coerce.number().int().min(1).max(MAX_PAGE_ENTRIES).default(100)
const endReason = z.enum(Object.keys(END_SENTENCES) as [EndReason, ...EndReason[]])
const CREDENTIALS_TYPES = {
  password: true,
  trusted_back_end: true,
  openid: true,
  login_token: true,
  api_client: true,
  sudo: true,
} as const satisfies Readonly<Record<CredentialsType, true>>
const credentialsType = z.enum(Object.keys(CREDENTIALS_TYPES) as [CredentialsType, ...CredentialsType[]])
const clientKind = z.enum(['web', 'mobile'])

const filters = {
  user_id: z.string().regex(ID_PATTERN, 'Must be an id.').optional(),
  client_kind: clientKind.optional().describe('Of the client that uses the session now.'),
  credentials_type: credentialsType.optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'Must be two capital letters.')
    .optional()
    .describe('ISO 3166-1, two letters; known where the store tracks locations.'),
  address: z
    .string()
    .refine(isAddressOrBlock, 'Must be an address or a CIDR block.')
    .optional()
    .describe('An address or a CIDR block: that of the client that opened the session, or uses it now.'),
  opened_after: z.iso.datetime({ offset: true }).optional().describe('At or after it.'),
  opened_before: z.iso.datetime({ offset: true }).optional().describe('Before it.'),
}
const stateFilters = {
  state: z.enum(['live', 'ended']).default('live'),
  ...filters,
  end_reason: endReason.optional().describe('With `state=ended`.'),
}

/** Which sessions, and which page. The cursor is the `next_cursor` of the page before. */
export const SessionQuery = z.strictObject({
  ...stateFilters,
  limit,
  cursor: z
    .string()
    .regex(/^(?:\d{1,15}~)?[0-9a-f-]{36}$/, 'Must be the `next_cursor` of a page.')
    .optional(),
})
export const SessionCountQuery = z.strictObject(stateFilters)
export const SessionFilter = z.strictObject(filters)

const { id: _id, current: _current, persistent: _persistent, ...shown } = SessionBody.shape
/** A session as administrators see it. */
export const OperatorSessionBody = z.object({
  session_id: z.uuid(),
  number: z.int().describe('The session as APIs with integer ids show it.'),
  ...shown,
  kind: z.enum(['web', 'api']),
  client_kind: clientKind,
  expires_at: instant.nullable().describe('Null once it has ended.'),
  credentials_type: credentialsType,
  flags: z.object({
    new_device: z
      .boolean()
      .nullable()
      .describe("The user's object had not seen this kind of browser and system in 90 days. Null: not known."),
    persistent: z.boolean().describe('The cookie outlives the browser.'),
    sudo: z.boolean().describe('Somebody else acts as the user.'),
  }),
  ended_at: instant.nullable(),
  end_reason: endReason.nullable(),
  end_sentence: z.string().nullable().describe('The reason, for people.'),
})

export const SessionListBody = z.object({
  sessions: z.array(OperatorSessionBody),
  next_cursor: z.string().nullable().describe('Null: there is no more. A page may be empty and have one.'),
  scanned: z.int().describe('Records that were looked at; at most 2 000.'),
  source: z.enum(['mirror', 'object']).describe('`object` is exact; `mirror` is the copy in D1.'),
  may_be_behind_seconds: z
    .int()
    .describe('How old the copy may be while D1 can be written; the last activity may be older.'),
})
export const SessionCountBody = z.object({
  count: z.int(),
  exact: z.boolean().describe('False: at least so many; 10 000 records were looked at.'),
})

const client = {
  address: z.string().nullable(),
  browser: z.string().nullable(),
  operating_system: z.string().nullable(),
}
const by = z.string().nullable().describe('As the audit log names them. Null: nobody asked, or it was not noted.')
export const TimelineEntry = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('opened'),
    at: instant,
    credentials_type: credentialsType,
    by,
    ...client,
    replaces_session_id: z.uuid().nullable().describe('The session of the same client whose place it took.'),
    opened_from_session_id: z.uuid().nullable().describe('Of a sudo session: the one that it was opened from.'),
    new_device: z.boolean().nullable(),
  }),
  z.object({ event: z.literal('client_changed'), at: instant, ...client }),
  z.object({
    event: z.literal('ended'),
    at: instant,
    reason: endReason,
    sentence: z.string(),
    decision: z
      .object({
        rule: z.enum(['overall_timeout', 'inactivity_timeout', 'concurrent_sessions']),
        value: z.int().describe('Seconds, or the limit.'),
        from: z.enum(['settings', 'group', 'config', 'default', 'ceiling', 'service']).describe('The layer.'),
        version: z.int().nullable().describe('Of the layer.'),
      })
      .nullable()
      .describe('The rule of the policy that ended it; null: it was none.'),
    by,
    request_id: z.string().nullable(),
  }),
])
export const SessionDetailBody = OperatorSessionBody.extend({
  timeline: z.array(TimelineEntry).describe('In order. Of the changes of client the last ten, while they are known.'),
  policy: PolicyBody.shape.rules.nullable().describe('What holds for the user now. Null once the session has ended.'),
  source: z.enum(['mirror', 'object']),
})

const overSeconds = z
  .int()
  .min(0)
  .max(MAX_SPREAD_SECONDS)
  .default(0)
  .describe('Spreads the ends over this time. 0: as fast as users’ own requests allow.')
export const EndSessionsInput = z
  .strictObject({
    session_ids: z.array(sessionId).min(1).max(MAX_NAMED_SESSIONS).optional(),
    filter: SessionFilter.optional().describe('All live sessions that fit, instead of `session_ids`.'),
    expected: z.int().min(0).optional().describe('With `filter`: how many you saw.'),
    over_seconds: overSeconds,
  })
  .superRefine(({ session_ids: ids, filter, expected }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if ((ids === undefined) === (filter === undefined)) issue('session_ids', 'Must be given, or `filter`; not both.')
    if ((filter === undefined) !== (expected === undefined))
      issue('expected', 'Must be given with `filter`, and only then.')
  })
export const EndUserSessionsInput = z
  .strictObject({
    session_ids: z.array(sessionId).min(1).max(MAX_NAMED_SESSIONS).optional().describe('These.'),
    except_session_ids: z.array(sessionId).max(MAX_NAMED_SESSIONS).optional().describe('All but these.'),
    all: z.literal(true).optional(),
  })
  .refine((input) => Object.keys(input).length === 1, 'Must have one of `session_ids`, `except_session_ids`, `all`.')
export const EndedBody = z.object({ ended: z.array(z.uuid()).describe('Those that ended now.') })

export const JobBody = z.object({
  job_id: z.string(),
  kind: z.string(),
  state: z.enum(['running', 'failing', 'done', 'cancelled']),
  done: z.int().nullable().describe('Sessions, or users; null for work that is one step.'),
  left: z.int().nullable(),
  failures: z.int().describe('In a row.'),
  created_at: instant,
  due_at: instant.describe('When it goes on; of one that is over, when it is forgotten.'),
  results_url: z.string().nullable().describe('What became of each session; kept for a day after the end.'),
})
export const JobListBody = z.object({ jobs: z.array(JobBody) })
export const ResultQuery = z.strictObject({ limit, cursor: z.coerce.number().int().min(0).default(0) })
export const JobResultsBody = z.object({
  results: z.array(z.object({ session_id: z.uuid(), user_id: z.string().nullable(), outcome: z.enum(END_OUTCOMES) })),
  next_cursor: z.string().nullable(),
})
