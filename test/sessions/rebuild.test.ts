/** D1 has lost what it knew, and is filled again from the users' objects. */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { auditEvents, operate, patch } from '../api/operator/operator.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakUserObjects } from '../support/faults.ts'
import { readMetrics } from '../support/metrics.ts'
import { fireJobAlarm, mirrored, rowsOf, storeJobs } from '../support/objects.ts'
import { send, signIn } from '../support/requests.ts'
import { makeStore, makeUser, type TestUser } from '../support/stores.ts'

const path = (identityStoreId: string) => `/identity-stores/${identityStoreId}`

async function rebuild(identityStoreId: string): Promise<void> {
  const asked = await operate(`${path(identityStoreId)}/rebuild`, { method: 'POST' })
  expect([asked.status, asked.body.kind]).toEqual([202, 'rebuild_records'])
  await done(identityStoreId)
}

/** Until nothing but the look at what was published is left. */
async function done(identityStoreId: string): Promise<void> {
  const look = async () => {
    // A step begins a moment after the one before.
    advanceClock(1)
    await fireJobAlarm(identityStoreId)
    const kinds = (await storeJobs(identityStoreId).list()).map(({ kind }) => kind)
    expect(kinds).not.toContain('rebuild_records')
  }
  await vi.waitFor(look, { timeout: 10_000 })
}

const recordsOf = async (identityStoreId: string) =>
  (
    await env.DB.prepare('SELECT * FROM sessions WHERE identity_store_id = ? ORDER BY session_id')
      .bind(identityStoreId)
      .all()
  ).results

async function lose(table: 'sessions' | 'session_counters', identityStoreId: string): Promise<void> {
  await env.DB.prepare(`DELETE FROM ${table} WHERE identity_store_id = ?`).bind(identityStoreId).run()
}

const signInAs = ({ username, password, address }: TestUser) =>
  send('/sessions', { address, json: { username, password, transport: 'bearer' } })

describe('records that were deleted', () => {
  test.each([
    ['and the counters with them', true],
    ['and the counters not', false],
  ])('come back from the objects, %s, and the totals are right', async (_name, counters) => {
    const identityStoreId = await makeStore()
    const users = await Promise.all([1, 2, 3].map(() => makeUser({ identityStoreId })))
    const never = await makeUser({ identityStoreId })
    const [first] = await Promise.all(users.map((user) => signIn(user)))
    await signIn(users[0] as TestUser, { userAgent: 'another' })
    await send('/sessions/current', { method: 'DELETE', bearer: first?.token as string })
    for (const user of users) await mirrored(user)
    const before = await recordsOf(identityStoreId)
    expect(before).toHaveLength(4)

    await lose('sessions', identityStoreId)
    if (counters) await lose('session_counters', identityStoreId)
    await rebuild(identityStoreId)
    for (const user of users) await mirrored(user)
    expect(await recordsOf(identityStoreId)).toEqual(before)
    const { body } = await operate(`${path(identityStoreId)}/overview`)
    expect(body).toMatchObject({ live_sessions: 3, users_with_sessions: 3 })
    // Who has no session ever gets no tables.
    expect(await rowsOf(never, 'SELECT * FROM owner')).toEqual([])
    expect((await auditEvents(identityStoreId))[0]).toMatchObject({ action: 'records.rebuilt' })
  })

  test('that were lost for long say nothing of how late they come', async () => {
    stopClock()
    const user = await makeUser()
    await signIn(user)
    await mirrored(user)
    await lose('sessions', user.identityStoreId)
    advanceClock(600)
    await rebuild(user.identityStoreId)
    await mirrored(user)
    expect((await readMetrics()).values.latchkey_mirror_lag_seconds).toBe(0)
  })

  test('of more users than one step takes come back, also of users who could not be reached at first', async () => {
    stopClock()
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: 40 }, () => makeUser({ identityStoreId })))
    for (const user of users) await signIn(user)
    for (const user of users) await mirrored(user)
    await lose('sessions', identityStoreId)
    const outage = breakUserObjects()
    await operate(`${path(identityStoreId)}/rebuild`, { method: 'POST' })
    await vi.waitFor(async () => {
      await fireJobAlarm(identityStoreId)
      expect(await storeJobs(identityStoreId).list()).toMatchObject([
        { state: 'failing', progress: { done: 0, left: 40 } },
      ])
    })
    outage.repair()
    advanceClock(60)
    await done(identityStoreId)
    for (const user of users) await mirrored(user)
    expect(await recordsOf(identityStoreId)).toHaveLength(40)
  })
})

/** How long a session lasts, once what the edge has remembered of the config is over. */
async function overallSeconds(token: string): Promise<number> {
  advanceClock(60)
  const checked = await send('/sessions/current', { bearer: token })
  const { opened_at: openedAt, expires_at: expiresAt } = (await checked.json()) as Record<string, string>
  return (Date.parse(expiresAt ?? '') - Date.parse(openedAt ?? '')) / 1000
}

