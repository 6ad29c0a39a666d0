/** What the own API takes and gives. JSON, snake_case; instants are ISO 8601 in UTC. */

import { z } from 'zod'
import { trimUserAgent } from '../../domain/session.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { MAX_PAGE_ENTRIES } from '../../limits.ts'
import { REGIONS } from '../../sessions/object/user-stub.ts'
import { id, nextCursor } from '../common-schemas.ts'
import { EndReasonBody } from '../problem-body.ts'
import { Place, SessionBody } from '../session-body.ts'

const NO_ADDRESS = 'Must be an IPv4 or an IPv6 address.'

const place = z.strictObject(Place.shape).partial()

const endSessions = z
  .array(z.string().regex(SESSION_ID_PATTERN, 'Must be the id of a session.'))
  .max(MAX_PAGE_ENTRIES)
  .default([])
  .describe('Sessions of the user that end to make room, in the same step. For an answer `session_limit_reached`.')

/** Sign in with a password. */
export const SignIn = z
  .strictObject({
    username: z.string().min(1).max(254),
    password: z.string().min(1).max(1_024),
    persistent: z.boolean().default(false).describe('Ask for a cookie that outlives the browser; policy decides.'),
    end_sessions: endSessions,
    transport: z
      .enum(['cookie', 'bearer'])
      .default('cookie')
      .describe('How the token is handed over: one of the two, never both.'),
  })
  .meta({ id: 'SignIn' })

const client = z
  .strictObject({
    address: z.union([z.ipv4(), z.ipv6()], NO_ADDRESS).nullable(),
    user_agent: z.string().nullable().transform(trimUserAgent),
  })
  .meta({
    id: 'Client',
    description: "The end user's client, not the back end's own; null for what the back end does not know.",
  })

/** Open a session for a user that a trusted back end has verified. */
export const OpenForUser = z
  .strictObject({
    user_id: id,
    client,
    location: place
      .nullable()
      .default(null)
      .describe('Where the end user is, as the back end knows it. Kept only where the store tracks it.'),
    region: z
      .enum(REGIONS)
      .nullable()
      .default(null)
      .describe("Where the user's sessions are to be kept. It counts once, for a user of whom nothing is kept yet."),
    persistent: z.boolean().default(false),
    end_sessions: endSessions,
  })
  .meta({ id: 'OpenForUser' })

const token = z.string().min(1).max(4_096)

/** Check the session of a back end's user. */
export const CheckForUser = z
  .strictObject({
    token,
    client: client.nullable().default(null).describe('Left out or null: the session keeps the client it is known by.'),
    touch: z.boolean().default(true).describe('`false`: does not count as activity of the user, nor of the client.'),
  })
  .meta({ id: 'CheckRequest' })

/** List the sessions of a back end's user. */
export const ListForUser = CheckForUser.omit({ touch: true })
  .extend({
    limit: z.int().min(1).max(MAX_PAGE_ENTRIES).default(100),
    cursor: z.string().regex(SESSION_ID_PATTERN, 'Must be a `next_cursor`.').optional(),
  })
  .meta({ id: 'ListRequest' })

export const CheckQuery = z.strictObject({
  touch: z.enum(['true', 'false']).default('true').describe('`false`: does not count as activity of the user.'),
})

/** A page of a list of sessions. */
export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_ENTRIES).default(100),
  cursor: z.string().regex(SESSION_ID_PATTERN, 'Must be a `next_cursor`.').optional(),
})

export const EndQuery = z.strictObject({ except: z.literal('current') })

export const TokenForm = z
  .strictObject({
    token,
    token_type_hint: z.string().max(64).optional().describe('Accepted and ignored.'),
  })
  .meta({ id: 'RevocationRequest' })

export const IntrospectForm = TokenForm.extend({
  touch: z.enum(['true', 'false']).default('false').describe('Not of RFC 7662: `true` counts as activity of the user.'),
}).meta({ id: 'IntrospectionRequest' })

/** Other parameters are ignored. */
export const LogoutForm = z.object({ logout_token: z.string().min(1) }).meta({ id: 'LogoutRequest' })

export const OpenedBody = SessionBody.and(
  z.object({ token: z.string().optional().describe('Only for transport `bearer`.') }),
).meta({ id: 'OpenedSession' })

const EndedState = z
  .object({
    state: z.literal('ended'),
    reason: EndReasonBody.describe('Why it ended.'),
    ended_at: z.iso.datetime(),
  })
  .meta({ id: 'EndedState' })
const UnknownState = z
  .object({ state: z.literal('unauthenticated').describe('No token of a session of this store.') })
  .meta({ id: 'UnauthenticatedState' })

/** What has become of a session. */
export const CheckedStateBody = z
  .discriminatedUnion('state', [
    z.object({ state: z.literal('active'), session: SessionBody }),
    EndedState,
    UnknownState,
  ])
  .meta({ id: 'CheckedState' })

export const SessionListBody = z
  .object({
    sessions: z.array(SessionBody),
    next_cursor: nextCursor,
  })
  .meta({ id: 'SessionList' })

/** The list that a back end asks for. */
export const ListedStateBody = z
  .discriminatedUnion('state', [SessionListBody.extend({ state: z.literal('active') }), EndedState, UnknownState])
  .meta({ id: 'ListedState' })

export const EndedBody = z
  .object({ ended: z.int().describe('How many sessions ended now.') })
  .meta({ id: 'EndedCount' })

/** RFC 7662, section 2.2. */
export const IntrospectionBody = z
  .object({
    active: z.boolean(),
    token_type: z.literal('Bearer').optional(),
    sub: z.string().optional().describe('The user id.'),
    sid: z.string().optional().describe('The session id.'),
    identity_store_id: z.string().optional(),
    iat: z.int().optional(),
    exp: z.int().optional(),
    auth_time: z.int().optional(),
  })
  .meta({ id: 'Introspection' })

export const HealthBody = z
  .object({
    status: z.enum(['ok', 'degraded']),
    bindings: z.record(z.string(), z.boolean()),
    missing_migrations: z.array(z.string()).optional(),
    detail: z.string().optional(),
  })
  .meta({ id: 'Health' })
