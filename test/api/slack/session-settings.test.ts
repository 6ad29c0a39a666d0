/** `setSettings`, `getSettings`, `clearSettings`, and what they do to live sessions. */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1Statements, breakStoreJobs, breakUserObjects } from '../../support/faults.ts'
import { Gate } from '../../support/gate.ts'
import { fireJobAlarm, mirrored, storeJobs, userObject } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { makeUser } from '../../support/stores.ts'
import { liveRecords, manyUsers, openSessions } from './many.ts'
import { makeTeam, type Team } from './slack.ts'

async function settings(team: Team, ...userIds: string[]) {
  const { body } = await team.call('session.getSettings', { user_ids: JSON.stringify(userIds) })
  expect(body).toMatchObject({ ok: true })
  return body
}

async function auditEvents(team: Team) {
  const rows = await env.DB.prepare('SELECT * FROM audit_events WHERE identity_store_id = ? ORDER BY event_id')
    .bind(team.id)
    .all()
  return rows.results
}

describe('settings', () => {
  test('are set, read and cleared; a user without any is listed apart', async () => {
    const team = await makeTeam()
    const [one, two] = [await team.user(), await team.user()]
    const set = await team.call('session.setSettings', {
      user_ids: JSON.stringify([one.userId]),
      duration: '86400',
      desktop_app_browser_quit: 'true',
    })
    expect(set.body).toEqual({ ok: true })
    expect(await settings(team, one.userId, two.userId)).toEqual({
      ok: true,
      session_settings: [{ user_id: one.userId, desktop_app_browser_quit: true, duration: 86_400 }],
      no_settings_applied: [two.userId],
    })
    expect((await team.call('session.clearSettings', { user_ids: `${one.userId},${two.userId}` })).body).toEqual({
      ok: true,
    })
    expect(await settings(team, one.userId)).toMatchObject({ session_settings: [], no_settings_applied: [one.userId] })
  })

  test('one field leaves the other, and a field never set is not shown', async () => {
    const team = await makeTeam()
    const { userId } = await team.user()
    await team.call('session.setSettings', { user_ids: userId, duration: '28800' })
    expect((await settings(team, userId)).session_settings).toEqual([{ user_id: userId, duration: 28_800 }])
    await team.call('session.setSettings', { user_ids: userId, desktop_app_browser_quit: '0' })
    expect((await settings(team, userId)).session_settings).toEqual([
      { user_id: userId, duration: 28_800, desktop_app_browser_quit: false },
    ])
  })

  test('the bounds of the duration are legal, what is beyond is not', async () => {
    const team = await makeTeam()
    const { userId } = await team.user()
    for (const duration of ['28800', '315569520']) {
      expect((await team.call('session.setSettings', { user_ids: userId, duration })).body.ok).toBe(true)
    }
    for (const [duration, message] of [
      ['28799', 'must be greater than or equal to 28800'],
      ['315569521', 'must be less than or equal to 315569520'],
      ['28800.5', 'must be an integer'],
      ['soon', 'must be an integer'],
    ] as const) {
      const { status, body } = await team.call('session.setSettings', { user_ids: userId, duration })
      expect(status).toBe(200)
      expect(body).toEqual({
        ok: false,
        error: 'invalid_arguments',
        response_metadata: { messages: [`[ERROR] ${message} [json-pointer:/duration]`] },
      })
    }
    expect((await settings(team, userId)).session_settings).toEqual([{ user_id: userId, duration: 315_569_520 }])
  })

  test('one bad user spoils it for all: nothing is changed', async () => {
    const team = await makeTeam()
    const [one, bot] = [await team.user(), await team.user({ bot: true })]
    const stranger = await makeUser()
    const call = (method: string, ...ids: string[]) =>
      team.call(method, { user_ids: JSON.stringify(ids), duration: '86400' }).then(({ body }) => body.error)
    for (const method of ['session.setSettings', 'session.clearSettings', 'session.getSettings']) {
      expect(await call(method, one.userId, 'U404')).toBe('user_not_found')
      expect(await call(method, one.userId, stranger.userId)).toBe('user_not_found')
      expect(await call(method, one.userId, bot.userId)).toBe('bots_not_allowed')
      expect(await call(method, bot.userId, 'U404')).toBe('user_not_found')
    }
    expect(await settings(team, one.userId)).toMatchObject({ session_settings: [] })
    expect(await auditEvents(team)).toEqual([])
    expect(await storeJobs(team.id).list()).toEqual([])
  })

  test('D1 fails while it looks why users were refused: nothing is changed', async () => {
    stopClock()
    const team = await makeTeam()
    const { userId } = await team.user()
    const fault = breakD1Statements(/role_not_within/)
    const { body } = await team.call('session.setSettings', { user_ids: `${userId},U404`, duration: '28800' })
    expect(body).toEqual({ ok: false, error: 'service_unavailable' })
    expect(fault.hits).toBe(1)
    expect(await settings(team, userId)).toMatchObject({ session_settings: [] })
    expect(await auditEvents(team)).toEqual([])
  })

  test.each([
    ['admin', 'owner'],
    ['admin', 'primary_owner'],
    ['owner', 'primary_owner'],
  ] as const)('are not for an %s to change of an %s: nothing is changed', async (role, above) => {
    const team = await makeTeam({ role })
    const [one, two] = [await team.user({ role: above }), await team.user()]
    const user_ids = `${two.userId},${one.userId}`
    for (const method of ['session.setSettings', 'session.clearSettings']) {
      const { body } = await team.call(method, { user_ids, duration: '28800' })
      expect(body).toEqual({ ok: false, error: 'admin_unauthorized' })
    }
    expect(await settings(team, two.userId)).toMatchObject({ session_settings: [] })
    expect(await auditEvents(team)).toEqual([])
    const own = { user_ids: team.owner.userId, duration: '28800' }
    expect((await team.call('session.setSettings', own)).body).toEqual({ ok: true })
  })

  test('without any setting there is nothing to do', async () => {
    const team = await makeTeam()
    const { body } = await team.call('session.setSettings', { user_ids: team.owner.userId })
    expect(body).toEqual({ ok: false, error: 'at_least_one_session_setting_required' })
  })

  test('a change is one audit event, with what was before', async () => {
    const team = await makeTeam()
    const { userId } = await team.user()
    await team.call('session.setSettings', { user_ids: userId, desktop_app_browser_quit: 'true' })
    await team.call('session.setSettings', { user_ids: `${userId},${team.owner.userId}`, duration: '28800' })
    await team.call('session.clearSettings', { user_ids: userId })
    const events = await auditEvents(team)
    expect(events.map(({ action, subject }) => [action, subject])).toEqual([
      ['session_settings.changed', `user:${userId}`],
      ['session_settings.changed', 'users'],
      ['session_settings.cleared', `user:${userId}`],
    ])
    expect(events[1]?.actor).toMatch(/^credential:/)
    expect(JSON.parse(String(events[1]?.before))).toEqual({
      [userId]: { duration_seconds: null, desktop_app_browser_quit: true },
    })
    expect(JSON.parse(String(events[1]?.after))).toEqual({
      duration_seconds: 28_800,
      user_ids: [userId, team.owner.userId],
    })
  })
})

