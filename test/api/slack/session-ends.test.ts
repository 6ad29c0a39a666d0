/** `invalidate`, `reset`, `resetBulk`. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { sessionNumber } from '../../../src/domain/session-id.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1Statements, breakStoreJobs, breakUserObjects } from '../../support/faults.ts'
import { fireJobAlarm, mirrored, storeJobs, userObject } from '../../support/objects.ts'
import { check, send, signIn, type TestSession } from '../../support/requests.ts'
import { makeOperator, makeUser, type TestUser } from '../../support/stores.ts'
import { manyRecords, manyUsers, openSessions } from './many.ts'
import { makeTeam, type Team } from './slack.ts'

const PHONE = 'com.tinyspeck.chatlyio/24.10 (iPhone; iOS 18.0; Scale/3.00)'

let team: Team
let user: TestUser
beforeEach(async () => {
  team = await makeTeam()
  user = await team.user()
})

/** Whether sessions live; not their users' activity. */
function alive(...sessions: TestSession[]): Promise<boolean[]> {
  return Promise.all(
    sessions.map(async ({ token }) => (await send('/sessions/current?touch=false', { bearer: token })).status === 200),
  )
}

async function signedIn(options = {}): Promise<TestSession> {
  const session = await signIn(user, options)
  await mirrored(user)
  return session
}

const errorOf = async (method: string, args: Record<string, string>) => (await team.call(method, args)).body.error

describe('invalidate', () => {
  test('ends one session, by team or by user, and records who did it', async () => {
    const [one, two, three] = [await signedIn(), await signedIn(), await signedIn()]
    const byTeam = { team_id: team.id, session_id: String(sessionNumber(one.id)) }
    expect((await team.call('session.invalidate', byTeam)).body).toEqual({ ok: true })
    const byUser = { user_id: user.userId, session_id: String(sessionNumber(two.id)) }
    expect((await team.call('session.invalidate', byUser)).body).toEqual({ ok: true })
    expect(await alive(one, two, three)).toEqual([false, false, true])
    await mirrored(user)
    const row = await env.DB.prepare('SELECT * FROM sessions WHERE session_id = ?').bind(one.id).first()
    expect(row).toMatchObject({ end_reason: 'revoked', ended_by: expect.stringMatching(/^credential:/) })
    for (const args of [byTeam, byUser]) expect(await errorOf('session.invalidate', args)).toBe('session_not_found')
  })

  test('takes the number as a number, and both team and user', async () => {
    const session = await signedIn()
    const json = { session_id: sessionNumber(session.id), team_id: team.id, user_id: user.userId }
    expect((await team.call('session.invalidate', {}, { json })).body).toEqual({ ok: true })
    expect(await alive(session)).toEqual([false])
  })

  test('finds nothing of another team or user, and nothing that is not there', async () => {
    const session = await signedIn()
    const session_id = String(sessionNumber(session.id))
    const stranger = await makeUser()
    const theirs = await signIn(stranger)
    await mirrored(stranger)
    const invalidate = (args: Record<string, string>) => errorOf('session.invalidate', args)
    expect(await invalidate({ team_id: team.id, session_id: String(sessionNumber(theirs.id)) })).toBe(
      'session_not_found',
    )
    expect(await invalidate({ team_id: team.id, session_id: '12345' })).toBe('session_not_found')
    expect(await invalidate({ user_id: team.owner.userId, session_id })).toBe('session_not_found')
    expect(await invalidate({ user_id: stranger.userId, session_id })).toBe('user_not_found')
    expect(await invalidate({ session_id })).toBe('invalid_arguments')
    expect(await invalidate({ team_id: team.id })).toBe('invalid_arguments')
    expect(await invalidate({ team_id: team.id, session_id: '9007199254740992' })).toBe('invalid_arguments')
    expect(await alive(session, theirs)).toEqual([true, true])
  })

  test('refuses a number that two live sessions share', async () => {
    const [one, two] = [await signedIn(), await signedIn()]
    const number = sessionNumber(one.id)
    await env.DB.prepare('UPDATE sessions SET number = ? WHERE session_id = ?').bind(number, two.id).run()
    const args = { team_id: team.id, session_id: String(number) }
    expect(await errorOf('session.invalidate', args)).toBe('session_invalidation_failed')
    expect(await alive(one, two)).toEqual([true, true])
  })

  test('fails in its own words when the object is out of reach', async () => {
    const session = await signedIn()
    breakUserObjects()
    for (const who of [{ team_id: team.id }, { user_id: user.userId }]) {
      const args = { ...who, session_id: String(sessionNumber(session.id)) }
      expect(await errorOf('session.invalidate', args)).toBe('session_invalidation_failed')
    }
  })

  test('reads no other record than the one', async () => {
    await manyRecords(team.id, team.owner.userId, 5_000, Date.now(), null)
    const session = await signedIn()
    const counts = countCalls()
    const args = { team_id: team.id, session_id: String(sessionNumber(session.id)) }
    expect((await team.call('session.invalidate', args)).body).toEqual({ ok: true })
    expect(counts.d1RowsRead).toBeLessThan(20)
  })
})

