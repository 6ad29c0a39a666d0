/** What the operator API takes and gives of what goes on in an identity store. */
import { z } from 'zod'
import { ID_PATTERN } from '../../domain/ids.ts'
import { normalizeUsername } from '../../domain/text.ts'
import { MAX_OVERVIEW_HOURS, MAX_SUMMARIES, OVERVIEW_HOURS } from '../../limits.ts'
import { id, nextCursor } from '../common-schemas.ts'
import { IdentityStoreBody, limit, PageQuery, printableText, role, scanned, timestamp } from './schemas.ts'
import { SessionCountBody } from './session-schemas.ts'

const count = z.int().nonnegative()
const text = printableText.min(1).max(254)
/** An instant as epoch milliseconds. */
const instant = z.iso.datetime({ offset: true }).transform((at) => Date.parse(at))

export const AuditQuery = z.strictObject({
  ...PageQuery.shape,
  actor: text.optional(),
  action: text.optional(),
  subject: text.optional(),
  after: instant.optional().describe('From this instant on.'),
  before: instant.optional().describe('Before this instant.'),
})

export const UserQuery = z.strictObject({
  limit,
  cursor: text.optional(),
  username: text
    .transform(normalizeUsername)
    .optional()
    .describe('How the user name begins. The list is by user name.'),
  active: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  role: role.optional(),
  group_id: id.optional(),
})

export const StoreQuery = z.strictObject({
  ...PageQuery.shape,
  counts: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false)
    .describe('With how many users (to 1 000) and live sessions each has.'),
})
export const IdentityStoreListBody = z
  .object({
    identity_stores: z.array(
      IdentityStoreBody.and(z.object({ users: SessionCountBody.optional(), live_sessions: count.optional() })),
    ),
    next_cursor: nextCursor,
  })
  .meta({ id: 'IdentityStoreList' })

/** Ids with commas between. */
const userIds = z
  .string()
  .refine(
    (list) => list.split(',').length <= MAX_SUMMARIES && list.split(',').every((one) => ID_PATTERN.test(one)),
    `Must be at most ${MAX_SUMMARIES} ids with commas between.`,
  )
export const UserSummaryQuery = z.strictObject({ user_ids: userIds.describe('With commas between, 100 at most.') })
export const UserSummariesBody = z
  .object({
    users: z.array(
      z.object({
        user_id: z.string(),
        username: z.string(),
        live_sessions: SessionCountBody,
        last_opened_at: timestamp.nullable(),
      }),
    ),
    source: z.literal('mirror'),
  })
  .meta({ id: 'UserSummaries' })

export const OverviewQuery = z.strictObject({
  hours: z.coerce.number().int().min(1).max(MAX_OVERVIEW_HOURS).default(OVERVIEW_HOURS),
})

export const LockoutQuery = z.strictObject({
  limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}\.[0-9a-f]{64}$/, 'Must be the `next_cursor` of a page.')
    .optional(),
})
const LockoutBody = z
  .object({
    lockout_id: z.string(),
    user_id: z.string(),
    username: z.string(),
    address: z.string(),
    wrong_passwords: count,
    locked_at: timestamp,
    locked_until: timestamp,
  })
  .meta({ id: 'Lockout' })
export const LockoutListBody = z
  .object({ lockouts: z.array(LockoutBody), next_cursor: nextCursor, scanned })
  .meta({ id: 'LockoutList' })

export const OverviewBody = z
  .object({
    live_sessions: count,
    users_with_sessions: count.describe('Users with a live session at least.'),
    source: z.literal('mirror').describe('Counted as the records of sessions come, moments after the sessions change.'),
    hours: z
      .array(
        z.object({
          hour: timestamp.describe('Its first instant.'),
          opened: count,
          ended: z.record(z.string(), count).describe('How many, by end reason.'),
          failed_sign_ins: count.describe("Wrong passwords of the store's users."),
          lockouts: count,
        }),
      )
      .describe('As many as asked for, the one that is not over too, oldest first.'),
    lockouts: z.object({
      count,
      exact: z.boolean().describe('False: there are so many at least.'),
    }),
    jobs: z.object({ unfinished: count, failing: count.describe('Of these, those whose last try failed.') }),
    session_config: z.object({
      version: z.int(),
      changed_at: timestamp,
      changed_by: z.string().nullable().describe('Null: that was not noted, or it is as it was at first.'),
    }),
  })
  .meta({ id: 'Overview' })
