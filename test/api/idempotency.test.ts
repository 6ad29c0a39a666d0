/** `Idempotency-Key`: what comes again is answered as it was, and done once. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { claimKey, keepAnswer, releaseKey } from '../../src/store/idempotent-requests.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { countCalls } from '../support/counts.ts'
import { Gate } from '../support/gate.ts'
import { userObject } from '../support/objects.ts'
import { type RequestOptions, send } from '../support/requests.ts'
import { db, makeBearer, makeUser, type TestUser } from '../support/stores.ts'

const client = { address: '198.51.100.7', user_agent: 'Phone/1.0' }
const HOUR_SECONDS = 3_600

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
const keysKept = async () => (await env.DB.prepare('SELECT * FROM idempotent_requests').all<Body>()).results

async function answerOf(response: Response) {
  const replayed = response.headers.get('idempotent-replayed')
  return { status: response.status, replayed, body: (await response.json()) as Body }
}

describe('a back end that opens a session twice by one key', () => {
  test('is given the answer of the first time, and there is one session', async () => {
    const { user, open } = await setUp()
    const key = freshKey()
    const first = await open(key)
    const { status, replayed, body } = await answerOf(first)
    expect([status, replayed, typeof body.token]).toEqual([201, null, 'string'])
    // As a structured field has it, the key is the same.
    for (const spelling of [key, `"${key}"`]) {
      const again = await open(spelling)
      expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'))
      expect(again.headers.get('cache-control')).toBe('no-store')
      expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
      expect(again.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(await answerOf(again)).toEqual({ status: 201, replayed: 'true', body })
    }
    expect(await sessionsOf(user)).toBe(1)
    expect((await send('/sessions/current', { bearer: body.token as string })).status).toBe(200)
  })

  test('opens exactly one by twenty requests at the same time', async () => {
    const { user, open } = await setUp()
    const key = freshKey()
    const answers = await Promise.all(Array.from({ length: 20 }, async () => answerOf(await open(key))))
    const opened = answers.filter(({ status }) => status === 201)
    const others = answers.filter(({ status }) => status !== 201)
    expect(opened.filter(({ replayed }) => replayed === null)).toHaveLength(1)
    expect(new Set(opened.map(({ body }) => body.token)).size).toBe(1)
    for (const { status, body } of others) {
      expect([status, body.code]).toEqual([409, 'idempotent_request_running'])
    }
    expect(await sessionsOf(user)).toBe(1)
    expect((await answerOf(await open(key))).body).toEqual(opened[0]?.body)
  })

  test('is refused with another body, and nothing is opened', async () => {
    const { user, json, open } = await setUp()
    const key = freshKey()
    await open(key)
    const other = await answerOf(await open(key, { json: { ...json, persistent: true } }))
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect(await sessionsOf(user)).toBe(1)
  })

  test('keeps keys to itself, and those of one path from another', async () => {
    const { user, open } = await setUp()
    const key = freshKey()
    await open(key)
    const other = await makeBearer(user.identityStoreId, ['sessions:open'])
    expect(await answerOf(await open(key, { bearer: other }))).toMatchObject({ status: 201, replayed: null })
    expect(await sessionsOf(user)).toBe(2)
  })

  test('is told 409 while the first is being answered', async () => {
    const { open } = await setUp()
    const key = freshKey()
    const gate = new Gate()
    intercept(async (call, goOn) => {
      if (call.to === 'USERS') await gate.pass()
      return goOn()
    })
    const first = open(key)
    await gate.reached()
    const second = await open(key)
    expect([second.status, second.headers.get('retry-after')]).toEqual([409, '1'])
    gate.open()
    expect((await first).status).toBe(201)
    expect((await open(key)).headers.get('idempotent-replayed')).toBe('true')
  })

  test('for a day', async () => {
    stopClock()
    const { user, open } = await setUp()
    const key = freshKey()
    await open(key)
    advanceClock(24 * HOUR_SECONDS - 1)
    expect((await open(key)).headers.get('idempotent-replayed')).toBe('true')
    advanceClock(1)
    expect((await open(key)).headers.get('idempotent-replayed')).toBeNull()
    expect(await sessionsOf(user)).toBe(2)
  })
})

describe('an answer', () => {
  test('that says what is wrong is kept as well', async () => {
    const { json, open } = await setUp()
    const key = freshKey()
    for (const replayed of [null, 'true']) {
      const answer = await answerOf(await open(key, { json: { ...json, user_id: 'nobody' } }))
      expect(answer).toMatchObject({ status: 404, replayed, body: { code: 'user_not_found' } })
    }
  })

  test('that says that nothing happened is not: the key is free again', async () => {
    const { user, json, open } = await setUp()
    const disabled = await makeUser({ identityStoreId: user.identityStoreId, active: false })
    const key = freshKey()
    expect((await open(key, { json: { ...json, user_id: disabled.userId } })).status).toBe(403)
    const leave = intercept(({ to }, goOn) => (to === 'USERS' ? Promise.reject(new Error('lost')) : goOn()))
    expect((await open(key)).status).toBe(503)
    leave()
    expect(await answerOf(await open(key))).toMatchObject({ status: 201, replayed: null })
  })

  test('that is a bug is not either', async () => {
    const { open } = await setUp()
    const key = freshKey()
    const leave = intercept((call, goOn) =>
      call.to === 'USERS' ? Promise.reject(Object.assign(new TypeError('a bug'), { remote: true })) : goOn(),
    )
    expect((await open(key)).status).toBe(500)
    leave()
    expect((await open(key)).status).toBe(201)
  })

  test('is at rest under seal, and opens under its own key alone', async () => {
    const { open } = await setUp()
    const [one, two] = [freshKey(), freshKey()]
    const token = String((await answerOf(await open(one))).body.token)
    const before = new Set((await keysKept()).map(({ key_hash }) => key_hash))
    expect(JSON.stringify(await keysKept())).not.toContain(token)
    await open(two)
    const [added] = (await keysKept()).filter(({ key_hash }) => !before.has(key_hash))
    for (const { key_hash, sealed_answer } of await keysKept()) {
      if (key_hash === added?.key_hash) continue
      const move = env.DB.prepare('UPDATE idempotent_requests SET sealed_answer = ? WHERE key_hash = ?')
      await move.bind(sealed_answer, added?.key_hash).run()
    }
    expect(await answerOf(await open(two))).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })
})

describe('a request that breaks off', () => {
  const seconds = 120

  test('has its key for two minutes, and not for a day', async () => {
    stopClock()
    const { open } = await setUp()
    const key = freshKey()
    const before = new Set((await keysKept()).map(({ key_hash }) => key_hash))
    await open(key)
    const [kept] = (await keysKept()).filter(({ key_hash }) => !before.has(key_hash))
    // As a crash would have left it.
    const broken = env.DB.prepare(
      'UPDATE idempotent_requests SET status = NULL, sealed_answer = NULL, expires_at = ? WHERE key_hash = ?',
    )
    await broken.bind(Date.now() + seconds * 1000, kept?.key_hash).run()
    advanceClock(seconds - 1)
    expect((await open(key)).status).toBe(409)
    advanceClock(1)
    expect(await answerOf(await open(key))).toMatchObject({ status: 201, replayed: null })
  })

  test('does not keep its answer under a key that has become another’s, nor give that back', async () => {
    const [key, now] = [freshKey(), Date.now()]
    const claim = async (at: number) => {
      const found = await claimKey(db, key, 'body', at)
      if (!found.ok || found.value.state !== 'claimed') throw new Error('not claimed')
      return found.value.claim
    }
    const late = await claim(now)
    await claim(now + seconds * 1000)
    await keepAnswer(db, late, { status: 201, sealedAnswer: 'late' }, now)
    await releaseKey(db, late)
    expect(await claimKey(db, key, 'body', now + seconds * 1000)).toEqual({ ok: true, value: { state: 'running' } })
  })
})

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
