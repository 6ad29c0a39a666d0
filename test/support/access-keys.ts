/** Access keys, and requests signed with them as the vendor's clients sign. */
import { env } from 'cloudflare:workers'
import { hashSecret, newAccessKey } from '../../src/auth/credentials.ts'
import type { Scope } from '../../src/auth/scopes.ts'
import { Sealing } from '../../src/auth/sealing.ts'
import { readSettings } from '../../src/settings.ts'
import { newRecordId } from '../../src/store/audit-events.ts'
import { credentials } from '../../src/store/schema.ts'
import { type RequestOptions, send } from './requests.ts'
import { sdkAuthorization, sdkDate } from './sdk-signature.ts'
import { keepSecret } from './secrets-shown.ts'
import { type CredentialOptions, db } from './stores.ts'

/** An access key as its holder knows it. */
export interface TestKey {
  readonly accessKey: string
  readonly secretKey: string
  /** Of a temporary key. */
  readonly securityToken?: string
}

/** The permissions of the Identity Center API. */
export const BOTH: readonly Scope[] = ['IdentityCenter:user:listSessions', 'IdentityCenter:user:batchDeleteSession']

export interface KeyOptions extends CredentialOptions {
  /** Default: both permissions. */
  readonly scopes?: readonly Scope[]
  /** Default: a random one. */
  readonly secretKey?: string
  /** Makes it a temporary key. */
  readonly securityToken?: string
  readonly delegatedStoreIds?: readonly string[]
}

/** Makes an access key of a store. */
export async function makeAccessKey(
  identityStoreId: string,
  options: KeyOptions = {},
): Promise<TestKey & { readonly credentialId: string }> {
  const {
    scopes = BOTH,
    securityToken,
    delegatedStoreIds = [],
    addressAllowList,
    expiresAt,
    revokedAt,
    ownerUserId,
  } = options
  const { publicId: accessKey, secret } = newAccessKey()
  const secretKey = options.secretKey ?? secret
  const credentialId = newRecordId(Date.now())
  for (const one of [secretKey, ...(securityToken === undefined ? [] : [securityToken])]) keepSecret(one)
  await db.insert(credentials).values({
    identityStoreId,
    credentialId,
    kind: 'access_key',
    name: 'Test',
    publicId: accessKey,
    sealedSecret: await sealing().seal('access_key', identityStoreId, credentialId, secretKey),
    sessionTokenHash: securityToken === undefined ? null : hashSecret(securityToken),
    delegatedStoreIds: JSON.stringify(delegatedStoreIds),
    scopes: JSON.stringify(scopes),
    addressAllowList: addressAllowList === undefined ? null : JSON.stringify(addressAllowList),
    createdAt: Date.now(),
    lastUsedAt: Date.now(),
    ownerUserId: ownerUserId ?? null,
    expiresAt: expiresAt ?? null,
    revokedAt: revokedAt ?? null,
  })
  return { accessKey, secretKey, credentialId, ...(securityToken !== undefined && { securityToken }) }
}

/** Seals and opens as the Worker does. */
export function sealing(): Sealing {
  const settings = readSettings(env)
  if (!settings.ok) throw new Error('no settings')
  return new Sealing(settings.value.sealingKeys)
}

export interface SignedOptions {
  readonly method?: string
  readonly body?: string
  /** The Host that is signed and sent. */
  readonly host?: string
  /** Epoch milliseconds. */
  readonly at?: number
  /** More headers; those in `unsigned` are sent and not signed. */
  readonly headers?: Record<string, string>
  readonly unsigned?: readonly string[]
  /** Stands for the body's hash. */
  readonly payload?: string
  readonly address?: string
}

/** Signs a request to a path without odd characters, and sends it. */
export function sendSigned(key: TestKey, path: string, options: SignedOptions = {}): Promise<Response> {
  return send(path, signed(key, path, options))
}

/** What to send for a signed request. */
export function signed(
  key: TestKey,
  path: string,
  options: SignedOptions = {},
): RequestOptions & { readonly headers: Record<string, string> } {
  const { body = '', host = '127.0.0.1:8787', at = Date.now(), unsigned = [], address } = options
  const method = options.method ?? (options.body === undefined ? 'GET' : 'POST')
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-sdk-date': sdkDate(at), host }
  if (key.securityToken !== undefined) headers['x-security-token'] = key.securityToken
  if (options.payload !== undefined) headers['x-sdk-content-sha256'] = options.payload
  Object.assign(headers, options.headers)
  const [pathname = '', query = ''] = path.split('?')
  const { payload } = options
  const toSign = { method, path: pathname, query, headers, unsigned, body, ...(payload !== undefined && { payload }) }
  headers.authorization = sdkAuthorization(key, toSign)
  return { method, headers, origin: null, ...(body !== '' && { body }), ...(address !== undefined && { address }) }
}
