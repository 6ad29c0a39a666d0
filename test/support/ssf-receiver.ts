/**
 * A receiver of security events, written by the figures of the Shared Signals Framework 1.0, RFC 8935 and RFC 8936, with
 * jose, oauth4webapi and nothing of ours: it discovers the issuer, manages its streams, and verifies what it is told.
 */

import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import {
  allowInsecureRequests,
  customFetch,
  protectedResourceRequest,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import { expect, vi } from 'vitest'
import type { Json } from './json.ts'
import { serveHost } from './receivers.ts'
import { send } from './requests.ts'
import { makeBearer } from './stores.ts'

export const PUSH = 'urn:ietf:rfc:8935'
export const POLL = 'urn:ietf:rfc:8936'
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type'
export const REVOKED = `${CAEP}/session-revoked`
export const ESTABLISHED = `${CAEP}/session-established`
export const CREDENTIAL_CHANGE = `${CAEP}/credential-change`
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type'
export const VERIFICATION = `${SSF}/verification`
export const UPDATED = `${SSF}/stream-updated`

export interface Told extends JWTPayload {
  readonly jti: string
  readonly txn: string
  readonly sub_id: Json
  readonly events: Record<string, Json>
}

/** An answer, read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

export class SsfReceiver {
  readonly issuer: string
  readonly bearer: string
  private configuration: Json

  private constructor(issuer: string, bearer: string) {
    this.issuer = issuer
    this.bearer = bearer
  }

  /** A receiver with a credential of a store, which knows nothing but its issuer. */
  static async of(
    identityStoreId: string,
    scopes: Parameters<typeof makeBearer>[1] = ['ssf.manage'],
    options: Parameters<typeof makeBearer>[2] = {},
  ): Promise<SsfReceiver> {
    const bearer = await makeBearer(identityStoreId, scopes, options)
    const receiver = new SsfReceiver(`http://127.0.0.1:8787/ssf/${identityStoreId}`, bearer)
    await receiver.discover()
    return receiver
  }

  /** Section 7.2: the well-known part goes between host and path. */
  async discover(): Promise<Json> {
    const { origin, pathname } = new URL(this.issuer)
    const response = await send(`${origin}/.well-known/ssf-configuration${pathname}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    this.configuration = await response.json()
    expect(this.configuration.issuer).toBe(this.issuer)
    return this.configuration
  }

  /** Asks an endpoint of the configuration, as the figures do: JSON without a media type. */
  async ask(endpoint: string, method = 'GET', json?: unknown, query = ''): Promise<Answer> {
    return this.askAt(`${this.configuration[`${endpoint}_endpoint`]}${query}`, method, json)
  }

  async askAt(url: string, method: string, json?: unknown): Promise<Answer> {
    const body = json === undefined ? null : typeof json === 'string' ? json : JSON.stringify(json)
    const response = await protectedResourceRequest(this.bearer, method, new URL(url), new Headers(), body, {
      [allowInsecureRequests]: true,
      [customFetch]: (to, { method, headers, body }) =>
        send(to, { method, headers, origin: null, ...(typeof body === 'string' && { body }) }),
    }).catch((error) => {
      if (error instanceof WWWAuthenticateChallengeError) return error.response
      throw error
    })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return { status: response.status, headers: response.headers, body: type.includes('json') ? JSON.parse(text) : text }
  }

  async keys(): Promise<JSONWebKeySet> {
    return (await send(this.configuration.jwks_uri)).json()
  }

  /** Makes a stream. */
  async create(json: object): Promise<Json> {
    const made = await this.ask('configuration', 'POST', json)
    expect([made.status, made.body.iss], JSON.stringify(made.body)).toEqual([201, this.issuer])
    return made.body
  }

  /** What a token says, once it was verified in all that the specification and the CAEP profile ask for. */
  async verify(token: string, { aud }: { readonly aud: string }): Promise<Told> {
    const options = { issuer: this.issuer, audience: aud, algorithms: ['RS256'], typ: 'secevent+jwt' }
    const { payload } = await jwtVerify<Told>(token, createLocalJWKSet(await this.keys()), options)
    expect(Object.keys(payload).toSorted()).toEqual(['aud', 'events', 'iat', 'iss', 'jti', 'sub_id', 'txn'])
    expect(Object.keys(payload.events)).toHaveLength(1)
    return payload
  }

  /** A stream that is pushed to a host of its own. */
  async pushed(events = [REVOKED, ESTABLISHED, CREDENTIAL_CHANGE], answer = accepted, more: object = {}) {
    const host = `${crypto.randomUUID()}.receiver.example`
    const stream = await this.create({
      delivery: { method: PUSH, endpoint_url: `https://${host}/events`, ...more },
      events_requested: events,
    })
    return this.listen(stream, host, answer)
  }

  /** Takes what is pushed to a host. */
  listen(stream: Json, host: string, answer: Answering = accepted) {
    const requests: { readonly headers: Headers; readonly token: string }[] = []
    const pushed = {
      stream,
      requests,
      answer,
      told: () => Promise.all(requests.map(({ token }) => this.verify(token, stream))),
      arrived: (count: number) =>
        vi.waitFor(() => expect(requests.length).toBeGreaterThanOrEqual(count), { timeout: 20_000, interval: 10 }),
    }
    serveHost(host, async (request) => {
      requests.push({ headers: request.headers, token: new TextDecoder().decode(await request.arrayBuffer()) })
      return pushed.answer(requests.length)
    })
    return pushed
  }

  /** Asks a polled stream, as RFC 8936 has it. */
  async poll(stream: Json, json: object = {}): Promise<{ sets: Record<string, string>; moreAvailable?: boolean }> {
    const asked = await this.askAt(stream.delivery.endpoint_url, 'POST', { returnImmediately: true, ...json })
    expect([asked.status, asked.headers.get('content-type')], asked.body).toEqual([200, 'application/json'])
    return asked.body
  }
}

type Answering = (nth: number) => Response | Promise<Response>

/** RFC 8935, section 2.2. */
export const accepted: Answering = () => new Response(null, { status: 202 })

/** RFC 8935, section 2.3. */
export function refusing(err: string): Answering {
  return () => Response.json({ err, description: 'No.' }, { status: 400, headers: { 'content-language': 'en' } })
}

/** The id of the key that signed. */
export function keyIdOf(token: string): string | undefined {
  return decodeProtectedHeader(token).kid
}
