/** Policy by the operator API: the store's config with its versions and previews, groups, users, and what holds. */
import { describe, expect, test } from 'vitest'
import { readRules } from '../../../src/store/rules.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { mirrored, storeJobs, userObject } from '../../support/objects.ts'
import { check, type RequestOptions, send, signIn } from '../../support/requests.ts'
import { db, makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { logIn, looker, patchConfig } from '../looker/support.ts'
import { auditEvents, operate, patch, put, read, remove } from './operator.ts'

const configPath = (store: string) => `/identity-stores/${store}/session-config`
const userPath = ({ identityStoreId, userId }: TestUser) => `/identity-stores/${identityStoreId}/users/${userId}`
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148'

/** Lets the jobs of a store do what is left to do. */
async function finishJobs(store: string): Promise<void> {
  await expect
    .poll(async () => (await storeJobs(store).list()).filter(({ kind }) => kind === 'sweep_sessions'))
    .toEqual([])
}

/** Tries to sign in at the own API. */
async function attempt(user: TestUser, fields: object = {}, options: RequestOptions = {}) {
  const { username, password, address } = user
  const json = { username, password, transport: 'bearer', ...fields }
  return read(await send('/sessions', { address, ...options, json }))
}

describe('a session config', () => {
  test('is read and changed in seconds, and its version is the ETag', async () => {
    const store = await makeStore()
    const first = await send(`/operator${configPath(store)}`, { bearer: await makeOperator() })
    expect(first.headers.get('etag')).toBe('"1"')
    expect(await first.json()).toEqual({
      version: 1,
      overall_timeout_seconds: 2_592_000,
      inactivity_timeout_seconds: null,
      concurrent_sessions: { limit: null, when_reached: 'evict_oldest', by_client_kind: null },
      persistent_cookies: true,
      track_location: false,
    })
    const change = {
      overall_timeout_seconds: 330,
      inactivity_timeout_seconds: 60,
      concurrent_sessions: { limit: 3, when_reached: 'refuse', by_client_kind: { web: 2, mobile: null } },
    }
    const changed = await patch(configPath(store), change)
    expect(changed).toMatchObject({ status: 200, body: { version: 2, ...change, persistent_cookies: true } })
    expect((await operate(configPath(store))).body).toEqual(changed.body)
    const partly = await patch(configPath(store), { concurrent_sessions: { limit: 4 } })
    expect(partly.body.concurrent_sessions).toEqual({ ...change.concurrent_sessions, limit: 4 })
    expect((await auditEvents(store))[1]).toMatchObject({
      action: 'session_config.updated',
      before: { session_minutes: 43_200, client_kind_limits: null },
      after: { session_minutes: 5.5, when_limit_reached: 'refuse', client_kind_limits: { web: 2, mobile: null } },
    })
  })

  test('is not changed where somebody else has changed it', async () => {
    const store = await makeStore()
    const write = (version: string, seconds: number) =>
      operate(configPath(store), {
        method: 'PATCH',
        json: { overall_timeout_seconds: seconds },
        headers: { 'if-match': version },
      })
    expect(await write('"1"', 600)).toMatchObject({ status: 200, body: { version: 2 } })
    expect(await write('"1"', 700)).toMatchObject({ status: 412, body: { code: 'precondition_failed', version: 2 } })
    expect(await write('one', 700)).toMatchObject({ status: 400, body: { errors: [{ field: 'If-Match' }] } })
    expect((await operate(configPath(store))).body).toMatchObject({ version: 2, overall_timeout_seconds: 600 })
    expect(await auditEvents(store)).toHaveLength(1)
  })

  test('names every bad field, and changes nothing', async () => {
    const store = await makeStore()
    const bad = {
      overall_timeout_seconds: 299,
      inactivity_timeout_seconds: 59,
      concurrent_sessions: { limit: 0 },
      x: 1,
    }
    const refused = await patch(configPath(store), bad)
    expect(refused.status).toBe(400)
    expect(refused.body.errors.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      'concurrent_sessions.limit',
      'inactivity_timeout_seconds',
      'overall_timeout_seconds',
      'x',
    ])
    expect((await operate(configPath(store))).body.version).toBe(1)
  })

  test('has versions that say who made them, and can be put back', async () => {
    const store = await makeStore()
    await patch(configPath(store), { overall_timeout_seconds: 600 })
    await patch(configPath(store), { overall_timeout_seconds: 700, track_location: true })
    const versions = `${configPath(store)}/versions`
    const listed = await operate(`${versions}?limit=2`)
    expect(listed.body).toMatchObject({
      versions: [
        { version: 3, changed_by: expect.stringMatching(/^credential:/), config: { overall_timeout_seconds: 700 } },
        { version: 2, config: { overall_timeout_seconds: 600, track_location: false } },
      ],
      next_cursor: '2',
    })
    const rest = await operate(`${versions}?cursor=2`)
    expect(rest.body).toMatchObject({ versions: [{ version: 1, changed_by: null }], next_cursor: null })
    const restored = await operate(`${versions}/2/restore`, { method: 'POST' })
    expect(restored).toMatchObject({
      status: 200,
      body: { version: 4, overall_timeout_seconds: 600, track_location: false },
    })
    expect((await auditEvents(store))[0]).toMatchObject({ action: 'session_config.restored' })
    for (const version of ['9', '0', 'x']) {
      expect((await operate(`${versions}/${version}/restore`, { method: 'POST' })).status).toBe(
        version === '9' ? 404 : 400,
      )
    }
  })

  test('can be previewed: what it says is what happens', async () => {
    stopClock()
    const store = await makeStore()
    const [one, two, three] = [
      await makeUser({ identityStoreId: store }),
      await makeUser({ identityStoreId: store }),
      await makeUser({ identityStoreId: store, settings: { durationSeconds: 28_800 } }),
    ]
    const old = [await signIn(one), await signIn(three)]
    advanceClock(1_000)
    const fresh = [await signIn(one), await signIn(two), await signIn(two)]
    for (const user of [one, two, three]) await mirrored(user)
    const change = { overall_timeout_seconds: 600, concurrent_sessions: { limit: 1 } }
    const previewed = await operate(`${configPath(store)}/preview`, { json: change })
    expect(previewed).toMatchObject({
      status: 200,
      body: {
        version: 1,
        sessions: 2,
        users: 2,
        by_rule: {
          overall_timeout: { sessions: 1, users: 1, exact: true },
          inactivity_timeout: { sessions: 0, users: 0, exact: false },
          concurrent_sessions: { sessions: 1, users: 1, exact: true },
        },
      },
    })
    const ends = [old[0]?.id, fresh[1]?.id]
    expect(previewed.body.examples.map(({ id }: { id: string }) => id).toSorted()).toEqual(ends.toSorted())
    expect((await operate(configPath(store))).body.version).toBe(1)

    await patch(configPath(store), change)
    await finishJobs(store)
    const states = await Promise.all([...old, ...fresh].map(async (session) => (await check(session)).status))
    expect(states).toEqual([401, 200, 200, 401, 200])
  })

  test('keeps what Looker cannot say, whatever is changed there', async () => {
    const config = { concurrentSessionLimit: 3, sessionMinutes: 5.5, whenLimitReached: 'refuse' } as const
    const admin = await logIn('admin', { config })
    const shown = { session_minutes: 5, unlimited_sessions_per_user: false }
    expect((await looker('GET', '/session_config', admin.token)).body).toMatchObject(shown)
    const whole = { ...shown, allow_persistent_sessions: false }
    expect(await patchConfig(admin.token, whole)).toMatchObject(whole)
    expect((await operate(configPath(admin.user.identityStoreId))).body).toMatchObject({
      overall_timeout_seconds: 330,
      concurrent_sessions: { limit: 3, when_reached: 'refuse' },
      persistent_cookies: false,
    })
  })
})

