/** Signs a request as its signer says, right or not. */
import { sdkAuthorization, sdkDate } from '../../support/sdk-signature.ts'
import type { Header, HostileRequest } from './requests.ts'

const HOUR_MILLISECONDS = 3_600_000

/** The headers that a request goes with to `host`, once it is signed. */
export function signedHeaders(request: HostileRequest, host: string): readonly Header[] {
  const { method, target, body, signer } = request
  const headers: readonly Header[] = [['host', host], ...request.headers]
  if (signer === null) return headers
  const { fault } = signer
  const [path = '', query = ''] = target.split('?')
  const signed = { host, 'x-sdk-date': sdkDate(Date.now() - (fault === 'late' ? HOUR_MILLISECONDS : 0)) }
  const sent = fault === 'body' ? new Uint8Array([1]) : (body ?? new Uint8Array())
  const authorization = sdkAuthorization(signer, {
    method,
    path,
    query: query.split('&').toSorted().join('&'),
    headers: signed,
    body: sent,
  })
  return [
    ...headers,
    ['x-sdk-date', signed['x-sdk-date']],
    ['authorization', fault === 'cut' ? authorization.slice(0, -1) : authorization],
  ]
}
