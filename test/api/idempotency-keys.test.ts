/** `Idempotency-Key`: what is no key, and who has none. */
import { expect, test } from 'vitest'
import { countCalls } from '../support/counts.ts'
import { userObject } from '../support/objects.ts'
import { type RequestOptions, send } from '../support/requests.ts'
import { makeBearer, makeUser, type TestUser } from '../support/stores.ts'

const client = { address: '198.51.100.7', user_agent: 'Phone/1.0' }

type Body = Record<string, unknown>

async function setUp() {
  const user = await makeUser()
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client }
  const open = (key: string | null, options: RequestOptions = {}) =>
    send('/sessions', { bearer, json, ...options, ...(key !== null && { headers: { 'idempotency-key': key } }) })
  return { user, bearer, json, open }
}

const freshKey = () => crypto.randomUUID()
const sessionsOf = async (user: TestUser) => (await userObject(user).list({})).length

async function answerOf(response: Response) {
  const replayed = response.headers.get('idempotent-replayed')
  return { status: response.status, replayed, body: (await response.json()) as Body }
}

const NONE = ['', '""', 'a b', '"a', 'a"b', 'x'.repeat(256), `"${'x'.repeat(256)}"`, 'a, b', '?1', '"a\\b"']

test('a key that is none is refused, and nothing is opened', async () => {
  const { user, open } = await setUp()
  for (const key of NONE) {
    const answer = await open(null, { headers: { 'idempotency-key': key } })
    expect(await answerOf(answer)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ field: 'Idempotency-Key', code: 'invalid' }] },
    })
  }
  expect(await sessionsOf(user)).toBe(0)
})

test('who may not call is told so, claims nothing, and is not given what a key has', async () => {
  const { user, open } = await setUp()
  const key = freshKey()
  await open(key)
  const unscoped = await makeBearer(user.identityStoreId, ['sessions:introspect'])
  const counts = countCalls()
  for (const [bearer, status] of [
    ['nobody', 401],
    [unscoped, 403],
  ] as const) {
    const answer = await open(key, { bearer })
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([status, null])
  }
  expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 1 })
})

test('a sign-in with a password takes no key: each is a session of its own', async () => {
  const { user, open } = await setUp()
  const { username, password, address } = user
  const headers = { 'idempotency-key': freshKey() }
  for (let nth = 0; nth < 2; nth += 1) {
    const answer = await send('/sessions', { address, headers, json: { username, password, transport: 'bearer' } })
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([201, null])
  }
  expect(await sessionsOf(user)).toBe(2)
  expect((await open(null)).status).toBe(201)
})
