import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readSettings } from '../../src/env.ts'
import { ApplicationServer } from '../../src/identity/application-server.ts'
import { verifyPassword } from '../../src/identity/passwords.ts'
import { normalizeUsername, signIn } from '../../src/identity/sign-in.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1 } from '../support/faults.ts'
import { type RequestOptions, send } from '../support/requests.ts'
import { db, freshAddress, makeUser, type TestUser } from '../support/stores.ts'
import { workerWith } from '../support/variants.ts'

afterEach(() => vi.restoreAllMocks())

interface Try extends RequestOptions {
  readonly username?: string
  readonly password?: string
  readonly from?: string
}

function tryAt(worker: { send: typeof send }, user: TestUser, { username, password, from, ...rest }: Try = {}) {
  const json = { username: username ?? user.username, password: password ?? user.password, transport: 'bearer' }
  return worker.send('/sessions', { address: from ?? user.address, json, ...rest })
}

const attempt = (user: TestUser, how: Try = {}) => tryAt({ send }, user, how)
const wrong = { password: 'wrong' }
/** For tests in which hashes are made at their full price. */
const SLOW = { timeout: 30_000 }

async function lockOut(user: TestUser): Promise<void> {
  for (let guess = 0; guess < 5; guess += 1) expect((await attempt(user, wrong)).status).toBe(401)
}

describe('five wrong passwords', () => {
  test('lock the user for that address, also with the right one, and say for how long', async () => {
    stopClock()
    const user = await makeUser()
    await lockOut(user)
    for (const how of [wrong, {}]) {
      const response = await attempt(user, how)
      expect([response.status, response.headers.get('retry-after')]).toEqual([429, '900'])
      expect(await response.json()).toMatchObject({ code: 'locked_out' })
    }
  })

  test('lock neither other addresses of the user nor other users of the address', async () => {
    const user = await makeUser()
    const neighbour = await makeUser({ identityStoreId: user.identityStoreId })
    await lockOut(user)
    expect((await attempt(user, { from: freshAddress() })).status).toBe(201)
    expect((await attempt(neighbour, { from: user.address })).status).toBe(201)
    expect((await attempt(user)).status).toBe(429)
  })

  test('lock for 15 minutes, which further attempts do not prolong', async () => {
    stopClock()
    const user = await makeUser()
    await lockOut(user)
    advanceClock(899)
    const late = await attempt(user)
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, '1'])
    advanceClock(1)
    expect((await attempt(user, wrong)).status).toBe(401)
    expect((await attempt(user)).status).toBe(201)
  })

  test('lock again after the lock, not at the first mistake', async () => {
    stopClock()
    const user = await makeUser()
    await lockOut(user)
    advanceClock(900)
    await lockOut(user)
    expect((await attempt(user)).status).toBe(429)
  })

  test('do not lock if they are spread over more than the window', async () => {
    stopClock()
    const user = await makeUser()
    for (let guess = 0; guess < 12; guess += 1) {
      if (guess % 4 === 0) advanceClock(901)
      expect((await attempt(user, wrong)).status).toBe(401)
    }
  })

  test('do not lock with the right one in between, nor if the fifth try is right', async () => {
    const user = await makeUser()
    for (let round = 0; round < 2; round += 1) {
      for (let guess = 0; guess < 4; guess += 1) await attempt(user, wrong)
      expect((await attempt(user)).status).toBe(201)
    }
  })

  test('lock a user whom nobody knows just the same, however the name is written', SLOW, async () => {
    const user = { ...(await makeUser()), username: 'Nobody@pie.example' }
    await lockOut(user)
    for (const username of [user.username, ' nobody@PIE.example ']) {
      expect((await attempt(user, { username })).status).toBe(429)
    }
  })
})

/** What is waited for, as a table of milliseconds; nothing waits in truth. */
function noteWaits(): number[] {
  const waits: number[] = []
  vi.spyOn(scheduler, 'wait').mockImplementation(async (milliseconds, options) => {
    // Time limits are no waits: they end by being called off.
    if (options?.signal !== undefined) return new Promise(() => {})
    waits.push(milliseconds)
  })
  return waits
}

