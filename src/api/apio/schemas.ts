/** What the APIO API takes and gives. Source: Netaxis APIO documentation. JSON; the names are theirs. */
import { z } from 'zod'

/** Text that people read: no control characters; surrounding space is cut off. */
const printableText = (name: string) =>
  z
    .string()
    .trim()
    .min(1, `${name} must not be empty.`)
    .max(100)
    .regex(/^\P{Cc}*$/u, 'Must not have control characters.')

export const LoginInput = z
  .object({
    username: z.string().min(1).max(254),
    password: z.string().min(1).max(1_024),
    provide_basic_profile: z.unknown().optional().describe('Obsolete and ignored.'),
  })
  .meta({ id: 'ApioLogin' })

export const ProfileInput = z
  .strictObject({
    first_name: printableText('The first name').optional(),
    last_name: printableText('The last name').optional(),
    emailAddress: z.string().trim().max(254).pipe(z.email()).optional(),
  })
  .refine(
    (changes) => Object.keys(changes).length > 0,
    'Must name at least one of first_name, last_name, emailAddress.',
  )
  .meta({ id: 'ApioProfileChange' })

export const GenerateInput = z
  .strictObject({ username: z.string().min(1).max(254) })
  .meta({ id: 'ApioLoginTokenRequest' })
export const TokenLoginInput = z.strictObject({ loginToken: z.string().min(1).max(128) }).meta({ id: 'ApioTokenLogin' })
export const OpenIdLoginInput = z
  .strictObject({
    nonce: z.string().min(1).max(512).describe('The nonce that was sent to the provider.'),
    authorization_code: z.string().min(1).max(4_096),
    redirect_uri: z.string().min(1).max(2_048).describe('As registered for the identity store, to which it leads.'),
  })
  .meta({ id: 'ApioOpenIdLogin' })

const ids = z
  .object({ tenant_id: z.string().optional(), group_id: z.string().optional(), user_id: z.string().optional() })
  .describe('Those that fit the kind of user: system none, tenant admin the first, group and department admin two.')
  .meta({ id: 'ApioIds' })
const profile = z
  .object({
    user_level: z.int().describe('0 end user, 4 department admin, 8 group admin, 12 tenant admin, 16 system.'),
    first_name: z.string().optional(),
    last_name: z.string().optional(),
    emailAddress: z.string().optional(),
  })
  .meta({ id: 'ApioProfile' })

export const LoginBody = z
  .object({ ids, profile: profile.extend({ is_first_login: z.boolean() }) })
  .meta({ id: 'ApioLoginInfo' })
export const SessionInfoBody = z
  .object({ ids, profile, username: z.string().describe('With its domain.') })
  .meta({ id: 'ApioSessionInfo' })
export const LoginTokenBody = z
  .object({ loginToken: z.string().describe('Good for one sign-in within 60 s.') })
  .meta({ id: 'ApioLoginToken' })
export const NothingBody = z.object({}).meta({ id: 'ApioNothing' })
export const ErrorBody = z.object({ details: z.string() }).meta({ id: 'ApioError' })
