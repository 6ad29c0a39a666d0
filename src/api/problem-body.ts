/** A problem (RFC 9457) as our own APIs answer it, for the documentation: its `code` tells which members it has. */
import { z } from 'zod'
import { ISSUE_CODES, TOKEN_KINDS } from '../domain/errors.ts'
import { END_REASONS } from '../domain/session.ts'
import { PARAGRAPHS, type ProblemCode } from './problems-page.ts'
import { SessionBody } from './session-body.ts'

/** One thing wrong with a request. */
export const Issue = z
  .object({
    field: z.string().describe('The dotted path of the field; empty: the whole.'),
    code: z.enum(ISSUE_CODES),
    message: z.string(),
  })
  .meta({ id: 'Issue' })

export const EndReasonBody = z.enum(END_REASONS).meta({ id: 'EndReason' })

const tokenKind = z.enum(TOKEN_KINDS).meta({ id: 'TokenKind' })

/** What problems with these codes have beside what every problem has. */
const MORE = {
  invalid_request: { errors: z.array(Issue) },
  request_too_large: { limit_bytes: z.int() },
  wrong_token_kind: { expected: tokenKind, found: tokenKind },
  session_ended: { reason: EndReasonBody, ended_at: z.iso.datetime() },
  confirmation_needed: { proven_at: z.iso.datetime() },
  rate_limited: {
    'violated-policies': z.array(z.string()).optional().describe('As `RateLimit-Policy` names them.'),
  },
  forbidden: { needed: z.array(z.string()), provided: z.array(z.string()) },
  identity_store_not_found: {
    identity_store_ids: z.array(z.string()).optional().describe('Missing where it is the one in the path.'),
  },
  precondition_failed: { version: z.int().describe('The version that it has now.') },
  more_than_expected: { count: z.int().describe('How many sessions fit the filter now.') },
  session_limit_reached: { sessions: z.array(SessionBody).describe('The live sessions, oldest first.') },
} satisfies Partial<Record<ProblemCode, z.ZodRawShape>>

/** Every code that a problem of our own APIs can have. */
export const PROBLEM_CODES = Object.keys(PARAGRAPHS) as ProblemCode[]

/** What every problem has. */
const common = z
  .object({
    type: z.string().describe('Where the code is explained.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    request_id: z.string(),
  })
  .meta({ id: 'AnyProblem' })

const withMore = Object.entries(MORE).map(([code, more]) =>
  z.intersection(common, z.object({ code: z.literal(code), ...more })).meta({ id: `${pascalCase(code)}Problem` }),
)
const other = z
  .intersection(common, z.object({ code: z.enum(PROBLEM_CODES.filter((code) => !(code in MORE))) }))
  .meta({ id: 'OtherProblem' })

/** Any problem. */
export const ProblemBody = z.union([...withMore, other]).meta({ id: 'Problem' })

function pascalCase(code: string): string {
  return code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