const FLOOR = 777
/** The pause of each hash, by which hashes are counted. */
const HASH = 0

describe('parallel guesses', () => {
  test('count one by one: of 20 at once no more than five are hashed, and the pair is locked', async () => {
    const worker = workerWith({ SIGN_IN_FLOOR_MILLISECONDS: String(FLOOR) })
    const user = await makeUser()
    const waits = noteWaits()
    const answers = await Promise.all(Array.from({ length: 20 }, () => tryAt(worker, user, wrong)))
    const hashes = waits.filter((milliseconds) => milliseconds === HASH).length
    expect(hashes).toBeGreaterThan(0)
    expect(hashes).toBeLessThanOrEqual(5)
    const count = (status: number) => answers.filter((answer) => answer.status === status).length
    expect(count(401)).toBe(hashes)
    expect(count(201)).toBe(0)
    // What was neither hashed nor too late was turned away by the line for hashing.
    expect(count(401) + count(429) + count(503)).toBe(20)
    expect(count(429)).toBeGreaterThanOrEqual(15)
  })
})

describe('all attempts of one address', () => {
  test('are limited together, whoever they are for; other addresses are not', async () => {
    stopClock()
    const worker = workerWith({ SIGN_IN_TRIES_PER_ADDRESS: '10' })
    const user = await makeUser()
    for (let guess = 0; guess < 10; guess += 1) {
      const { username } = await makeUser({ identityStoreId: user.identityStoreId })
      expect((await tryAt(worker, user, { username, ...wrong })).status).toBe(401)
    }
    advanceClock(60)
    const response = await tryAt(worker, user)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '840'])
    expect(await response.json()).toMatchObject({ code: 'rate_limited' })
    expect((await tryAt(worker, user, { from: freshAddress() })).status).toBe(201)
    advanceClock(840)
    expect((await tryAt(worker, user)).status).toBe(201)
  })

  test('stop at the gate in front, before anything is counted', async () => {
    const worker = workerWith({ SIGN_IN_GATE: { limit: async () => ({ success: false }) } })
    const user = await makeUser()
    const fault = breakD1()
    const response = await tryAt(worker, user)
    expect([response.status, response.headers.get('retry-after'), fault.hits]).toEqual([429, '60', 0])
  })

  test('go by the counters alone if the gate is out of order', async () => {
    const broken = { limit: () => Promise.reject(new Error('out of order')) }
    const worker = workerWith({ SIGN_IN_GATE: broken })
    expect((await tryAt(worker, await makeUser())).status).toBe(201)
  })
})

describe('a user whom many try', () => {
  test('is slowed down more and more, up to a point, and never locked', async () => {
    const worker = workerWith({ SIGN_IN_FLOOR_MILLISECONDS: String(FLOOR) })
    const user = await makeUser()
    const waits = noteWaits()
    for (let guess = 0; guess < 60; guess += 1) {
      expect((await tryAt(worker, user, { ...wrong, from: freshAddress() })).status).toBe(401)
    }
    const slowing = waits.filter((milliseconds) => milliseconds !== HASH && milliseconds !== FLOOR)
    expect(slowing).toEqual(Array.from({ length: 40 }, (_, above) => Math.min((above + 1) * 100, 3_000)))
    expect((await tryAt(worker, user, { from: freshAddress() })).status).toBe(201)
  })
})

