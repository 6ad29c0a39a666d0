/** The application server is protected from us, and what it answers is held to the contract. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { Priority } from '../../src/identity/fair-queue.ts'
import { readSettings } from '../../src/settings.ts'
import { login, putInfo, sessionFor } from '../api/apio/requests.ts'
import {
  applicationServer,
  makeTheirUser,
  ourProfile,
  theirProfile,
  useApplicationServer,
} from '../support/application-server.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { fireProfileAlarm, profileAlarm } from '../support/objects.ts'
import { makeStore, makeUser, type TestUser } from '../support/stores.ts'

useApplicationServer()

const settings = readSettings(env)
if (!settings.ok) throw new Error(settings.error.join())
const AT_MOST = settings.value.applicationServer.maxCalls
const TRIES = settings.value.throttle.triesPerUserAndAddress

async function userOf(
  loginMode: 'SERVER_LOGIN' | 'LOCAL_LOGIN_DEDICATED',
  identityStoreId?: string,
): Promise<TestUser> {
  const user = await makeUser({ loginMode, ...(identityStoreId && { identityStoreId }) })
  await makeTheirUser(user)
  return user
}

/** What is counted of a user. */
async function attemptsOf(user: TestUser): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT attempts FROM sign_in_attempts WHERE username = ?')
    .bind(user.username)
    .all()
  return results.map(({ attempts }) => attempts)
}

/** How often each status came. */
function tally(statuses: readonly number[]): Record<number, number> {
  return Object.fromEntries(
    [...new Set(statuses)].map((one) => [one, statuses.filter((status) => status === one).length]),
  )
}

describe('calls under way', () => {
  test('are no more than the bound, whoever asks', async () => {
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: 3 * AT_MOST }, () => userOf('SERVER_LOGIN', identityStoreId)))
    const writer = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(writer)
    applicationServer.decide = () => 'hanging'
    const signIns = users.map((user) => login(user))
    await expect.poll(() => applicationServer.calls.length).toBe(AT_MOST)
    const change = putInfo(cookie, { first_name: 'New' })
    const statuses = (await Promise.all(signIns)).map(({ status }) => status)
    // Each that gives up makes room for one who waits.
    expect(Object.keys(tally(statuses)).filter((status) => status !== '503' && status !== '504')).toEqual([])
    expect(applicationServer.mostUnderWay).toBe(AT_MOST)
    expect([503, 504]).toContain((await change).status)
    expect(await ourProfile(writer)).toMatchObject({ first_name: 'Test' })
    applicationServer.decide = () => 'none'
    for (const user of users) expect((await login(user)).status).toBe(200)
  })

  test('who finds no room, not even in the line, is told 503 at once, is not counted, and nothing is called', async () => {
    const [user, writer] = [await userOf('SERVER_LOGIN'), await userOf('LOCAL_LOGIN_DEDICATED')]
    const cookie = await sessionFor(writer)
    applicationServer.decide = () => 'hanging'
    const calls = env.APPLICATION_SERVER_CALLS.get(env.APPLICATION_SERVER_CALLS.idFromName('application-server'))
    const asker = { priority: 'operator', who: 'crowd' } as const
    const call = { method: 'GET', path: 'v1/users/x/profile', headers: {}, body: null, asker }
    const crowd = Promise.all(Array.from({ length: 30 * AT_MOST }, () => calls.send(call)))
    await expect.poll(() => applicationServer.calls.length).toBe(AT_MOST)
    const answers = await Promise.all([login(user), putInfo(cookie, { first_name: 'New' })])
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    const outcomes = (await crowd).map((outcome) => (outcome.ok ? 'answered' : outcome.error.code))
    const called = outcomes.filter((outcome) => outcome === 'timed_out').length
    expect(outcomes.filter((outcome) => outcome === 'not_sent')).toHaveLength(30 * AT_MOST - called)
    expect(applicationServer.calls).toHaveLength(called)
    expect(applicationServer.mostUnderWay).toBe(AT_MOST)
    expect(await attemptsOf(user)).toEqual([])
    expect(await profileAlarm(writer)).toBeNull()
  })

  test('are first for operators and who is known, whatever strangers ask, and nobody asks for all', async () => {
    applicationServer.decide = () => 'hanging'
    const calls = env.APPLICATION_SERVER_CALLS.get(env.APPLICATION_SERVER_CALLS.idFromName('application-server'))
    const send = (path: string, priority: Priority, who: string) =>
      calls.send({ method: 'GET', path, headers: {}, body: null, asker: { priority, who } })
    const flood = Array.from({ length: 20 * AT_MOST }, () => send('flood', 'stranger', 'prefix'))
    await expect.poll(() => applicationServer.calls.length).toBe(AT_MOST)
    const [stranger, known, operator] = [
      send('stranger', 'stranger', 'another prefix'),
      send('known', 'known', 'user'),
      send('operator', 'operator', 'user'),
    ]
    const outcomes = await Promise.all([operator, known, stranger])
    await Promise.all(flood)
    // Each that gives up makes room for the next.
    expect(outcomes.map((one) => !one.ok && one.error.code)).toEqual(['timed_out', 'timed_out', 'timed_out'])
    const order = applicationServer.calls.slice(AT_MOST).map(({ path }) => path.slice(1))
    expect(order.filter((path) => path !== 'flood')).toEqual(['operator', 'known', 'stranger'])
    expect(order.indexOf('stranger')).toBeLessThanOrEqual(3)
  })

  test('leave out neither who has signed in before nor who is signed in, while strangers fill the line', async () => {
    const [stranger, known] = [await userOf('SERVER_LOGIN'), await userOf('SERVER_LOGIN')]
    const writer = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(writer)
    expect((await login(known)).status).toBe(200)
    applicationServer.decide = ({ path }) => (path === '/flood' ? 'hanging' : 'none')
    const calls = env.APPLICATION_SERVER_CALLS.get(env.APPLICATION_SERVER_CALLS.idFromName('application-server'))
    const before = applicationServer.calls.length
    const flood = Array.from({ length: 15 * AT_MOST }, (_, number) =>
      calls.send({
        method: 'GET',
        path: 'flood',
        headers: {},
        body: null,
        asker: { priority: 'stranger', who: `prefix ${number}` },
      }),
    )
    await expect.poll(() => applicationServer.calls.length).toBe(before + AT_MOST)
    const answers = await Promise.all([login(stranger), login(known), putInfo(cookie, { first_name: 'New' })])
    expect(answers.map(({ status }) => status)).toEqual([503, 200, 200])
    await Promise.all(flood)
  })

  test('make room for who waits', async () => {
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: 2 * AT_MOST }, () => userOf('SERVER_LOGIN', identityStoreId)))
    applicationServer.decide = () => Response.json({ authenticated: true })
    const answers = await Promise.all(users.map((user) => login(user)))
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: users.length })
    expect(applicationServer.mostUnderWay).toBeLessThanOrEqual(AT_MOST)
  })
})

