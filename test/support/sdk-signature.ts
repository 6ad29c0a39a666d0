/** The vendor's signature of a request with an access key (SDK-HMAC-SHA256): written anew, so that it can disagree. */
import { createHash, createHmac } from 'node:crypto'

export interface ToSign {
  readonly method: string
  /** Without odd characters, as it stands on the wire. */
  readonly path: string
  /** Sorted and escaped. */
  readonly query?: string
  /** Names in lower case; all of them are signed but those in `unsigned`. */
  readonly headers: Readonly<Record<string, string>>
  readonly unsigned?: readonly string[]
  readonly body: string | Uint8Array
  /** Stands for the body's hash. */
  readonly payload?: string
}

/** `20260101T000000Z`, as the header `X-Sdk-Date` has it. */
export function sdkDate(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

/** The value of the header `Authorization`. `headers` must have `x-sdk-date`. */
export function sdkAuthorization(
  key: { readonly accessKey: string; readonly secretKey: string },
  { method, path, query = '', headers, unsigned = [], body, payload }: ToSign,
): string {
  const names = Object.keys(headers)
    .filter((name) => !unsigned.includes(name))
    .sort()
  const canonical = [
    method,
    `${path}/`,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    payload ?? createHash('sha256').update(body).digest('hex'),
  ].join('\n')
  const text = `SDK-HMAC-SHA256\n${headers['x-sdk-date']}\n${createHash('sha256').update(canonical).digest('hex')}`
  const signature = createHmac('sha256', key.secretKey).update(text).digest('hex')
  return `SDK-HMAC-SHA256 Access=${key.accessKey}, SignedHeaders=${names.join(';')}, Signature=${signature}`
}
