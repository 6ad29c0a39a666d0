/** The jobs that go through a whole store after a change of its config. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { eq, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { nextSessionId } from '../../src/domain/session-id.ts'
import { sessionConfigs, sessions } from '../../src/store/schema.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { countCalls } from '../support/counts.ts'
import { breakD1, breakUserObjects } from '../support/faults.ts'
import { fireJobAlarm, mirrored, storeJobs } from '../support/objects.ts'
import { db, makeStore } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

type Kind = 'sweep_sessions' | 'clear_locations'

/** Makes users `u0000`, … of a store, each with so many live and ended sessions in D1. */
async function fill(identityStoreId: string, users: number, live: number, ended: number): Promise<void> {
  let newest: string | null = null
  const rows: [string, string, number][] = []
  for (let index = 0; index < users * (live + ended); index += 1) {
    newest = nextSessionId(newest, Date.now() - 60_000, new Uint8Array(8).fill(index % 251))
    rows.push([`u${String(index % users).padStart(4, '0')}`, newest, index < users * live ? 0 : 1])
  }
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO users (identity_store_id, user_id, role, user_level, bot, active, sessions_valid_from, status_version, created_at, updated_at)
       SELECT DISTINCT ?1, value ->> '$[0]', 'member', 0, 0, 1, 0, 1, 0, 0 FROM json_each(?2)`,
    ).bind(identityStoreId, JSON.stringify(rows)),
    env.DB.prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, location, ended_at)
       SELECT ?1, value ->> '$[0]', value ->> '$[1]', key, 1, 'web', 0, 0, 0, 'password', '{}', nullif(value ->> '$[2]', 0) FROM json_each(?2)`,
    ).bind(identityStoreId, JSON.stringify(rows)),
  ])
}

/** Stands in for the users' objects: notes who is told what, in order, and how many at a time. */
function listen(refuses: (told: number) => boolean = () => false) {
  const told: number[] = []
  const most = { atOnce: 0 }
  let now = 0
  intercept(async (call, goOn) => {
    if (call.to !== 'USERS' || call.method !== 'applyRules') return goOn()
    now += 1
    most.atOnce = Math.max(most.atOnce, now)
    await scheduler.wait(0)
    now -= 1
    if (refuses(told.length)) throw new Error('Durable Object: network connection lost.')
    told.push(now)
    return undefined
  })
  return { told, most }
}

async function begin(identityStoreId: string, kind: Kind): Promise<void> {
  await storeJobs(identityStoreId).prepare(identityStoreId, [{ id: kind, job: { kind } }])
}

async function changeConfig(identityStoreId: string): Promise<void> {
  await db
    .update(sessionConfigs)
    .set({ version: sql`version + 1` })
    .where(eq(sessionConfigs.identityStoreId, identityStoreId))
}

/** Lets the job run to its end; answers the steps that it took. */
async function finish(identityStoreId: string): Promise<number> {
  for (let steps = 0; steps < 200; steps += 1) {
    const [next] = await storeJobs(identityStoreId).list()
    if (next === undefined) return steps
    if (next.dueAt > Date.now()) stopClock(next.dueAt)
    await fireJobAlarm(identityStoreId)
  }
  throw new Error('it does not end')
}