describe('a password that was not heard is not a wrong one', () => {
  test.each(['refused', 'overloaded', 'down', 'slow', 'nonsense', 'crashed_before'] as const)('%s', async (mishap) => {
    const user = await userOf('SERVER_LOGIN')
    applicationServer.decide = () => mishap
    // At once and one after the other.
    const answers = await Promise.all(Array.from({ length: 2 * TRIES }, () => login(user)))
    for (let n = 0; n < TRIES + 1; n += 1) answers.push(await login(user))
    expect(answers.slice(-TRIES - 1).filter(({ status }) => status < 502)).toEqual([])
    applicationServer.decide = () => 'none'
    // What is heard and wrong counts, as ever.
    for (let n = 0; n < TRIES - 1; n += 1) expect((await login(user, { password: 'wrong' })).status).toBe(401)
    expect((await login(user)).status).toBe(200)
    for (let n = 0; n < TRIES; n += 1) expect((await login(user, { password: 'wrong' })).status).toBe(401)
    expect((await login(user)).status).toBe(429)
  })

  test('nor for the address and the user as a whole', async () => {
    const user = await userOf('SERVER_LOGIN')
    applicationServer.decide = () => 'overloaded'
    for (let n = 0; n < 3; n += 1) expect((await login(user)).status).toBe(503)
    expect(await attemptsOf(user)).toEqual([])
  })
})

const long = 'x'.repeat(100_000)
const profile = (changes: Record<string, unknown>) => ({
  first_name: 'Test',
  last_name: 'User',
  email_address: null,
  version: 1,
  ...changes,
})

