/** What the operator API takes and gives. JSON, snake_case; instants are ISO 8601. Unknown fields are refused. */

import { z } from 'zod'
import { isAddressOrBlock } from '../../auth/address-allow-list.ts'
import { needsOwner, OPERATOR_SCOPES, SCOPE_KINDS, SCOPES, type Scope, STORE_SCOPES } from '../../auth/scopes.ts'
import { ROLES } from '../../domain/authority.ts'
import { SESSION_ID_PATTERN } from '../../domain/session-id.ts'
import { normalizeUsername } from '../../domain/text.ts'
import { isPasswordHash } from '../../identity/passwords.ts'
import {
  MAX_BULK_USERS,
  MAX_LIMITED_STORES,
  MAX_PAGE_ENTRIES,
  MAX_PASSWORD_LENGTH,
  MAX_SECRET_OVERLAP_SECONDS,
  MIN_PASSWORD_LENGTH,
} from '../../limits.ts'
import { CREDENTIAL_KINDS, LOGIN_MODES, STORE_STATES } from '../../store/schema.ts'
import { id, nextCursor } from '../common-schemas.ts'
import { Issue } from '../problem-body.ts'

const NAMES_NOTHING = 'Must name at least one field.'
const TWO_PASSWORDS = { message: 'Must be given without `password`.', path: ['password_hash'] }

export const timestamp = z.iso.datetime()
export const limit = z.coerce.number().int().min(1).max(MAX_PAGE_ENTRIES).default(100)
export const scanned = z.int().describe('Rows that were looked at: 2 000 at most, whatever the filter.')
/** Text that people read: no control characters. */
export const printableText = z.string().regex(/^\P{Cc}*$/u, 'Must not have control characters.')
const name = printableText.trim().min(1).max(100)

export const role = z.enum(ROLES).meta({ id: 'Role' })

/** UUID version 7, in lower case. */
export const sessionId = z.string().regex(SESSION_ID_PATTERN, 'Must be a session id: a UUID in lower case.')

export const PathParameters = z.strictObject({
  identity_store_id: id.optional(),
  user_id: id.optional(),
  credential_id: id.optional(),
  group_id: id.optional(),
  session_id: sessionId.optional(),
  job_id: z.string().max(200).optional(),
  version: z.string().optional(),
  lockout_id: id.optional(),
  endpoint_id: id.optional(),
})

/** Which page. The cursor is the `next_cursor` of the page before. */
export const PageQuery = z.strictObject({ limit, cursor: id.optional() }).meta({ id: 'PageQuery' })

const loginMode = z.enum(LOGIN_MODES).meta({ id: 'LoginMode' })
const credentialKind = z.enum(CREDENTIAL_KINDS).meta({ id: 'CredentialKind' })
export const scope = z.enum(Object.keys(SCOPES) as Scope[]).meta({ id: 'Scope' })

const storeFields = {
  name,
  default_login_mode: loginMode,
  state: z.enum(STORE_STATES).meta({ id: 'IdentityStoreState' }),
  update_profile_to_bs_db_sso: z
    .boolean()
    .describe('Whether profile changes of SSO_LOGIN_DEDICATED users go to the application server too.'),
}

export const IdentityStoreInput = z
  .strictObject({
    ...storeFields,
    default_login_mode: storeFields.default_login_mode.default('LOCAL_LOGIN_SHARED'),
    state: storeFields.state.default('active'),
    update_profile_to_bs_db_sso: storeFields.update_profile_to_bs_db_sso.default(false),
  })
  .meta({ id: 'IdentityStoreInput' })
export const IdentityStorePatch = z
  .strictObject(storeFields)
  .partial()
  .refine(namesSomething, NAMES_NOTHING)
  .meta({ id: 'IdentityStorePatch' })
export const IdentityStoreBody = z
  .object({
    identity_store_id: z.string(),
    ...storeFields,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'IdentityStore' })

const username = z
  .string()
  .max(254)
  .transform(normalizeUsername)
  .pipe(
    z
      .string()
      .max(254)
      .regex(/^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u, 'Must be a user name with its domain, `name@domain`.'),
  )
  .describe('With its domain; unique among all stores; kept in lower case and in NFKC.')
const userFields = {
  username,
  group_id: id.nullable(),
  role,
  user_level: z.literal([0, 4, 8, 12, 16]).meta({ id: 'UserLevel' }),
  login_mode: loginMode.nullable().describe("Null: the store's default."),
  bot: z.boolean(),
  active: z.boolean().describe('False: all sessions end at once, and none can be opened.'),
  first_name: name.nullable(),
  last_name: name.nullable(),
  email_address: z.email().max(254).nullable(),
}
const passwordHash = z
  .string()
  .refine(isPasswordHash, 'Must be a scrypt hash as a PHC string: `$scrypt$ln=…,r=…,p=…$salt$hash`.')