describe('live sessions', () => {
  test('follow a new duration at once', async () => {
    stopClock()
    const team = await makeTeam()
    const user = await team.user()
    const session = await signIn(user)
    await mirrored(user)
    advanceClock(28_800)
    expect((await check(session)).status).toBe(200)
    expect((await team.call('session.setSettings', { user_ids: user.userId, duration: '28800' })).body.ok).toBe(true)
    const dead = await check(session)
    expect(dead.status).toBe(401)
    expect(await dead.json()).toMatchObject({ code: 'session_ended', reason: 'expired' })
  })

  test('live longer by their own duration than the config allows, until it is cleared', async () => {
    stopClock()
    const team = await makeTeam({ config: { sessionMinutes: 5 } })
    const user = await team.user()
    const session = await signIn(user)
    await mirrored(user)
    await team.call('session.setSettings', { user_ids: user.userId, duration: '28800' })
    advanceClock(3_600)
    expect((await check(session)).status).toBe(200)
    await team.call('session.clearSettings', { user_ids: user.userId })
    expect((await check(session)).status).toBe(401)
  })

  test('get a browser-session cookie when it is next issued', async () => {
    stopClock()
    const team = await makeTeam()
    const user = await team.user({ settings: { durationSeconds: 315_569_520 } })
    const session = await signIn(user, { transport: 'cookie', persistent: true })
    await mirrored(user)
    await team.call('session.setSettings', { user_ids: user.userId, desktop_app_browser_quit: '1' })
    advanceClock(31 * 86_400)
    const { token } = session
    const response = await check(session, { bearer: undefined as never, cookie: token })
    expect(response.status).toBe(200)
    const cookie = response.headers.get('set-cookie')
    expect(cookie).toContain('sessionid=')
    expect(cookie).not.toMatch(/max-age|expires/i)
  })

  test('a session whose opening crosses the call follows too', async () => {
    stopClock()
    const team = await makeTeam()
    const user = await team.user()
    // The mirror is held back, so that the setter cannot know of the session.
    const gate = new Gate()
    const leave = intercept(async (call, goOn) => {
      if (call.to === 'D1' && call.statements.some((text) => /^insert into "sessions"/i.test(text))) await gate.pass()
      return goOn()
    })
    const session = await signIn(user)
    const set = await team.call('session.setSettings', { user_ids: user.userId, duration: '28800' })
    expect(set.body).toEqual({ ok: true })
    gate.open()
    leave()
    await mirrored(user)
    advanceClock(28_800)
    expect((await check(session)).status).toBe(401)
  })

  test('1 000 users, 50 of them with 3 live sessions: 50 objects are told, with a few statements', async () => {
    stopClock()
    const team = await makeTeam()
    const userIds = await manyUsers(team.id, 1_000)
    const signedIn = userIds.slice(400, 450)
    const sessions = await openSessions(team.id, signedIn, 3)
    const counts = countCalls()
    let atOnce = 0
    let most = 0
    intercept(async (call, goOn) => {
      if (call.to !== 'USERS') return goOn()
      atOnce += 1
      most = Math.max(most, atOnce)
      try {
        return await goOn()
      } finally {
        atOnce -= 1
      }
    })
    const set = await team.call('session.setSettings', { user_ids: JSON.stringify(userIds), duration: '28800' })
    expect(set.body).toEqual({ ok: true })
    expect(counts.objectCalls).toBe(50)
    expect(most).toBe(32)
    // Caller 1; counter 1; audit event, settings; who is signed in.
    expect(counts.d1Statements).toBe(5)
    expect(counts.d1Trips).toBe(4)
    expect(await storeJobs(team.id).list()).toEqual([])

    const { body } = await team.call('session.getSettings', { user_ids: JSON.stringify(userIds) })
    expect(body.session_settings).toHaveLength(1_000)
    advanceClock(28_800)
    const lists = await Promise.all(signedIn.map((userId) => userObject({ identityStoreId: team.id, userId }).list({})))
    expect(sessions).toBe(150)
    expect(lists.flat()).toEqual([])
  }, 30_000)

  test('1 000 users, none signed in: no object is told, with four statements, and no job is left', async () => {
    const team = await makeTeam()
    const user_ids = JSON.stringify(await manyUsers(team.id, 1_000))
    const calls: string[] = []
    intercept(async (call, goOn) => {
      calls.push(call.to === 'D1' ? `D1 ${call.statements.length}` : `${call.to} ${call.method}`)
      return goOn()
    })
    for (const [method, rowsRead] of [
      // The ids; the users; the ids once more, for those signed in; the settings, twice: they wait for the triggers of
      // events, which find nothing to do, in a table of their own. The audit event takes its number in the chain.
      ['session.setSettings', 5_004],
      // And the settings that were there before; to clear them, who has any is looked up.
      ['session.setSettings', 6_005],
      ['session.clearSettings', 7_005],
    ] as const) {
      calls.length = 0
      const counts = countCalls()
      expect((await team.call(method, { user_ids, duration: '28800' })).body).toEqual({ ok: true })
      // Caller; counter; audit event and settings between the job's begin and end.
      expect(calls).toEqual(['D1 1', 'D1 1', 'JOBS prepare', 'D1 2', 'JOBS cancel'])
      expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 4, d1RowsRead: rowsRead, d1RowsWritten: 1_003 })
      await vi.waitFor(async () => expect(await storeJobs(team.id).list()).toEqual([]))
    }
    const changed = env.DB.prepare(
      'SELECT count(*) AS n FROM session_settings WHERE identity_store_id = ? AND version = 3',
    )
    expect(await changed.bind(team.id).first('n')).toBe(1_000)
  })

  test('1 000 users, all signed in: each object is told once, with a few statements', async () => {
    const team = await makeTeam()
    const userIds = await manyUsers(team.id, 1_000)
    await liveRecords(team.id, userIds)
    // What objects do when they are told is seen above; a thousand new ones are slow.
    intercept(async (call, goOn) => (call.to === 'USERS' ? undefined : goOn()))
    const counts = countCalls()
    const set = await team.call('session.setSettings', { user_ids: JSON.stringify(userIds), duration: '28800' })
    expect(set.body).toEqual({ ok: true })
    expect(counts).toMatchObject({ objectCalls: 1_000, jobCalls: 2, d1Statements: 5, d1RowsWritten: 1_003 })
  })

  test('a session that has ended is no reason to tell its object', async () => {
    const team = await makeTeam()
    const user = await team.user()
    const session = await signIn(user)
    await send('/sessions/current', { method: 'DELETE', bearer: session.token })
    await mirrored(user)
    const counts = countCalls()
    for (const method of ['session.setSettings', 'session.clearSettings']) {
      expect((await team.call(method, { user_ids: user.userId, duration: '28800' })).body).toEqual({ ok: true })
    }
    expect(counts.objectCalls).toBe(0)
  })

  test('users without settings gain no row by clearing them', async () => {
    const team = await makeTeam()
    const users = [await team.user({ settings: { durationSeconds: 28_800 } }), await team.user()]
    const { body } = await team.call('session.clearSettings', { user_ids: users.map(({ userId }) => userId).join() })
    expect(body).toEqual({ ok: true })
    const rows = await env.DB.prepare('SELECT user_id FROM session_settings WHERE identity_store_id = ?')
      .bind(team.id)
      .all()
    expect(rows.results).toEqual([{ user_id: users[0]?.userId }])
  })

  test('the job outlives a Worker that stops before it cancels it, and then finds nobody', async () => {
    stopClock()
    const team = await makeTeam()
    const { userId } = await team.user()
    breakStoreJobs({ only: (call) => call.to === 'JOBS' && call.method === 'cancel' })
    expect((await team.call('session.setSettings', { user_ids: userId, duration: '28800' })).body).toEqual({ ok: true })
    expect(await storeJobs(team.id).list()).toMatchObject([{ job: { kind: 'apply_rules', userIds: [userId] } }])
    const counts = countCalls()
    for (const seconds of [11, 31]) {
      advanceClock(seconds)
      await fireJobAlarm(team.id)
    }
    expect(await storeJobs(team.id).list()).toEqual([])
    expect(counts.objectCalls).toBe(0)
  })

  test('some objects out of reach: the settings stand, and a job tells the rest', async () => {
    stopClock()
    const team = await makeTeam()
    const users = [await team.user(), await team.user(), await team.user()]
    const sessions = await Promise.all(users.map((user) => signIn(user)))
    await Promise.all(users.map(mirrored))
    const fault = breakUserObjects({ times: 2, only: (call) => call.to === 'USERS' && call.method === 'applyRules' })
    const userIds = users.map(({ userId }) => userId)
    const set = await team.call('session.setSettings', { user_ids: JSON.stringify(userIds), duration: '28800' })
    expect(set).toMatchObject({ status: 200, body: { ok: false, error: 'unable_to_update_existing_sessions' } })
    expect(fault.hits).toBe(2)
    expect((await settings(team, ...userIds)).session_settings).toHaveLength(3)
    const [job] = await storeJobs(team.id).list()
    // The first of them was told.
    expect(job).toMatchObject({ failures: 1, job: { kind: 'apply_rules', userIds: { length: 2 } } })
    advanceClock(5)
    await fireJobAlarm(team.id)
    expect(await storeJobs(team.id).list()).toEqual([])
    advanceClock(28_800)
    for (const session of sessions) expect((await check(session)).status).toBe(401)
  })

  test('D1 fails while it is written: service_unavailable, and what was written is applied all the same', async () => {
    stopClock()
    const team = await makeTeam()
    const user = await team.user()
    const session = await signIn(user)
    await mirrored(user)
    const fault = breakD1Statements(/session_settings/, { when: 'after', times: 1 })
    const set = await team.call('session.setSettings', { user_ids: user.userId, duration: '28800' })
    expect(set).toMatchObject({ status: 200, body: { ok: false, error: 'service_unavailable' } })
    expect(fault.hits).toBe(1)
    advanceClock(11)
    await fireJobAlarm(team.id)
    advanceClock(28_790)
    expect((await check(session)).status).toBe(401)
  })
})
