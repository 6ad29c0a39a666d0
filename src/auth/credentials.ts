/**
 * Who calls: credentials of three kinds, each with a public part, by which it is found, and a secret.
 *
 * bearer      `lk_` + id (16 hex) + secret (43 base64url, 32 bytes) + checksum (8 hex, SHA-256 over the rest)
 * api_client  client id (20) and client secret (43 base64url)
 * access_key  access key (20 upper-case) and secret key (40), which signs requests and is therefore sealed
 *
 * A text that is no bearer token by its own checksum costs no look-up. A secret is compared by its hash,
 * for an unknown caller against a dummy, so that every look-up costs the same.
 */

import { waitUntil } from 'cloudflare:workers'
import { hash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import type { SessionError } from '../domain/errors.ts'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Client } from '../domain/session.ts'
import { CREDENTIAL_USE_MILLISECONDS } from '../limits.ts'
import { type ActingCredential, type ActingUser, findActingCredential } from '../store/admissions.ts'
import { noteUse } from '../store/credential-changes.ts'
import {
  type FoundCredential,
  findCredential,
  findCredentialAndUser,
  type ShownCredential,
  type UserToOpenFor,
} from '../store/credentials.ts'
import type { Database } from '../store/database.ts'
import type { CredentialKind } from '../store/schema.ts'
import type { Unavailable } from '../time-limit.ts'
import { addressAllowed } from './address-allow-list.ts'
import type { Scope } from './scopes.ts'
import { bearerToken } from './session-carriers.ts'

/** What is known of a request before it is known who makes it. */
export interface Arrival {
  readonly client: Client
  /** Epoch milliseconds. */
  readonly now: number
}

/** Who calls, as its credential says. */
export interface Caller {
  /** `*` for operators. */
  readonly identityStoreId: string
  readonly credentialId: string
  readonly kind: CredentialKind
  readonly name: string
  /** The user it acts for, if any. */
  readonly ownerUserId: string | null
  readonly scopes: readonly string[]
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null
  /** Of an operator: the identity stores that it is limited to. Null: all. */
  readonly limitedStoreIds: readonly string[] | null
}

/** A caller, and those it acts for. */
export interface ActingCaller extends Caller {
  /** Null for operators. */
  readonly store: ActingCredential['store']
  /** Null: it acts for no user, or for one who is deleted. */
  readonly user: ActingUser | null
}

const BEARER_PATTERN = /^lk_([0-9a-f]{16})([A-Za-z0-9_-]{43})([0-9a-f]{8})$/
const CLIENT_ID_PATTERN = /^[A-Za-z0-9]{20}$/
const ACCESS_KEY_PATTERN = /^[A-Z0-9]{20}$/
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz'
/** The hash of no secret: SHA-256 never yields it as far as anybody knows. */
const NO_HASH = '0'.repeat(64)

/**
 * The caller of `Authorization: Bearer`.
 * Errors: `unauthenticated`, and of a caller who has the secret those of `checkUsable`; `unavailable`.
 */
export async function authenticateBearer(
  db: Database,
  request: Request,
  arrival: Arrival,
): Promise<Result<Caller, SessionError>> {
  const shown = parseBearer(bearerToken(request) ?? '')
  const found = await authenticate(shown, arrival, db, (publicId) => findCredential(db, 'bearer', publicId))
  return found.ok ? ok(found.value.caller) : found
}

/**
 * The caller of `Authorization: Bearer`, and the user of its store for whom it calls; null if there is no such user.
 * One round trip to D1. Errors as for `authenticateBearer`.
 */
export async function authenticateBearerFor(
  db: Database,
  request: Request,
  userId: string,
  arrival: Arrival,
): Promise<Result<{ readonly caller: Caller; readonly user: UserToOpenFor | null }, SessionError>> {
  const shown = parseBearer(bearerToken(request) ?? '')
  return authenticate(shown, arrival, db, (publicId) => findCredentialAndUser(db, 'bearer', publicId, userId))
}

/**
 * The caller of a bearer credential that came in any way, with those it acts for: one look-up for all.
 * Errors as for `authenticateBearer`.
 */
export async function authenticateActing(
  db: Database,
  token: string,
  arrival: Arrival,
): Promise<Result<ActingCaller, SessionError>> {
  const find = (publicId: string) => findActingCredential(db, 'bearer', publicId)
  const found = await authenticate(parseBearer(token), arrival, db, find)
  return found.ok ? ok({ ...found.value.caller, store: found.value.store, user: found.value.owner }) : found
}

/** The caller of a client id and its secret. Errors as for `authenticateBearer`. */
export async function authenticateApiClient(
  db: Database,
  clientId: string,
  clientSecret: string,
  arrival: Arrival,
): Promise<Result<Caller, SessionError>> {
  const shown = CLIENT_ID_PATTERN.test(clientId) ? { publicId: clientId, secret: clientSecret } : null
  const found = await authenticate(shown, arrival, db, (publicId) => findCredential(db, 'api_client', publicId))
  return found.ok ? ok(found.value.caller) : found
}

/**
 * An access key by its public part, or null. It may be of no use any more: once the signature has shown that the
 * caller has the secret, ask `admitCredential`.
 */
