/**
 * The session token: opaque to everyone else, self-routing for us. 111 bytes, so its base64url has no
 * spare bits and exactly one spelling:
 *
 *   version 1 | key id 1 | kind 1 | store tag 12 | object id 32 | session id 16 | secret 16 | HMAC-SHA-256 32
 *
 * The object id routes to the user's object and names no user; the store tag is a hash of the identity
 * store's id, by which the Worker finds the store's config without a look-up. Pure: signing is elsewhere.
 */

import type { SessionKind } from './session.ts'
import { sessionIdBytes, sessionIdFromBytes } from './session-id.ts'

/** Version of this layout. */
export const TOKEN_VERSION = 1
/** Bytes that the HMAC covers. */
export const SIGNED_BYTES = 79
export const TOKEN_BYTES = 111
export const SECRET_BYTES = 16
export const STORE_TAG_BYTES = 12
/** Shape of a token: its only spelling. */
export const TOKEN_PATTERN = /^[A-Za-z0-9_-]{148}$/

const KIND_CODES: Readonly<Record<SessionKind, number>> = { web: 1, api: 2, operator: 3 }
const KINDS = new Map(Object.entries(KIND_CODES).map(([kind, code]) => [code, kind as SessionKind]))

/** What a token says. Ids and tags are lower-case hexadecimal, the session id is a UUID. */
export interface SessionToken {
  readonly keyId: number
  readonly kind: SessionKind
  readonly storeTag: string
  readonly objectId: string
  readonly sessionId: string
  readonly secret: Uint8Array
}

/** The bytes of a token that are to be signed. */
export function encodeToken(token: SessionToken): Uint8Array {
  const bytes = new Uint8Array(SIGNED_BYTES)
  bytes[0] = TOKEN_VERSION
  bytes[1] = token.keyId
  bytes[2] = KIND_CODES[token.kind]
  bytes.set(Uint8Array.fromHex(token.storeTag), 3)
  bytes.set(Uint8Array.fromHex(token.objectId), 15)
  bytes.set(sessionIdBytes(token.sessionId), 47)
  bytes.set(token.secret, 63)
  return bytes
}

/** The key that a token says it was signed with; null for bytes that are no token of ours. */
export function keyIdOf(bytes: Uint8Array): number | null {
  return bytes.length === TOKEN_BYTES && bytes[0] === TOKEN_VERSION ? (bytes[1] ?? null) : null
}

/** What the signed bytes say; null if they are none of ours. Says nothing about the signature. */
export function decodeToken(bytes: Uint8Array): SessionToken | null {
  const keyId = keyIdOf(bytes)
  const kind = KINDS.get(bytes[2] ?? 0)
  if (kind === undefined || keyId === null) return null
  return {
    keyId,
    kind,
    storeTag: bytes.subarray(3, 15).toHex(),
    objectId: bytes.subarray(15, 47).toHex(),
    sessionId: sessionIdFromBytes(bytes.subarray(47, 63)),
    secret: bytes.subarray(63, 79),
  }
}
