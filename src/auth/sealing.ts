/**
 * Sealing secrets that must be read again: AES-256-GCM under a subkey of each purpose. A sealed secret opens
 * only for the purpose, identity store and record that it was sealed for.
 *
 *   version 1 | key id 1 | nonce 12 | ciphertext and tag
 */
import type { Key } from '../settings.ts'

/** What sealed secrets are for; each has a subkey of its own. */
export type SealingPurpose =
  | 'access_key'
  | 'audit_key'
  | 'authorization_message'
  | 'event_endpoint'
  | 'idempotent_answer'
  | 'openid_client_secret'
  | 'ssf_key'

const SEALED_VERSION = 1
const NONCE_BYTES = 12
const HEADER_BYTES = 2 + NONCE_BYTES
/** GCM's tag, in bytes: nothing sealed is shorter. */
const TAG_BYTES = 16

/** A ring of keys: the newest seals, all open. */
export class Sealing {
  private readonly newest: Key
  private readonly secrets: ReadonlyMap<number, Uint8Array>
  private readonly subkeys = new Map<string, CryptoKey>()

  constructor(keys: readonly Key[]) {
    const newest = keys[0]
    if (newest === undefined) throw new Error('no sealing key')
    this.newest = newest
    this.secrets = new Map(keys.map(({ id, secret }) => [id, secret]))
  }

  /** Seals a text with the newest key. Base64url. */
  async seal(purpose: SealingPurpose, identityStoreId: string, recordId: string, plaintext: string): Promise<string> {
    const header = new Uint8Array(HEADER_BYTES)
    header[0] = SEALED_VERSION
    header[1] = this.newest.id
    crypto.getRandomValues(header.subarray(2))
    const encrypted = await crypto.subtle.encrypt(
      algorithm(header, purpose, identityStoreId, recordId),
      await this.subkey(this.newest.id, this.newest.secret, purpose),
      new TextEncoder().encode(plaintext),
    )
    return Buffer.concat([header, new Uint8Array(encrypted)]).toString('base64url')
  }

  /** What was sealed; null if it was altered, sealed for something else, or its key is not in the ring. */
  async open(
    purpose: SealingPurpose,
    identityStoreId: string,
    recordId: string,
    sealed: string,
  ): Promise<string | null> {
    const bytes = new Uint8Array(Buffer.from(sealed, 'base64url'))
    const keyId = bytes[1]
    const secret = keyId === undefined ? undefined : this.secrets.get(keyId)
    if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== SEALED_VERSION) return null
    if (keyId === undefined || secret === undefined) return null
    const key = await this.subkey(keyId, secret, purpose)
    const header = bytes.subarray(0, HEADER_BYTES)
    try {
      const opened = await crypto.subtle.decrypt(
        algorithm(header, purpose, identityStoreId, recordId),
        key,
        bytes.subarray(HEADER_BYTES),
      )
      return new TextDecoder().decode(opened)
    } catch (error) {
      // WebCrypto's one way to say that the tag does not fit.
      if (error instanceof DOMException && error.name === 'OperationError') return null
      throw error
    }
  }

  /** Holds the key itself, not the promise of it: a promise of one request must not be awaited by another. */
  private async subkey(id: number, secret: Uint8Array, purpose: SealingPurpose): Promise<CryptoKey> {
    const name = `${id} ${purpose}`
    const known = this.subkeys.get(name)
    if (known !== undefined) return known
    const root = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey'])
    const key = await crypto.subtle.deriveKey(
      {
        name: 'HKDF',
        hash: 'SHA-256',
        salt: new Uint8Array(),
        info: new TextEncoder().encode(`latchkey seal ${purpose}`),
      },
      root,
      { name: 'AES-GCM', length: 256 },
      false,
      ['encrypt', 'decrypt'],
    )
    this.subkeys.set(name, key)
    return key
  }
}

/** The additional data says what the secret is for, unambiguously, and covers the version and key id. */
function algorithm(header: Uint8Array, purpose: SealingPurpose, identityStoreId: string, recordId: string) {
  const what = JSON.stringify([header[0], header[1], purpose, identityStoreId, recordId])
  return { name: 'AES-GCM', iv: header.subarray(2), additionalData: new TextEncoder().encode(what) }
}
