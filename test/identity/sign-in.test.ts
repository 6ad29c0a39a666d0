import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ApplicationServer } from '../../src/identity/application-server.ts'
import { HashingLine } from '../../src/identity/hashing-line.ts'
import { PasswordHashers } from '../../src/identity/password-hashers.ts'
import { signIn } from '../../src/identity/sign-in.ts'
import { readSettings } from '../../src/settings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { countCalls } from '../support/counts.ts'
import { breakD1, breakD1Statements, breakD1Writes } from '../support/faults.ts'
import { check, signIn as openSession, type RequestOptions, send } from '../support/requests.ts'
import { freshAddress, makeUser, type TestUser } from '../support/stores.ts'
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

/** How many passwords are hashed from now on. */
function countHashes(): { readonly count: number } {
  const { take } = HashingLine.prototype
  let count = 0
  vi.spyOn(HashingLine.prototype, 'take').mockImplementation(function (this: HashingLine, ...[asker, cost, ms, hash]) {
    return take.call(this, asker, cost, ms, () => {
      count += 1
      return hash()
    }) as never
  })
  return {
    get count() {
      return count
    },
  }
}

/** Lets waits of these milliseconds pass at once, and notes them. */
function noteWaits(concerns: (milliseconds: number) => boolean): number[] {
  const waits: number[] = []
  const wait = scheduler.wait.bind(scheduler)
  vi.spyOn(scheduler, 'wait').mockImplementation(async (milliseconds, options) => {
    if (!concerns(milliseconds)) return wait(milliseconds, options)
    waits.push(milliseconds)
  })
  return waits
}

const times = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))
const statusesOf = async (answers: readonly Promise<Response>[]) =>
  (await Promise.all(answers)).map(({ status }) => status)
const FLOOR = 777

describe('in parallel', () => {
  test('of 20 guesses five are heard, and the pair is locked', async () => {
    const user = await makeUser()
    const hashes = countHashes()
    const statuses = await statusesOf(times(20, () => attempt(user, wrong)))
    expect(statuses.toSorted()).toEqual([...times(5, () => 401), ...times(15, () => 429)])
    expect(hashes.count).toBe(5)
    expect((await attempt(user)).status).toBe(429)
  })

  test('everybody who is right is let in: 20 of one user at one address, 120 users at one address', async () => {
    const user = await makeUser()
    expect(await statusesOf(times(20, () => attempt(user)))).toEqual(times(20, () => 201))
    const { identityStoreId, address } = user
    const office = await Promise.all(times(120, () => makeUser({ identityStoreId })))
    expect(await statusesOf(office.map((one) => attempt(one, { from: address })))).toEqual(times(120, () => 201))
    expect((await attempt(user)).status).toBe(201)
  })

  test('who is right is let in between wrong ones, until the fifth of them', async () => {
    const user = await makeUser()
    const passwords = [...times(4, () => 'wrong'), ...times(3, () => user.password), ...times(5, () => 'wrong')]
    const statuses = await statusesOf(passwords.map((password) => attempt(user, { password })))
    expect(statuses).toEqual([401, 401, 401, 401, 201, 201, 201, 401, 401, 401, 401, 401])
    expect((await attempt(user)).status).toBe(429)
  })
})

