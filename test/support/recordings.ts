/** Requests of the vendor's own clients: as they were recorded on 2026-11-21, or made by the clients' algorithms. */
import recordings from '../fixtures/identity-center/recordings.json'
import madeRequests from '../fixtures/identity-center/sign-less.json'

/** The store and the user that the recordings are about. */
export const RECORDED_STORE = 'd-0000000001'
export const RECORDED_USER = '11111111-1111-4111-8111-111111111111'

/** A recorded request. */
export interface Recording {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  /** `another` than the access key's own: signed wrongly on purpose. */
  readonly secretKey: 'SKTEST' | 'SKDENY' | 'another'
  /** Epoch milliseconds. */
  readonly at: number
}

/** All that were recorded: of the Node and the Python client, which sign host, body and token. */
export const RECORDINGS: readonly Recording[] = recordings.map(recordingFrom)

/** Of the Go and the PHP client and of the Terraform provider, which sign less: `sign-less.mjs` makes them. */
export const SIGN_LESS: readonly Recording[] = madeRequests.map(recordingFrom)

/** Those that were signed with the access key's own secret key. */
export const GENUINE = RECORDINGS.filter(({ secretKey }) => secretKey !== 'another')

/** A recording as a request to the service where it was recorded. */
export function requestOf({ method, path, headers, body }: Recording): Request {
  return new Request(`http://127.0.0.1:8787${path}`, {
    method,
    headers: headers.map(([name, value]) => [name, value]),
    ...(body.length > 0 && { body }),
  })
}

function recordingFrom(one: (typeof recordings)[number], index: number): Recording {
  const headers = one.headers.map(([name = '', value = '']) => [name, value] as const)
  const date = headers.find(([name]) => name === 'X-Sdk-Date')?.[1] ?? ''
  return {
    name: `${one.client} ${index}: ${one.method} ${one.path}`,
    method: one.method,
    path: one.path,
    headers,
    body: Uint8Array.fromHex(one.bodyHex),
    secretKey: one.secretKey as Recording['secretKey'],
    at: Date.parse(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z')),
  }
}
