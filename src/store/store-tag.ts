import { hash } from 'node:crypto'
import { STORE_TAG_BYTES } from '../domain/token.ts'

/** The tag by which an identity store's tokens and its KV entry are known: a hash, so that a token names no tenant. */
export function storeTag(identityStoreId: string): string {
  return hash('sha256', identityStoreId, 'hex').slice(0, 2 * STORE_TAG_BYTES)
}