const password = z.string().min(MIN_PASSWORD_LENGTH).max(MAX_PASSWORD_LENGTH)
const secrets = {
  password: password.optional().describe('A new password ends all sessions of the user.'),
  password_hash: passwordHash
    .nullable()
    .optional()
    .describe('Instead of `password`. Null: no password sign-in. Without either, the password stays.'),
}
const newUserFields = {
  ...userFields,
  group_id: userFields.group_id.default(null),
  role: userFields.role.default('member'),
  user_level: userFields.user_level.default(0),
  login_mode: userFields.login_mode.default(null),
  bot: userFields.bot.default(false),
  active: userFields.active.default(true),
  first_name: userFields.first_name.default(null),
  last_name: userFields.last_name.default(null),
  email_address: userFields.email_address.default(null),
}

export const UserInput = z
  .strictObject({ ...newUserFields, ...secrets })
  .refine(hasOnePassword, TWO_PASSWORDS)
  .meta({ id: 'UserInput' })
const openidSubject = z
  .string()
  .min(1)
  .max(255)
  .nullable()
  .describe("The `sub` of the store's OpenID provider. Null: found by verified address at the first sign-in.")
export const UserPatch = z
  .strictObject({
    ...z.strictObject(userFields).partial().shape,
    ...secrets,
    openid_subject: openidSubject.optional(),
  })
  .refine(namesSomething, NAMES_NOTHING)
  .refine(hasOnePassword, TWO_PASSWORDS)
  .meta({ id: 'UserPatch' })
/** One user of a bulk request. Hashing is slow, so it takes no plain passwords. */
export const BulkUser = z
  .strictObject({
    user_id: id,
    ...newUserFields,
    password_hash: passwordHash.nullable().default(null),
  })
  .meta({ id: 'ImportedUser' })
/** A bulk request; what is in it is looked at one by one. */
export const BulkEnvelope = z.strictObject({ users: z.array(z.unknown()).min(1).max(MAX_BULK_USERS) })
/** The same for the documentation. */
export const BulkInput = z
  .strictObject({ users: z.array(BulkUser).min(1).max(MAX_BULK_USERS) })
  .meta({ id: 'UserImport' })

export const UserBody = z
  .object({
    identity_store_id: z.string(),
    user_id: z.string(),
    ...userFields,
    username: z.string(),
    has_password: z.boolean(),
    openid_subject: z.string().nullable(),
    profile_here_alone: z
      .string()
      .optional()
      .describe(
        'After a change, where the login mode writes the profile to both databases: why the change holds in ours alone. It goes to the other with the next change.',
      ),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'User' })
export const UserListBody = z
  .object({ users: z.array(UserBody), next_cursor: nextCursor, scanned })
  .meta({ id: 'UserList' })

export const BulkBody = z
  .object({
    results: z
      .array(
        z.object({
          user_id: z.string().nullable().describe('Null: it was no id.'),
          status: z.literal([201, 400, 409]),
          code: z.enum(['created', 'invalid_request', 'conflict']),
          detail: z.string().optional(),
          errors: z.array(Issue).optional(),
        }),
      )
      .describe('One for each user, in the order of the request.'),
  })
  .meta({ id: 'UserImportResults' })

/** An issuer by TLS, or for development on this machine. */
const issuer = z
  .url()
  .max(2_048)
  .refine(isIssuer, 'Must be https (or http on a loopback address), without query or fragment.')
const providerFields = {
  issuer,
  client_id: z.string().min(1).max(255),
  redirect_uri: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .refine(isRedirectUri, 'Must be spelled as browsers do, without query or fragment.')
    .describe('Where the provider sends the codes; it tells which store a code belongs to, so no two may share one.'),
}
export const OpenIdProviderInput = z
  .strictObject({ ...providerFields, client_secret: z.string().min(1).max(1_024) })
  .meta({ id: 'OpenIdProviderInput' })
export const OpenIdProviderBody = z
  .object({ ...providerFields, created_at: timestamp, updated_at: timestamp })
  .meta({ id: 'OpenIdProvider' })

