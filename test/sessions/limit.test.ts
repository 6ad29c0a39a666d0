import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { newUser } from '../support/users.ts'

/** Opens and ends in the order in which the object did them: `+id` and `-id`. */
async function eventsOf(stub: DurableObjectStub): Promise<string[]> {
  return runInDurableObject(stub, (_, state) =>
    state.storage.sql
      .exec<{ what: string }>('SELECT what FROM test_events ORDER BY rowid')
      .toArray()
      .map(({ what }) => what),
  )
}

/** The object's own record: triggers note each open and end where it happens. */
async function recordEvents(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, state) => {
    state.storage.sql.exec(`
      CREATE TABLE test_events (what TEXT);
      CREATE TRIGGER test_opened AFTER INSERT ON sessions BEGIN INSERT INTO test_events VALUES ('+' || new.id); END;
      CREATE TRIGGER test_ended AFTER UPDATE ON sessions WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL
        BEGIN INSERT INTO test_events VALUES ('-' || new.id); END;`)
  })
}

describe('with a limit of concurrent sessions', () => {
  for (const limit of [1, 5]) {
    test(`200 parallel opens never leave more than ${limit} active, and evict the oldest`, async () => {
      const user = await newUser({ config: { concurrentSessionLimit: limit } })
      // The first one makes the tables.
      const first = await user.open()
      await user.stub.end({ only: [first.id] }, 'logout', { caller: null, requestId: null })
      await recordEvents(user.stub)

      let most = 0
      let opening = true
      const sampler = (async () => {
        while (opening) {
          const live = await user.stub.list({})
          most = Math.max(most, live.length)
        }
      })()
      const opened = await Promise.all(Array.from({ length: 200 }, () => user.open()))
      opening = false
      await sampler

      expect(most).toBeLessThanOrEqual(limit)
      expect(most).toBeGreaterThan(0)
      const events = await eventsOf(user.stub)
      const active: string[] = []
      for (const event of events) {
        const id = event.slice(1)
        if (event.startsWith('+')) active.push(id)
        else {
          // The victim is the oldest of those that were there.
          expect(id).toBe(active[0])
          active.shift()
        }
        // The insert and the eviction are one step of the object: nothing is answered between them.
        expect(active.length).toBeLessThanOrEqual(limit + 1)
      }
      expect(events.filter((event) => event.startsWith('+'))).toHaveLength(200)
      expect(active).toHaveLength(limit)

      const newest = opened
        .map(({ id }) => id)
        .sort()
        .slice(-limit)
      expect([...active].sort()).toEqual(newest)
      for (const session of opened) {
        const answer = await user.check(session)
        if (newest.includes(session.id)) expect(answer.ok).toBe(true)
        else expect(answer).toMatchObject({ ok: false, error: { code: 'session_ended', reason: 'evicted' } })
      }
    })
  }

  test('turning the limit on leaves the newest session of each user', async () => {
    const user = await newUser()
    const sessions = [await user.open(), await user.open(), await user.open()]
    await user.stub.applyRules(user.key, { config: user.config({ concurrentSessionLimit: 1 }) })
    expect(await user.reasons(sessions)).toEqual(['evicted', 'evicted', 'alive'])
  })

  test('a user has no more than 1 000 web sessions where the store sets no limit, and the oldest makes room', async () => {
    const user = await newUser()
    const rules = await user.rules()
    const oldest = await user.open({}, rules)
    const api = await user.open({ kind: 'api', apiClientId: 'client' }, rules)
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 100 }, () => user.open({}, rules)))
    }
    expect(await user.reasons([oldest, api])).toEqual(['evicted', 'alive'])
    expect(await user.stub.list({})).toHaveLength(1_000)
  }, 60_000)

  test('API sessions are limited by API client, and not by the limit for web sessions', async () => {
    const user = await newUser({ config: { concurrentSessionLimit: 1 } })
    const api = (apiClientId: string) => user.open({ kind: 'api', apiClientId })
    const web = await user.open()
    const ours = await Promise.all(Array.from({ length: 101 }, () => api('one')))
    const other = await api('two')
    const inOrder = [...ours].sort((a, b) => (a.id < b.id ? -1 : 1))
    expect(await user.reasons([web, ...inOrder.slice(0, 2), other])).toEqual(['alive', 'evicted', 'alive', 'alive'])
    expect(await user.stub.list({})).toHaveLength(1)
  })
})

test('a user whose object was never told anything has no sessions', async () => {
  const stub = env.USERS.get(env.USERS.idFromName('nobody/at-all'))
  expect(await stub.list({})).toEqual([])
  expect(await stub.end({ all: 'every kind' }, 'revoked', { caller: null, requestId: null })).toEqual([])
})
