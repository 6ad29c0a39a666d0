/** Sessions at the operator API: lists, one with its timeline, ends. */
import { describe, expect, test } from 'vitest'
import { END_SENTENCES } from '../../../src/domain/end-sentences.ts'
import type { SessionConfig } from '../../../src/domain/policy.ts'
import { sessionNumber } from '../../../src/domain/session-id.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { fireJobAlarm, fireUserAlarm, mirrored, rowsOf, storeJobs } from '../../support/objects.ts'
import { check, send, signIn, type TestSession } from '../../support/requests.ts'
import { makeApiClient, makeBearer, makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { newUser } from '../../support/users.ts'
import { auditEvents, operate, patch, put } from './operator.ts'

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'
const sessionsOf = (store: string) => `/identity-stores/${store}/sessions`
const userSessions = ({ identityStoreId, userId }: TestUser) =>
  `/identity-stores/${identityStoreId}/users/${userId}/sessions`

/** One session with its timeline, once D1 knows it. */
async function explained({ id, user }: TestSession) {
  await mirrored(user)
  const { status, body } = await operate(`${sessionsOf(user.identityStoreId)}/${id}`)
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}
const lastOf = async (session: TestSession) => (await explained(session)).timeline.at(-1)

describe('a session', () => {
  test('is the same in every answer', async () => {
    const user = await makeUser()
    const session = await signIn(user, { userAgent: PHONE })
    await mirrored(user)
    const [listed] = (await operate(sessionsOf(user.identityStoreId))).body.sessions
    const own = await operate(userSessions(user))
    const { timeline, policy, source, ...one } = await explained(session)
    expect(own.body).toMatchObject({ source: 'object', next_cursor: null, may_be_behind_seconds: 0 })
    expect([own.body.sessions, listed]).toEqual([[one], one])
    expect(one).toEqual({
      session_id: session.id,
      number: sessionNumber(session.id),
      identity_store_id: user.identityStoreId,
      user_id: user.userId,
      kind: 'web',
      client_kind: 'mobile',
      opened_at: expect.any(String),
      last_seen_at: one.opened_at,
      expires_at: new Date(Date.parse(one.opened_at) + 2_592_000_000).toISOString(),
      idles_out_at: null,
      credentials_type: 'password',
      address: user.address,
      browser: 'Safari 17.5',
      operating_system: 'iOS 17.5',
      location: null,
      flags: { new_device: false, persistent: false, sudo: false },
      ended_at: null,
      end_reason: null,
      end_sentence: null,
      ended_by: null,
      end_request_id: null,
    })
    expect(source).toBe('object')
    expect(policy.overall_timeout_seconds).toMatchObject({ value: 2_592_000, from: 'config', version: 1 })
    expect(timeline).toEqual([
      {
        event: 'opened',
        at: one.opened_at,
        credentials_type: 'password',
        by: `user:${user.userId}`,
        address: user.address,
        browser: 'Safari 17.5',
        operating_system: 'iOS 17.5',
        replaces_session_id: null,
        opened_from_session_id: null,
        new_device: false,
      },
    ])
  })

  test('that is not there, or of another store, is not found', async () => {
    const session = await signIn(await makeUser())
    await mirrored(session.user)
    const other = await makeStore()
    expect((await operate(`${sessionsOf(other)}/${session.id}`)).status).toBe(404)
    expect((await operate(`${sessionsOf(other)}/${crypto.randomUUID()}`)).status).toBe(400)
    expect((await operate(sessionsOf('none'))).status).toBe(404)
  })

  test('says by whom it was opened: a back end, an API client, an administrator who acts as the user', async () => {
    const admin = await makeUser({ role: 'admin' })
    const user = await makeUser({ identityStoreId: admin.identityStoreId })
    const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
    const json = { user_id: user.userId, client: { address: '192.0.2.9', user_agent: null } }
    const opened = (await (await send('/sessions', { bearer, json })).json()) as { id: string }
    const { timeline, flags } = await explained({ id: opened.id, token: '', user })
    expect(timeline[0]).toMatchObject({
      by: expect.stringMatching(/^credential:/),
      credentials_type: 'trusted_back_end',
    })
    expect(flags.new_device).toBeNull()

    const client = await makeApiClient(admin.identityStoreId, ['looker'], { ownerUserId: admin.userId })
    const form = { client_id: client.clientId, client_secret: client.clientSecret }
    const login = (await (await send('/api/4.0/login', { form })).json()) as { access_token: string }
    await mirrored(admin)
    const [own] = await rowsOf<{ id: string }>(admin, 'SELECT id FROM sessions')
    const api = await explained({ id: own?.id ?? '', token: '', user: admin })
    expect(api.timeline[0]).toMatchObject({ by: expect.stringMatching(/^credential:/), credentials_type: 'api_client' })
    await send(`/api/4.0/login/${user.userId}`, {
      method: 'POST',
      headers: { authorization: `token ${login.access_token}` },
    })
    await mirrored(user)
    const [sudo] = await rowsOf<{ id: string }>(user, "SELECT id FROM sessions WHERE kind = 'api'")
    const acting = await explained({ id: sudo?.id ?? '', token: '', user })
    expect(acting).toMatchObject({ kind: 'api', flags: { sudo: true } })
    expect(acting.timeline[0]).toMatchObject({ by: `user:${admin.userId}`, opened_from_session_id: own?.id })
  })
})

describe('a device', () => {
  const isNew = async (user: TestUser, userAgent: string) => {
    const session = await signIn(user, { userAgent })
    return (await explained(session)).flags.new_device
  }

  test('is new where the user has opened no session with its like in 90 days, and never is the first', async () => {
    stopClock()
    const user = await makeUser()
    expect([await isNew(user, FIREFOX), await isNew(user, FIREFOX.replaceAll('130', '131'))]).toEqual([false, false])
    expect([await isNew(user, PHONE), await isNew(user, PHONE)]).toEqual([true, false])
    advanceClock(89 * 86_400)
    expect(await isNew(user, PHONE)).toBe(false)
    advanceClock(2 * 86_400)
    expect([await isNew(user, PHONE), await isNew(user, FIREFOX)]).toEqual([false, true])
  })

  test('is known while a session that lives is used with it', async () => {
    stopClock()
    const user = await makeUser({ settings: { durationSeconds: 315_569_520 } })
    const session = await signIn(user, { userAgent: FIREFOX })
    advanceClock(80 * 86_400)
    await check(session, { userAgent: FIREFOX })
    advanceClock(80 * 86_400)
    expect(await isNew(user, FIREFOX)).toBe(false)
  })

  test('is remembered once, without its version', async () => {
    const user = await newUser()
    const client = (userAgent: string) => ({ client: { address: null, userAgent } })
    for (let index = 0; index < 25; index += 1) await user.open(client(FIREFOX))
    const [{ devices } = { devices: '' }] = await rowsOf<{ devices: string }>(user, 'SELECT devices FROM owner')
    expect(JSON.parse(devices)).toEqual([{ kind: 'Firefox on Linux', seenAt: expect.any(Number) }])
  })
})

describe('changes of client', () => {
  test('are told, the last ten, also of a session that has ended', async () => {
    stopClock()
    const session = await signIn(await makeUser(), { userAgent: FIREFOX })
    for (let index = 1; index <= 12; index += 1) {
      advanceClock(31)
      await check(session, { address: `192.0.2.${index}`, userAgent: PHONE })
    }
    const told = async () =>
      (await explained(session)).timeline.flatMap((entry: { event: string; address: string }) =>
        entry.event === 'client_changed' ? [entry.address] : [],
      )
    const lastTen = Array.from({ length: 10 }, (_, index) => `192.0.2.${index + 3}`)
    expect(await told()).toEqual(lastTen)
    await operate(`${userSessions(session.user)}/end`, { json: { all: true } })
    expect(await told()).toEqual(lastTen)
  })
})

describe('the end of a session is explained:', () => {
  const config = (changes: Partial<SessionConfig>) => makeUser({ config: changes })

  test('logout', async () => {
    const session = await signIn(await makeUser())
    await send('/sessions/current', { method: 'DELETE', bearer: session.token })
    expect(await lastOf(session)).toEqual({
      event: 'ended',
      at: expect.any(String),
      reason: 'logout',
      sentence: END_SENTENCES.logout,
      decision: null,
      by: `session:${session.id}`,
      request_id: expect.any(String),
    })
  })

  test('replaced, by whom and by what', async () => {
    const user = await makeUser()
    const first = await signIn(user, { transport: 'cookie' })
    const second = await signIn(user, { transport: 'cookie', cookie: first.token })
    const ended = await lastOf(first)
    expect(ended).toMatchObject({ reason: 'replaced', decision: null, by: `user:${user.userId}` })
    expect((await explained(second)).timeline[0]).toMatchObject({ replaces_session_id: first.id })
  })

  test.each([
    ['config', { config: { sessionMinutes: 10 } }, { rule: 'overall_timeout', value: 600, version: 1 }],
    ['settings', { settings: { durationSeconds: 28_800 } }, { rule: 'overall_timeout', value: 28_800, version: 1 }],
    [
      'config',
      { config: { useInactivityBasedLogout: true, inactivityTimeoutSeconds: 60 } },
      { rule: 'inactivity_timeout', value: 60, version: 1 },
    ],
  ] as const)('a timeout of the %s', async (from, options, decision) => {
    stopClock()
    const session = await signIn(await makeUser(options))
    await mirrored(session.user)
    advanceClock(decision.value)
    await fireUserAlarm(session.user)
    const reason = decision.rule === 'overall_timeout' ? 'expired' : 'idle'
    expect(await lastOf(session)).toMatchObject({ reason, decision: { from, ...decision }, by: null, request_id: null })
  })

  test('a timeout of the group, in its version', async () => {
    stopClock()
    const identityStoreId = await makeStore()
    const group = `/identity-stores/${identityStoreId}/groups/g1/session-config`
    await put(group, { overall_timeout_seconds: 900 })
    await put(group, { overall_timeout_seconds: 600 })
    const session = await signIn(await makeUser({ identityStoreId, groupId: 'g1' }))
    await mirrored(session.user)
    advanceClock(600)
    await fireUserAlarm(session.user)
    const decision = { rule: 'overall_timeout', value: 600, from: 'group', version: 2 }
    expect(await lastOf(session)).toMatchObject({ reason: 'expired', decision })
  })

  test('the limit: of all, of a kind of client, and the default', async () => {
    const limited = await config({ concurrentSessionLimit: 1 })
    const first = await signIn(limited)
    await signIn(limited)
    const decision = { rule: 'concurrent_sessions', value: 1, from: 'config', version: 1 }
    expect(await lastOf(first)).toMatchObject({ reason: 'evicted', decision, by: null })
    const byKind = await config({ clientKindLimits: { web: null, mobile: 2 } })
    const phones = [await signIn(byKind, { userAgent: PHONE }), await signIn(byKind, { userAgent: PHONE })]
    await signIn(byKind, { userAgent: PHONE })
    expect(await lastOf(phones[0] as TestSession)).toMatchObject({ decision: { ...decision, value: 2 } })
  })

  test('a choice of the user to make room is no rule', async () => {
    const user = await config({ concurrentSessionLimit: 1, whenLimitReached: 'refuse' })
    const first = await signIn(user)
    const { username, password, address } = user
    const json = { username, password, transport: 'bearer', end_sessions: [first.id] }
    expect((await send('/sessions', { address, json })).status).toBe(201)
    expect(await lastOf(first)).toMatchObject({ reason: 'evicted', decision: null, by: `user:${user.userId}` })
  })

  test.each([
    ['user_disabled', { active: false }],
    ['password_changed', { password: 'another long password' }],
  ] as const)('%s', async (reason, change) => {
    const user = await makeUser()
    const session = await signIn(user)
    await patch(`/identity-stores/${user.identityStoreId}/users/${user.userId}`, change)
    expect(await lastOf(session)).toMatchObject({ reason, sentence: END_SENTENCES[reason], decision: null, by: null })
  })

  test('revoked, by whom and by which request', async () => {
    const user = await makeUser()
    const sessions = [await signIn(user), await signIn(user), await signIn(user)] as const
    const ids = sessions.map(({ id }) => id)
    const end = (json: object) => operate(`${userSessions(user)}/end`, { json })
    expect((await end({ except_session_ids: ids.slice(1) })).body).toEqual({ ended: ids.slice(0, 1) })
    expect((await end({ session_ids: [ids[0], ids[1]] })).body).toEqual({ ended: [ids[1]] })
    expect((await end({ all: true })).body).toEqual({ ended: [ids[2]] })
    const [event] = await auditEvents(user.identityStoreId)
    expect(event).toMatchObject({ action: 'sessions.ended', subject: `user:${user.userId}`, after: { all: true } })
    const ended = await lastOf(sessions[2])
    expect(ended).toMatchObject({ reason: 'revoked', by: event.actor, request_id: event.request_id })
    expect((await end({ all: true, session_ids: ids })).status).toBe(400)
    expect((await operate(userSessions(user))).body.sessions).toEqual([])
  })

  test('also where the object remembers it no more, but for the changes of client', async () => {
    const session = await signIn(await makeUser({ config: { concurrentSessionLimit: 1 } }))
    await signIn(session.user)
    const before = await explained(session)
    await rowsOf(session.user, `DELETE FROM sessions WHERE id = '${session.id}'`)
    expect(await explained(session)).toEqual({ ...before, source: 'mirror' })
  })
})

describe('ends by a job', () => {
  const end = (store: string, json: object) => operate(`${sessionsOf(store)}/end`, { json })
  /** Runs a job to its end. */
  async function finish(store: string, jobId: string) {
    for (let step = 0; step < 50; step += 1) {
      const { body } = await operate(`/identity-stores/${store}/jobs/${jobId}`)
      if (body.state === 'done') return body
      await fireJobAlarm(store)
    }
    throw new Error('it does not end')
  }

  test('end those that are named, and say what became of each', async () => {
    const user = await makeUser()
    const foreign = await signIn(await makeUser())
    const [one, two, three] = [await signIn(user), await signIn(user), await signIn(user)]
    await operate(`${userSessions(user)}/end`, { json: { session_ids: [three.id] } })
    for (const each of [user, foreign.user]) await mirrored(each)
    const store = user.identityStoreId
    const accepted = await end(store, { session_ids: [one.id, three.id, foreign.id, one.id] })
    expect(accepted).toMatchObject({ status: 202, body: { kind: 'end_sessions', done: 2, left: 1, failures: 0 } })
    const job = await finish(store, accepted.body.job_id)
    expect(job).toMatchObject({ state: 'done', done: 3, left: 0 })
    const results = (await operate(job.results_url.slice('/operator'.length))).body.results
    expect(results).toEqual([
      { session_id: one.id, user_id: user.userId, outcome: 'ended' },
      { session_id: three.id, user_id: user.userId, outcome: 'already_ended' },
      { session_id: foreign.id, user_id: null, outcome: 'not_found' },
    ])
    const [event] = await auditEvents(store)
    expect(event).toMatchObject({ action: 'sessions.end_requested', after: { sessions: 1 } })
    expect(await lastOf(one)).toMatchObject({ reason: 'revoked', by: event.actor, request_id: event.request_id })
    expect([(await check(two)).status, (await check(foreign)).status]).toEqual([200, 200])
  })

  test('end what fits a filter and was there, unless far more than expected', async () => {
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: 12 }, () => makeUser({ identityStoreId })))
    const phones: TestSession[] = []
    for (const user of users) phones.push(await signIn(user, { userAgent: PHONE }))
    const desk = await signIn(users[0] as TestUser, { userAgent: FIREFOX })
    for (const user of users) await mirrored(user)
    const filter = { client_kind: 'mobile' }
    const refused = await end(identityStoreId, { filter, expected: 10 })
    expect(refused).toMatchObject({ status: 409, body: { code: 'more_than_expected', count: 12 } })
    const accepted = await end(identityStoreId, { filter, expected: 11 })
    expect(accepted).toMatchObject({ status: 202, body: { left: 12 } })
    const later = await signIn(users[0] as TestUser, { userAgent: PHONE })
    await mirrored(later.user)
    await finish(identityStoreId, accepted.body.job_id)
    const alive = await Promise.all([...phones, desk, later].map(async (session) => (await check(session)).status))
    expect(alive).toEqual([...phones.map(() => 401), 200, 200])
  })

  test('are spread over a time, can be given up, and be asked for again', async () => {
    stopClock()
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: 4 }, () => makeUser({ identityStoreId })))
    const sessions: TestSession[] = []
    for (const user of users) sessions.push(await signIn(user))
    for (const user of users) await mirrored(user)
    const { body: job } = await end(identityStoreId, { filter: {}, expected: 4, over_seconds: 3_600 })
    const path = `/identity-stores/${identityStoreId}/jobs/${job.job_id}`
    const read = async () => (await operate(path)).body
    await expect.poll(async () => (await read()).left).toBe(3)
    advanceClock(890)
    await fireJobAlarm(identityStoreId)
    expect(await read()).toMatchObject({ left: 3, state: 'running' })
    advanceClock(10)
    await fireJobAlarm(identityStoreId)
    expect(await read()).toMatchObject({ left: 2 })
    expect((await operate(`${path}/retry`, { method: 'POST' })).body).toMatchObject({ job_id: job.job_id })
    await fireJobAlarm(identityStoreId)
    expect(await read()).toMatchObject({ left: 1 })
    expect((await operate(path, { method: 'DELETE' })).status).toBe(204)
    expect(await read()).toMatchObject({ state: 'cancelled', left: 0, done: 4 })
    const { results } = (await operate(`${path}/results?limit=3`)).body
    const rest = (await operate(`${path}/results?limit=3&cursor=3`)).body
    expect([...results, ...rest.results].map(({ outcome }) => outcome)).toEqual([
      'ended',
      'ended',
      'ended',
      'cancelled',
    ])
    expect(rest.next_cursor).toBeNull()
    expect((await operate(`${path}/retry`, { method: 'POST' })).status).toBe(409)
    expect((await auditEvents(identityStoreId)).slice(0, 3).map(({ action }) => action)).toEqual([
      'job.cancelled',
      'job.retried',
      'sessions.end_requested',
    ])
    // What became of them is kept for a day.
    advanceClock(86_399)
    await fireJobAlarm(identityStoreId)
    expect((await operate(path)).status).toBe(200)
    advanceClock(2)
    await fireJobAlarm(identityStoreId)
    expect([(await operate(path)).status, (await operate(`${path}/results`)).status]).toEqual([404, 404])
  })

  test('want either ids or a filter with a number', async () => {
    const store = await makeStore()
    const id = '01890000-0000-7000-8000-000000000000'
    for (const json of [{}, { filter: {} }, { session_ids: [id], expected: 1 }, { session_ids: [] }]) {
      expect((await end(store, json)).status, JSON.stringify(json)).toBe(400)
    }
    expect((await end(store, { session_ids: [id], filter: {}, expected: 1 })).body.errors).toHaveLength(1)
  })
})

test('a job that completes a change cannot be given up', async () => {
  const store = await makeStore()
  await storeJobs(store).prepare(store, [{ id: 'sweep_sessions:1', job: { kind: 'sweep_sessions' } }])
  const path = `/identity-stores/${store}/jobs/sweep_sessions:1`
  expect((await operate(path)).body).toMatchObject({ state: 'running', done: null, left: null, results_url: null })
  expect((await operate(path, { method: 'DELETE' })).status).toBe(409)
  expect((await operate(`${path}/results`)).status).toBe(404)
  expect((await operate(`${path}x`)).body.code).toBe('job_not_found')
})

test('who may only read, reads', async () => {
  const user = await makeUser()
  await signIn(user)
  const bearer = await makeOperator({ scopes: ['operator:read'] })
  expect((await operate(userSessions(user), { bearer })).status).toBe(200)
  expect((await operate(`${userSessions(user)}/end`, { bearer, json: { all: true } })).status).toBe(403)
  expect((await operate(`${sessionsOf(user.identityStoreId)}/end`, { bearer, json: {} })).status).toBe(403)
})
