/** Identity stores, users and credentials, written straight to D1. Their ids are fresh, so tests do not meet. */

import { env } from 'cloudflare:workers'
import { scryptSync } from 'node:crypto'
import { hashSecret, newApiClient, newBearer } from '../../src/auth/credentials.ts'
import type { Scope } from '../../src/auth/scopes.ts'
import type { Role } from '../../src/domain/authority.ts'
import { NO_STORE, type UserKey } from '../../src/domain/ids.ts'
import {
  DEFAULT_SESSION_CONFIG,
  NO_SESSION_SETTINGS,
  type SessionConfig,
  type SessionSettings,
} from '../../src/domain/policy.ts'
import { openDatabase } from '../../src/store/database.ts'
import {
  credentials,
  identityStores,
  type LoginMode,
  type StoreState,
  sessionConfigs,
  sessionSettings,
  users,
} from '../../src/store/schema.ts'
import { keepPersonal, keepSecret } from './secrets-shown.ts'

/** The database of the tests. */
export const db = openDatabase(env.DB)

const run = crypto.randomUUID().slice(0, 8)
let made = 0

function fresh(): string {
  made += 1
  return `${run}-${made}`
}

/** An address (RFC 3849) in a /64 that no other test has used. */
export function freshAddress(): string {
  made += 1
  return `2001:db8:${run.slice(0, 4)}:${made.toString(16)}::1`
}

/** Makes an identity store with its config and returns its id. Defaults: those of the service. */
export async function makeStore(
  options: {
    readonly defaultLoginMode?: LoginMode
    readonly state?: StoreState
    readonly config?: Partial<SessionConfig>
  } = {},
): Promise<string> {
  const identityStoreId = `store-${fresh()}`
  const now = Date.now()
  const { defaultLoginMode = 'LOCAL_LOGIN_SHARED', state = 'active', config } = options
  await db.batch([
    db
      .insert(identityStores)
      .values({ identityStoreId, name: identityStoreId, defaultLoginMode, state, createdAt: now, updatedAt: now }),
    db
      .insert(sessionConfigs)
      .values({ identityStoreId, version: 1, ...DEFAULT_SESSION_CONFIG, ...config, updatedAt: now }),
  ])
  return identityStoreId
}

/** What a test knows of a user it has made. */
export interface TestUser extends UserKey {
  readonly username: string
  readonly password: string
  /** From where the user signs in. */
  readonly address: string
}

export interface UserOptions {
  /** Default: a new store. */
  readonly identityStoreId?: string
  /** Config of the new store. */
  readonly config?: Partial<SessionConfig>
  readonly settings?: Partial<SessionSettings>
  /** Default: `member`. */
  readonly role?: Role
  /** Default: 0, end user. */
  readonly userLevel?: number
  /** Default: the store's. */
  readonly loginMode?: LoginMode
  readonly bot?: boolean
  readonly active?: boolean
  readonly groupId?: string
  /** Null: no password. */
  readonly password?: string | null
}

/** Makes a user who can sign in. The hash is a cheap one. */
export async function makeUser(options: UserOptions = {}): Promise<TestUser> {
  const { config, settings, role = 'member', userLevel = 0, loginMode = null, groupId = null } = options
  const { bot = false, active = true, password = 'correct horse battery staple' } = options
  const identityStoreId = options.identityStoreId ?? (await makeStore({ ...(config && { config }) }))
  const userId = `user-${fresh()}`
  const username = `${userId}@pie.example`
  const now = Date.now()
  await db.insert(users).values({
    identityStoreId,
    userId,
    groupId,
    username,
    passwordHash: password === null ? null : cheapHash(password),
    role,
    userLevel,
    loginMode,
    bot,
    active,
    sessionsValidFrom: 0,
    statusVersion: 1,
    firstName: 'Test',
    lastName: 'User',
    emailAddress: username,
    createdAt: now,
    updatedAt: now,
  })
  if (settings !== undefined) {
    await db
      .insert(sessionSettings)
      .values({ identityStoreId, userId, version: 1, ...NO_SESSION_SETTINGS, ...settings, updatedAt: now })
  }
  if (password !== null) keepSecret(password)
  const address = freshAddress()
  for (const text of [username, address]) keepPersonal(text)
  return { identityStoreId, userId, username, password: password ?? '', address }
}

export interface CredentialOptions {
  readonly ownerUserId?: string
  readonly addressAllowList?: readonly string[]
  /** Of an operator. Default: not limited. */
  readonly limitedStoreIds?: readonly string[]
  /** Epoch milliseconds. */
  readonly expiresAt?: number
  readonly revokedAt?: number
  /** Default: now, so that a first use writes nothing. */
  readonly lastUsedAt?: number | null
}

/** Makes a bearer credential of a store with some scopes and returns the token. */
export async function makeBearer(
  identityStoreId: string,
  scopes: readonly Scope[],
  options: CredentialOptions = {},
): Promise<string> {
  const { publicId, secret, token } = newBearer()
  keepSecret(token)
  await insertCredential('bearer', identityStoreId, publicId, secret, scopes, options)
  return token
}

/** Makes an operator's credential and returns the token. Default: one that may do everything. */
export function makeOperator({
  scopes = ['operator'],
  ...options
}: CredentialOptions & { readonly scopes?: readonly Scope[] } = {}): Promise<string> {
  return makeBearer(NO_STORE, scopes, options)
}

/** Makes an API client of a store. */
export async function makeApiClient(
  identityStoreId: string,
  scopes: readonly Scope[],
  options: CredentialOptions = {},
): Promise<{ readonly clientId: string; readonly clientSecret: string }> {
  const { publicId, secret } = newApiClient()
  keepSecret(secret)
  await insertCredential('api_client', identityStoreId, publicId, secret, scopes, options)
  return { clientId: publicId, clientSecret: secret }
}

async function insertCredential(
  kind: 'bearer' | 'api_client',
  identityStoreId: string,
  publicId: string,
  secret: string,
  scopes: readonly Scope[],
  { addressAllowList, limitedStoreIds, ...rest }: CredentialOptions,
): Promise<void> {
  const credentialId = `credential-${fresh()}`
  await db.insert(credentials).values({
    identityStoreId,
    credentialId,
    kind,
    name: credentialId,
    publicId,
    secretHash: hashSecret(secret),
    scopes: JSON.stringify(scopes),
    addressAllowList: addressAllowList === undefined ? null : JSON.stringify(addressAllowList),
    limitedStoreIds: limitedStoreIds === undefined ? null : JSON.stringify(limitedStoreIds),
    createdAt: Date.now(),
    lastUsedAt: Date.now(),
    ...rest,
  })
}

/** A scrypt hash that takes no time: N = 2. */
export function cheapHash(password: string): string {
  const salt = Buffer.alloc(16, 7)
  const hash = scryptSync(password, salt, 32, { N: 2, r: 1, p: 1 })
  const [saltText, hashText] = [salt, hash].map((bytes) => bytes.toString('base64').replaceAll('=', ''))
  return `$scrypt$ln=1,r=1,p=1$${saltText}$${hashText}`
}