export async function findAccessKey(
  db: Database,
  accessKey: string,
): Promise<Result<ShownCredential | null, Unavailable>> {
  const found = ACCESS_KEY_PATTERN.test(accessKey) ? await findCredential(db, 'access_key', accessKey) : ok(null)
  return found.ok ? ok(found.value?.credential ?? null) : found
}

/** The caller of a genuine credential, if it may be used, which is noted. Errors: those of `checkUsable`. */
export function admitCredential(
  db: Database,
  credential: ShownCredential,
  arrival: Arrival,
): Result<Caller, SessionError> {
  const { client, now } = arrival
  const usable = checkUsable(credential, client, now)
  if (!usable.ok) return usable
  const { identityStoreId, credentialId, kind, name, ownerUserId, scopes, limitedStoreIds, expiresAt, lastUsedAt } =
    credential
  if (lastUsedAt === null || lastUsedAt <= now - CREDENTIAL_USE_MILLISECONDS) waitUntil(noteUse(db, credential, now))
  return ok({ identityStoreId, credentialId, kind, name, ownerUserId, scopes, limitedStoreIds, expiresAt })
}

/**
 * Whether a genuine credential may be used. Errors: `credential_revoked`, also where its owner or its store is deleted;
 * `credential_expired`, `credential_owner_disabled`, `address_not_allowed`.
 */
export function checkUsable(
  credential: Pick<ShownCredential, 'revokedAt' | 'expiresAt' | 'addressAllowList' | 'standing'>,
  client: Client,
  now: number,
): Result<void, SessionError> {
  if (credential.revokedAt !== null || credential.standing === 'gone') return fail({ code: 'credential_revoked' })
  if (credential.standing === 'owner_disabled') return fail({ code: 'credential_owner_disabled' })
  if (credential.expiresAt !== null && credential.expiresAt <= now) return fail({ code: 'credential_expired' })
  if (credential.addressAllowList !== null && !addressAllowed(client.address, credential.addressAllowList)) {
    return fail({ code: 'address_not_allowed' })
  }
  return ok()
}

/** The caller, if it has the scope. Errors: `forbidden`. */
export function requireScope(caller: Caller, scope: Scope): Result<Caller, SessionError> {
  if (caller.scopes.includes(scope)) return ok(caller)
  return fail({ code: 'forbidden', needed: [scope], provided: caller.scopes })
}

/** A new credential's parts; `secret` is shown once. */
export interface NewSecret {
  readonly publicId: string
  readonly secret: string
}

/** A new bearer token, whole, and what is kept of it. */
export function newBearer(publicId = randomBytes(8).toString('hex')): NewSecret & { readonly token: string } {
  const secret = randomBytes(32).toString('base64url')
  const body = `lk_${publicId}${secret}`
  return { publicId, secret, token: body + checksum(body) }
}

/** A new API client: its id and its secret. */
export function newApiClient(publicId = randomText(20, 62)): NewSecret {
  return { publicId, secret: randomBytes(32).toString('base64url') }
}

/** A new access key and its secret key. */
export function newAccessKey(publicId = randomText(20, 36)): NewSecret {
  return { publicId, secret: randomText(40, 62) }
}

/** What is kept of a secret: SHA-256, hexadecimal. Our secrets are random, so nothing slower is needed. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Whether a secret is the one whose hash is kept; takes as long whatever the answer. */
export function secretFits(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(hash))
}

/**
 * The caller who shows a secret for the credential that `find` answers, and what was found with it. Takes as long where
 * none was.
 */
async function authenticate<Found extends FoundCredential>(
  shown: NewSecret | null,
  arrival: Arrival,
  db: Database,
  find: (publicId: string) => Promise<Result<Found | null, Unavailable>>,
): Promise<Result<Found & { readonly caller: Caller }, SessionError>> {
  if (shown === null) return fail({ code: 'unauthenticated' })
  const found = await find(shown.publicId)
  if (!found.ok) return found
  const credential = found.value?.credential
  const previous = credential === undefined ? [] : previousSecrets(credential, arrival.now)
  const hashes = [credential?.secretHash, ...previous.map((one) => one.secret_hash)]
  const fits = hashes.map((hash) => secretFits(shown.secret, hash ?? NO_HASH))
  if (!fits.includes(true) || found.value === null) return fail({ code: 'unauthenticated' })
  const caller = admitCredential(db, found.value.credential, arrival)
  return caller.ok ? ok({ ...found.value, caller: caller.value }) : caller
}

/** Those of a credential's earlier secrets that are still good. */
export function previousSecrets(credential: ShownCredential, now: number): ShownCredential['previousSecrets'] {
  return credential.previousSecrets.filter((secret) => secret.valid_until > now)
}

/** Whether a text is a bearer token by its own checksum; not whether there is such a credential. */
export function isBearerToken(text: string): boolean {
  return parseBearer(text) !== null
}

function parseBearer(text: string): NewSecret | null {
  const match = BEARER_PATTERN.exec(text)
  const [, publicId, secret, sum] = match ?? []
  if (publicId === undefined || secret === undefined || sum === undefined) return null
  return checksum(`lk_${publicId}${secret}`) === sum ? { publicId, secret } : null
}

function checksum(body: string): string {
  return hash('sha256', body, 'hex').slice(0, 8)
}

/** Random characters, the first `letters` ones of the alphabet, each equally likely. */
function randomText(length: number, letters: 36 | 62): string {
  return Array.from({ length }, () => ALPHANUMERIC[randomInt(letters)]).join('')
}