describe('a sweep', () => {
  test('tells 1 000 users, 32 at a time, with a few statements a step', async () => {
    stopClock()
    const store = await makeStore()
    await fill(store, 1_000, 1, 0)
    const { told, most } = listen()
    const counts = countCalls()
    await begin(store, 'sweep_sessions')
    await storeJobs(store).confirm(['sweep_sessions'])
    const steps = 1 + (await finish(store))
    expect(told).toHaveLength(1_000)
    expect(most.atOnce).toBe(32)
    expect(steps).toBe(Math.floor(1_000 / 32) + 1)
    expect(counts.d1Statements).toBe(2 * steps)
  })

  test('goes on where it was when everything was killed', async () => {
    stopClock()
    const store = await makeStore()
    await fill(store, 200, 1, 0)
    const { told } = listen()
    await begin(store, 'sweep_sessions')
    for (let steps = 0; steps < 3; steps += 1) {
      advanceClock(10)
      await fireJobAlarm(store)
    }
    expect(told).toHaveLength(96)
    await evictDurableObject(storeJobs(store))
    await finish(store)
    // The last step is done twice: nobody has said that the change was made, so the job looks a second time.
    expect(told).toHaveLength(200 + (200 % 32))
  })

  test('begins anew when the config is changed while it is under way', async () => {
    stopClock()
    const store = await makeStore()
    await fill(store, 100, 1, 0)
    const { told } = listen()
    await begin(store, 'sweep_sessions')
    await storeJobs(store).confirm(['sweep_sessions'])
    expect(told).toHaveLength(32)
    await changeConfig(store)
    await finish(store)
    expect(told).toHaveLength(132)
  })

  test('comes back to those who could not be told', async () => {
    stopClock()
    const user = await newUser({ config: { sessionMinutes: 100 } })
    const other = await newUser({ identityStoreId: user.identityStoreId })
    const session = await user.open()
    await other.open()
    await Promise.all([mirrored(user), mirrored(other)])
    await user.changeConfigInD1({ sessionMinutes: 5 })
    advanceClock(600)
    await begin(user.identityStoreId, 'sweep_sessions')
    const fault = breakUserObjects({ only: (call) => call.to === 'USERS' && call.method === 'applyRules', times: 1 })
    await storeJobs(user.identityStoreId).confirm(['sweep_sessions'])
    await finish(user.identityStoreId)
    expect(fault.hits).toBe(1)
    expect((await user.records()).map(({ endReason }) => endReason)).toEqual(['expired'])
    expect((await other.records()).map(({ endReason }) => endReason)).toEqual(['expired'])
    expect(await user.reasons([session])).toEqual(['expired'])
  })

  test('waits while nobody can be told, and while D1 is away, and is then finished', async () => {
    stopClock()
    const store = await makeStore()
    await fill(store, 40, 1, 0)
    let away = true
    const { told } = listen(() => away)
    await begin(store, 'sweep_sessions')
    const fault = breakD1()
    expect(await storeJobs(store).confirm(['sweep_sessions'])).toMatchObject({ ok: false })
    fault.repair()
    expect(await storeJobs(store).confirm(['sweep_sessions'])).toMatchObject({ ok: false, error: { what: 'users' } })
    expect(await storeJobs(store).list()).toMatchObject([{ failures: 2 }])
    away = false
    await finish(store)
    expect(told).toHaveLength(40)
  })

  test('reads as many rows as there are live sessions, also among 50 000 that have ended', async () => {
    stopClock()
    const store = await makeStore()
    await fill(store, 20, 2, 0)
    await fill(await makeStore(), 20, 2, 0)
    await fillEnded(store, 50_000)
    listen()
    const plans: string[] = []
    intercept(async (call, goOn) => {
      if (call.to === 'D1') plans.push(...call.statements.filter((text) => /from "sessions"/i.test(text)))
      return goOn()
    })
    await begin(store, 'sweep_sessions')
    await finish(store)
    const [statement = ''] = plans
    const explain = env.DB.prepare(`EXPLAIN QUERY PLAN ${statement}`).bind(store, '', 32)
    const plan = (await explain.all<{ detail: string }>()).results.map(({ detail }) => detail).join('\n')
    expect(plan).toContain('live_sessions_of_store_newest_first')
    const run = await env.DB.prepare(statement).bind(store, '', 32).all()
    expect(run.results).toHaveLength(32)
    expect(run.meta.rows_read).toBeLessThan(200)
  })
})

/** Ended sessions of one user, written by one statement. */
async function fillEnded(identityStoreId: string, count: number): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
     INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, ended_at)
     SELECT ?1, 'u0000', printf('00000000-0000-7000-8000-%012x', n), n, 1, 'web', 0, 0, 0, 'password', 1 FROM numbers`,
  )
    .bind(identityStoreId, count)
    .run()
}

describe('clearing locations', () => {
  const left = async (identityStoreId: string) => {
    const rows = await db.select().from(sessions).where(eq(sessions.identityStoreId, identityStoreId))
    return rows.filter(({ location }) => location !== null).length
  }

  test('clears the records of live and ended sessions of 100 users, and of no other store', async () => {
    stopClock()
    const [store, other] = [await makeStore(), await makeStore()]
    await fill(store, 100, 1, 2)
    await fill(other, 1, 1, 1)
    const { told } = listen()
    await begin(store, 'clear_locations')
    await finish(store)
    expect(await left(store)).toBe(0)
    expect(told).toHaveLength(100)
    expect(await left(other)).toBe(2)
  })

  test('leaves the records of users who could not be told until they can be', async () => {
    stopClock()
    const store = await makeStore()
    await fill(store, 40, 1, 0)
    let refused = 0
    listen((told) => told === 5 && refused++ === 0)
    await begin(store, 'clear_locations')
    advanceClock(10)
    await fireJobAlarm(store)
    expect(await left(store)).toBe(40 - 31)
    await finish(store)
    expect(await left(store)).toBe(0)
  })

  test('clears nothing if the store keeps locations again', async () => {
    stopClock()
    const store = await makeStore({ config: { trackSessionLocation: true } })
    await fill(store, 5, 1, 0)
    listen()
    await begin(store, 'clear_locations')
    await finish(store)
    expect(await left(store)).toBe(5)
  })
})
