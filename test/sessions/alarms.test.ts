/**
 * The platform fires an alarm at least once, and gives one up that has failed too often. So one may come late, twice or
 * never: nothing acknowledged is lost by it, no ended session lives, and D1 and those who want events learn of all.
 */
import { createScheduledController, evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import worker from '../../src/index.ts'
import { putInfo, sessionFor } from '../api/apio/requests.ts'
import { finishJobs } from '../api/looker/support.ts'
import { patch, put, remove } from '../api/operator/operator.ts'
import {
  applicationServer,
  makeTheirUser,
  ourProfile,
  theirProfile,
  useApplicationServer,
} from '../support/application-server.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1Writes, breakUserObjects } from '../support/faults.ts'
import {
  fireProfileAlarm,
  fireTwice,
  fireUserAlarm,
  loseAlarm,
  mirrored,
  profileAlarm,
  rowsOf,
  storeJobs,
  userAlarm,
  userObject,
  userProfiles,
} from '../support/objects.ts'
import { alarmOf, arrived, idsOf, makeReceiver, receiveEvents } from '../support/receivers.ts'
import { check, signIn } from '../support/requests.ts'
import { makeStore, makeUser, type TestUser } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

const IDLE_SECONDS = 900
const HOUR_SECONDS = 3_600

beforeEach(() => {
  stopClock()
  receiveEvents()
})

/** A day passes, and with it each hour's run. */
async function aDay(identityStoreId: string): Promise<void> {
  for (let hour = 0; hour < 24; hour += 1) {
    advanceClock(HOUR_SECONDS)
    await worker.scheduled(createScheduledController(), env)
    await finishJobs(identityStoreId, 60)
  }
}

/** A user of a store where sessions idle out, and somebody who wants to be told. */
async function idler() {
  const identityStoreId = await makeStore()
  const store = `/identity-stores/${identityStoreId}`
  await put(`${store}/events`, { enabled: true })
  await patch(`${store}/session-config`, {
    inactivity_timeout_seconds: IDLE_SECONDS,
    concurrent_sessions: { limit: 2, when_reached: 'evict_oldest', by_client_kind: null },
  })
  const receiver = await makeReceiver(store, { types: ['session.ended'] })
  const user = await makeUser({ identityStoreId })
  const session = await signIn(user)
  await mirrored(user)
  return { user, session, receiver, store, diesAt: Date.now() + IDLE_SECONDS * 1000 }
}

/** D1 knows when the session died, and who wants to know was told once. */
async function told({ user, session, receiver, store, diesAt }: Awaited<ReturnType<typeof idler>>): Promise<void> {
  await mirrored(user)
  const record = env.DB.prepare('SELECT ended_at, end_reason FROM sessions WHERE session_id = ?').bind(session.id)
  expect(await record.first()).toEqual({ ended_at: diesAt, end_reason: 'idle' })
  await arrived(receiver, 1)
  expect(receiver.messages.map(({ id }) => id)).toEqual(await idsOf(store, /session\.ended/))
}

describe("a user's alarm", () => {
  test('that is late ends nothing late: who asks is told what holds, and the limit counts what lives', async () => {
    const scene = await idler()
    advanceClock(HOUR_SECONDS)
    expect((await check(scene.session)).status).toBe(401)
    const [one, two] = [await signIn(scene.user), await signIn(scene.user)]
    expect(await rowsOf(scene.user, 'SELECT id FROM sessions WHERE ended_at IS NULL')).toEqual([
      { id: one.id },
      { id: two.id },
    ])
    await fireUserAlarm(scene.user)
    expect([(await check(one)).status, (await check(two)).status]).toEqual([200, 200])
    await told(scene)
  })

  test('that is late, and comes before anybody asks, ends what it finds at the instant it was due', async () => {
    const scene = await idler()
    advanceClock(HOUR_SECONDS)
    await fireUserAlarm(scene.user)
    await told(scene)
  })

  test('that comes twice ends once', async () => {
    const scene = await idler()
    advanceClock(IDLE_SECONDS)
    await fireTwice(userObject(scene.user))
    await fireTwice(userObject(scene.user))
    await told(scene)
  })

  test('that never comes is set again by the next request of the user, whatever it was for', async () => {
    const scene = await idler()
    advanceClock(IDLE_SECONDS / 2)
    const other = await signIn(scene.user)
    await mirrored(scene.user)
    await loseAlarm(userObject(scene.user))
    advanceClock(IDLE_SECONDS / 2)
    expect((await check(other)).status).toBe(200)
    await vi.waitFor(async () => expect(await userAlarm(scene.user)).toBe(scene.diesAt))
    await fireUserAlarm(scene.user)
    await told(scene)
  })

  test('that never comes leaves D1 without a session only until the next check of it', async () => {
    const user = await makeUser()
    const fault = breakD1Writes()
    const session = await signIn(user)
    await vi.waitFor(() => expect(fault.hits).toBeGreaterThan(0))
    fault.repair()
    await loseAlarm(userObject(user))
    expect((await check(session)).status).toBe(200)
    await mirrored(user)
    const record = env.DB.prepare('SELECT ended_at FROM sessions WHERE session_id = ?').bind(session.id)
    expect(await record.first()).toEqual({ ended_at: null })
  })

  test('that never comes is made up for within a day, though nobody asks for the user', async () => {
    const scene = await idler()
    await loseAlarm(userObject(scene.user))
    await aDay(scene.user.identityStoreId)
    await told(scene)
  })

  test('that never comes leaves nothing of a deleted user in the object', async () => {
    const user = await makeUser()
    await signIn(user)
    await mirrored(user)
    await remove(`/identity-stores/${user.identityStoreId}/users/${user.userId}`)
    const unmirrored = () => rowsOf(user, 'SELECT id FROM sessions WHERE version <> mirrored_version')
    await vi.waitFor(async () => expect(await unmirrored()).toEqual([]))
    await loseAlarm(userObject(user))
    await aDay(user.identityStoreId)
    expect(await fireUserAlarm(user)).toBe(true)
    expect(await rowsOf(user, 'SELECT name FROM sqlite_master')).toEqual([])
    await aDay(user.identityStoreId)
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
  })

  test('that is still set has nobody asked for who lives, and no row written', async () => {
    const user = await newUser()
    await user.open()
    await mirrored(user.key)
    const fault = breakUserObjects({ only: ({ to }) => to === 'USERS' })
    await aDay(user.identityStoreId)
    expect(fault.hits).toBe(0)
    fault.repair()
    const before = await userAlarm(user.key)
    await evictDurableObject(userObject(user.key))
    await user.stub.list({})
    expect(await userAlarm(user.key)).toBe(before)
  })
})

describe("the alarm of a store's jobs", () => {
  /** A user was disabled by a request that died before it told the object. */
  async function disabled() {
    const user = await newUser()
    const session = await user.open()
    await mirrored(user.key)
    const job = { kind: 'apply_rules', userIds: [user.userId], signedInOnly: false } as const
    await storeJobs(user.identityStoreId).prepare(user.identityStoreId, [{ id: 'apply_rules:1', job }])
    await user.setActiveInD1(false)
    return { user, session }
  }

  async function finished({ user, session }: Awaited<ReturnType<typeof disabled>>): Promise<void> {
    expect(await user.reasons([session])).toEqual(['user_disabled'])
    await mirrored(user.key)
    expect(await user.records()).toMatchObject([{ endReason: 'user_disabled' }])
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
  }

  test('that is late, or comes twice, does its jobs all the same, once', async () => {
    const scene = await disabled()
    advanceClock(HOUR_SECONDS)
    await fireTwice(storeJobs(scene.user.identityStoreId))
    await finishJobs(scene.user.identityStoreId)
    await finished(scene)
  })

  test('that never comes is set again when the object begins anew', async () => {
    const scene = await disabled()
    await loseAlarm(storeJobs(scene.user.identityStoreId))
    expect(await storeJobs(scene.user.identityStoreId).list()).toHaveLength(1)
    await finishJobs(scene.user.identityStoreId)
    await finished(scene)
  })
})

describe('the alarm of an event endpoint', () => {
  for (const how of ['comes twice', 'never comes'] as const) {
    test(`that ${how} has each message taken, under one id`, async () => {
      const scene = await idler()
      const { receiver, user } = scene
      receiver.answer = () => new Response(null, { status: 500 })
      advanceClock(IDLE_SECONDS)
      await fireUserAlarm(user)
      await arrived(receiver, 1)
      await vi.waitFor(async () => expect((await receiver.object.state()).failingSince).not.toBeNull())
      receiver.answer = () => new Response('thanks')
      if (how === 'never comes') {
        await loseAlarm(receiver.object)
        advanceClock(HOUR_SECONDS)
        await worker.scheduled(createScheduledController(), env)
      } else {
        advanceClock(HOUR_SECONDS)
        await fireTwice(receiver.object)
      }
      await arrived(receiver, 2)
      await vi.waitFor(async () => expect((await receiver.object.state()).pending).toBe(0))
      expect(await alarmOf(receiver)).not.toBeNull()
      expect([...new Set(receiver.messages.map(({ id }) => id))]).toEqual(await idsOf(scene.store, /session\.ended/))
      expect(receiver.messages).toHaveLength(2)
    })
  }
})

describe('the alarm of a profile in two databases', () => {
  useApplicationServer()

  /** Theirs has a change of which ours does not know. */
  async function inDoubt(): Promise<{ user: TestUser; cookie: string }> {
    const user = await makeUser({ loginMode: 'LOCAL_LOGIN_DEDICATED' })
    await makeTheirUser(user)
    const cookie = await sessionFor(user)
    applicationServer.decide = ({ method }) => (method === 'PATCH' ? 'slow' : 'none')
    expect((await putInfo(cookie, { first_name: 'Once' })).status).toBe(504)
    applicationServer.decide = () => 'none'
    return { user, cookie }
  }

  test('that is late, or comes twice, takes the change over once', async () => {
    const { user } = await inDoubt()
    advanceClock(HOUR_SECONDS)
    await fireTwice(userProfiles(user))
    expect(await ourProfile(user)).toMatchObject({ first_name: 'Once', version: 2 })
    expect((await theirProfile(user))?.version).toBe(2)
    expect(await fireProfileAlarm(user)).toBe(false)
  })

  test('that never comes leaves the change to the next one, which takes it over first', async () => {
    const { user, cookie } = await inDoubt()
    await loseAlarm(userProfiles(user))
    expect((await putInfo(cookie, { last_name: 'Twice' })).status).toBe(200)
    expect(await ourProfile(user)).toMatchObject({ first_name: 'Once', last_name: 'Twice', version: 3 })
    expect(await profileAlarm(user)).toBeNull()
  })
})
