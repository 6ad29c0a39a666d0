import { beforeEach, describe, expect, test } from 'vitest'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1 } from '../support/faults.ts'
import { fireUserAlarm, mirrored, userAlarm } from '../support/objects.ts'
import { send, signIn, tokenInCookie } from '../support/requests.ts'
import { makeUser } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

const MINUTES = 60

beforeEach(() => {
  stopClock()
})

describe('the overall timeout', () => {
  for (const alarm of ['without the alarm', 'with the alarm']) {
    test(`leaves a session alive until one second before, and dead one second after, ${alarm}`, async () => {
      const user = await newUser({ config: { sessionMinutes: 10 } })
      const session = await user.open()
      await mirrored(user)

      advanceClock(10 * MINUTES - 1)
      if (alarm === 'with the alarm') await fireUserAlarm(user)
      expect(await user.reasons([session])).toEqual(['alive'])

      advanceClock(2)
      if (alarm === 'with the alarm') await fireUserAlarm(user)
      expect(await user.reasons([session])).toEqual(['expired'])
    })
  }

  test('is over at the very instant, however active the user is', async () => {
    const user = await newUser({ config: { sessionMinutes: 10 } })
    const session = await user.open()
    for (let minute = 0; minute < 9; minute += 1) {
      advanceClock(MINUTES)
      expect((await user.check(session)).ok).toBe(true)
    }
    advanceClock(MINUTES)
    expect(await user.reasons([session])).toEqual(['expired'])
  })

  test('is thirty days where nobody has said anything', async () => {
    const user = await newUser()
    const session = await user.open()
    advanceClock(30 * 24 * 60 * MINUTES - 1)
    expect(await user.reasons([session])).toEqual(['alive'])
    advanceClock(2)
    expect(await user.reasons([session])).toEqual(['expired'])
  })

  test("is the user's own duration where there is one", async () => {
    const user = await newUser({ config: { sessionMinutes: 5 }, settings: { durationSeconds: 28_800 } })
    const session = await user.open()
    advanceClock(28_799)
    expect(await user.reasons([session])).toEqual(['alive'])
    advanceClock(2)
    expect(await user.reasons([session])).toEqual(['expired'])
  })

  test('ends the session in D1 too, at the instant it was due, by the alarm alone', async () => {
    const user = await newUser({ config: { sessionMinutes: 10 } })
    await user.open()
    await mirrored(user)
    const due = (await userAlarm(user)) ?? 0
    expect(due).toBe(Date.now() + 10 * MINUTES * 1000)

    advanceClock(11 * MINUTES)
    await fireUserAlarm(user)
    await mirrored(user)
    expect(await user.records()).toMatchObject([{ endReason: 'expired', endedAt: due, endedBy: null }])
  })
})

describe('the inactivity timeout', () => {
  const config = { useInactivityBasedLogout: true }

  for (const alarm of ['without the alarm', 'with the alarm']) {
    test(`leaves a session alive until one second before, and dead one second after, ${alarm}`, async () => {
      const user = await newUser({ config })
      const session = await user.open()
      await mirrored(user)
      advanceClock(15 * MINUTES - 1)
      if (alarm === 'with the alarm') await fireUserAlarm(user)
      expect(await user.reasons([session])).toEqual(['alive'])
      advanceClock(2)
      if (alarm === 'with the alarm') await fireUserAlarm(user)
      expect(await user.reasons([session])).toEqual(['idle'])
    })
  }

  test('counts from the last activity, to the millisecond, though that is written only now and then', async () => {
    const user = await newUser({ config })
    const session = await user.open()
    advanceClock(10) // less than the 30 s after which last-seen is written
    expect((await user.check(session)).ok).toBe(true)
    advanceClock(15 * MINUTES - 1)
    expect(await user.reasons([session])).toEqual(['alive'])
    advanceClock(1)
    expect(await user.reasons([session])).toEqual(['idle'])
  })

  test('is not put off by a check that is no activity', async () => {
    const user = await newUser({ config })
    const session = await user.open()
    advanceClock(14 * MINUTES)
    expect((await user.check(session, { touch: false })).ok).toBe(true)
    advanceClock(2 * MINUTES)
    expect(await user.reasons([session])).toEqual(['idle'])
  })

  test('an alarm that fires while the user is active ends nothing and comes again', async () => {
    const user = await newUser({ config })
    const session = await user.open()
    await mirrored(user)
    const first = (await userAlarm(user)) ?? 0
    advanceClock(14 * MINUTES)
    await user.check(session)
    advanceClock(MINUTES + 1)
    await fireUserAlarm(user)
    expect(await user.reasons([session])).toEqual(['alive'])
    expect(await userAlarm(user)).toBe(first + 14 * MINUTES * 1000)
  })

  test('turned on, ends at once what has been idle for longer', async () => {
    const user = await newUser()
    const [idle, busy] = [await user.open(), await user.open()]
    advanceClock(20 * MINUTES)
    await user.check(busy)
    await user.stub.applyRules(user.key, { config: user.config(config) })
    expect(await user.reasons([idle, busy])).toEqual(['idle', 'alive'])
  })

  test('does not concern API sessions', async () => {
    const user = await newUser({ config })
    const session = await user.open({ kind: 'api', apiClientId: 'client' })
    advanceClock(59 * MINUTES)
    expect(await user.reasons([session])).toEqual(['alive'])
    advanceClock(MINUTES)
    expect(await user.reasons([session])).toEqual(['expired'])
  })
})

