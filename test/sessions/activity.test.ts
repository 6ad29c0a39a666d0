/** When the last activity is written, and what becomes of it when an object is out of memory. */
import { evictDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, test } from 'vitest'
import { CheckMemory } from '../../src/sessions/check-memory.ts'
import type { CheckedSession } from '../../src/sessions/object/user-sessions.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { meterRows } from '../support/meters.ts'
import { fireUserAlarm, mirrored, rowsOf, userAlarm, userObject } from '../support/objects.ts'
import { newUser, type OpenSession } from '../support/users.ts'

type User = Awaited<ReturnType<typeof newUser>>

const config = { useInactivityBasedLogout: true }
const TIMEOUT = 15 * 60

beforeEach(() => {
  stopClock()
})

async function signedIn(options: Parameters<typeof newUser>[0] = { config }) {
  const user = await newUser(options)
  const session = await user.open()
  await mirrored(user)
  return { user, session }
}

/** Until when the session lives, as an answer says. */
async function idlesOutAt(user: User, session: OpenSession): Promise<number> {
  const checked = await user.check(session)
  if (!checked.ok || checked.value.idlesOutAt === null) throw new Error('it does not idle out')
  return checked.value.idlesOutAt
}

/** Some seconds pass, and the user's alarm fires whenever it is due. */
async function wait(user: User, seconds: number): Promise<void> {
  const until = Date.now() + seconds * 1000
  for (let due = await userAlarm(user); due !== null && due <= until; due = await userAlarm(user)) {
    stopClock(Math.max(due, Date.now()))
    await fireUserAlarm(user)
  }
  stopClock(until)
}

/** Seconds of silence, in which the object does what is due and is then out of memory. */
async function pause(user: User, seconds: number): Promise<void> {
  await wait(user, seconds)
  await evictDurableObject(userObject(user))
}

async function expectToIdleOutAt(user: User, session: OpenSession, instant: number): Promise<void> {
  stopClock(instant - 1)
  expect(await user.reasons([session])).toEqual(['alive'])
  stopClock(instant)
  expect(await user.reasons([session])).toEqual(['idle'])
}

describe('a session idles out when the last answer said, though its object was out of memory,', () => {
  test('after a single check', async () => {
    const { user, session } = await signedIn()
    advanceClock(25)
    const promised = await idlesOutAt(user, session)
    expect(promised).toBe(Date.now() + TIMEOUT * 1000)
    await pause(user, 12)
    await expectToIdleOutAt(user, session, promised)
  })

  for (const [gap, checks] of [
    [1, 3],
    [1, 40],
    [5, 20],
    [10, 5],
  ] as const) {
    test(`after ${checks} checks, ${gap} s apart`, async () => {
      const { user, session } = await signedIn()
      let promised = 0
      for (let time = 0; time < checks; time += 1) {
        advanceClock(gap)
        promised = await idlesOutAt(user, session)
      }
      await pause(user, 12)
      await expectToIdleOutAt(user, session, promised)
    })
  }

  test('after checks that came and went', async () => {
    const { user, session } = await signedIn()
    let promised = 0
    for (const seconds of [1, 2, 20, 1, 13, 1, 1, 31, 4]) {
      if (seconds > 10) await pause(user, seconds)
      else advanceClock(seconds)
      promised = await idlesOutAt(user, session)
    }
    await pause(user, 12)
    await expectToIdleOutAt(user, session, promised)
  })
})

test('a crash within a burst lets it idle out later by 30 s at most, and never earlier', async () => {
  for (const checks of [2, 10, 29, 45]) {
    const { user, session } = await signedIn()
    let promised = 0
    for (let time = 0; time < checks; time += 1) {
      advanceClock(1)
      promised = await idlesOutAt(user, session)
    }
    await evictDurableObject(userObject(user))
    stopClock(promised - 1)
    expect(await user.reasons([session])).toEqual(['alive'])
    advanceClock(30)
    expect(await user.reasons([session])).toEqual(['idle'])
  }
})

describe('activity is written', () => {
  test('where sessions idle out, once in 30 s of a burst, and when it begins and ends', async () => {
    const { user, session } = await signedIn()
    const meters = await meterRows()
    for (let second = 0; second < 120; second += 1) {
      await wait(user, 1)
      await user.check(session)
    }
    // After the opening it goes on: from then on the table says so. Then 30, 60, 90 and 120 s. An alarm every 5 s.
    expect(meters).toMatchObject({ objectRows: 5, alarms: 24 })
    await pause(user, 12)
    expect(meters).toMatchObject({ objectRows: 6, alarms: 26 })
    expect(await rowsOf(user, 'SELECT last_seen_at - opened_at AS seen, seen_by FROM sessions')).toEqual([
      { seen: 120_000, seen_by: null },
    ])
  })

  test('where sessions idle out, once for each check on its own', async () => {
    const { user, session } = await signedIn()
    const meters = await meterRows()
    for (let time = 0; time < 10; time += 1) {
      advanceClock(12)
      await user.check(session)
      await evictDurableObject(userObject(user))
    }
    expect(meters).toMatchObject({ objectRows: 10, alarms: 0 })
  })

  test('where they do not, once in 30 s at most', async () => {
    const { user, session } = await signedIn({})
    const meters = await meterRows()
    for (let second = 0; second < 120; second += 1) {
      advanceClock(1)
      await user.check(session)
    }
    expect(meters).toMatchObject({ objectRows: 4, alarms: 0 })
  })
})

test('a client that changes back and forth is written once in 30 s, and what it comes to in the end', async () => {
  const { user, session } = await signedIn({})
  let trips = 0
  intercept((call, goOn) => {
    if (call.to === 'D1' && /^insert into "sessions"/i.test(call.statements[0] ?? '')) trips += 1
    return goOn()
  })
  const addresses = ['192.0.2.4', '2001:db8::4']
  const checkFrom = async (address: string | undefined) => {
    const client = { address: address ?? null, userAgent: 'Phone' }
    return user.stub.check(session.proof, { touch: true, cookie: false, client }, {})
  }
  for (let second = 1; second <= 60; second += 1) {
    advanceClock(1)
    const checked = await checkFrom(addresses[second % 2])
    expect(checked.ok && checked.value.session.recentClient?.address).toBe(addresses[second % 2])
    await mirrored(user)
    if (second % 20 === 0) await evictDurableObject(userObject(user))
  }
  expect(trips).toBe(2)
  advanceClock(31)
  await checkFrom(addresses[0])
  await checkFrom(addresses[1])
  await user.stub.end({ only: [session.id] }, 'revoked', { caller: null, requestId: null })
  await mirrored(user)
  expect(await user.records()).toMatchObject([{ recentAddress: addresses[1], endReason: 'revoked' }])
})

test('an answer from memory is no older than a tenth of the inactivity timeout', () => {
  const memory = new CheckMemory()
  const checked = (idlesOutAt: number | null) =>
    ({ session: { lastSeenAt: 0 }, expiresAt: 1_000_000, idlesOutAt }) as CheckedSession
  for (const [idles, most] of [
    [40_000, 4_000],
    [900_000, 60_000],
    [null, 60_000],
  ] as const) {
    memory.put('session', 'token', checked(idles), { now: 0, endsSeen: memory.endsSeen })
    expect(memory.get('session', 'token', 60, most)).not.toBeNull()
    expect(memory.get('session', 'token', 60, most + 1)).toBeNull()
  }
})