describe('a limit that refuses', () => {
  const REFUSE = { concurrentSessionLimit: 2, whenLimitReached: 'refuse' } as const

  test('tells whose password was right which sessions there are, and opens one when some of them are to end', async () => {
    const user = await makeUser({ config: REFUSE })
    const [one, two] = [await signIn(user), await signIn(user)]
    const refused = await attempt(user)
    expect(refused).toMatchObject({ status: 409, body: { code: 'session_limit_reached' } })
    expect(refused.body.sessions.map(({ id }: { id: string }) => id)).toEqual([one.id, two.id])
    expect((await attempt({ ...user, password: 'wrong' })).status).toBe(401)
    expect(await attempt(user, { end_sessions: [one.id] })).toMatchObject({ status: 201 })
    expect([(await check(one)).status, (await check(two)).status]).toEqual([401, 200])
  })

  test('a sign-in that is refused ends nothing that it came with', async () => {
    const other = await signIn(await makeUser(), { transport: 'cookie' })
    const user = await makeUser({ config: { ...REFUSE, concurrentSessionLimit: 1 } })
    await signIn(user)
    expect((await attempt(user, { transport: 'cookie' }, { cookie: other.token })).status).toBe(409)
    expect((await send('/sessions/current', { cookie: other.token })).status).toBe(200)
  })

  test.each(['evict_oldest', 'evict_least_recently_seen', 'refuse'] as const)(
    '200 parallel sign-ins leave no more than the limit: %s',
    async (whenLimitReached) => {
      const config = { concurrentSessionLimit: 3, whenLimitReached, clientKindLimits: { web: null, mobile: 1 } }
      const user = await makeUser({ config })
      const stub = userObject(user)
      const rules = await readRules(db, user)
      if (!rules.ok || rules.value === null) throw new Error('no rules')
      const known = rules.value
      const open = (index: number) =>
        stub.open(
          { identityStoreId: user.identityStoreId, userId: user.userId },
          {
            kind: 'web',
            persistent: false,
            credentialsType: 'password',
            client: { address: null, userAgent: index % 2 === 0 ? PHONE : 'desktop' },
            location: null,
            actor: null,
            apiClientId: null,
            cookie: false,
            secretHash: 'a'.repeat(64),
            replaces: null,
          },
          known,
        )
      const opened = await Promise.all(Array.from({ length: 200 }, (_, index) => open(index)))
      const live = await stub.list({})
      expect(live).toHaveLength(3)
      expect(live.filter(({ session }) => session.client.userAgent === PHONE).length).toBeLessThanOrEqual(1)
      expect(opened.filter(({ ok }) => ok)).toHaveLength(whenLimitReached === 'refuse' ? 3 : 200)
    },
  )

  test('APIO says it in its words', async () => {
    const user = await makeUser({ config: { ...REFUSE, concurrentSessionLimit: 1 } })
    await signIn(user)
    const { username, password, address } = user
    const answer = await send('/api/v1/login/', { address, json: { username, password } })
    expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([409, ['details']])
  })
})