describe('an answer that does not fit the contract', () => {
  test.each<[string, () => Response]>([
    ['longer than any profile', () => Response.json(profile({ first_name: long }))],
    ['longer, of a length that is not said', () => new Response(endless())],
    ['a text that does not fit', () => Response.json(profile({ last_name: 'x'.repeat(255) }))],
    ['a control character', () => Response.json(profile({ first_name: 'Te\u0007st' }))],
    [
      'half of a character',
      () => new Response('{"first_name":"\\ud83d","last_name":null,"email_address":null,"version":1}'),
    ],
    ['no UTF-8', () => new Response(new Uint8Array([0xff, 0xfe]))],
    ['a version below zero', () => Response.json(profile({ version: -1 }))],
    ['a version beyond all that can be told apart', () => Response.json(profile({ version: 2 ** 53 }))],
    ['a version that no other can follow', () => Response.json(profile({ version: Number.MAX_SAFE_INTEGER }))],
    ['a version that is text', () => Response.json(profile({ version: '1' }))],
    ['a list', () => Response.json([])],
    ['somewhere else', () => Response.redirect('https://elsewhere.example/', 302)],
  ])('%s: 502, nothing is written in either, nothing is left to do', async (_what, say) => {
    const user = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(user)
    applicationServer.decide = ({ method }) => (method === 'GET' ? say() : 'none')
    expect((await putInfo(cookie, { first_name: 'New' })).status).toBe(502)
    expect(applicationServer.calls.map(({ method }) => method)).toEqual(['GET'])
    expect(await ourProfile(user)).toMatchObject({ first_name: 'Test', version: null })
    expect(await profileAlarm(user)).toBeNull()
  })

  test('an older version than it answered before: 502, and ours stays', async () => {
    const user = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(user)
    expect((await putInfo(cookie, { first_name: 'New' })).status).toBe(200)
    await env.APPLICATION_SERVER_DB.prepare("UPDATE users SET first_name = 'Old', version = 1 WHERE username = ?")
      .bind(user.username)
      .run()
    const { status, body } = await putInfo(cookie, { last_name: 'Next' })
    expect([status, body.details]).toEqual([502, expect.stringContaining('older version')])
    expect(await ourProfile(user)).toMatchObject({ first_name: 'New', last_name: 'User', version: 2 })
    expect(await theirProfile(user)).toMatchObject({ first_name: 'Old', last_name: 'User', version: 1 })
  })

  test.each([
    ['does not grow', 1],
    ['goes back', 0],
  ])(
    'a version that %s with a change: in doubt, settled within a minute, and nothing is blocked',
    async (_how, version) => {
      const user = await userOf('LOCAL_LOGIN_DEDICATED')
      const cookie = await sessionFor(user)
      applicationServer.decide = ({ method }) => (method === 'PATCH' ? Response.json(profile({ version })) : 'none')
      const start = stopClock()
      expect((await putInfo(cookie, { first_name: 'New' })).status).toBe(504)
      for (let at = await profileAlarm(user); at !== null; at = await profileAlarm(user)) {
        advanceClock(Math.max(0, at - Date.now()) / 1000)
        await fireProfileAlarm(user)
      }
      expect(Date.now() - start).toBeLessThanOrEqual(60_000)
      applicationServer.decide = () => 'none'
      expect((await putInfo(cookie, { last_name: 'Next' })).status).toBe(200)
      expect(await ourProfile(user)).toEqual(await theirProfile(user))
    },
  )

  test('a password is right only if it says so in so many words', async () => {
    const user = await userOf('SERVER_LOGIN')
    const said = []
    for (const answer of [{ authenticated: 'true' }, {}, [true], { authenticated: true, padding: long }]) {
      applicationServer.decide = () => Response.json(answer)
      said.push((await login(user)).status)
    }
    applicationServer.decide = () => Response.redirect('https://elsewhere.example/', 307)
    said.push((await login(user)).status)
    expect(said).toEqual([502, 502, 502, 502, 502])
  })

  test('what it says of a refusal is passed on cut and clean, with no character in half', async () => {
    const user = await userOf('SERVER_LOGIN')
    applicationServer.decide = () => new Response(`{"detail":"a\\u0000b\\ud83d${'😀'.repeat(300)}"}`, { status: 403 })
    expect((await login(user)).body).toEqual({ details: `a b\ufffd${'😀'.repeat(98)}` })
  })
})

/** A body that never ends. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(120)) })
}
