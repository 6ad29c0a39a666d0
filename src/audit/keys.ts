/** The keys that sign heads and cuts of chains: Ed25519, sealed at rest. */
import { calculateJwkThumbprint, SignJWT } from 'jose'
import type { Sealing } from '../auth/sealing.ts'
import { NO_STORE } from '../domain/ids.ts'
import { ok, type Result } from '../domain/result.ts'
import { type AuditKey, addAuditKey, readAuditKeys } from '../store/audit-chain.ts'
import type { Database } from '../store/database.ts'
import type { Unavailable } from '../time-limit.ts'
import type { ChainPoint } from './chain.ts'

/** What is signed of a chain: how far it had come, or after which event it begins. */
export type SignedPoint = 'audit-head' | 'audit-cut'

/** A key that signs. */
export interface Signer {
  readonly keyId: string
  readonly key: CryptoKey
}

/** A public key, as a JWK (RFC 8037). */
export interface PublicJwk {
  readonly kid: string
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

/** The public keys of all that was ever signed, the newest first. */
export function publicJwks(keys: readonly AuditKey[]): PublicJwk[] {
  return keys.map(({ keyId: kid, publicKey: x }) => ({ kid, ...okp(x) }))
}

/** What signs now. Where there is no key that opens, one is made. */
export async function findSigner(db: Database, sealing: Sealing, now: number): Promise<Result<Signer, Unavailable>> {
  const keys = await readAuditKeys(db)
  if (!keys.ok) return keys
  const [newest] = keys.value
  const opened =
    newest === undefined ? null : await sealing.open('audit_key', NO_STORE, newest.keyId, newest.sealedPrivateKey)
  if (newest !== undefined && opened !== null) return ok({ keyId: newest.keyId, key: await importKey(opened) })
  return makeSigner(db, sealing, now)
}

async function makeSigner(db: Database, sealing: Sealing, now: number): Promise<Result<Signer, Unavailable>> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const [secret, open] = await Promise.all([
    crypto.subtle.exportKey('pkcs8', pair.privateKey),
    crypto.subtle.exportKey('raw', pair.publicKey),
  ])
  const privateKey = new Uint8Array(secret as ArrayBuffer).toBase64()
  const publicKey = new Uint8Array(open as ArrayBuffer).toBase64({ alphabet: 'base64url', omitPadding: true })
  const keyId = await calculateJwkThumbprint(okp(publicKey))
  const sealedPrivateKey = await sealing.seal('audit_key', NO_STORE, keyId, privateKey)
  const added = await addAuditKey(db, { keyId, publicKey, sealedPrivateKey, createdAt: now })
  return added.ok ? ok({ keyId, key: await importKey(privateKey) }) : added
}

/** Signs a point of a store's chain: a compact JWS (RFC 7515). */
export function signPoint(
  { keyId, key }: Signer,
  what: SignedPoint,
  identityStoreId: string,
  { number, hash }: ChainPoint,
  at: number,
): Promise<string> {
  return new SignJWT({ sub: identityStoreId, number, hash, iat: Math.floor(at / 1000) })
    .setProtectedHeader({ alg: 'EdDSA', typ: `latchkey-${what}+jwt`, kid: keyId })
    .sign(key)
}

function importKey(privateKey: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', Uint8Array.fromBase64(privateKey), 'Ed25519', false, ['sign'])
}

function okp(x: string) {
  return { kty: 'OKP', crv: 'Ed25519', x } as const
}
