/** The state of the whole deployment, as monitoring reads it. */
import { env } from 'cloudflare:workers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { countersOf } from '../../../src/counters.ts'
import { DEFAULT_RETENTION } from '../../../src/domain/retention.ts'
import { FAILURES_TO_TELL } from '../../../src/limits.ts'
import { keepHouse } from '../../../src/store/housekeeping.ts'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1Statements, breakKv } from '../../support/faults.ts'
import { readMetrics } from '../../support/metrics.ts'
import { fireJobAlarm, mirrored, mirroredByAlarm } from '../../support/objects.ts'
import { makeReceiver, receiveEvents } from '../../support/receivers.ts'
import { send, signIn } from '../../support/requests.ts'
import { db, freshAddress, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'
import { patch } from './operator.ts'

describe('the metrics', () => {
  test('count what lives and what happened in this hour, in all stores together', async () => {
    stopClock()
    const before = (await readMetrics()).values
    const [one, two] = [await makeUser(), await makeUser()]
    const [first] = [await signIn(one), await signIn(one, { userAgent: 'another' }), await signIn(two)]
    await send('/sessions', { address: two.address, json: { username: two.username, password: 'wrong' } })
    await send('/sessions/current', { method: 'DELETE', bearer: first.token })
    await mirrored(one)
    await mirrored(two)
    const after = (await readMetrics()).values
    const grown = (name: string) => (after[name] ?? 0) - (before[name] ?? 0)
    expect([
      grown('latchkey_identity_stores'),
      grown('latchkey_live_sessions'),
      grown('latchkey_users_with_sessions'),
    ]).toEqual([2, 2, 2])
    expect([
      grown('latchkey_this_hour{event="opened"}'),
      grown('latchkey_this_hour{event="logout"}'),
      grown('latchkey_this_hour{event="sign_in_failed"}'),
      grown('latchkey_this_hour{event="evicted"}'),
    ]).toEqual([3, 1, 1, 0])
    expect(after).toMatchObject({
      'latchkey_ready{part="d1"}': 1,
      'latchkey_ready{part="kv"}': 1,
      'latchkey_ready{part="objects"}': 1,
      'latchkey_ready{part="schema"}': 1,
      latchkey_figures_complete: 1,
      latchkey_mirror_lag_seconds: 0,
    })
    expect(after.latchkey_database_bytes).toBeGreaterThan(100_000)
    expect(after.latchkey_session_config_changed_timestamp_seconds).toBeGreaterThan(1_700_000_000)
    advanceClock(3_600)
    expect((await readMetrics()).values['latchkey_this_hour{event="opened"}']).toBe(0)
  })

  test('count lockouts while they are in force', async () => {
    stopClock()
    const user = await makeUser()
    const before = (await readMetrics()).values.latchkey_lockouts ?? 0
    for (let tries = 0; tries < 5; tries += 1) {
      await send('/sessions', { address: user.address, json: { username: user.username, password: 'wrong' } })
    }
    expect((await readMetrics()).values.latchkey_lockouts).toBe(before + 1)
    advanceClock(900)
    expect((await readMetrics()).values.latchkey_lockouts).toBe(0)
  })

  test('are remembered for 15 seconds', async () => {
    const bearer = await makeOperator()
    stopClock()
    advanceClock(60)
    let looks = 0
    intercept((call, goOn) => {
      if (call.to === 'D1' && call.statements.some((text) => text.includes('FROM failing_work'))) looks += 1
      return goOn()
    })
    const ask = async () => expect((await send('/operator/metrics', { bearer })).status).toBe(200)
    for (let times = 0; times < 3; times += 1) await ask()
    advanceClock(14)
    await ask()
    expect(looks).toBe(1)
    advanceClock(1)
    await ask()
    expect(looks).toBe(2)
  })

  test('read no more rows of a great many stores, and say that they are a part', async () => {
    stopClock()
    await readMetrics()
    await env.DB.prepare(
      `INSERT INTO session_counters (identity_store_id, hour, live_sessions, users_with_sessions, counts)
       WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 5000)
       SELECT printf('x-%05d', n), 0, 1, 1, '{}' FROM counted`,
    ).run()
    const counts = countCalls()
    const { values } = await readMetrics()
    expect(values.latchkey_figures_complete).toBe(0)
    expect(values.latchkey_live_sessions).toBeGreaterThanOrEqual(990)
    expect(counts.d1RowsRead).toBeLessThan(10_000)
    await env.DB.prepare("DELETE FROM session_counters WHERE identity_store_id LIKE 'x-%'").run()
  })

  test('are not for the administrators of a store, nor for operators of some stores', async () => {
    const owner = await makeUser({ role: 'owner' })
    const { token } = await signIn(owner)
    const limited = await makeOperator({ limitedStoreIds: [owner.identityStoreId] })
    const other = await makeOperator({ scopes: ['operator:sessions'] })
    for (const bearer of [token, limited, other]) {
      expect((await send('/operator/metrics', { bearer })).status).toBe(403)
    }
    expect((await send('/operator/metrics')).status).toBe(401)
  })
})

describe('what does not succeed', () => {
  const CONFIG = 'latchkey_failing_work{kind="publish_config"}'

  /** Waits until these kinds are noted. Each look at the metrics would move the clock on, until nothing is told any more. */
  async function noted(identityStoreId: string, kinds: readonly string[]): Promise<void> {
    const rows = env.DB.prepare('SELECT kind FROM failing_work WHERE identity_store_id = ?').bind(identityStoreId)
    await vi.waitFor(async () => expect((await rows.all()).results.map(({ kind }) => kind)).toEqual(kinds))
  }

  test('is told by its kind once it has failed three times in a row, until it succeeds', async () => {
    stopClock()
    const identityStoreId = await makeStore()
    const outage = breakKv()
    await patch(`/identity-stores/${identityStoreId}/session-config`, { overall_timeout_seconds: 3_600 })
    const fail = async () => {
      advanceClock(60)
      await fireJobAlarm(identityStoreId)
    }
    await vi.waitFor(async () => {
      await fail()
      expect((await readMetrics()).values[CONFIG]).toBe(1)
    })
    advanceClock(30)
    await fail()
    const { values } = await readMetrics()
    expect(values['latchkey_failing_work_age_seconds{kind="publish_config"}']).toBeGreaterThan(60)
    outage.repair()
    advanceClock(60)
    await fireJobAlarm(identityStoreId)
    await noted(identityStoreId, [])
    expect((await readMetrics()).values[CONFIG]).toBeUndefined()
  })

  test('is not told any more when nobody tries it, and is removed hourly', async () => {
    const now = stopClock()
    const row = [await makeStore(), 'sweep_sessions', 'sweep_sessions:1', now, now, now + 60_000]
    const fields = 'identity_store_id, kind, id, since, seen_at, next_at'
    await env.DB.prepare(`INSERT INTO failing_work (${fields}) VALUES (?, ?, ?, ?, ?, ?)`)
      .bind(...row)
      .run()
    const sweeps = async () => (await readMetrics()).values['latchkey_failing_work{kind="sweep_sessions"}']
    expect(await sweeps()).toBe(1)
    await keepHouse(db, DEFAULT_RETENTION, Date.now())
    expect(await sweeps()).toBe(1)
    advanceClock(360)
    expect(await sweeps()).toBeUndefined()
    await keepHouse(db, DEFAULT_RETENTION, Date.now())
    expect(
      await env.DB.prepare('SELECT count(*) AS left FROM failing_work WHERE kind = ?').bind(row[1]).first(),
    ).toEqual({ left: 0 })
  })

  test('are endpoints of events too, until they take one or are disabled', async () => {
    receiveEvents()
    stopClock()
    const identityStoreId = await makeStore()
    const store = `/identity-stores/${identityStoreId}`
    const receiver = await makeReceiver(store, {}, () => new Response(null, { status: 500 }))
    const before = (await readMetrics()).values['latchkey_event_endpoints{state="disabled"}'] ?? 0
    const failing = async () => (await readMetrics()).values['latchkey_failing_work{kind="event_endpoint"}'] ?? 0
    expect(await failing()).toBe(0)
    for (let change = 0; change < FAILURES_TO_TELL; change += 1) {
      await patch(`${store}/session-config`, { overall_timeout_seconds: 3_600 + change })
      await vi.waitFor(() => expect(receiver.messages.length).toBeGreaterThan(change))
    }
    await noted(identityStoreId, ['event_endpoint'])
    expect(await failing()).toBe(1)
    receiver.answer = () => new Response(null, { status: 410 })
    await patch(`${store}/session-config`, { overall_timeout_seconds: 7_200 })
    await noted(identityStoreId, [])
    expect(await failing()).toBe(0)
    expect((await readMetrics()).values['latchkey_event_endpoints{state="disabled"}']).toBe(before + 1)
  })

  test('a copy that comes late to D1 says how late, for five minutes', async () => {
    stopClock()
    const user = await makeUser()
    const outage = breakD1Statements(/insert into "sessions"/i)
    await signIn(user)
    await vi.waitFor(() => expect(outage.hits).toBeGreaterThan(0))
    advanceClock(200)
    outage.repair()
    await mirroredByAlarm(user)
    await vi.waitFor(async () => {
      const { values } = await readMetrics()
      expect(values.latchkey_mirror_lag_seconds).toBeGreaterThanOrEqual(200)
    })
    advanceClock(360)
    expect((await readMetrics()).values.latchkey_mirror_lag_seconds).toBe(0)
  })
})

describe('counters', () => {
  /** What the Worker and the objects of users count from here on. */
  function counted() {
    const points: { readonly blobs: readonly string[]; readonly indexes: readonly string[] }[] = []
    const bound = { COUNTERS: { writeDataPoint: (point: (typeof points)[number]) => points.push(point) } }
    // For objects that begin from now on.
    Object.assign(env, bound)
    onTestFinished(() => void Reflect.deleteProperty(env, 'COUNTERS'))
    return { worker: workerWith(bound), take: () => points.splice(0) }
  }

  test('count openings and refusals where a dataset is bound, ends by reason, and how old what is copied is', async () => {
    stopClock()
    const { worker, take } = counted()
    const user = await makeUser()
    const { username, password, address } = user
    const indexes = [user.identityStoreId]
    const mirror = { indexes, blobs: ['mirrored', ''], doubles: [1, 0] }
    const json = { username, password, transport: 'bearer' }
    const opened = await worker.send('/sessions', { address, json })
    const { token: bearer } = (await opened.json()) as { token: string }
    await worker.send('/sessions', { address, json: { username, password: 'wrong' } })
    await mirrored(user)
    expect(take()).toEqual(
      expect.arrayContaining([
        { indexes, blobs: ['opened', 'web'], doubles: [1, 0] },
        { indexes: [''], blobs: ['refused', '401'], doubles: [1, 0] },
        mirror,
      ]),
    )
    await worker.send('/sessions/current', { method: 'DELETE', bearer })
    await mirrored(user)
    expect(take()).toEqual([{ indexes, blobs: ['ended', 'logout'], doubles: [1, 0] }, mirror])
  })

  test('count no check, in the Worker or in the object; only what one has changed is copied', async () => {
    stopClock()
    const { worker, take } = counted()
    const user = await makeUser({ config: { useInactivityBasedLogout: true } })
    const { username, password, address } = user
    const json = { username, password, transport: 'bearer' }
    const { token: bearer } = (await (await worker.send('/sessions', { address, json })).json()) as { token: string }
    await mirrored(user)
    take()
    for (let checks = 0; checks < 20; checks += 1) {
      advanceClock(31)
      expect((await worker.send('/sessions/current', { address, bearer })).status).toBe(200)
      expect((await worker.send('/sessions/current', { bearer: 'nonsense' })).status).toBe(401)
    }
    await mirroredByAlarm(user)
    expect(take()).toEqual([])
    await worker.send('/sessions/current', { address: freshAddress(), bearer })
    await mirroredByAlarm(user)
    expect(take().map(({ blobs }) => blobs[0])).toEqual(['mirrored'])
    advanceClock(3_600)
    expect((await worker.send('/sessions/current', { address, bearer })).status).toBe(401)
    await mirroredByAlarm(user)
    expect(take().map(({ blobs }) => blobs.join())).toEqual(['ended,idle', 'mirrored,'])
  })

  test('without a dataset nothing is counted, and nothing fails', () => {
    expect(() => countersOf(undefined).count('opened', null, 'web')).not.toThrow()
  })
})
