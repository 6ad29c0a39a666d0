/** The support files do what they promise: a test that leans on them can fail. */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { makeAccessKey } from './access-keys.ts'
import { intercept } from './bindings.ts'
import { advanceClock, stopClock } from './clock.ts'
import { countCalls } from './counts.ts'
import { breakD1, breakD1Writes, breakKv, breakUserObjects } from './faults.ts'
import { Gate } from './gate.ts'
import { KvDouble } from './kv-double.ts'
import { fireUserAlarm, mirrored, userAlarm } from './objects.ts'
import { check, send, signIn, USER_AGENT } from './requests.ts'
import { isInRunner } from './runner-context.ts'
import { SECRETS } from './secrets.ts'
import { leaksSince } from './secrets-shown.ts'
import { makeApiClient, makeBearer, makeUser } from './stores.ts'

const live = async (user: { userId: string }) =>
  (
    await env.DB.prepare('SELECT session_id FROM sessions WHERE user_id = ? AND ended_at IS NULL')
      .bind(user.userId)
      .all()
  ).results.length

test('the secrets are those of the tests, whatever .dev.vars says', () => {
  expect(env).toMatchObject(SECRETS)
})

test('a user signs in and is checked with one object call and no statement', async () => {
  const session = await signIn(await makeUser())
  await mirrored(session.user)
  await check(session) // the isolate gets to know the store's config
  const counts = countCalls()
  expect((await check(session)).status).toBe(200)
  expect(counts).toMatchObject({ objectCalls: 1, jobCalls: 0, d1Statements: 0, d1Trips: 0, kvReads: 0, kvWrites: 0 })
})

test('an opening is counted, statements in a batch one by one', async () => {
  const user = await makeUser()
  const counts = countCalls()
  await signIn(user)
  await mirrored(user)
  expect(counts.objectCalls).toBe(2)
  expect(counts.d1Statements).toBeGreaterThan(counts.d1Trips)
  expect(counts.d1RowsWritten).toBeGreaterThan(0)
})

test('a trusted back end opens a session with its credential', async () => {
  const user = await makeUser()
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client: { address: user.address, user_agent: 'Test' } }
  expect((await send('/sessions', { bearer, json })).status).toBe(201)
})

test('a test goes on as itself, though a request of the Worker waited for it', async () => {
  const gate = new Gate()
  const inRunner: boolean[] = []
  intercept(async (_call, goOn) => {
    await gate.pass()
    inRunner.push(isInRunner())
    return goOn()
  })
  const answer = send('/healthz')
  await gate.reached()
  expect(isInRunner()).toBe(true)
  gate.open()
  expect((await answer).status).toBe(200)
  expect(inRunner).toContain(false)
  expect(isInRunner()).toBe(true)
})

test('the clock stands still, moves on, and moves the objects with it', async () => {
  const start = stopClock()
  const session = await signIn(await makeUser({ config: { sessionMinutes: 5 } }))
  expect(Date.now()).toBe(start)
  advanceClock(299)
  expect((await check(session)).status).toBe(200)
  advanceClock(1)
  expect((await check(session)).status).toBe(401)
})

test('an alarm is fired by hand', async () => {
  const session = await signIn(await makeUser({ config: { sessionMinutes: 5 } }))
  await mirrored(session.user)
  expect(await userAlarm(session.user)).toBeGreaterThan(Date.now())
  expect(await live(session.user)).toBe(1)
  stopClock()
  advanceClock(301)
  expect(await fireUserAlarm(session.user)).toBe(true)
  await mirrored(session.user)
  expect(await live(session.user)).toBe(0)
})

describe('faults', () => {
  test('a broken D1 refuses a sign-in and lets a check pass', async () => {
    const session = await signIn(await makeUser())
    const fault = breakD1()
    const { username, password } = session.user
    expect((await send('/sessions', { json: { username, password } })).status).toBe(503)
    expect((await check(session)).status).toBe(200)
    expect(fault.hits).toBeGreaterThan(0)
    fault.repair()
    expect((await send('/sessions', { json: { username, password } })).status).toBe(201)
  })

  test('writes alone can fail, before or after they were done, and so many times', async () => {
    const insert = (key: string) =>
      env.DB.prepare(
        "INSERT INTO sign_in_attempts (identity_store_id, subject, attempts, window_ends_at) VALUES ('s', ?, 1, 1)",
      )
        .bind(key)
        .run()
    const found = async (key: string) =>
      (await env.DB.prepare('SELECT 1 FROM sign_in_attempts WHERE subject = ?').bind(key).all()).results.length
    breakD1Writes({ times: 1 })
    await expect(insert('before')).rejects.toThrow('D1_ERROR')
    expect(await found('before')).toBe(0)
    await insert('before')
    breakD1Writes({ when: 'after', times: 1 })
    await expect(insert('after')).rejects.toThrow('D1_ERROR')
    expect(await found('after')).toBe(1)
  })

  test('an object out of reach is never an active session', async () => {
    const session = await signIn(await makeUser())
    breakUserObjects()
    expect((await check(session)).status).toBe(503)
  })

  test('KV can fail', async () => {
    breakKv({ times: 1 })
    await expect(env.CONFIG.get('key')).rejects.toThrow('KV')
    expect(await env.CONFIG.get('key')).toBeNull()
  })
})

