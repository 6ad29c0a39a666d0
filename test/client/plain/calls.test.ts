/** How a call over HTTP waits, repeats and gives up. */
import { describe, expect, test } from 'vitest'
import type { SessionsBinding } from '../../../packages/client/src/binding.ts'
import { createClient, type LatchkeyClient } from '../../../packages/client/src/index.ts'

const BASE = 'https://sessions.pie.example'
const LIVE = { state: 'active', session: { id: '1', user_id: 'ada' } }
const client = { address: null, userAgent: null }

type Answer = () => Response | Promise<Response>

/** A client whose service gives these answers, the last one again and again; and what it was asked. */
function setUp(answers: readonly Answer[], more: object = {}): { latchkey: LatchkeyClient; asked: Request[] } {
  const asked: Request[] = []
  const latchkey = createClient({
    baseUrl: BASE,
    credential: 'secret',
    fetch: async (input, init) => {
      asked.push(new Request(input, init as RequestInit))
      const answer = answers[Math.min(asked.length, answers.length) - 1] as Answer
      return answer()
    },
    ...more,
  })
  return { latchkey, asked }
}

const down: Answer = () => new Response('{}', { status: 503, headers: { 'retry-after': '0' } })
const live: Answer = () => Response.json(LIVE)
const lost: Answer = () => {
  throw new TypeError('fetch failed')
}

test('a check is tried again, and says who asks', async () => {
  const { latchkey, asked } = setUp([down, lost, live])
  expect(await latchkey.sessions.check('token', { maxAge: 5 })).toMatchObject({
    state: 'active',
    session: { userId: 'ada' },
  })
  expect(asked).toHaveLength(3)
  expect(Object.fromEntries(asked[0]?.headers ?? [])).toMatchObject({
    authorization: 'Bearer secret',
    'cache-control': 'max-age=5',
    'latchkey-client': expect.stringMatching(/^\d+\.\d+\.\d+$/),
  })
})

test('what might be done twice is not tried again', async () => {
  const { latchkey, asked } = setUp([down, live])
  expect(await latchkey.sessions.open({ userId: 'ada', client })).toMatchObject({ ok: false, code: 'unavailable' })
  expect(asked).toHaveLength(1)
})

describe('an opening that has a key', () => {
  const OPENED = { id: '1', user_id: 'ada', token: 'token' }
  const asked = { userId: 'ada', client, idempotencyKey: 'order-1' }

  test('is tried again with it, also while the first try still runs', async () => {
    const running: Answer = () => Response.json({ code: 'idempotent_request_running' }, { status: 409 })
    const { latchkey, asked: requests } = setUp([lost, running, () => Response.json(OPENED, { status: 201 })])
    expect(await latchkey.sessions.open(asked)).toMatchObject({ ok: true, session: { userId: 'ada' } })
    expect(requests.map(({ headers }) => headers.get('idempotency-key'))).toEqual(Array(3).fill('"order-1"'))
  })

  test('is so over a binding, where one without is not', async () => {
    const unavailable = { code: 'unavailable', retryAfterSeconds: 0 }
    const errors = [unavailable, { code: 'idempotent_request_running' }]
    let calls = 0
    const binding = {
      async open() {
        const error = errors[calls++]
        return error === undefined ? { ok: true, value: OPENED } : { ok: false, error }
      },
    } as unknown as SessionsBinding
    const { sessions } = createClient({ binding })
    expect(await sessions.open({ userId: 'ada', client })).toMatchObject({ ok: false, code: 'unavailable' })
    expect(calls).toBe(1)
    calls = 0
    expect(await sessions.open(asked)).toMatchObject({ ok: true, token: 'token' })
    expect(calls).toBe(3)
  })
})

describe('it gives up', () => {
  test('after the tries that it has', async () => {
    const { latchkey, asked } = setUp([down], { retries: 1 })
    expect(await latchkey.sessions.check('token')).toEqual({ state: 'unavailable', retryAfterSeconds: 1 })
    expect(asked).toHaveLength(2)
  })

  test('at once where the service says later than there is time, and hands that on', async () => {
    const later: Answer = () => new Response('', { status: 429, headers: { 'retry-after': '30' } })
    const { latchkey, asked } = setUp([later])
    expect(await latchkey.sessions.check('token')).toEqual({ state: 'unavailable', retryAfterSeconds: 30 })
    expect(asked).toHaveLength(1)
    const date = new Date(Date.now() + 60_000).toUTCString()
    const dated = setUp([() => new Response('', { status: 503, headers: { 'retry-after': date } })])
    const told = await dated.latchkey.sessions.check('token')
    expect(told.state === 'unavailable' && told.retryAfterSeconds).toBeGreaterThan(50)
  })

  test('when its time is over', async () => {
    const { latchkey } = setUp([() => new Promise(() => {})], { timeoutMilliseconds: 20 })
    expect(await latchkey.sessions.check('token')).toEqual({ state: 'unavailable', retryAfterSeconds: 1 })
  })

  test('when the caller does', async () => {
    const { latchkey } = setUp([() => new Promise(() => {})])
    const giveUp = new AbortController()
    const check = latchkey.sessions.check('token', { signal: giveUp.signal })
    giveUp.abort(new Error('enough'))
    await expect(check).rejects.toThrow('enough')
  })
})

test.each([
  ['a proxy’s page', () => new Response('<html>', { status: 200 })],
  ['an internal error', () => new Response('{"code":"internal_error"}', { status: 500 })],
])('%s is no answer', async (_what, answer) => {
  const { latchkey } = setUp([answer], { retries: 0 })
  expect((await latchkey.sessions.check('token')).state).toBe('unavailable')
})

test.each([
  ['a credential that was revoked', 401, { code: 'credential_revoked', title: 'The credential was revoked' }],
  ['one that may not', 403, { code: 'forbidden', title: 'Not allowed', needed: ['sessions:introspect'] }],
  ['a redirect', 301, {}],
  ['a state that nobody knows', 200, { state: 'fine' }],
  ['an active state without a session', 200, { state: 'active' }],
])('%s is thrown: it is the application’s fault', async (_what, status, body) => {
  const { latchkey, asked } = setUp([() => Response.json(body, { status })])
  await expect(latchkey.sessions.check('token')).rejects.toMatchObject({ name: 'LatchkeyError' })
  expect(asked).toHaveLength(1)
})

test.each([
  ['an address that is undefined', { baseUrl: undefined, credential: 'secret' }],
  ['one without a scheme', { baseUrl: 'sessions.pie.example' }],
  ['a credential that is undefined', { baseUrl: BASE, credential: undefined }],
  ['an empty one', { baseUrl: BASE, credential: '' }],
  ['a binding that the Worker has not', { binding: undefined }],
])('%s is told at once', (_what, options) => {
  expect(() => createClient(options as never)).toThrow(TypeError)
})
