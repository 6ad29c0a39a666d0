/** What the operator API takes and gives of sessions, and of the jobs that end them. */
import { z } from 'zod'
import { isAddressOrBlock } from '../../auth/address-allow-list.ts'
import { MAX_NAMED_SESSIONS, MAX_SPREAD_SECONDS } from '../../limits.ts'
import { END_OUTCOMES } from '../../sessions/jobs/end-parts.ts'
import { id, nextCursor } from '../common-schemas.ts'
import { EndReasonBody as endReason } from '../problem-body.ts'
import { SessionBody } from '../session-body.ts'
import { PolicyBody } from './policy-schemas.ts'
import { limit, sessionId } from './schemas.ts'

const instant = z.iso.datetime()
const { credentials_type: credentialsType } = SessionBody.shape
const clientKind = z.enum(['web', 'mobile']).meta({ id: 'ClientKind' })

const moment = z.iso.datetime({ offset: true })
const country = z
  .string()
  .regex(/^[A-Z]{2}$/, 'Must be two capital letters.')
  .meta({ id: 'Country', description: 'ISO 3166-1; where locations are tracked.' })
const block = z
  .string()
  .refine(isAddressOrBlock, 'Must be an address or a CIDR block.')
  .meta({ id: 'AddressOrBlock', description: 'An address or a CIDR block; of the first or the recent client.' })

const filters = {
  user_id: id.optional(),
  client_kind: clientKind.optional(),
  credentials_type: credentialsType.optional(),
  country: country.optional(),
  address: block.optional(),
  opened_after: moment.optional(),
  opened_before: moment.optional(),
  opened_by: z.string().max(200).optional(),
}
const stateFilters = {
  state: z.enum(['live', 'ended']).default('live'),
  ...filters,
  end_reason: endReason.optional(),
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
export const SessionFilter = z.strictObject(filters).meta({ id: 'SessionFilter' })

const { id: _id, current: _current, persistent: _persistent, ...shown } = SessionBody.shape
/** A session as administrators see it. */
export const OperatorSessionBody = z
  .object({
    session_id: z.uuid(),
    number: z.int(),
    ...shown,
    kind: z.enum(['web', 'api', 'operator']),
    client_kind: clientKind,
    expires_at: instant.nullable(),
    credentials_type: credentialsType,
    flags: z.object({
      new_device: z.boolean().nullable().describe('Not seen in 90 days; null: not known.'),
      persistent: z.boolean(),
      sudo: z.boolean(),
    }),
    ended_at: instant.nullable(),
    end_reason: endReason.nullable(),
    end_sentence: z.string().nullable(),
    ended_by: z.string().nullable(),
    end_request_id: z.string().nullable(),
  })
  .meta({ id: 'AdministeredSession' })

export const SessionListBody = z
  .object({
    sessions: z.array(OperatorSessionBody),
    next_cursor: z.string().nullable().describe('Null: that was the last page. An empty page may have one.'),
    scanned: z.int().describe('Records that were looked at.'),
    source: z.enum(['mirror', 'object']).describe('`object` is exact; `mirror` is the copy in D1.'),
    kept_days: z.int().describe('Ended sessions are kept so long.'),
    may_be_behind_seconds: z.int().describe('While D1 can be written; `last_seen_at` may be older.'),
  })
  .meta({ id: 'AdministeredSessionList' })
export const SessionCountBody = z
  .object({
    count: z.int(),
    exact: z.boolean().describe('False: there are at least so many.'),
  })
  .meta({ id: 'SessionCount' })

const client = {
  address: z.string().nullable(),
  browser: z.string().nullable(),
  operating_system: z.string().nullable(),
}
const by = z.string().nullable().describe('Who asked, as in the audit log. Null: nobody, or not noted.')
export const TimelineEntry = z
  .discriminatedUnion('event', [
    z.object({
      event: z.literal('opened'),
      at: instant,
      credentials_type: credentialsType,
      by,
      ...client,
      replaces_session_id: z.uuid().nullable(),
      opened_from_session_id: z.uuid().nullable(),
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
          value: z.int(),
          from: z.enum(['settings', 'group', 'config', 'default', 'ceiling', 'service']),
          version: z.int().nullable(),
        })
        .nullable()
        .describe('Null: no rule of the policy ended it.'),
      by,
      request_id: z.string().nullable(),
    }),
  ])
  .meta({ id: 'TimelineEntry' })
export const SessionDetailBody = OperatorSessionBody.and(
  z.object({
    timeline: z.array(TimelineEntry).describe('In order; with the last ten changes of client.'),
    policy: PolicyBody.shape.rules.nullable().describe('Null once the session has ended.'),
    source: z.enum(['mirror', 'object']),
  }),
).meta({ id: 'ExplainedSession' })

const overSeconds = z
  .int()
  .min(0)
  .max(MAX_SPREAD_SECONDS)
  .default(0)
  .describe('The ends are spread over so many seconds.')
export const EndSessionsInput = z
  .strictObject({
    session_ids: z.array(sessionId).min(1).max(MAX_NAMED_SESSIONS).optional(),
    filter: SessionFilter.optional().describe('Instead of `session_ids`.'),
    expected: z.int().min(0).optional().describe('With `filter`: how many sessions you saw.'),
    over_seconds: overSeconds,
  })
  .superRefine(({ session_ids: ids, filter, expected }, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if ((ids === undefined) === (filter === undefined)) issue('session_ids', 'Must be given, or `filter`; not both.')
    if ((filter === undefined) !== (expected === undefined))
      issue('expected', 'Must be given with `filter`, and only then.')
  })
  .meta({ id: 'EndSessionsInput' })
export const EndUserSessionsInput = z
  .strictObject({
    session_ids: z.array(sessionId).min(1).max(MAX_NAMED_SESSIONS).optional().describe('End only these.'),
    except_session_ids: z.array(sessionId).max(MAX_NAMED_SESSIONS).optional().describe('End all others.'),
    all: z.literal(true).optional(),
  })
  .refine((input) => Object.keys(input).length === 1, 'Must have one of `session_ids`, `except_session_ids`, `all`.')
  .meta({ id: 'EndUserSessionsInput' })
export const EndedBody = z
  .object({ ended: z.array(z.uuid()).describe('Ids of the sessions that ended now.') })
  .meta({ id: 'EndedSessions' })

export const JobBody = z
  .object({
    job_id: z.string(),
    kind: z.string(),
    state: z.enum(['running', 'failing', 'done', 'cancelled']),
    done: z.int().nullable().describe('Sessions or users; null for work of one step.'),
    left: z.int().nullable(),
    failures: z.int().describe('Failed tries since the last success.'),
    created_at: instant,
    due_at: instant.describe('When the job goes on, or is forgotten.'),
    results_url: z.string().nullable().describe('The results are kept for a day after the end.'),
  })
  .meta({ id: 'Job' })
export const JobListBody = z.object({ jobs: z.array(JobBody) }).meta({ id: 'JobList' })
export const ResultQuery = z.strictObject({ limit, cursor: z.coerce.number().int().min(0).default(0) })
export const JobResultsBody = z
  .object({
    results: z.array(z.object({ session_id: z.uuid(), user_id: z.string().nullable(), outcome: z.enum(END_OUTCOMES) })),
    next_cursor: nextCursor,
  })
  .meta({ id: 'JobResults' })
