/** Security event tokens (SET, RFC 8417) of what a stream is told, and what receivers answer to them. */
import { securityEvent, type Teller } from '../domain/security-events.ts'
import type { PendingMessage } from './endpoint-storage.ts'
import { type SigningKey, signToken } from './ssf-keys.ts'

/** What makes a stream's tokens: the issuer, the receiver and the key. */
export interface Signer extends Teller {
  readonly audience: string
  readonly key: SigningKey
}

/** The issuer of a store's security events. */
export function issuerOf(publicOrigins: readonly string[], identityStoreId: string): string {
  return `${publicOrigins[0]}/ssf/${encodeURIComponent(identityStoreId)}`
}

/** Where a stream is polled. */
export function pollUrl(issuer: string, streamId: string): string {
  return `${issuer}/streams/${streamId}/poll`
}

/**
 * A message as a token. Its claims are the same at each attempt, whichever key signs. Null: streams do not tell of it.
 */
export async function tokenOf(
  { id, body, issued_at: issuedAt }: Pick<PendingMessage, 'id' | 'body' | 'issued_at'>,
  { audience, key, ...teller }: Signer,
): Promise<string | null> {
  const { type, timestamp, data } = JSON.parse(body)
  const at = Date.parse(timestamp)
  const said = securityEvent({ type, at, data }, teller)
  if (said === null) return null
  const iat = Math.floor((issuedAt || at) / 1000)
  return signToken(key, { iss: teller.issuer, aud: audience, iat, jti: id, txn: id, ...said })
}

/**
 * Errors that a receiver can correct, so that the same token is valid later: it did not know us, or not yet the key.
 * Source: RFC 8935, section 2.4, and its registry.
 */
const MENDABLE = ['authentication_failed', 'access_denied', 'invalid_key']

/** Whether a receiver says that it will never take a token. @param text the beginning of its answer */
export function isRefused(status: number | null, text: string): boolean {
  const code = /"err"\s*:\s*"(\w+)"/.exec(text)?.[1]
  return status === 400 && code !== undefined && !MENDABLE.includes(code)
}
