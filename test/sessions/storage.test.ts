import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { STEPS, UserSessionsStorage } from '../../src/sessions/user-sessions-storage.ts'
import { migrate } from '../../src/store/object-schema.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { mirrored, userObject } from '../support/objects.ts'
import { newUser } from '../support/users.ts'

const BY = { caller: null, requestId: null }

describe("an object's schema", () => {
  for (let version = 0; version <= STEPS.length; version += 1) {
    test(`is brought up to date from version ${version}`, async () => {
      const stub = env.USERS.get(env.USERS.newUniqueId())
      await runInDurableObject(stub, (_object, { storage }) => {
        const { sql } = storage
        for (const { name } of sql
          .exec<{ name: string }>(
            `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf_%' AND name NOT LIKE 'sqlite_%'`,
          )
          .toArray()) {
          sql.exec(`DROP TABLE ${name}`)
        }
        if (version > 0) {
          sql.exec('CREATE TABLE schema_version (version INTEGER NOT NULL)')
          for (const step of STEPS.slice(0, version)) sql.exec(step)
          sql.exec('INSERT INTO schema_version VALUES (?)', version)
        }
        migrate(sql, STEPS)
        migrate(sql, STEPS)
        expect(sql.exec('SELECT version FROM schema_version').toArray()).toEqual([{ version: STEPS.length }])
        expect(new UserSessionsStorage(sql).live()).toEqual([])
      })
    })
  }
})

test('a holder with another secret is nobody, whatever it asks', async () => {
  const user = await newUser()
  const session = await user.open()
  const thief = { sessionId: session.id, secretHash: '0'.repeat(64) }
  const how = { touch: true, cookie: false, client: null }
  const nobody = { ok: false, error: { code: 'unauthenticated' } }
  expect(await user.stub.check(thief, how, {})).toEqual(nobody)
  expect(await user.stub.listOwn(thief, null, {})).toEqual(nobody)
  for (const which of ['current', 'others', { sessionId: session.id }] as const) {
    expect(await user.stub.endOwn(thief, which, 'request', {})).toEqual(nobody)
  }
  expect(await user.reasons([session])).toEqual(['alive'])
})

test('what was acknowledged is there after the object has been out of memory', async () => {
  const user = await newUser()
  const [kept, ended] = [await user.open(), await user.open()]
  await user.stub.end({ only: [ended.id] }, 'revoked', BY)
  await mirrored(user)
  await evictDurableObject(userObject(user))
  expect(await user.reasons([kept, ended])).toEqual(['alive', 'revoked'])
})

test('a check writes at most once in 30 seconds, and forgets at most that much activity', async () => {
  stopClock()
  const user = await newUser({ config: { useInactivityBasedLogout: true } })
  const session = await user.open()
  await mirrored(user)
  const written = () =>
    runInDurableObject(
      userObject(user),
      (_object, { storage }) => storage.sql.exec<{ at: number }>('SELECT last_seen_at AS at FROM sessions').one().at,
    )
  const opened = Date.now()
  const writes = new Set<number>()
  for (let second = 0; second < 120; second += 1) {
    advanceClock(1)
    await user.check(session)
    writes.add(await written())
  }
  expect([...writes]).toEqual([opened, opened + 30_000, opened + 60_000, opened + 90_000, opened + 120_000])
  advanceClock(29)
  await user.check(session)
  await evictDurableObject(userObject(user))
  // The last 29 seconds were in memory only: the session idles out by so much earlier, never later.
  advanceClock(15 * 60 - 29 - 1)
  expect(await user.reasons([session])).toEqual(['alive'])
  advanceClock(1)
  expect(await user.reasons([session])).toEqual(['idle'])
})

describe('ended sessions', () => {
  test('are remembered for a day, so that their tokens are told why, and at least the last 20 for longer', async () => {
    stopClock()
    const user = await newUser()
    const rules = await user.rules()
    const all = []
    for (let time = 0; time < 50; time += 1) all.push(await user.open({}, rules))
    await user.stub.end({ all: 'every kind' }, 'revoked', BY)
    await mirrored(user)
    expect(new Set(await user.reasons(all))).toEqual(new Set(['revoked']))

    advanceClock(25 * 3_600)
    const more = []
    for (let time = 0; time < 20; time += 1) more.push(await user.open({}, rules))
    await user.stub.end({ all: 'every kind' }, 'logout', BY)
    await mirrored(user)
    expect(new Set(await user.reasons(more))).toEqual(new Set(['logout']))
    expect(new Set(await user.reasons(all))).toEqual(new Set(['unauthenticated']))
    expect(await user.records()).toHaveLength(70)
  })

  test('are never more than 1 000', async () => {
    const user = await newUser()
    const rules = await user.rules()
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 500 }, () => user.open({}, rules)))
      await user.stub.end({ all: 'every kind' }, 'revoked', BY)
      await mirrored(user)
    }
    const kept = await runInDurableObject(
      userObject(user),
      (_object, { storage }) =>
        storage.sql.exec<{ count: number }>('SELECT count(*) AS count FROM sessions').one().count,
    )
    expect(kept).toBe(1_000)
  }, 30_000)
})
