/**
 * What the Shared Signals Framework 1.0 takes and gives. Unknown members are let pass, as the specification wants it.
 * Source: OpenID Shared Signals Framework 1.0, sections 7 and 8; RFC 8935, RFC 8936, RFC 9493
 */
import { z } from 'zod'
import { SECURITY_EVENTS, STREAM_STATUSES } from '../../domain/security-events.ts'
import { MAX_POLLED_EVENTS } from '../../limits.ts'

/** The methods of delivery: RFC 8935 and RFC 8936. */
export const PUSH = 'urn:ietf:rfc:8935'
export const POLL = 'urn:ietf:rfc:8936'

const streamId = z.string().min(1).max(100)
const url = z.url().max(2_000)
const uri = z.string().min(1).max(300)
const uris = z.array(uri).max(50)

const delivery = z
  .discriminatedUnion('method', [
    z.object({
      method: z.literal(PUSH),
      endpoint_url: url,
      authorization_header: z
        .string()
        .min(1)
        .max(2_000)
        .regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'Must be the value of a header.')
        .optional()
        .describe('Sent as `Authorization`; never shown again.'),
    }),
    z.object({ method: z.literal(POLL), endpoint_url: url.optional() }),
  ])
  .meta({ id: 'SsfDelivery' })

/** What a receiver says of a stream. A description that is too long is cut. */
const said = {
  delivery: delivery.optional(),
  events_requested: uris.optional(),
  description: z.string().max(10_000).optional(),
}

export const StreamInput = z.object(said).meta({ id: 'SsfStreamInput' })

/** Also what we say of it, which must be as we have said. */
export const StreamChange = z
  .object({
    stream_id: streamId,
    ...said,
    iss: z.string().optional(),
    aud: z.union([z.string(), z.array(z.string())]).optional(),
    events_supported: uris.optional(),
    events_delivered: uris.optional(),
    min_verification_interval: z.int().optional(),
    inactivity_timeout: z.int().optional(),
  })
  .meta({ id: 'SsfStreamChange' })

export const StreamBody = z
  .object({
    stream_id: z.string(),
    iss: z.string(),
    aud: z.string().describe("The id of the receiver's credential."),
    delivery: z.object({ method: z.enum([PUSH, POLL]), endpoint_url: z.string() }),
    events_supported: z.array(z.enum(SECURITY_EVENTS as [string, ...string[]])),
    events_requested: z.array(z.string()),
    events_delivered: z.array(z.string()),
    min_verification_interval: z.int(),
    description: z.string().optional(),
  })
  .meta({ id: 'SsfStream' })
export const StreamsBody = z.union([StreamBody, z.array(StreamBody)]).meta({ id: 'SsfStreams' })

export const StreamsQuery = z.object({ stream_id: streamId.optional() })
export const StreamQuery = z.object({ stream_id: streamId })

export const StatusInput = z
  .object({ stream_id: streamId, status: z.enum(STREAM_STATUSES), reason: z.string().min(1).max(500).optional() })
  .meta({ id: 'SsfStatusInput' })
export const StatusBody = z
  .object({ stream_id: z.string(), status: z.enum(STREAM_STATUSES), reason: z.string().optional() })
  .meta({ id: 'SsfStatus' })

const text = z.string().min(1).max(1_000)
/** The members of those formats that are told or often used; others are taken as they are. */
const MEMBERS = {
  iss_sub: { iss: text, sub: text },
  opaque: { id: text },
  email: { email: text },
  phone_number: { phone_number: text },
} as const
const SIMPLE = Object.entries(MEMBERS).map(([format, members]) =>
  z.looseObject({ format: z.literal(format), ...members }),
)
const simple = z.union([
  ...SIMPLE,
  z.looseObject({
    format: text.refine((format) => format !== 'complex' && !(format in MEMBERS), 'Lacks its members.'),
  }),
])
/** RFC 9493; SSF 1.0, section 3.3. */
const subject = z
  .union([simple, z.object({ format: z.literal('complex') }).catchall(simple)])
  .meta({ id: 'SsfSubject', description: 'RFC 9493: `format`, and the members that it has.' })

export const AddSubjectInput = z
  .object({ stream_id: streamId, subject, verified: z.boolean().optional() })
  .meta({ id: 'SsfAddSubject' })
export const RemoveSubjectInput = z.object({ stream_id: streamId, subject }).meta({ id: 'SsfRemoveSubject' })

export const VerificationInput = z
  .object({ stream_id: streamId, state: z.string().max(2_000).optional() })
  .meta({ id: 'SsfVerification' })

const tokenId = z.string().max(100)
export const PollInput = z
  .object({
    maxEvents: z.int().min(0).max(1_000_000_000).default(MAX_POLLED_EVENTS),
    returnImmediately: z.boolean().default(false),
    ack: z.array(tokenId).max(1_000).default([]),
    setErrs: z
      .record(tokenId, z.object({ err: z.string().max(100), description: z.string().max(10_000).optional() }))
      .refine((errors) => Object.keys(errors).length <= 1_000, 'Has too many.')
      .default({}),
  })
  .meta({ id: 'SsfPoll' })
export const PollBody = z
  .object({
    sets: z.record(z.string(), z.string()).describe('Signed tokens by their `jti`.'),
    moreAvailable: z.literal(true).optional(),
  })
  .meta({ id: 'SsfPolled' })

export const ConfigurationBody = z
  .object({
    spec_version: z.literal('1_0'),
    issuer: z.string(),
    jwks_uri: z.string(),
    delivery_methods_supported: z.array(z.enum([PUSH, POLL])),
    configuration_endpoint: z.string(),
    status_endpoint: z.string(),
    add_subject_endpoint: z.string(),
    remove_subject_endpoint: z.string(),
    verification_endpoint: z.string(),
    critical_subject_members: z.array(z.string()),
    authorization_schemes: z.array(z.object({ spec_urn: z.string() })),
    default_subjects: z.literal('ALL'),
  })
  .meta({ id: 'SsfConfiguration' })

export const KeysBody = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('RSA'),
        use: z.literal('sig'),
        alg: z.literal('RS256'),
        kid: z.string(),
        n: z.string(),
        e: z.string(),
      }),
    ),
  })
  .meta({ id: 'SsfKeys' })

/** In the words of RFC 8935, section 2.4, also where the specification has none but the status. */
export const ERROR_CODES = [
  'invalid_request',
  'authentication_failed',
  'access_denied',
  'not_found',
  'too_many_requests',
  'temporarily_unavailable',
  'server_error',
] as const
export const ErrorBody = z.object({ err: z.enum(ERROR_CODES), description: z.string() }).meta({ id: 'SsfError' })