describe('a group', () => {
  const group = (store: string) => `/identity-stores/${store}/groups/g1/session-config`

  test('stands between the config and the user, and holds at once for who is signed in', async () => {
    stopClock()
    const store = await makeStore()
    const member = await makeUser({ identityStoreId: store, groupId: 'g1' })
    const other = await makeUser({ identityStoreId: store })
    const sessions = [await signIn(member), await signIn(other)]
    for (const user of [member, other]) await mirrored(user)
    advanceClock(700)
    expect((await operate(group(store))).body).toEqual({ group_id: 'g1', version: 0 })
    expect((await put(group(store), { overall_timeout_seconds: 600 })).body).toEqual({
      group_id: 'g1',
      version: 1,
      overall_timeout_seconds: 600,
    })
    await finishJobs(store)
    expect(await Promise.all(sessions.map(async (session) => (await check(session)).status))).toEqual([401, 200])
    expect((await auditEvents(store))[0]).toMatchObject({ action: 'group_session_config.put', subject: 'group:g1' })

    // Who comes into the group, comes under its rules; who leaves it, leaves them.
    await patch(userPath(other), { group_id: 'g1' })
    expect((await check(sessions[1] as (typeof sessions)[number])).status).toBe(401)
    await patch(userPath(member), { group_id: null })
    expect((await operate(`${userPath(member)}/policy`)).body.rules.overall_timeout_seconds).toMatchObject({
      value: 2_592_000,
    })
    expect((await remove(group(store))).status).toBe(204)
    expect((await operate(`${userPath(other)}/policy`)).body.rules.overall_timeout_seconds.from).toBe('config')
  })
})