const credentialLimits = {
  expires_at: z.iso.datetime({ offset: true }).nullable().default(null).describe('Null: it does not expire.'),
  address_allow_list: z
    .array(z.string().refine(isAddressOrBlock, 'Must be an address or a CIDR block.'))
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .describe('Addresses and CIDR blocks, IPv4 and IPv6. Null: from anywhere.'),
}
export const CredentialInput = z
  .strictObject({
    kind: credentialKind,
    name,
    scopes: z
      .array(z.enum(STORE_SCOPES).meta({ id: 'StoreScope' }))
      .max(STORE_SCOPES.length)
      .describe('Those that can be used with the kind: docs/authority.md, "Credentials".'),
    owner_user_id: id.nullable().default(null).describe('The user it acts for; needed by some scopes.'),
    ...credentialLimits,
  })
  .superRefine(({ kind, scopes, owner_user_id: owner }, context) => {
    for (const [index, scope] of scopes.entries()) {
      if (SCOPE_KINDS[scope].includes(kind)) continue
      const message = `Cannot be used with the kind ${kind}, only with ${SCOPE_KINDS[scope].join(' or ')}.`
      context.addIssue({ code: 'custom', path: ['scopes', index], message })
    }
    if (owner === null && needsOwner(kind, scopes)) {
      const message = 'Is needed: with these scopes it acts for a user.'
      context.addIssue({ code: 'custom', path: ['owner_user_id'], message })
    }
  })
  .meta({ id: 'CredentialInput' })
export const OperatorCredentialInput = z
  .strictObject({
    kind: z.literal('bearer').default('bearer'),
    name,
    scopes: z
      .array(z.enum(['operator', ...OPERATOR_SCOPES]))
      .min(1)
      .max(OPERATOR_SCOPES.length + 1)
      .default(['operator'])
      .describe('`operator` is all of them. No operator can make another one that may do more.'),
    limited_store_ids: z
      .array(id)
      .min(1)
      .max(MAX_LIMITED_STORES)
      .nullable()
      .default(null)
      .describe('The identity stores that it is limited to. Null: all.'),
    ...credentialLimits,
  })
  .meta({ id: 'OperatorCredentialInput' })
/** A temporary access key; the limits are those of the vendor's own. */
export const TemporaryKeyInput = z
  .strictObject({
    duration_seconds: z
      .int()
      .min(900)
      .max(86_400)
      .default(3_600)
      .describe('Never longer than the key it is issued from.'),
  })
  .meta({ id: 'TemporaryKeyInput' })
export const DelegatedStoresInput = z
  .strictObject({
    identity_store_ids: z
      .array(id)
      .max(100)
      .describe('The other identity stores that the key administers; the whole list. Empty: none.'),
  })
  .meta({ id: 'DelegatedStoresInput' })
export const OperatorBySecretInput = z.strictObject({ name }).meta({ id: 'OperatorBySecretInput' })
export const CredentialPatch = z.strictObject({ name }).meta({ id: 'CredentialPatch' })
export const RotationInput = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(MAX_SECRET_OVERLAP_SECONDS)
      .default(86_400)
      .describe('How long the old secret stays good beside the new one. 0: every old one ends now.'),
  })
  .meta({ id: 'RotationInput' })

export const CredentialBody = z
  .object({
    credential_id: z.string(),
    kind: credentialKind,
    name: z.string(),
    public_id: z.string().describe('Token id, client id or access key.'),
    owner_user_id: z.string().nullable(),
    parent_credential_id: z.string().nullable().describe('Of a temporary access key: what it was issued from.'),
    delegated_store_ids: z.array(z.string()).describe('Other identity stores that it administers.'),
    limited_store_ids: z
      .array(z.string())
      .nullable()
      .describe('Of an operator: the identity stores that it is limited to. Null: all.'),
    scopes: z.array(scope),
    address_allow_list: z.array(z.string()).nullable(),
    created_at: timestamp,
    expires_at: timestamp.nullable(),
    revoked_at: timestamp.nullable(),
    last_used_at: timestamp.nullable().describe('Right to the hour. Null: never, or not since this is kept.'),
    old_secret_valid_until: timestamp
      .nullable()
      .describe('Until when a secret before the last rotation was, or is, good.'),
  })
  .meta({ id: 'Credential' })
const shownOnce = z.string().optional()
export const NewCredentialBody = CredentialBody.and(
  z.object({
    token: shownOnce.describe('Kind `bearer`; shown once.'),
    client_id: shownOnce.describe('Kind `api_client`.'),
    client_secret: shownOnce.describe('Kind `api_client`; shown once.'),
    access_key: shownOnce.describe('Kind `access_key`.'),
    secret_key: shownOnce.describe('Kind `access_key`; shown once.'),
    security_token: shownOnce.describe('Of a temporary access key: `X-Security-Token`; shown once.'),
  }),
).meta({ id: 'NewCredential' })
export const CredentialListBody = z
  .object({ credentials: z.array(CredentialBody), next_cursor: nextCursor })
  .meta({ id: 'CredentialList' })

function isIssuer(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return false
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && local)
}

function isRedirectUri(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.href === text && url.search === '' && url.hash === ''
}

function namesSomething(patch: object): boolean {
  return Object.keys(patch).length > 0
}

function hasOnePassword(user: { password?: string | undefined; password_hash?: string | null | undefined }): boolean {
  return user.password === undefined || user.password_hash === undefined
}