describe('an IPv6 client', () => {
  const near = (count: number) => times(count, (index) => `2001:db8:a:b:${index}:${index}:0:1`)

  test('counts as its /64: five wrong passwords from anywhere in it lock the user there', async () => {
    const user = await makeUser()
    const statuses = await statusesOf(near(24).map((from) => attempt(user, { ...wrong, from })))
    expect(statuses.toSorted()).toEqual([...times(5, () => 401), ...times(19, () => 429)])
    expect((await attempt(user, { from: '2001:db8:a:b:ffff::9' })).status).toBe(429)
    expect((await attempt(user, { from: '2001:db8:a:c::1' })).status).toBe(201)
  })

  test('and at the gate', async () => {
    const limit = vi.spyOn(env.SIGN_IN_GATE, 'limit')
    const user = await makeUser()
    for (const from of near(2)) await attempt(user, { from })
    expect(limit.mock.calls).toEqual(times(2, () => [{ key: 'sign-in:2001:db8:a:b::/64' }]))
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
    const fault = breakD1Statements(/sign_in_attempts/)
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
  const isSlowing = (milliseconds: number) => milliseconds >= 100
  const trySome = async (user: TestUser, count: number) => {
    for (let guess = 0; guess < count; guess += 1) {
      expect((await attempt(user, { ...wrong, from: freshAddress() })).status).toBe(401)
    }
  }

  test('is slowed down more and more for strangers, up to a point, and never for who signed in there before', async () => {
    const user = await makeUser()
    const waits = noteWaits(isSlowing)
    expect((await attempt(user)).status).toBe(201)
    await trySome(user, 60)
    expect(waits).toEqual(times(40, (above) => Math.min((above + 1) * 100, 3_000)))
    waits.length = 0
    expect((await attempt(user)).status).toBe(201)
    expect(waits).toEqual([])
  })

  test('a hundred times in a row is tried by one stranger in 15 minutes, also after days; who was there before signs in', async () => {
    stopClock()
    noteWaits(isSlowing)
    const user = await makeUser()
    expect((await attempt(user)).status).toBe(201)
    await trySome(user, 100)
    const hashes = countHashes()
    const strangers = times(10, () => attempt(user, { ...wrong, from: freshAddress() }))
    expect(await statusesOf(strangers)).toEqual(times(10, () => 429))
    advanceClock(3 * 86_400)
    const later = await statusesOf(times(10, () => attempt(user, { ...wrong, from: freshAddress() })))
    expect(later.toSorted()).toEqual([401, ...times(9, () => 429)])
    expect(hashes.count).toBe(1)
    const refused = await attempt(user, { from: freshAddress() })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '900'])
    expect(await refused.json()).toMatchObject({ code: 'rate_limited' })

    expect((await attempt(user)).status).toBe(201)
    // A success ends the row.
    expect((await attempt(user, { from: freshAddress() })).status).toBe(201)
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
    const waits = noteWaits((milliseconds) => milliseconds === FLOOR)
    const hashes = countHashes()
    expect((await tryAt(worker, user, how)).status).toBe(401)
    expect([waits, hashes.count]).toEqual([[FLOOR], 1])
  })

  test('no answer comes before the floor: good, wrong, locked, limited, without D1, and a bug', async () => {
    const user = await makeUser()
    const settings = readSettings(env)
    if (!settings.ok) throw new Error(settings.error.join())
    const throttle = { ...settings.value.throttle, floorMilliseconds: FLOOR, triesPerUserAndAddress: 2 }
    let passes = () => {}
    let floors = 0
    const wait = scheduler.wait.bind(scheduler)
    vi.spyOn(scheduler, 'wait').mockImplementation((milliseconds, options) => {
      if (milliseconds !== FLOOR) return wait(milliseconds, options)
      floors += 1
      return new Promise((resolve) => (passes = resolve))
    })
    const outcome = async (password: string, success = true) => {
      let done = false
      const applicationServer = new ApplicationServer(env.APPLICATION_SERVER_CALLS, settings.value.applicationServer)
      const hashers = new PasswordHashers(env.HASHERS, settings.value.passwordHashCost)
      const deps = { hashers, throttle, applicationServer, gate: { limit: async () => ({ success }) } }
      const client = { address: user.address, userAgent: null }
      const result = signIn(deps, { username: user.username, password, device: null }, client, Date.now()).finally(
        () => {
          done = true
        },
      )
      result.catch(() => undefined)
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
    const fault = breakD1()
    expect(await outcome(user.password)).toBe('unavailable')
    fault.repair()
    vi.spyOn(PasswordHashers.prototype, 'hear').mockRejectedValue(new TypeError('a bug'))
    await expect(outcome(user.password)).rejects.toThrow('a bug')
    expect(floors).toBe(7)
  })
})

describe('what is not heard', () => {
  const rowsOf = async () =>
    (await env.DB.prepare('SELECT count(*) AS n FROM sign_in_attempts').first<{ n: number }>())?.n

  test('a full line turns away, counts against nobody and writes nothing; who comes back is let in', async () => {
    const user = await makeUser()
    const rows = await rowsOf()
    const full = vi.spyOn(HashingLine.prototype, 'take').mockImplementation(async () => ({
      ok: false,
      error: { code: 'unavailable', what: 'password hashing', retryAfterSeconds: 3 },
    }))
    const calls = countCalls()
    for (let round = 0; round < 6; round += 1) {
      const response = await attempt(user, round % 2 === 0 ? {} : wrong)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3'])
    }
    expect([calls.d1Trips, calls.d1RowsWritten, await rowsOf()]).toEqual([6, 0, rows])
    full.mockRestore()
    expect((await attempt(user)).status).toBe(201)
  })

  test('who is locked or limited writes nothing either', async () => {
    const user = await makeUser()
    await lockOut(user)
    const rows = await rowsOf()
    const calls = countCalls()
    for (let time = 0; time < 20; time += 1) expect((await attempt(user)).status).toBe(429)
    expect([calls.d1Trips, calls.d1RowsWritten, await rowsOf()]).toEqual([20, 0, rows])
  })

  test('what D1 does not count holds up who goes on guessing, until it does', async () => {
    const user = await makeUser()
    const waits = noteWaits((milliseconds) => milliseconds === 1_000)
    const fault = breakD1Writes({ times: 3 })
    expect((await attempt(user, wrong)).status).toBe(503)
    for (let guess = 0; guess < 4; guess += 1) expect((await attempt(user, wrong)).status).toBe(401)
    expect((await attempt(user)).status).toBe(429)
    expect([fault.hits, waits]).toEqual([3, [1_000, 1_000, 1_000]])
  })
})

describe('what is kept of a try', () => {
  const rows = async () =>
    (await env.DB.prepare('SELECT subject, username, address FROM sign_in_attempts').all()).results

  test('of a name that is nobody: hashes, however long it is', async () => {
    const address = freshAddress()
    const username = `${'n'.repeat(230)}@nowhere.example`
    for (let guess = 0; guess < 5; guess += 1)
      await send('/sessions', { address, json: { username, password: 'wrong' } })
    const kept = JSON.stringify(await rows())
    expect(kept).not.toContain('nowhere')
    expect(kept).not.toContain(address)
    for (const { subject } of await rows()) expect(subject).toMatch(/^[0-9a-f]{64}$/)
  })

  test('of a user: who is locked from where, for the list of lockouts', async () => {
    const user = await makeUser()
    const named = async () => (await rows()).filter(({ username, address }) => username !== null || address !== null)
    const before = await named()
    for (let guess = 0; guess < 4; guess += 1) {
      await attempt(user, wrong)
      expect(await named()).toEqual(before)
    }
    await attempt(user, wrong)
    expect((await named()).filter((row) => row.username === user.username)).toEqual([
      { subject: expect.stringMatching(/^[0-9a-f]{64}$/), username: user.username, address: user.address },
    ])
  })
})

describe('a success takes back what was counted', () => {
  test('of the address too: an office in which everybody mistypes once signs in', async () => {
    const worker = workerWith({ SIGN_IN_TRIES_PER_ADDRESS: '10' })
    const { identityStoreId, address } = await makeUser()
    for (let index = 0; index < 15; index += 1) {
      const user = await makeUser({ identityStoreId })
      expect((await tryAt(worker, user, { ...wrong, from: address })).status).toBe(401)
      expect((await tryAt(worker, user, { from: address })).status).toBe(201)
    }
  })

  test('after the answer, which does not wait for it', async () => {
    const user = await makeUser()
    await attempt(user, wrong)
    const fault = breakD1Statements(/^delete from "sign_in_attempts"/i, { how: 'hang', times: 1 })
    const givenUp = vi.spyOn(console, 'warn')
    expect((await attempt(user)).status).toBe(201)
    expect(fault.hits).toBe(1)
    expect(givenUp).not.toHaveBeenCalled()
  })
})

describe('a hash of another cost', () => {
  const hashOf = async ({ userId }: TestUser) =>
    (await env.DB.prepare('SELECT password_hash FROM users WHERE user_id = ?')
      .bind(userId)
      .first<string>('password_hash')) ?? ''

  test('is replaced at the next good sign-in, not at a wrong one, and ends no session', async () => {
    const worker = workerWith({ PASSWORD_HASH_COST: 'ln=2,r=1,p=1' })
    const user = await makeUser()
    const before = await hashOf(user)
    const session = await openSession(user)
    expect((await tryAt(worker, user, wrong)).status).toBe(401)
    expect(await hashOf(user)).toBe(before)
    expect((await tryAt(worker, user)).status).toBe(201)
    await vi.waitFor(async () => expect(await hashOf(user)).toMatch(/^\$scrypt\$ln=2,r=1,p=1\$/))
    const after = await hashOf(user)
    expect((await tryAt(worker, user)).status).toBe(201)
    expect((await check(session)).status).toBe(200)
    expect(await hashOf(user)).toBe(after)
  })
})

test('user names compare without regard to case and surrounding space', async () => {
  const user = await makeUser()
  expect((await attempt(user, { username: `  ${user.username.toUpperCase()}\t` })).status).toBe(201)
})
