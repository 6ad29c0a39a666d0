/** Objects of one isolate share their batches to D1. */
import { expect, test } from 'vitest'
import { MAX_RECORDS, MirrorBatches, thatFit } from '../../src/sessions/object/mirror-batches.ts'
import type { SessionRecord } from '../../src/store/session-records.ts'
import { type D1Call, intercept } from '../support/bindings.ts'
import { breakD1Statements } from '../support/faults.ts'
import { mirrored, mirroredByAlarm } from '../support/objects.ts'
import { db } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

const MIRROR = /insert into "sessions"/

/** The mirror's batches from now on. */
/** Whom nobody is to be told of: these stores have no endpoints. */
const nobody = () => Promise.reject(new Error('told'))

function sentBatches(): D1Call[] {
  const sent: D1Call[] = []
  intercept((call, goOn) => {
    if (call.to === 'D1' && MIRROR.test(call.statements[0] ?? '')) sent.push(call)
    return goOn()
  })
  return sent
}

async function usersWithRules(count: number) {
  const users = await Promise.all(Array.from({ length: count }, () => newUser()))
  return Promise.all(users.map(async (user) => ({ user, rules: await user.rules() })))
}

test('what many objects have to say while one is on its way goes with the next batch, each with its own rules', async () => {
  const users = await usersWithRules(20)
  const sent = sentBatches()
  breakD1Statements(MIRROR, { how: 100, times: 1 })
  for (const [index, { user }] of users.entries()) await user.changeSettingsInD1(28_800 + index)
  const sessions = await Promise.all(users.map(({ user, rules }) => user.open({}, rules)))
  for (const { user } of users) await mirrored(user)
  expect(sent.length).toBeLessThanOrEqual(3)
  for (const [index, { user }] of users.entries()) {
    const [record, ...more] = await user.records()
    expect(more).toEqual([])
    expect(record?.sessionId).toBe(sessions[index]?.id)
    // The closing read told each object of a setting that it was opened without.
    const checked = await user.check(sessions[index] as (typeof sessions)[number])
    expect(checked.ok && checked.value.expiresAt - checked.value.session.openedAt).toBe((28_800 + index) * 1000)
  }
})

test('when a shared batch fails, each object tries again by its own alarm', async () => {
  const users = await usersWithRules(3)
  const fault = breakD1Statements(MIRROR, { how: 'fail' })
  await Promise.all(users.map(({ user, rules }) => user.open({}, rules)))
  await expect.poll(() => fault.hits).toBeGreaterThan(0)
  fault.repair()
  for (const { user } of users) {
    await mirroredByAlarm(user)
    expect(await user.records()).toHaveLength(1)
  }
})

test('a record that D1 does not take is the loss of no other object', async () => {
  const [good, bad] = [await newUser(), await newUser()]
  const batches = new MirrorBatches()
  breakD1Statements(MIRROR, { how: 100, times: 1 })
  const first = batches.submit(db, { owner: good.key, records: [record(good.key, 'first')] }, nobody)
  const others = [
    batches.submit(db, { owner: good.key, records: [record(good.key, 'second')] }, nobody),
    batches.submit(db, { owner: bad.key, records: [{ ...record(bad.key, 'third'), kind: null as never }] }, nobody),
  ]
  const settled = await Promise.allSettled([first, ...others])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect((await good.records()).map(({ sessionId }) => sessionId)).toEqual(['first', 'second'])
  expect(await bad.records()).toEqual([])
})

test('a batch takes no more records than one statement may have', async () => {
  const user = await newUser()
  const calls = sentBatches()
  const batches = new MirrorBatches()
  breakD1Statements(MIRROR, { how: 50, times: 1 })
  const many = (name: string) =>
    Array.from({ length: MAX_RECORDS - 1 }, (_, index) => record(user.key, `${name}${index}`))
  await Promise.all(['a', 'b', 'c'].map((name) => batches.submit(db, { owner: user.key, records: many(name) }, nobody)))
  expect(calls).toHaveLength(3)
  expect(await user.records()).toHaveLength(3 * (MAX_RECORDS - 1))
})

test('a batch weighs less than D1 takes, whatever a back end calls its clients', async () => {
  const [one, two] = [await newUser(), await newUser()]
  const worst = '\u0001'.repeat(512)
  const many = (user: typeof one) =>
    Array.from({ length: MAX_RECORDS }, (_, index) => ({
      ...record(user.key, `session-${index}`),
      userAgent: worst,
      recentUserAgent: worst,
      location: JSON.stringify({ city: worst }),
    }))
  const fitting = thatFit(many(one))
  expect(fitting.length).toBeGreaterThan(50)
  expect(Buffer.byteLength(JSON.stringify(fitting))).toBeLessThan(2_000_000)
  expect(thatFit(many(one).slice(0, 1))).toHaveLength(1)
  const ordinary = { ...record(one.key, 'session'), userAgent: 'x'.repeat(150), address: '2001:db8::1' }
  expect(thatFit(Array.from({ length: MAX_RECORDS }, () => ordinary))).toHaveLength(MAX_RECORDS)

  // What waits for a batch goes with another one.
  const calls = sentBatches()
  const batches = new MirrorBatches()
  breakD1Statements(MIRROR, { how: 50, times: 1 })
  await Promise.all(
    [one, two, one].map((user) => batches.submit(db, { owner: user.key, records: thatFit(many(user)) }, nobody)),
  )
  expect(calls).toHaveLength(3)
})

test('an object that is gone with its batch is not waited for', async () => {
  const user = await newUser()
  const batches = new MirrorBatches()
  // As an object leaves it that dies on the way.
  Reflect.set(batches, 'current', {})
  const waiting = ['one', 'two'].map((id) =>
    batches.submit(db, { owner: user.key, records: [record(user.key, id)] }, nobody),
  )
  expect((await Promise.all(waiting)).map(({ ok }) => ok)).toEqual([true, true])
  const next = batches.submit(db, { owner: user.key, records: [record(user.key, 'three')] }, nobody)
  expect((await next).ok).toBe(true)
  expect(await user.records()).toHaveLength(3)
}, 10_000)

function record(
  { identityStoreId, userId }: { identityStoreId: string; userId: string },
  sessionId: string,
): SessionRecord {
  return {
    identityStoreId,
    userId,
    sessionId,
    number: 1,
    version: 1,
    kind: 'web',
    openedAt: 1,
    lastSeenAt: 1,
    persistent: false,
    credentialsType: 'password',
    address: null,
    userAgent: null,
    recentAddress: null,
    recentUserAgent: null,
    location: null,
    actorUserId: null,
    actorSessionId: null,
    apiClientId: null,
    endedAt: null,
    endReason: null,
    endedBy: null,
    endRequestId: null,
    openedBy: null,
    replacesSessionId: null,
    newDevice: null,
    endDecision: null,
    openidIssuer: null,
    openidSubject: null,
    openidSid: null,
  }
}
