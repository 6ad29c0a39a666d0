import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sessions } from '../../src/store/schema.ts'
import { mirrorSessions, type SessionRecord } from '../../src/store/session-records.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1Statements } from '../support/faults.ts'
import { fireUserAlarm, mirrored, mirroredByAlarm, userAlarm } from '../support/objects.ts'
import { db, makeUser } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

const BY = { caller: 'credential:test', requestId: 'request-1' }

test('every state that a session goes through reaches D1', async () => {
  stopClock()
  const user = await newUser()
  const session = await user.open({ persistent: true, client: { address: '192.0.2.7', userAgent: 'One' } })
  await mirrored(user)
  const opened = {
    version: 1,
    persistent: true,
    address: '192.0.2.7',
    userAgent: 'One',
    recentAddress: null,
    endedAt: null,
  }
  expect(await user.records()).toMatchObject([opened])

  advanceClock(60)
  const moved = { address: '192.0.2.8', userAgent: 'Two' }
  await user.stub.check(session.proof, { touch: true, cookie: false, client: moved }, {})
  await mirrored(user)
  const recent = {
    version: 2,
    address: '192.0.2.7',
    recentAddress: '192.0.2.8',
    recentUserAgent: 'Two',
    lastSeenAt: Date.now(),
  }
  expect(await user.records()).toMatchObject([recent])

  const endedAt = advanceClock(5)
  await user.stub.end({ only: [session.id] }, 'revoked', BY)
  await mirrored(user)
  expect(await user.records()).toMatchObject([
    { ...recent, version: 3, endedAt, endReason: 'revoked', endedBy: 'credential:test', endRequestId: 'request-1' },
  ])
})

test('a session that ends while its opening is on the way to D1 is mirrored again', async () => {
  const user = await newUser()
  const rules = await user.rules()
  breakD1Statements(/insert into "sessions"/, { how: 30, times: 1 })
  const session = await user.open({}, rules)
  await user.stub.end({ only: [session.id] }, 'revoked', BY)
  await mirrored(user)
  expect(await user.records()).toMatchObject([{ version: 2, endReason: 'revoked' }])
})

test('activity alone writes nothing to D1', async () => {
  stopClock()
  const user = await newUser()
  const session = await user.open()
  await mirrored(user)
  for (let time = 0; time < 5; time += 1) {
    advanceClock(31)
    await user.check(session)
  }
  await mirrored(user)
  expect(await user.records()).toMatchObject([{ version: 1 }])
})

test('1 000 sessions that end at once are mirrored whole', async () => {
  const user = await newUser()
  const rules = await user.rules()
  await Promise.all(Array.from({ length: 1_000 }, () => user.open({}, rules)))
  const ended = await user.stub.end({ all: 'every kind' }, 'revoked', BY)
  expect(ended).toHaveLength(1_000)
  await mirrored(user)
  const records = await user.records()
  expect(records).toHaveLength(1_000)
  expect(new Set(records.map(({ endReason }) => endReason))).toEqual(new Set(['revoked']))
}, 30_000)

test('500 sessions of clients with the longest names there are reach D1', async () => {
  const user = await newUser()
  const rules = await user.rules()
  const client = { address: null, userAgent: '\u0001'.repeat(512) }
  await Promise.all(Array.from({ length: 500 }, () => user.open({ client }, rules)))
  await user.stub.end({ all: 'every kind' }, 'revoked', BY)
  await mirrored(user)
  expect(await user.records()).toHaveLength(500)
}, 30_000)

test('a bug on the way to D1 does not take the alarm away', async () => {
  const user = await newUser()
  const rules = await user.rules()
  let hits = 0
  const repair = intercept((call, goOn) => {
    if (call.to !== 'D1' || !/insert into "sessions"/i.test(call.statements[0] ?? '')) return goOn()
    hits += 1
    throw new TypeError('a bug')
  })
  await user.open({}, rules)
  await expect.poll(() => hits).toBe(1)
  await fireUserAlarm(user)
  expect(hits).toBe(2)
  expect(await userAlarm(user)).not.toBeNull()
  repair()
  await mirroredByAlarm(user)
  expect(await user.records()).toHaveLength(1)
})

describe('any order and any repetition of mirror writes', () => {
  test('leaves the same rows in D1', async () => {
    const { identityStoreId, userId } = await makeUser()
    const owner = { identityStoreId, userId }
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(1_000), { minLength: 1, maxLength: 12 }),
        async (versions, picks) => {
          run += 1
          // Each session went through versions 1 to n, the last of an odd n being its end.
          const histories = versions.map((last, session) =>
            Array.from({ length: last }, (_, index) =>
              record(owner, `${run}-${session}`, index + 1, index + 1 === last),
            ),
          )
          const all = histories.flat()
          const disorder = picks.map((pick) => all[pick % all.length] as SessionRecord)
          for (const one of disorder) await mirrorSessions(db, [{ owner, records: [one] }])
          await mirrorSessions(db, [{ owner, records: [...all].reverse() }])
          for (const one of disorder) await mirrorSessions(db, [{ owner, records: [one] }])
          for (const history of histories) {
            const newest = history.at(-1) as SessionRecord
            const rows = await db.select().from(sessions).where(eq(sessions.sessionId, newest.sessionId))
            expect(rows).toEqual([newest])
          }
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)
})

function record(
  owner: { identityStoreId: string; userId: string },
  sessionId: string,
  version: number,
  last: boolean,
): SessionRecord {
  const ended = last && version % 2 === 1
  return {
    ...owner,
    sessionId,
    number: 7,
    version,
    kind: 'web',
    openedAt: 1_000,
    lastSeenAt: 1_000 + version,
    persistent: false,
    credentialsType: 'password',
    address: '192.0.2.1',
    userAgent: 'One',
    recentAddress: version > 1 ? `192.0.2.${version}` : null,
    recentUserAgent: null,
    location: null,
    actorUserId: null,
    actorSessionId: null,
    apiClientId: null,
    endedAt: ended ? 2_000 : null,
    endReason: ended ? 'revoked' : null,
    endedBy: ended ? 'test' : null,
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