describe('an alarm after the timeout was raised', () => {
  test('ends nothing, also if the object had not heard of it', async () => {
    const user = await newUser({ config: { sessionMinutes: 10 } })
    const session = await user.open()
    await mirrored(user)
    await user.changeConfigInD1({ sessionMinutes: 20 })
    advanceClock(11 * MINUTES)
    await fireUserAlarm(user)
    expect(await user.reasons([session])).toEqual(['alive'])
    advanceClock(9 * MINUTES)
    expect(await user.reasons([session])).toEqual(['expired'])
  })

  test('ends nothing while D1 cannot be asked, and comes again', async () => {
    const user = await newUser({ config: { sessionMinutes: 10 } })
    const session = await user.open()
    await mirrored(user)
    await user.changeConfigInD1({ sessionMinutes: 20 })
    const fault = breakD1()
    const now = advanceClock(11 * MINUTES)
    await fireUserAlarm(user)
    expect(await userAlarm(user)).toBe(now + 10_000)
    await fireUserAlarm(user)
    expect(await userAlarm(user)).toBe(now + 20_000)
    fault.repair()
    await fireUserAlarm(user)
    expect(await user.reasons([session])).toEqual(['alive'])
  })
})

describe.each(['POST /sessions', 'POST /devices'])('a new authentication by %s', (by) => {
  test('begins both timeouts anew', async () => {
    const start = stopClock()
    const user = await makeUser({ config: { sessionMinutes: 30, useInactivityBasedLogout: true } })
    const { username, password, address } = user
    const before = await signIn(user, { transport: 'cookie' })
    advanceClock(10 * MINUTES)
    expect((await send('/sessions/current', { address, cookie: before.token })).status).toBe(200)
    // The session would idle out at 25 minutes, and be over at 30.
    advanceClock(10 * MINUTES)
    const json = { username, password, transport: 'cookie' }
    const form = { act: 'end_others', username, password }
    const [path, sent] = by === 'POST /sessions' ? ['/sessions', { json }] : ['/devices', { form }]
    const token = tokenInCookie(await send(path, { address, cookie: before.token, ...sent })) ?? ''
    const timesOf = async (session: string) => {
      const response = await send('/sessions/current?touch=false', { address, cookie: session })
      const { expires_at, idles_out_at, reason } = (await response.json()) as Record<string, string>
      return reason ?? [expires_at, idles_out_at].map((instant) => (Date.parse(instant ?? '') - start) / 60_000)
    }
    expect([await timesOf(before.token), await timesOf(token)]).toEqual(['replaced', [50, 35]])
    advanceClock(14 * MINUTES)
    expect((await send('/sessions/current', { address, cookie: token })).status).toBe(200)
    expect(await timesOf(token)).toEqual([50, 49])
    advanceClock(14 * MINUTES)
    expect((await send('/sessions/current', { address, cookie: token })).status).toBe(200)
    advanceClock(2 * MINUTES)
    expect(await timesOf(token)).toBe('expired')
  })
})
