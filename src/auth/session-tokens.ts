/** Signing and verifying session tokens. Keys are imported once per isolate. */

import {
  decodeToken,
  encodeToken,
  keyIdOf,
  type SessionToken,
  SIGNED_BYTES,
  TOKEN_BYTES,
  TOKEN_PATTERN,
} from '../domain/token.ts'
import { MAX_REMEMBERED_TOKENS } from '../limits.ts'
import type { Key } from '../settings.ts'

const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/** A ring of keys: the newest signs, all verify. */
export class SessionTokens {
  private readonly newest: Key
  private readonly secrets: ReadonlyMap<number, Uint8Array>
  private readonly imported = new Map<number, CryptoKey>()
  private readonly genuine = new Map<string, SessionToken>()

  constructor(keys: readonly Key[]) {
    const newest = keys[0]
    if (newest === undefined) throw new Error('no session token key')
    this.newest = newest
    this.secrets = new Map(keys.map(({ id, secret }) => [id, secret]))
  }

  /** The spelling of a token, signed with the newest key. */
  async sign(token: Omit<SessionToken, 'keyId'>): Promise<string> {
    const signed = encodeToken({ ...token, keyId: this.newest.id })
    const key = this.imported.get(this.newest.id) ?? (await this.importKey(this.newest.id))
    const bytes = new Uint8Array(TOKEN_BYTES)
    bytes.set(signed)
    bytes.set(new Uint8Array(await crypto.subtle.sign(HMAC, key, signed)), SIGNED_BYTES)
    return bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
  }

  /** What a token says, if it was verified here before: without a promise, for what is asked most. */
  remembered(text: string): SessionToken | undefined {
    return this.genuine.get(text)
  }

  /** What a token says; null if it is not one that we signed, in its only spelling, with a key in use. */
  async verify(text: string): Promise<SessionToken | null> {
    const known = this.remembered(text)
    if (known !== undefined) return known
    if (!TOKEN_PATTERN.test(text)) return null
    const bytes = Uint8Array.fromBase64(text, { alphabet: 'base64url' })
    const keyId = keyIdOf(bytes)
    if (keyId === null || !this.secrets.has(keyId)) return null
    const key = this.imported.get(keyId) ?? (await this.importKey(keyId))
    const genuine = await crypto.subtle.verify(HMAC, key, bytes.subarray(SIGNED_BYTES), bytes.subarray(0, SIGNED_BYTES))
    const token = genuine ? decodeToken(bytes) : null
    if (token !== null) this.remember(text, token)
    return token
  }

  /** Whether a token should be issued anew because a newer key signs. */
  isStale(token: SessionToken): boolean {
    return token.keyId !== this.newest.id
  }

  private remember(text: string, token: SessionToken): void {
    const oldest = this.genuine.size >= MAX_REMEMBERED_TOKENS ? this.genuine.keys().next().value : undefined
    if (oldest !== undefined) this.genuine.delete(oldest)
    this.genuine.set(text, token)
  }

  /** Holds the key itself, not the promise of it: a promise of one request must not be awaited by another. */
  private async importKey(id: number): Promise<CryptoKey> {
    const secret = this.secrets.get(id)
    if (secret === undefined) throw new Error(`no key ${id}`)
    const key = await crypto.subtle.importKey('raw', secret, HMAC, false, ['sign', 'verify'])
    this.imported.set(id, key)
    return key
  }
}
