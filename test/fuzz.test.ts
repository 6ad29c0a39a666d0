/**
 * Hostile input, in short: `npm run fuzz` sends as many as are wanted, over a socket. Here the Worker is asked directly,
 * and shares its isolate with the test: what pollutes the prototypes of one is seen by the other.
 */
import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import worker from '../src/index.ts'
import { campaign, type Target } from './faults/fuzz/campaign.ts'
import { type HostileRequest, waitFor } from './faults/fuzz/requests.ts'
import { signedHeaders } from './faults/fuzz/signing.ts'
import { contradictions, differences, type Rows, settledRows } from './faults/fuzz/state.ts'
import type { Answer } from './faults/fuzz/verdict.ts'
import { makeBystander, makeWorld } from './faults/fuzz/world.ts'
import type { Call } from './faults/mix/store.ts'
import { ORIGIN, send } from './support/requests.ts'
import { makeOperator } from './support/stores.ts'

afterEach(() => vi.restoreAllMocks())

/** The request as the platform would hand it over; null where it would not. */
function received(request: HostileRequest): Request | null {
  const { method, target, body, delivery } = request
  try {
    const headers = new Headers()
    for (const [name, value] of signedHeaders(request, new URL(ORIGIN).host))
      if (value !== '') headers.append(name, value)
    const init = { method, headers, redirect: 'manual', body: body === null ? null : bodyOf(body, delivery) } as const
    return new Request(ORIGIN + target, init as RequestInit)
  } catch {
    return null
  }
}

function bodyOf(body: Uint8Array, delivery: HostileRequest['delivery']): BodyInit {
  if (delivery === 'whole') return body
  const middle = Math.ceil(body.length / 2)
  return new ReadableStream({
    start(controller) {
      controller.enqueue(body.subarray(0, middle))
      if (delivery === 'broken') return controller.error(new Error('the client has gone'))
      controller.enqueue(body.subarray(middle))
      controller.close()
    },
  })
}

function namesOfPrototypes(): string {
  const all = [Object.prototype, Array.prototype, Function.prototype, String.prototype]
  return all.map((one) => Reflect.ownKeys(one).map(String).join()).join(';')
}

async function ask(request: HostileRequest): Promise<Answer | null> {
  const begun = performance.now()
  const asRequest = received(request)
  if (asRequest === null) return null
  const answering = Promise.resolve(worker.fetch(asRequest as Parameters<typeof worker.fetch>[0], env))
  const wait = waitFor(request)
  const answer = await (wait === null ? answering : Promise.race([answering, scheduler.wait(wait).then(() => null)]))
  if (answer === null) return null
  const text = await textOf(answer)
  return { status: answer.status, headers: answer.headers, text, milliseconds: performance.now() - begun }
}

/** What was answered; of a stream, which goes on until its session ends, the beginning. */
async function textOf(answer: Response): Promise<string> {
  if (answer.headers.get('content-type') !== 'text/event-stream') return answer.text()
  const reader = answer.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  await reader?.cancel()
  return new TextDecoder().decode(value)
}

async function call({ path, ...options }: Call) {
  const response = await send(path, options)
  const text = await response.text()
  expect([options.method, path, response.status < 300], text).toEqual([options.method, path, true])
  return { body: text === '' ? null : JSON.parse(text), cookies: response.headers.getSetCookie() }
}

const rows: Rows = {
  async all(sql, ...values) {
    const statement = env.DB.prepare(sql).bind(...values)
    return (await statement.all()).results
  },
}

test('what a refused request has changed is seen, and who has more sessions than allowed', async () => {
  const operator = await makeOperator()
  const world = await makeWorld(call, operator, ORIGIN, await makeBystander(call, operator))
  const { identityStoreId } = world
  const change = (sql: string) => env.DB.prepare(sql).bind(identityStoreId).run()
  const before = await settledRows(rows, identityStoreId)
  await change('UPDATE sessions SET last_seen_at = last_seen_at + 1 WHERE identity_store_id = ?')
  expect(differences(before, await settledRows(rows, identityStoreId))).toEqual([])
  await change('UPDATE session_configs SET track_session_location = 1 WHERE identity_store_id = ?')
  expect(differences(before, await settledRows(rows, identityStoreId))).toEqual([
    expect.stringMatching(/^session_configs of a store that was not to change/),
  ])
  expect(await contradictions(rows, call, world)).toEqual([])
  await change(`UPDATE sessions SET kind = 'web', user_id = '${world.sessions[2]?.userId}' WHERE identity_store_id = ?`)
  expect(await contradictions(rows, call, world)).toEqual([
    expect.stringMatching(/^member-.* has 7 sessions, over the/),
  ])
})

test('no request breaks anything, shows anything or changes anything that its caller may not', async () => {
  const bugs: string[] = []
  vi.spyOn(console, 'error').mockImplementation((...said) => void bugs.push(JSON.stringify(said)))
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // Nobody is told of events, and no provider answers.
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('nobody is here', { status: 503 }))
  const prototypes = namesOfPrototypes()
  const target: Target = {
    origin: ORIGIN,
    operator: await makeOperator(),
    call,
    send: ask,
    rows,
    troubles() {
      return [...bugs.splice(0), ...(namesOfPrototypes() === prototypes ? [] : ['a prototype has changed'])]
    },
  }
  const report = await campaign(target, env.FUZZ_SEED, env.FUZZ_REQUESTS)

  expect(report.findings).toEqual([])
  expect(report.requests).toBeGreaterThanOrEqual(env.FUZZ_REQUESTS)
  // They come through to what they are about, too.
  expect(report.statuses.get(200)).toBeGreaterThan(60)
  expect(report.refusals).toBeGreaterThan(10)
}, 120_000)
