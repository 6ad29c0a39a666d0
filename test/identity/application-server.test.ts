/** The application server is protected from us, and what it answers is held to the contract. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import type { Priority } from '../../src/identity/fair-queue.ts'
import { CALL_LINE_PER_CALL } from '../../src/limits.ts'
import { readSettings } from '../../src/settings.ts'
import { userSubject } from '../../src/store/sign-in-attempts.ts'
import { login, putInfo, sessionFor } from '../api/apio/requests.ts'
import {
  applicationServer,
  makeTheirUser,
  ourProfile,
  theirProfile,
  useApplicationServer,
} from '../support/application-server.ts'
import { advanceClock, holdTimeLimits, stopClock } from '../support/clock.ts'
import { fireProfileAlarm, profileAlarm } from '../support/objects.ts'
import { makeStore, makeUser, type TestUser } from '../support/stores.ts'

useApplicationServer()

const settings = readSettings(env)
if (!settings.ok) throw new Error(settings.error.join())
const AT_MOST = settings.value.applicationServer.maxCalls
const TIMEOUT = settings.value.applicationServer.timeoutMilliseconds
const platformTimeout = AbortSignal.timeout.bind(AbortSignal)
/** Bounds a wait that never ends; says nothing about speed. */
const LONG = { timeout: 30_000, interval: 10 }
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
  const { results } = await env.DB.prepare('SELECT attempts FROM sign_in_attempts WHERE subject = ?')
    .bind(userSubject(user.username))
    .all()
  return results.map(({ attempts }) => attempts)
}

/** How often each status came. */
function tally(statuses: readonly (number | string)[]): Record<number, number> {
  return Object.fromEntries(
    [...new Set(statuses)].map((one) => [one, statuses.filter((status) => status === one).length]),
  )
}