test('no fault outlives its test', async () => {
  expect(await env.CONFIG.get('key')).toBeNull()
  expect((await env.DB.prepare('SELECT 1 AS one').all()).results).toEqual([{ one: 1 }])
})

test('the KV double delays, reorders and refuses a second write within a second', async () => {
  stopClock()
  const kv = new KvDouble([60, 5])
  await env.CONFIG.put('key', 'first')
  await expect(env.CONFIG.put('key', 'too soon')).rejects.toThrow('429')
  advanceClock(1)
  await env.CONFIG.put('key', 'second')
  expect(await env.CONFIG.get('key')).toBeNull()
  advanceClock(5)
  expect(await env.CONFIG.get('key')).toBe('second')
  advanceClock(55)
  expect(await env.CONFIG.get('key')).toBe('first')
  expect(kv.refused).toBe(1)
})

describe('a secret', () => {
  const inLog = [expect.stringContaining('a log line shows')]
  const inAnswer = [expect.stringContaining('an answer shows')]

  test('of every kind is found where it is logged, also where a test has the console say nothing', async () => {
    const { user, token } = await signIn(await makeUser({ password: 'a password of some words' }))
    const cookie = (await signIn(user, { transport: 'cookie' })).token
    const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
    const key = await makeAccessKey(user.identityStoreId)
    const client = await makeApiClient(user.identityStoreId, ['looker'])
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const secrets = [user.password, token, cookie, bearer, key.secretKey, client.clientSecret]
    for (const secret of [...secrets, ...Object.values(SECRETS)]) {
      console.warn('unavailable', { what: `got ${secret}`, error: new Error('nothing') })
      expect([secret, leaksSince()]).toEqual([secret, inLog])
    }
    console.warn(new Error(`refused: ${token}`))
    expect(leaksSince()).toEqual(inLog)
    console.warn('unavailable', { user: user.userId, session: 'nothing' })
    expect(leaksSince()).toEqual([])
  })

  test('or a name, an address or a user agent is found where it is logged, and ids are not', async () => {
    const user = await makeUser()
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    for (const text of [user.username, user.address, USER_AGENT]) {
      console.warn(JSON.stringify({ event: 'refused', what: text }))
      expect(leaksSince()).toEqual([`a log line shows ${text}`])
    }
    console.warn(JSON.stringify({ event: 'refused', user: user.userId }))
    expect(leaksSince()).toEqual([])
  })

  test('is found in an answer, and where one is handed out a second time', async () => {
    const { token, user } = await signIn(await makeUser())
    Response.json({ session: { hint: `it is ${token}` } })
    expect(leaksSince()).toEqual(inAnswer)
    Response.json({ token })
    expect(leaksSince()).toEqual(inAnswer)
    new Response(`<p>${user.password}</p>`)
    expect(leaksSince()).toEqual(inAnswer)
    new Response(null, { status: 303, headers: { location: `/devices?token=${token}` } })
    expect(leaksSince()).toEqual([expect.stringContaining('a redirect shows')])
    const fresh = 'a-token-that-nobody-has-seen-before'
    Response.json({ token: fresh })
    expect(leaksSince()).toEqual([])
    Response.json({ error: fresh })
    expect(leaksSince()).toEqual(inAnswer)
  })

  test('is found in a stream, when it comes, and nothing is taken that nobody reads', async () => {
    const { token } = await signIn(await makeUser())
    for (const type of ['text/event-stream', 'application/x-ndjson']) {
      const pieces = ['{"first":"nothing"}\n', `{"then":"${token}"}\n`]
      const source: UnderlyingByteSource = {
        type: 'bytes',
        pull: (controller) => controller.enqueue(new TextEncoder().encode(pieces.shift())),
      }
      const { body } = new Response(new ReadableStream(source), { headers: { 'content-type': type } })
      const reader = body?.getReader()
      await reader?.read()
      expect([pieces.length, leaksSince()]).toEqual([1, []])
      await reader?.read()
      expect(leaksSince()).toEqual([expect.stringContaining('a stream shows')])
      await reader?.cancel()
    }
  })
})
