/** Signatures of Standard Webhooks 1.0.0, and the secrets that make them. */

/** Bytes of a new secret: the specification says 24 to 64. */
const SECRET_BYTES = 32
const SECRET_PREFIX = 'whsec_'
const PUBLIC_PREFIX = 'whpk_'

/** A new secret, as it is shown. */
export function newSecret(): string {
  return SECRET_PREFIX + crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64()
}

/** A new pair of keys for `v1a`: the private one in base64 (PKCS #8), the public one as it is shown. */
export async function newSigningKey(): Promise<{ readonly signingKey: string; readonly publicKey: string }> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const [secret, open] = await Promise.all([
    crypto.subtle.exportKey('pkcs8', pair.privateKey),
    crypto.subtle.exportKey('raw', pair.publicKey),
  ])
  const text = (bytes: ArrayBuffer | JsonWebKey) => new Uint8Array(bytes as ArrayBuffer).toBase64()
  return { signingKey: text(secret), publicKey: PUBLIC_PREFIX + text(open) }
}

/** The record for which an endpoint's private key is sealed; its secrets are sealed for the endpoint itself. */
export function signingKeyRecord(endpointId: string): string {
  return `${endpointId}:v1a`
}

/** What signs: secrets as they are shown, the newest first, and a private key where `v1a` is asked for. */
export interface SigningKeys {
  readonly secrets: readonly string[]
  readonly signingKey: string | null
}

/**
 * The headers of a message.
 * @param at of this attempt, epoch milliseconds
 */
export async function signedHeaders(
  id: string,
  at: number,
  body: string,
  { secrets, signingKey }: SigningKeys,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000))
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`)
  const signatures = await Promise.all(secrets.map(async (secret) => `v1,${await hmac(secret, content)}`))
  if (signingKey !== null) signatures.push(`v1a,${await ed25519(signingKey, content)}`)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

async function hmac(secret: string, content: Uint8Array): Promise<string> {
  const bytes = Uint8Array.fromBase64(secret.slice(SECRET_PREFIX.length))
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, content)).toBase64()
}

async function ed25519(signingKey: string, content: Uint8Array): Promise<string> {
  const key = await crypto.subtle.importKey('pkcs8', Uint8Array.fromBase64(signingKey), 'Ed25519', false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('Ed25519', key, content)).toBase64()
}