describe('reset', () => {
  test('ends all sessions of a user', async () => {
    const sessions = [await signedIn(), await signedIn({ userAgent: PHONE })]
    expect((await team.call('session.reset', { user_id: user.userId })).body).toEqual({ ok: true })
    expect(await alive(...sessions)).toEqual([false, false])
    expect((await team.call('session.reset', { user_id: user.userId })).body).toEqual({ ok: true })
  })

  test.each([
    ['mobile_only', [true, false, true]],
    ['web_only', [false, true, false]],
  ])('with %s ends those of that kind of client alone', async (only, left) => {
    const sessions = [await signedIn(), await signedIn({ userAgent: PHONE }), await signedIn({ userAgent: 'curl/8' })]
    expect((await team.call('session.reset', { user_id: user.userId, [only]: '1' })).body).toEqual({ ok: true })
    expect(await alive(...sessions)).toEqual(left)
  })

  test('goes by the client that uses the session now', async () => {
    const session = await signedIn()
    await check(session, { userAgent: PHONE })
    await team.call('session.reset', { user_id: user.userId, web_only: 'true' })
    expect(await alive(session)).toEqual([true])
    await team.call('session.reset', { user_id: user.userId, mobile_only: 'true' })
    expect(await alive(session)).toEqual([false])
  })

  test('refuses what cannot be meant, and leaves everything as it is', async () => {
    const session = await signedIn()
    const both = { user_id: user.userId, mobile_only: 'true', web_only: 'true' }
    expect(await errorOf('session.reset', both)).toBe('invalid_arguments')
    expect(await errorOf('session.reset', {})).toBe('invalid_form_data')
    expect(await errorOf('session.reset', { web_only: 'true' })).toBe('invalid_arguments')
    expect(await errorOf('session.reset', { user_id: (await makeUser()).userId })).toBe('user_not_found')
    expect(await errorOf('session.reset', { user_id: (await team.user({ bot: true })).userId })).toBe(
      'cannot_reset_bot',
    )
    expect(await alive(session)).toEqual([true])
  })

  test('fails in its own words when the object is out of reach', async () => {
    breakUserObjects()
    expect(await errorOf('session.reset', { user_id: user.userId })).toBe('user_session_reset_failed')
  })
})

describe("a primary owner's sessions", () => {
  test.each(['owner', 'admin'] as const)('are not for an %s to end', async (role) => {
    team = await makeTeam({ role })
    user = await team.user({ role: 'primary_owner' })
    const session = await signedIn()
    const args = { user_id: user.userId, session_id: String(sessionNumber(session.id)) }
    expect(await errorOf('session.invalidate', args)).toBe('cannot_invalidate_primary_owner')
    expect(await errorOf('session.invalidate', { session_id: args.session_id, team_id: team.id })).toBe(
      'cannot_invalidate_primary_owner',
    )
    expect(await errorOf('session.reset', { user_id: user.userId })).toBe('cannot_reset_primary_owner')
    const userIds = { user_ids: `${team.owner.userId},${user.userId}` }
    expect(await errorOf('session.resetBulk', userIds)).toBe('cannot_reset_primary_owner')
    expect(await storeJobs(team.id).list()).toEqual([])
    expect(await alive(session)).toEqual([true])
  })

  test("are the primary owner's own to end", async () => {
    team = await makeTeam({ role: 'primary_owner' })
    user = team.owner
    const [one, two] = [await signedIn(), await signedIn()]
    const args = { user_id: user.userId, session_id: String(sessionNumber(one.id)) }
    expect((await team.call('session.invalidate', args)).body).toEqual({ ok: true })
    expect((await team.call('session.reset', { user_id: user.userId })).body).toEqual({ ok: true })
    expect(await alive(one, two)).toEqual([false, false])
  })
})

