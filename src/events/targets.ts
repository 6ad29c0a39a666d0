/** Where an endpoint's messages are sent to, and in which form. */
import type { Sealing } from '../auth/sealing.ts'
import { urlFault } from '../domain/endpoint-url.ts'
import type { EventEndpointRow } from '../store/event-endpoints.ts'
import type { PendingMessage } from './endpoint-storage.ts'
import { isRefused, type Signer, tokenOf } from './security-event-tokens.ts'
import { type Answer, isTaken, post } from './send.ts'
import { signedHeaders, signingKeyRecord } from './signing.ts'

/** What came of an attempt. */
export interface Outcome extends Answer {
  /** The receiver said that it will never take the message. */
  readonly isRefused: boolean
}

export interface Target {
  /** Makes an attempt to deliver a message. */
  readonly deliver: (message: PendingMessage) => Promise<Outcome>
}

/** Where an endpoint's messages go to; null: a receiver polls for them. Text: why nothing can be sent. */
export async function targetOf(
  sealing: Sealing,
  endpoint: EventEndpointRow,
  signer: Signer | null,
  loopback: boolean,
): Promise<Target | string | null> {
  if (endpoint.kind === 'webhook') return webhookTarget(sealing, endpoint, loopback)
  if (signer === null) return 'no key opens'
  return endpoint.kind === 'ssf_push' ? pushTarget(sealing, endpoint, signer, loopback) : null
}

/** Where a webhook's messages go to. Text: why nothing can be sent. */
async function webhookTarget(
  sealing: Sealing,
  endpoint: EventEndpointRow,
  loopback: boolean,
): Promise<Target | string> {
  const { identityStoreId, endpointId, url, sealedSigningKey } = endpoint
  const fault = urlFault(url, loopback)
  const open = (sealed: string, record = endpointId) => sealing.open('event_endpoint', identityStoreId, record, sealed)
  const isOldGood = endpoint.previousValidUntil !== null && Date.now() < endpoint.previousValidUntil
  const sealed = [endpoint.sealedSecret, ...(isOldGood ? [endpoint.previousSealedSecret] : [])]
  const opened = await Promise.all(sealed.map((secret) => (secret === null ? null : open(secret))))
  const secrets = opened.filter((secret) => secret !== null)
  const signingKey = sealedSigningKey === null ? null : await open(sealedSigningKey, signingKeyRecord(endpointId))
  if (fault !== null) return fault
  if (secrets.length === 0 || (signingKey === null && sealedSigningKey !== null)) return 'a secret does not open'
  return {
    deliver: async ({ id, body }) => {
      const headers = await signedHeaders(id, Date.now(), body, { secrets, signingKey })
      return { ...(await post(url, headers, body)), isRefused: false }
    },
  }
}

/** The record for which a push stream's `Authorization` header is sealed; an empty one is none. */
export const AUTHORIZATION = ':authorization'

/** Where a stream's tokens are pushed to (RFC 8935). Text: why nothing can be sent. */
async function pushTarget(
  sealing: Sealing,
  { identityStoreId, endpointId, url, sealedSecret }: EventEndpointRow,
  signer: Signer,
  loopback: boolean,
): Promise<Target | string> {
  const fault = urlFault(url, loopback)
  if (fault !== null) return fault
  const recordId = `${endpointId}${AUTHORIZATION}`
  const authorization = await sealing.open('event_endpoint', identityStoreId, recordId, sealedSecret)
  if (authorization === null) return 'a secret does not open'
  const headers = {
    'content-type': 'application/secevent+jwt',
    accept: 'application/json',
    'user-agent': 'Latchkey-SSF/1',
    ...(authorization !== '' && { authorization }),
  }
  return {
    deliver: async (message) => {
      const token = await tokenOf(message, signer)
      if (token === null) return { status: null, text: 'is no security event', retryAfter: null, isRefused: true }
      const answer = await post(url, headers, token)
      return { ...answer, isRefused: !isTaken(answer.status) && isRefused(answer.status, answer.text) }
    },
  }
}
