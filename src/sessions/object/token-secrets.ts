/** The secret part of a session token: what is kept of it, and the proof of a caller who holds it. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { SessionToken } from '../../domain/token.ts'

/** Proof of holding a session: what a verified token says. */
export interface SessionProof {
  readonly sessionId: string
  /** SHA-256 of the token's secret, hexadecimal. */
  readonly secretHash: string
}

/** Characters of a hash. */
const HASH_LENGTH = 64

/** What is kept of a secret: SHA-256, hexadecimal. */
export function hashTokenSecret(secret: Uint8Array): string {
  return hash('sha256', secret, 'hex')
}

const TEXT = new TextEncoder()
const [LEFT, RIGHT] = [new Uint8Array(HASH_LENGTH), new Uint8Array(HASH_LENGTH)]

/** Whether two hashes are the same; takes as long whatever the answer. */
export function sameHash(a: string, b: string): boolean {
  if (a.length !== HASH_LENGTH || b.length !== HASH_LENGTH) return false
  TEXT.encodeInto(a, LEFT)
  TEXT.encodeInto(b, RIGHT)
  return timingSafeEqual(LEFT, RIGHT)
}

/** An isolate remembers the tokens that it has verified, and with them what to show the object. */
const holders = new WeakMap<SessionToken, SessionProof>()

/** The proof, for the object to check, of a caller who holds a verified token. */
export function proofOf(token: SessionToken): SessionProof {
  let known = holders.get(token)
  if (known === undefined) {
    known = { sessionId: token.sessionId, secretHash: hashTokenSecret(token.secret) }
    holders.set(token, known)
  }
  return known
}