describe('calls under way', () => {
  const calls = env.APPLICATION_SERVER_CALLS.get(env.APPLICATION_SERVER_CALLS.idFromName('application-server'))
  const send = (path: string, priority: Priority, who: string) =>
    calls.send({ method: 'GET', path, headers: {}, body: null, asker: { priority, who } })

  /** Sends many calls, and answers how often each outcome came. */
  async function sendMany(count: number, one: (number: number) => ReturnType<typeof send>) {
    const outcomes = await Promise.all(Array.from({ length: count }, (_, number) => one(number)))
    return tally(outcomes.map((outcome) => (outcome.ok ? 'answered' : outcome.error.code)))
  }

  /** Waits until all places are taken and so many stand in the line. */
  async function untilInLine(count: number): Promise<void> {
    const inLine = () => runInDurableObject(calls, (object) => Reflect.get(object, 'line').size as number)
    await vi.waitFor(
      async () => expect([applicationServer.underWayNow, await inLine()]).toEqual([AT_MOST, count]),
      LONG,
    )
  }

  test('are no more than the bound, whoever asks, and make room for who waits', async () => {
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: 3 * AT_MOST }, () => userOf('SERVER_LOGIN', identityStoreId)))
    const writer = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(writer)
    holdTimeLimits()
    applicationServer.decide = () => 'held'
    const answers = [...users.map((user) => login(user)), putInfo(cookie, { first_name: 'New' })]
    await untilInLine(2 * AT_MOST + 1)
    expect(applicationServer.calls).toHaveLength(AT_MOST)
    applicationServer.holding = false
    expect(tally((await Promise.all(answers)).map(({ status }) => status))).toEqual({ 200: answers.length })
    expect(applicationServer.mostUnderWay).toBe(AT_MOST)
    expect(await ourProfile(writer)).toMatchObject({ first_name: 'New' })
  })

  test('who finds no room, not even in the line, is told 503 at once, is not counted, and nothing is called', async () => {
    const [user, writer] = [await userOf('SERVER_LOGIN'), await userOf('LOCAL_LOGIN_DEDICATED')]
    const cookie = await sessionFor(writer)
    holdTimeLimits()
    applicationServer.decide = () => 'held'
    const crowd = sendMany(30 * AT_MOST, () => send('crowd', 'operator', 'crowd'))
    await untilInLine(CALL_LINE_PER_CALL * AT_MOST)
    // While all that is under way is held: they waited for nothing.
    const answers = await Promise.all([login(user), putInfo(cookie, { first_name: 'New' })])
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    await untilInLine(CALL_LINE_PER_CALL * AT_MOST)
    applicationServer.holding = false
    const called = AT_MOST + CALL_LINE_PER_CALL * AT_MOST
    expect(await crowd).toEqual({ answered: called, not_sent: 30 * AT_MOST - called })
    expect(applicationServer.calls.filter(({ path }) => path === '/crowd')).toHaveLength(called)
    expect(applicationServer.calls).toHaveLength(called)
    expect(applicationServer.mostUnderWay).toBe(AT_MOST)
    expect(await attemptsOf(user)).toEqual([])
    expect(await profileAlarm(writer)).toBeNull()
  })

  test('are first for operators and who is known, whatever strangers ask, and nobody asks for all', async () => {
    holdTimeLimits()
    applicationServer.decide = () => 'held'
    const flood = sendMany(20 * AT_MOST, () => send('flood', 'stranger', 'prefix'))
    await untilInLine(CALL_LINE_PER_CALL * AT_MOST)
    const others = [
      send('stranger', 'stranger', 'another prefix'),
      send('known', 'known', 'user'),
      send('operator', 'operator', 'user'),
    ]
    await untilInLine(CALL_LINE_PER_CALL * AT_MOST + others.length)
    applicationServer.holding = false
    expect((await Promise.all(others)).map(({ ok }) => ok)).toEqual([true, true, true])
    await flood
    const order = applicationServer.calls.slice(AT_MOST).map(({ path }) => path.slice(1))
    expect(order.filter((path) => path !== 'flood')).toEqual(['operator', 'known', 'stranger'])
    expect(order.indexOf('stranger')).toBeLessThanOrEqual(3)
  })

  test('leave out neither who has signed in before nor who is signed in, while strangers fill the line', async () => {
    const [stranger, known] = [await userOf('SERVER_LOGIN'), await userOf('SERVER_LOGIN')]
    const writer = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(writer)
    expect((await login(known)).status).toBe(200)
    holdTimeLimits()
    applicationServer.decide = ({ path }) => (path === '/flood' ? 'held' : 'none')
    const flood = sendMany(15 * AT_MOST, (number) => send('flood', 'stranger', `prefix ${number}`))
    await untilInLine(CALL_LINE_PER_CALL * AT_MOST)
    expect((await login(stranger)).status).toBe(503)
    const answers = [login(known), putInfo(cookie, { first_name: 'New' })]
    await untilInLine(CALL_LINE_PER_CALL * AT_MOST + answers.length)
    applicationServer.holding = false
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200])
    await flood
  })

  test('that are not answered in time give up, and make room for who waits', async () => {
    const [users, writer] = [[await userOf('SERVER_LOGIN')], await userOf('LOCAL_LOGIN_DEDICATED')]
    const cookie = await sessionFor(writer)
    // The platform's own time limit of a call strikes, if a shorter one; that of the line does not.
    holdTimeLimits()
    const limits = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => platformTimeout(50))
    applicationServer.decide = () => 'hanging'
    const crowd = sendMany(2 * AT_MOST, () => send('crowd', 'known', 'crowd'))
    const answers = [...users.map((user) => login(user)), putInfo(cookie, { first_name: 'New' })]
    expect(await crowd).toEqual({ timed_out: 2 * AT_MOST })
    expect(new Set(limits.mock.calls.flat())).toEqual(new Set([TIMEOUT]))
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([504, 504])
    expect(applicationServer.mostUnderWay).toBe(AT_MOST)
    expect(await ourProfile(writer)).toMatchObject({ first_name: 'Test' })
  })

  test('who waits too long in the line is told so, and is not called for', async () => {
    holdTimeLimits()
    applicationServer.decide = () => 'held'
    const crowd = sendMany(AT_MOST, () => send('crowd', 'known', 'crowd'))
    await untilInLine(0)
    vi.mocked(setTimeout).mockRestore()
    expect(await send('waits', 'operator', 'user')).toEqual({ ok: false, error: { code: 'not_sent' } })
    applicationServer.holding = false
    expect(await crowd).toEqual({ answered: AT_MOST })
    expect(applicationServer.calls.filter(({ path }) => path === '/waits')).toEqual([])
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
