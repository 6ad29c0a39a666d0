/** Receivers of events: hosts of their own that note what they are sent and answer as a test says. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, vi } from 'vitest'
import type { EventEndpoint } from '../../src/events/event-endpoint.ts'
import { operate } from '../api/operator/operator.ts'
import { uncountedStub } from './bindings.ts'

/** A message as it arrived. */
export interface Message {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Answering = (message: Message, nth: number) => Response | Promise<Response>

/** A receiver, and the endpoint that sends there. */
export interface Receiver {
  readonly messages: Message[]
  readonly path: string
  readonly endpointId: string
  readonly secret: string
  readonly publicKey: string | null
  /** How it answers from now on. */
  answer: Answering
  readonly object: DurableObjectStub<EventEndpoint>
  /** Fires the endpoint's alarm now; false if none was set. */
  readonly fire: () => Promise<boolean>
}

const hosts = new Map<string, (request: Request) => Promise<Response>>()

/** Puts the receivers' hosts in the place of the network, until the test ends. */
export function receiveEvents(): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit)
    const host = hosts.get(new URL(request.url).host)
    if (host === undefined) throw new Error(`nobody is at ${request.url}`)
    return host(request)
  })
}

/** Answers for a host until the test file ends. */
export function serveHost(host: string, answer: (request: Request) => Promise<Response>): void {
  hosts.set(host, answer)
}

export const good: Answering = () => new Response('thanks')

/** Makes an endpoint of a store (`/identity-stores/…`) whose receiver is a host of its own. */
export async function makeReceiver(store: string, options: object = {}, answer: Answering = good): Promise<Receiver> {
  const host = `${crypto.randomUUID()}.hooks.example`
  const json = { kind: 'webhook', url: `https://${host}/in`, ...options }
  const made = await operate(`${store}/event-endpoints`, { json })
  expect(made.status, made.text).toBe(201)
  const { endpoint_id: endpointId, secret, public_key: publicKey } = made.body
  // A stub of an object that was killed is of no use any more.
  const stub = () => uncountedStub(env.ENDPOINTS, `${store.split('/')[2]}/${endpointId}`)
  const receiver: Receiver = {
    messages: [],
    path: `${store}/event-endpoints/${endpointId}`,
    endpointId,
    secret,
    publicKey,
    answer,
    get object() {
      return stub()
    },
    fire: () => runDurableObjectAlarm(stub()),
  }
  hosts.set(host, async (request) => {
    const headers = Object.fromEntries(request.headers)
    const message = { id: headers['webhook-id'] ?? '', headers, body: await request.text() }
    receiver.messages.push(message)
    return receiver.answer(message, receiver.messages.length)
  })
  return receiver
}

/** When the alarm of an endpoint is set for; null for none. */
export function alarmOf({ object }: Receiver): Promise<number | null> {
  return runInDurableObject(object, (_object, { storage }) => storage.getAlarm())
}

/** The ids of the events of a store, from its outbox, of some types. */
export async function idsOf(store: string, types = /./): Promise<string[]> {
  const { events } = (await operate(`${store}/events?limit=1000`)).body as { events: { id: string; type: string }[] }
  return events.filter(({ type }) => types.test(type)).map(({ id }) => id)
}

/** Waits until a receiver was sent so many messages. */
export function arrived({ messages }: Receiver, count: number): Promise<unknown> {
  return vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(count), { timeout: 20_000, interval: 10 })
}