test('an admin ends no session of an owner', async () => {
  team = await makeTeam({ role: 'admin' })
  user = await team.user({ role: 'owner' })
  const session = await signedIn()
  const args = { user_id: user.userId, session_id: String(sessionNumber(session.id)) }
  expect(await errorOf('session.invalidate', args)).toBe('admin_unauthorized')
  expect(await errorOf('session.reset', { user_id: user.userId })).toBe('access_denied')
  const all = { user_ids: `${team.owner.userId},${user.userId}` }
  expect(await errorOf('session.resetBulk', all)).toBe('access_denied')
  expect(await storeJobs(team.id).list()).toEqual([])
  expect(await alive(session)).toEqual([true])
})

/** Fires the alarm until nothing is left to do; there is a pause between the steps. */
async function finishJobs(): Promise<void> {
  for (let steps = 0; (await storeJobs(team.id).list()).length > 0; steps += 1) {
    expect(steps).toBeLessThan(50)
    advanceClock(10)
    await fireJobAlarm(team.id)
  }
}

describe('resetBulk', () => {
  test('is done in the background, and its progress shows to operators', async () => {
    stopClock()
    const userIds = await manyUsers(team.id, 100)
    await openSessions(team.id, userIds.slice(0, 40), 1)
    breakUserObjects({ times: 1, only: (call) => call.to === 'USERS' && call.method === 'end' })
    const { status, body } = await team.call('session.resetBulk', { user_ids: JSON.stringify(userIds) })
    expect([status, body]).toEqual([200, { ok: true }])
    await fireJobAlarm(team.id)
    const bearer = await makeOperator()
    const jobs = await (await send(`/operator/identity-stores/${team.id}/jobs`, { bearer })).json()
    expect(jobs).toMatchObject({ jobs: [{ kind: 'reset_users', done: expect.any(Number), left: expect.any(Number) }] })
    const { done = 0, left = 0 } = (jobs as { jobs: { done: number; left: number }[] }).jobs[0] ?? {}
    expect(done + left).toBe(100)
    expect(done).toBeGreaterThanOrEqual(31)
    await finishJobs()
    for (const userId of userIds.slice(0, 40)) {
      expect(await userObject({ identityStoreId: team.id, userId }).list({})).toEqual([])
    }
  }, 30_000)

  test('ends what is open when a user is reached, and nothing that is opened afterwards', async () => {
    stopClock()
    const before = await signedIn()
    const fault = breakUserObjects({ only: (call) => call.to === 'USERS' && call.method === 'end' })
    expect((await team.call('session.resetBulk', { user_ids: user.userId })).body).toEqual({ ok: true })
    await fireJobAlarm(team.id)
    expect(fault.hits).toBeGreaterThan(0)
    fault.repair()
    await finishJobs()
    const after = await signedIn()
    advanceClock(60)
    await fireJobAlarm(team.id)
    expect(await alive(before, after)).toEqual([false, true])
  })

  test("ends every session that was open before, also where the user's clock is ahead of the caller's", async () => {
    const now = stopClock()
    const before = await signedIn()
    stopClock(now - 5_000)
    expect((await team.call('session.resetBulk', { user_ids: user.userId })).body).toEqual({ ok: true })
    await finishJobs()
    expect(await alive(before)).toEqual([false])
  })

  test('with mobile_only leaves the others', async () => {
    const [desktop, phone] = [await signedIn(), await signedIn({ userAgent: PHONE })]
    await team.call('session.resetBulk', { user_ids: user.userId, mobile_only: 'true' })
    await finishJobs()
    expect(await alive(desktop, phone)).toEqual([true, false])
  })

  test('takes 1 000 users, not 1 001, and all of them must be there', async () => {
    const ids = Array.from({ length: 1_001 }, (_, index) => `U${index}`)
    const { body } = await team.call('session.resetBulk', { user_ids: JSON.stringify(ids) })
    expect(body).toMatchObject({
      error: 'invalid_arguments',
      response_metadata: { messages: ['[ERROR] no more items than 1000 allowed [json-pointer:/user_ids]'] },
    })
    expect(await errorOf('session.resetBulk', { user_ids: JSON.stringify(ids.slice(1)) })).toBe('user_not_found')
    const bot = await team.user({ bot: true })
    expect(await errorOf('session.resetBulk', { user_ids: `${user.userId},${bot.userId}` })).toBe('cannot_reset_bot')
    expect(await storeJobs(team.id).list()).toEqual([])
  })

  test('is not accepted when it cannot be written down', async () => {
    const jobs = breakStoreJobs()
    expect(await errorOf('session.resetBulk', { user_ids: user.userId })).toBe('service_unavailable')
    jobs.repair()
    breakD1Statements(/"users"/)
    expect(await errorOf('session.resetBulk', { user_ids: user.userId })).toBe('service_unavailable')
  })
})