describe('a user', () => {
  test('has settings of its own, and a policy that is explained rule by rule', async () => {
    const store = await makeStore({ config: { sessionMinutes: 60 } })
    const user = await makeUser({ identityStoreId: store, groupId: 'g1' })
    await put(`/identity-stores/${store}/groups/g1/session-config`, {
      inactivity_timeout_seconds: 120,
      concurrent_sessions: { limit: 2, when_reached: 'refuse', by_client_kind: null },
    })
    const settings = `${userPath(user)}/session-settings`
    expect((await operate(settings)).body).toMatchObject({ duration_seconds: null, desktop_app_browser_quit: null })
    const mine = { duration_seconds: 28_800, desktop_app_browser_quit: true }
    expect(await put(settings, mine)).toMatchObject({ status: 200, body: mine })
    expect((await operate(`${userPath(user)}/policy`)).body).toEqual({
      user_id: user.userId,
      rules: {
        overall_timeout_seconds: {
          value: 28_800,
          from: 'settings',
          layers: { settings: 28_800, config: 3_600, default: 2_592_000 },
          version: 1,
        },
        inactivity_timeout_seconds: {
          value: 120,
          from: 'group',
          layers: { group: 120, config: null, default: null },
          version: 1,
        },
        concurrent_session_limit: {
          value: 2,
          from: 'group',
          layers: { group: 2, config: null, default: null, ceiling: 1_000 },
          version: 1,
        },
        client_kind_limits: {
          value: null,
          from: 'group',
          layers: { group: null, config: null, default: null },
          version: 1,
        },
        when_limit_reached: {
          value: 'refuse',
          from: 'group',
          layers: { group: 'refuse', config: 'evict_oldest', default: 'evict_oldest' },
          version: 1,
        },
        persistent_cookies: {
          value: false,
          from: 'settings',
          layers: { settings: false, config: true, default: true },
          version: 1,
        },
        track_location: { value: false, from: 'config', layers: { config: false, default: false }, version: 1 },
      },
    })
    expect((await remove(settings)).status).toBe(204)
    expect((await operate(`${userPath(user)}/policy`)).body.rules.overall_timeout_seconds.from).toBe('config')
    expect((await auditEvents(store)).slice(0, 2).map(({ action }) => action)).toEqual([
      'session_settings.cleared',
      'session_settings.changed',
    ])
  })

  test('that is not there, or is a bot, has no settings', async () => {
    const bot = await makeUser({ bot: true })
    const settings = { duration_seconds: 28_800, desktop_app_browser_quit: null }
    expect((await put(`${userPath(bot)}/session-settings`, settings)).status).toBe(409)
    const nobody = { ...bot, userId: 'nobody' }
    for (const path of ['session-settings', 'policy']) {
      expect((await operate(`${userPath(nobody)}/${path}`)).status).toBe(404)
    }
    expect((await operate(`${userPath({ ...bot, identityStoreId: 'none' })}/policy`)).status).toBe(404)
    expect((await operate(configPath('none'))).status).toBe(404)
  })
})