describe('whatever is wrong', SLOW, () => {
  const users: [string, () => Promise<Try & { user: TestUser }>][] = [
    ['a wrong password', async () => ({ user: await makeUser(), ...wrong })],
    ['an unknown user', async () => ({ user: await makeUser(), username: 'nobody@nowhere.example' })],
    ['a disabled user', async () => ({ user: await makeUser({ active: false }) })],
    ['a bot', async () => ({ user: await makeUser({ bot: true }) })],
    ['a user without a password', async () => ({ user: await makeUser({ password: null }), password: 'x' })],
    ['a user who signs in elsewhere', async () => ({ user: await makeUser({ loginMode: 'SSO_LOGIN_DEDICATED' }) })],
  ]

  test('the answer is the same to the letter, but for the request', async () => {
    const answers: [string, Record<string, unknown>][] = []
    for (const [what, make] of users) {
      const { user, ...how } = await make()
      const response = await attempt(user, how)
      const { request_id: _, ...body } = (await response.json()) as Record<string, unknown>
      const headers = [...response.headers].filter(([name]) => name !== 'x-request-id')
      answers.push([what, { status: response.status, body, headers }])
    }
    expect(answers[0]?.[1]).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
    for (const [what, answer] of answers) expect([what, answer]).toEqual([what, answers[0]?.[1]])
  })

  test.each(users)('one hash is made and the floor is awaited: %s', async (_what, make) => {
    const worker = workerWith({ SIGN_IN_FLOOR_MILLISECONDS: String(FLOOR) })
    const { user, ...how } = await make()
    const waits = noteWaits()
    expect((await tryAt(worker, user, how)).status).toBe(401)
    expect(waits.toSorted((a, b) => a - b)).toEqual([HASH, FLOOR])
  })

  test('no answer comes before the floor: good, wrong, locked, limited, and without D1', async () => {
    const user = await makeUser()
    const settings = readSettings(env)
    if (!settings.ok) throw new Error(settings.error.join())
    const throttle = { ...settings.value.throttle, floorMilliseconds: FLOOR, triesPerUserAndAddress: 2 }
    let passes = () => {}
    const waits: number[] = []
    vi.spyOn(scheduler, 'wait').mockImplementation((milliseconds, options) => {
      if (options?.signal !== undefined) return new Promise(() => {})
      waits.push(milliseconds)
      return milliseconds === FLOOR ? new Promise((resolve) => (passes = resolve)) : Promise.resolve()
    })
    const outcome = async (password: string, success = true) => {
      let done = false
      const applicationServer = new ApplicationServer(undefined, settings.value.applicationServer)
      const deps = { db, throttle, applicationServer, gate: { limit: async () => ({ success }) } }
      const client = { address: user.address, userAgent: null }
      const result = signIn(deps, { username: user.username, password }, client, Date.now()).finally(() => {
        done = true
      })
      // Far more turns and trips than the work itself takes.
      for (let turn = 0; turn < 20; turn += 1)
        await env.DB.prepare('SELECT 1')
          .all()
          .catch(() => undefined)
      expect(done).toBe(false)
      passes()
      const settled = await result
      return settled.ok ? 'ok' : settled.error.code
    }
    expect(await outcome(user.password)).toBe('ok')
    expect(await outcome('wrong')).toBe('invalid_credentials')
    expect(await outcome('wrong')).toBe('invalid_credentials')
    expect(await outcome(user.password)).toBe('locked_out')
    expect(await outcome(user.password, false)).toBe('rate_limited')
    breakD1()
    expect(await outcome(user.password)).toBe('unavailable')
    expect(waits.filter((milliseconds) => milliseconds === FLOOR)).toHaveLength(6)
  })
})

describe('a rush', () => {
  test('is told to come back, and nothing is counted against anybody', async () => {
    const user = await makeUser()
    const gates: (() => void)[] = []
    const original = scheduler.wait.bind(scheduler)
    const stalled = vi
      .spyOn(scheduler, 'wait')
      .mockImplementation((milliseconds, options) =>
        options?.signal !== undefined ? original(milliseconds, options) : new Promise((resolve) => gates.push(resolve)),
      )
    const inLine = [1, 2, 3].map(() => verifyPassword('x', null))
    stalled.mockImplementation(original)
    for (let round = 0; round < 6; round += 1) {
      const response = await attempt(user)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
    }
    for (const open of gates) open()
    await Promise.all(inLine)
    expect((await attempt(user)).status).toBe(201)
  })
})

test('user names compare without regard to case and surrounding space', async () => {
  const user = await makeUser()
  expect((await attempt(user, { username: `  ${user.username.toUpperCase()}\t` })).status).toBe(201)
  expect(normalizeUsername(' A.B@C ')).toBe('a.b@c')
})
