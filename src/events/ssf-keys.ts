/** The keys that sign for streams: RSA, since the CAEP interoperability profile takes RS256 and nothing else. */
import { calculateJwkThumbprint, type JWTPayload, SignJWT } from 'jose'
import type { Sealing } from '../auth/sealing.ts'
import { ok, type Result } from '../domain/result.ts'
import { SSF_KEY_LEAD_MILLISECONDS, SSF_KEY_MILLISECONDS, SSF_KEY_OVERLAP_MILLISECONDS } from '../limits.ts'
import { newRecordId } from '../store/audit-events.ts'
import type { Database } from '../store/database.ts'
import { addSsfKey, removeSsfKeys, type SsfKeyRow } from '../store/ssf-keys.ts'
import type { Unavailable } from '../time-limit.ts'

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
/** 65537. */
const EXPONENT = 'AQAB'

/** The use of a store's keys at an instant. */
export interface KeysAt {
  readonly signing: SsfKeyRow | null
  /** The keys with which tokens are verified, now or soon. */
  readonly published: readonly SsfKeyRow[]
  readonly retired: readonly SsfKeyRow[]
  /** Whether the next key is to be made. */
  readonly isDue: boolean
}

/** What keys are for. Pure. @param keys in the order in which they sign */
export function keysAt(keys: readonly SsfKeyRow[], now: number): KeysAt {
  const isRetired = (_: SsfKeyRow, index: number) => {
    const next = keys[index + 1]
    return next !== undefined && next.signsFrom + SSF_KEY_OVERLAP_MILLISECONDS <= now
  }
  const newest = keys.at(-1)
  return {
    signing: keys.findLast(({ signsFrom }) => signsFrom <= now) ?? null,
    published: keys.filter((key, index) => !isRetired(key, index)),
    retired: keys.filter(isRetired),
    isDue: newest === undefined || newest.createdAt + SSF_KEY_MILLISECONDS <= now,
  }
}

/** Who asks for a new key, for the audit log. */
export interface AskedKey {
  readonly identityStoreId: string
  readonly actor: string
  readonly requestId: string
  readonly now: number
}

/**
 * The keys of a store, once the first one, or the next one, is made if it is time. A key is published for a day before
 * it signs, so that whoever verifies has it by then.
 * @param keys in the order in which they sign
 */
export async function keepKeys(
  db: Database,
  sealing: Sealing,
  keys: readonly SsfKeyRow[],
  asked: AskedKey,
): Promise<Result<readonly SsfKeyRow[], Unavailable>> {
  const { identityStoreId, now } = asked
  const { isDue, retired } = keysAt(keys, now)
  if (isDue) return addKey(db, sealing, keys, asked, keys.length === 0 ? now : now + SSF_KEY_LEAD_MILLISECONDS)
  if (retired.length === 0) return ok(keys)
  const ids = retired.map(({ keyId }) => keyId)
  const removed = await removeSsfKeys(db, identityStoreId, ids)
  return removed.ok ? ok(keys.filter(({ keyId }) => !ids.includes(keyId))) : removed
}

/**
 * Makes the next key of a store, and answers all of them.
 * @param compromised whether it signs at once, and no other is good any more
 */
export function rotateKeys(
  db: Database,
  sealing: Sealing,
  keys: readonly SsfKeyRow[],
  asked: AskedKey,
  compromised: boolean,
): Promise<Result<readonly SsfKeyRow[], Unavailable>> {
  const isFirst = keys.length === 0
  if (isFirst || compromised) return addKey(db, sealing, keys, asked, asked.now, keys)
  return addKey(db, sealing, keys, asked, asked.now + SSF_KEY_LEAD_MILLISECONDS)
}

async function addKey(
  db: Database,
  sealing: Sealing,
  keys: readonly SsfKeyRow[],
  { identityStoreId, actor, requestId, now }: AskedKey,
  signsFrom: number,
  removed = keysAt(keys, now).retired,
): Promise<Result<readonly SsfKeyRow[], Unavailable>> {
  const { privateKey, modulus, keyId } = await newKey()
  const sealedPrivateKey = await sealing.seal('ssf_key', identityStoreId, keyId, privateKey)
  const row = { identityStoreId, keyId, sealedPrivateKey, modulus, createdAt: now, signsFrom }
  const entry = {
    identityStoreId,
    eventId: newRecordId(now),
    at: now,
    actor,
    action: 'ssf_key.created',
    subject: `ssf_key:${keyId}`,
    requestId,
  }
  const ids = removed.map(({ keyId: id }) => id)
  return addSsfKey(db, row, keys.toSorted((a, b) => a.createdAt - b.createdAt).at(-1) ?? null, ids, entry)
}

async function newKey() {
  const pair = (await crypto.subtle.generateKey(
    { ...ALGORITHM, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  )) as CryptoKeyPair
  const [secret, open] = await Promise.all([
    crypto.subtle.exportKey('pkcs8', pair.privateKey),
    crypto.subtle.exportKey('jwk', pair.publicKey),
  ])
  const modulus = (open as JsonWebKey).n as string
  return {
    privateKey: new Uint8Array(secret as ArrayBuffer).toBase64(),
    modulus,
    keyId: await calculateJwkThumbprint({ kty: 'RSA', n: modulus, e: EXPONENT }),
  }
}

/** A key as a JWKS shows it. */
export function publicJwk({ keyId, modulus }: SsfKeyRow) {
  return { kty: 'RSA', use: 'sig', alg: 'RS256', kid: keyId, n: modulus, e: EXPONENT } as const
}

/** A key that signs. */
export interface SigningKey {
  readonly keyId: string
  readonly key: CryptoKey
}

/** Opens a key; null if it does not open. */
export async function openKey(
  sealing: Sealing,
  { identityStoreId, keyId, sealedPrivateKey }: SsfKeyRow,
): Promise<SigningKey | null> {
  const opened = await sealing.open('ssf_key', identityStoreId, keyId, sealedPrivateKey)
  if (opened === null) return null
  const key = await crypto.subtle.importKey('pkcs8', Uint8Array.fromBase64(opened), ALGORITHM, false, ['sign'])
  return { keyId, key }
}

/** A compact JWS of some claims: RS256, explicitly typed as a security event token (RFC 8417, section 2.3). */
export function signToken({ keyId, key }: SigningKey, claims: JWTPayload): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ typ: 'secevent+jwt', alg: 'RS256', kid: keyId }).sign(key)
}
