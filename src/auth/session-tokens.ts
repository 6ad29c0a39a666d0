/** Signing and verifying session tokens. Keys are imported once per isolate. */
import {
  decodeToken,
  encodeToken,
  type SessionToken,
  SIGNED_BYTES,
  TOKEN_BYTES,
  TOKEN_PATTERN,
} from '../domain/token.ts'
import type { Key } from '../env.ts'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/** A ring of keys: the newest signs, all verify. */
export class SessionTokens {
  private readonly newest: Key
  private readonly secrets: ReadonlyMap<number, Uint8Array>
  private readonly imported = new Map<number, CryptoKey>()

  constructor(keys: readonly Key[]) {
    const newest = keys[0]
    if (newest === undefined) throw new Error('no session token key')
    this.newest = newest
    this.secrets = new Map(keys.map(({ id, secret }) => [id, secret]))
  }

  /** The spelling of a token, signed with the newest key. */
  async sign(token: Omit<SessionToken, 'keyId'>): Promise<string> {
    const signed = encodeToken({ ...token, keyId: this.newest.id })
    const bytes = new Uint8Array(TOKEN_BYTES)
    bytes.set(signed)
    bytes.set(new Uint8Array(await crypto.subtle.sign(HMAC, await this.key(this.newest.id), signed)), SIGNED_BYTES)
    return bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
  }

  /** What a token says; null if it is not one that we signed, in its only spelling, with a key in use. */
  async verify(text: string): Promise<SessionToken | null> {
    if (!TOKEN_PATTERN.test(text)) return null
    const bytes = Uint8Array.fromBase64(text, { alphabet: 'base64url' })
    const token = decodeToken(bytes)
    if (token === null || !this.secrets.has(token.keyId)) return null
    const key = await this.key(token.keyId)
    const genuine = await crypto.subtle.verify(HMAC, key, bytes.subarray(SIGNED_BYTES), bytes.subarray(0, SIGNED_BYTES))
    return genuine ? token : null
  }

  /** Whether a token should be issued anew because a newer key signs. */
  isStale(token: SessionToken): boolean {
    return token.keyId !== this.newest.id
  }

  /** Holds the key itself, not the promise of it: a promise of one request must not be awaited by another. */
  private async key(id: number): Promise<CryptoKey> {
    const known = this.imported.get(id)
    if (known !== undefined) return known
    const secret = this.secrets.get(id)
    if (secret === undefined) throw new Error(`no key ${id}`)
    const key = await crypto.subtle.importKey('raw', secret, HMAC, false, ['sign', 'verify'])
    this.imported.set(id, key)
    return key
  }
}