describe('a database that was restored to an earlier point', () => {
  /** Makes changes, and then has D1 forget all of them. */
  async function forgetting(user: TestUser, changes: () => Promise<unknown>): Promise<void> {
    const tables = ['users', 'session_settings', 'session_configs'] as const
    const rows = (table: string) =>
      env.DB.prepare(`SELECT * FROM ${table} WHERE identity_store_id = ?`).bind(user.identityStoreId).all()
    const before = await Promise.all(tables.map(rows))
    await changes()
    for (const [index, table] of tables.entries()) {
      await env.DB.prepare(`DELETE FROM ${table} WHERE identity_store_id = ?`).bind(user.identityStoreId).run()
      for (const row of before[index]?.results ?? []) {
        const fields = Object.keys(row)
        await env.DB.prepare(`INSERT INTO ${table} (${fields}) VALUES (${fields.map(() => '?')})`)
          .bind(...Object.values(row))
          .run()
      }
    }
  }

  test('learns that a user was disabled, gives no old password, and the user gets in by a new one', async () => {
    const user = await makeUser()
    await signIn(user)
    await mirrored(user)
    const ofUser = `${path(user.identityStoreId)}/users/${user.userId}`
    await forgetting(user, () => patch(ofUser, { active: false }))
    expect((await operate(ofUser)).body).toMatchObject({ active: true, has_password: true })

    await rebuild(user.identityStoreId)
    expect((await operate(ofUser)).body).toMatchObject({ active: false, has_password: false })
    expect((await signInAs(user)).status).toBe(401)
    const caughtUp = (await auditEvents(user.identityStoreId)).filter(({ action }) => action === 'user.caught_up')
    expect(caughtUp).toMatchObject([{ subject: `user:${user.userId}`, after: { active: false, has_password: false } }])

    await patch(ofUser, { active: true, password: user.password })
    expect((await signInAs(user)).status).toBe(201)
    await rebuild(user.identityStoreId)
    expect((await operate(ofUser)).body).toMatchObject({ active: true, has_password: true })
  })

  test('learns the settings of a user, and no one else is touched', async () => {
    const user = await makeUser()
    const other = await makeUser({ identityStoreId: user.identityStoreId })
    for (const one of [user, other]) await signIn(one)
    for (const one of [user, other]) await mirrored(one)
    const policy = `${path(user.identityStoreId)}/users/${user.userId}/session-settings`
    await forgetting(user, async () => {
      const json = { duration_seconds: 36_000, desktop_app_browser_quit: null }
      expect((await operate(policy, { method: 'PUT', json })).status).toBe(200)
    })
    await rebuild(user.identityStoreId)
    const settings = await env.DB.prepare(
      'SELECT user_id, duration_seconds FROM session_settings WHERE identity_store_id = ?',
    )
      .bind(user.identityStoreId)
      .all()
    expect(settings.results).toEqual([{ user_id: user.userId, duration_seconds: 36_000 }])
    expect((await signInAs(other)).status).toBe(201)
  })

  test('has its session config hold again, everywhere', async () => {
    stopClock()
    const user = await makeUser()
    const { token } = await signIn(user)
    await mirrored(user)
    const config = `${path(user.identityStoreId)}/session-config`
    await patch(config, { overall_timeout_seconds: 7_200 })
    await forgetting(user, async () => {
      await patch(config, { overall_timeout_seconds: 3_600 })
      await done(user.identityStoreId)
      await send('/sessions/current', { bearer: token })
    })
    advanceClock(60)
    await rebuild(user.identityStoreId)
    await mirrored(user)
    await vi.waitFor(async () => expect(await overallSeconds(token)).toBe(7_200))
    const change = await patch(config, { overall_timeout_seconds: 5_400 })
    expect(change.status).toBe(200)
    await vi.waitFor(async () => expect(await overallSeconds(token)).toBe(5_400))
  })

  test.each([
    ['and published', 2],
    ['under the same number', 1],
  ])('has a session config hold that was made anew before the rebuild, %s', async (_name, changes) => {
    stopClock()
    const user = await makeUser()
    const { token } = await signIn(user)
    await mirrored(user)
    const config = `${path(user.identityStoreId)}/session-config`
    await forgetting(user, async () => {
      for (let change = 1; change <= changes; change += 1) {
        await patch(config, { overall_timeout_seconds: 3_600 * change })
        await done(user.identityStoreId)
        advanceClock(60)
      }
      await send('/sessions/current', { bearer: token })
    })
    await patch(config, { overall_timeout_seconds: 10_800 })
    await done(user.identityStoreId)
    advanceClock(60)
    await rebuild(user.identityStoreId)
    await mirrored(user)
    await vi.waitFor(async () => expect(await overallSeconds(token)).toBe(10_800))
  })
})
