import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { NO_RULES } from '../../src/domain/policy.ts'
import { hasTables, SCHEMA, STEPS } from '../../src/sessions/object/schema.ts'
import { UserSessionsStorage } from '../../src/sessions/object/storage.ts'
import { migrate } from '../../src/store/object-schema.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { meterRows } from '../support/meters.ts'
import { fireUserAlarm, mirrored, rowsOf, userAlarm, userObject } from '../support/objects.ts'
import { send } from '../support/requests.ts'
import { makeOperator } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

const BY = { caller: null, requestId: null }

/** The tables of an object, with their columns; in any order, since an added column is the last one. */
function columnsOf(sql: SqlStorage): unknown {
  return sql
    .exec(`SELECT t.name AS "table", c.name, c.type, c."notnull", c.pk FROM sqlite_master AS t, pragma_table_info(t.name) AS c
      WHERE t.name IN ('owner', 'sessions') ORDER BY t.name, c.name`)
    .toArray()
}

describe("an object's schema", () => {
  test('is the same when it is made at once as when it is made in steps', async () => {
    const [inSteps, atOnce] = await Promise.all(
      [undefined, SCHEMA].map((whole) =>
        runInDurableObject(env.USERS.get(env.USERS.newUniqueId()), (_object, { storage: { sql } }) => {
          migrate(sql, STEPS, whole)
          return columnsOf(sql)
        }),
      ),
    )
    expect(atOnce).toEqual(inSteps)
    expect(atOnce).toHaveLength(37)
  })

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

test('a session of a version without epochs has that of the rules which its object knew', async () => {
  const stub = env.USERS.get(env.USERS.newUniqueId())
  await runInDurableObject(stub, (_object, { storage: { sql } }) => {
    sql.exec('CREATE TABLE schema_version (version INTEGER NOT NULL)')
    for (const step of STEPS.slice(0, 2)) sql.exec(step)
    sql.exec('INSERT INTO schema_version VALUES (2)')
    const status = (version: number) => ({ version, value: { active: true, sessionsValidFrom: 5_000 } })
    sql.exec("INSERT INTO owner VALUES (1, 's', 'u', ?)", JSON.stringify({ ...NO_RULES, status: status(7) }))
    sql.exec(`INSERT INTO sessions (id, version, mirrored_version, kind, secret_hash, opened_at, last_seen_at, persistent,
      credentials_type) VALUES ('old', 1, 1, 'web', 'x', 4000, 4000, 0, 'password')`)
    const epochs = (kept: UserSessionsStorage) => kept.live().map(({ epoch }) => epoch)
    expect(epochs(new UserSessionsStorage(sql))).toEqual([7])
    const kept = new UserSessionsStorage(sql)
    kept.remember({ identityStoreId: 's', userId: 'u' }, { ...NO_RULES, status: status(8) })
    expect(epochs(kept)).toEqual([7])
  })
})

describe('an object whose user never signed in', () => {
  test('is asked, told and disabled without writing anything', async () => {
    const user = await newUser()
    const meters = await meterRows()
    expect(await user.stub.list(await user.rules())).toEqual([])
    expect(await user.stub.end({ all: 'every kind' }, 'revoked', BY)).toEqual([])
    expect(await user.stub.isLive(crypto.randomUUID())).toBe(false)
    await user.stub.applyRules(user.key, { config: user.config({ trackSessionLocation: false }) })
    await user.setActiveInD1(false)
    await user.stub.applyRules(user.key, await user.rules())
    expect(await user.stub.list({})).toEqual([])
    await expect(user.open()).rejects.toThrow('user_disabled')
    expect(meters).toMatchObject({ objectRows: 0, alarms: 0 })
    const left = await runInDurableObject(userObject(user), async (_object, { storage }) => [
      hasTables(storage.sql),
      await storage.getAlarm(),
    ])
    expect(left).toEqual([false, null])
  })
})

describe("a deleted user's object", () => {
  test('refuses who was verified before, for an hour, and is then empty', async () => {
    stopClock()
    const user = await newUser()
    const before = await user.rules()
    const session = await user.open({}, before)
    await mirrored(user)
    const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
    expect((await send(path, { method: 'DELETE', bearer: await makeOperator() })).status).toBe(204)
    expect(await user.reasons([session])).toEqual(['user_disabled'])
    await mirrored(user)
    await vi.waitFor(async () => expect(await userAlarm(user)).toBe(Date.now() + 3_600_000))
    await evictDurableObject(userObject(user))
    await expect(user.open({}, before)).rejects.toThrow('user_disabled')

    advanceClock(3_601)
    await fireUserAlarm(user)
    const kept = await runInDurableObject(userObject(user), async (_object, { storage }) => [
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '_cf_%'").toArray(),
      await storage.getAlarm(),
    ])
    expect(kept).toEqual([[], null])
    expect(await user.reasons([session])).toEqual(['unauthenticated'])
    expect(await user.stub.list({})).toEqual([])
    expect(await user.records()).toMatchObject([{ endReason: 'user_disabled' }])

    // The next user of the id has an object like any other.
    const json = { username: user.username, password: user.password }
    expect((await send(path, { method: 'PUT', bearer: await makeOperator(), json })).status).toBe(201)
    await expect(user.open({}, before)).rejects.toThrow('invalid_credentials')
    const next = await user.open()
    expect(await user.reasons([next, session])).toEqual(['alive', 'unauthenticated'])
  })

  test('keeps all if the user is there again by then', async () => {
    stopClock()
    const user = await newUser()
    const session = await user.open()
    await mirrored(user)
    const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
    const operator = await makeOperator()
    await send(path, { method: 'DELETE', bearer: operator })
    await mirrored(user)
    await send(path, { method: 'PUT', bearer: operator, json: { username: user.username } })
    advanceClock(3_601)
    await fireUserAlarm(user)
    expect(await user.reasons([session])).toEqual(['user_disabled'])
  })
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

  test('are forgotten also by an object that sees one of them and is out of memory', async () => {
    stopClock()
    const user = await newUser()
    for (let time = 0; time < 40; time += 1) {
      const session = await user.open()
      await user.stub.end({ only: [session.id] }, 'logout', BY)
      await mirrored(user)
      await evictDurableObject(userObject(user))
      advanceClock(3 * 3_600)
    }
    expect((await rowsOf(user, 'SELECT id FROM sessions')).length).toBeLessThanOrEqual(21)
    expect(await user.records()).toHaveLength(40)
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
