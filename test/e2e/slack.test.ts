/** Slack's own client, unmodified, and a bulk reset that outlives the process. */

import { type AdminUsersSessionListResponse, ErrorCode, WebClient, WebClientEvent } from '@slack/web-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLocalDatabase } from './support/local-database.ts'
import { type Served, serve } from './support/served.ts'

const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1'
const DESKTOP = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const [JOHN, ADA, GRACE, BOT] = ['U0000000001', 'U0000000002', 'U0000000003', 'U0000000009'] as const

let server: Served
let slack: WebClient
let team: string

beforeAll(async () => {
  server = await serve()
  team = server.credentials.identity_store_id
  slack = client(server.credentials.slack.token)
})

afterAll(async () => {
  await server?.stop()
})

function client(token: string | undefined, options = {}): WebClient {
  return new WebClient(token, { slackApiUrl: `${server.credentials.base_url}/api/`, ...options })
}

async function post(path: string, token: string, body: object) {
  const response = await fetch(server.credentials.base_url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBeLessThan(300)
  return response.json()
}

/** Opens a session for a user; answers its token. */
async function open(userId: string, userAgent = DESKTOP): Promise<string> {
  const body = { user_id: userId, client: { address: '192.0.2.1', user_agent: userAgent } }
  const opened = (await post('/sessions', server.credentials.service.token, body)) as { token: string }
  return opened.token
}

async function isLive(token: string): Promise<boolean> {
  const url = `${server.credentials.base_url}/sessions/current?touch=false`
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status === 200
}

/** The error that a call is refused with. */
async function refusal(call: Promise<unknown>): Promise<{ error: string; messages: string[] }> {
  const error = await call.then(
    () => expect.unreachable('it was not refused'),
    (thrown: { code: string; data: { error: string; response_metadata?: { messages?: string[] } } }) => thrown,
  )
  expect(error.code).toBe(ErrorCode.PlatformError)
  return { error: error.data.error, messages: error.data.response_metadata?.messages ?? [] }
}

describe("Slack's client", () => {
  test('makes its first calls', async () => {
    expect(await slack.apiCall('api.test', { foo: 'bar' })).toMatchObject({ ok: true, args: { foo: 'bar' } })
    const whom = await slack.auth.test()
    expect(whom).toMatchObject({ ok: true, team_id: team, user_id: ADA, team: 'Pie' })
    expect(whom.response_metadata?.scopes).toEqual(['admin.users:read', 'admin.users:write'])
  })

  test('sets, reads and clears settings', async () => {
    const { session } = slack.admin.users
    const user_ids: [string, ...string[]] = [JOHN, GRACE]
    const set = await session.setSettings({ user_ids: [JOHN], duration: 86_400, desktop_app_browser_quit: true })
    expect(set.ok).toBe(true)
    expect(set.response_metadata?.acceptedScopes).toEqual(['admin.users:write'])
    expect(await session.getSettings({ user_ids })).toMatchObject({
      session_settings: [{ user_id: JOHN, desktop_app_browser_quit: true, duration: 86_400 }],
      no_settings_applied: [GRACE],
    })
    expect((await session.clearSettings({ user_ids })).ok).toBe(true)
    expect((await session.getSettings({ user_ids })).no_settings_applied).toEqual([JOHN, GRACE])
  })

  test('lists sessions page by page, and ends one', async () => {
    const tokens: string[] = []
    for (let count = 0; count < 5; count += 1) tokens.unshift(await open(count % 2 === 0 ? JOHN : GRACE))
    const seen: number[] = []
    for await (const page of slack.paginate('admin.users.session.list', { limit: 2 })) {
      const { active_sessions = [] } = page as AdminUsersSessionListResponse
      expect(active_sessions.length).toBeLessThanOrEqual(2)
      seen.push(...active_sessions.map(({ session_id }) => session_id ?? 0))
    }
    expect(seen).toHaveLength(5)
    expect(new Set(seen).size).toBe(5)
    const { session } = slack.admin.users
    const john = await session.list({ team_id: team, user_id: JOHN })
    expect(john.active_sessions?.map(({ session_id }) => session_id)).toEqual([seen[0], seen[2], seen[4]])
    expect(john.active_sessions?.[0]).toMatchObject({ created: { os: 'Linux', ip: '192.0.2.1' } })
    expect((await session.invalidate({ team_id: team, session_id: String(seen[2]) })).ok).toBe(true)
    expect(await Promise.all(tokens.map(isLive))).toEqual([true, true, false, true, true])
  })

  test("resets a user's sessions, by kind of client too", async () => {
    const { session } = slack.admin.users
    const tokens = [await open(GRACE, PHONE), await open(GRACE)]
    expect((await session.reset({ user_id: GRACE, mobile_only: true })).ok).toBe(true)
    expect(await Promise.all(tokens.map(isLive))).toEqual([false, true])
    expect((await session.reset({ user_id: GRACE })).ok).toBe(true)
    expect(await Promise.all(tokens.map(isLive))).toEqual([false, false])
    const bulk = [await open(JOHN), await open(GRACE)]
    expect((await session.resetBulk({ user_ids: [JOHN, GRACE] })).ok).toBe(true)
    await expect.poll(() => Promise.all(bulk.map(isLive)), { timeout: 20_000 }).toEqual([false, false])
  })

  test('is told what is wrong with its arguments', async () => {
    const { session } = slack.admin.users
    const pointer = (name: string) => `[json-pointer:/${name}]`
    const call = (method: string, args: Record<string, unknown>) =>
      refusal(slack.apiCall(`admin.users.session.${method}`, args))
    expect(await refusal(session.setSettings({ user_ids: [JOHN], duration: 1 }))).toEqual({
      error: 'invalid_arguments',
      messages: [`[ERROR] must be greater than or equal to 28800 ${pointer('duration')}`],
    })
    const missing = { error: 'invalid_arguments', messages: ['[ERROR] missing required field: user_ids'] }
    for (const method of ['setSettings', 'getSettings', 'clearSettings', 'resetBulk']) {
      expect(await call(method, { duration: 28_800 })).toEqual(missing)
    }
    for (const [method, args, error] of [
      ['setSettings', { user_ids: [JOHN] }, 'at_least_one_session_setting_required'],
      ['setSettings', { user_ids: [JOHN], duration: 315_569_521 }, 'invalid_arguments'],
      ['setSettings', { user_ids: [JOHN], desktop_app_browser_quit: 'perhaps' }, 'invalid_arguments'],
      ['setSettings', { user_ids: Array(1_001).fill(JOHN), duration: 28_800 }, 'invalid_arguments'],
      ['setSettings', { user_ids: [JOHN, 'U404'], duration: 28_800 }, 'user_not_found'],
      ['setSettings', { user_ids: [JOHN, BOT], duration: 28_800 }, 'bots_not_allowed'],
      ['getSettings', { user_ids: ['U404'] }, 'user_not_found'],
      ['clearSettings', { user_ids: [BOT] }, 'bots_not_allowed'],
      ['list', { user_id: JOHN }, 'missing_team'],
      ['list', { team_id: team }, 'missing_user'],
      ['list', { team_id: 'T404', user_id: JOHN }, 'team_not_found'],
      ['list', { cursor: 'nonsense' }, 'invalid_cursor'],
      ['list', { limit: 0 }, 'invalid_arguments'],
      ['invalidate', { team_id: team }, 'invalid_arguments'],
      ['invalidate', { session_id: 12_345 }, 'invalid_arguments'],
      ['invalidate', { session_id: 12_345, user_id: JOHN }, 'session_not_found'],
      ['invalidate', { session_id: 12_345, team_id: 'T404' }, 'team_access_not_granted'],
      // The client sends no body at all.
      ['reset', {}, 'invalid_form_data'],
      ['reset', { web_only: true }, 'invalid_arguments'],
      ['reset', { user_id: JOHN, mobile_only: true, web_only: true }, 'invalid_arguments'],
      ['reset', { user_id: BOT }, 'cannot_reset_bot'],
      ['resetBulk', { user_ids: ['U404'] }, 'user_not_found'],
      ['nothing', {}, 'unknown_method'],
    ] as const) {
      expect([method, (await call(method, args)).error]).toEqual([method, error])
    }
  })

  test('is told what is wrong with its token', async () => {
    const { slack: tokens, service } = server.credentials
    const list = (token: string | undefined) => refusal(client(token).admin.users.session.list())
    expect((await list(undefined)).error).toBe('not_authed')
    expect((await list('xoxp-nobody')).error).toBe('invalid_auth')
    expect((await list(service.token)).error).toBe('missing_scope')
    const readOnly = client(tokens.read_only_token).admin.users.session
    expect((await refusal(readOnly.reset({ user_id: JOHN }))).error).toBe('missing_scope')
    // A token for one call goes into header and body.
    expect((await client(undefined).admin.users.session.list({ token: tokens.token })).ok).toBe(true)
  })

  test('waits as long as 429 tells, and calls again', async () => {
    const database = openLocalDatabase(server.persistTo)
    const useUp = (milliseconds: number) =>
      database
        .prepare(`UPDATE call_counters SET calls = 1000000, window_ends_at = ? WHERE subject LIKE '%session.list%'`)
        .run(Date.now() + milliseconds)
    await slack.admin.users.session.list()
    useUp(40_000)
    const impatient = client(server.credentials.slack.token, { rejectRateLimitedCalls: true })
    await expect(impatient.admin.users.session.list()).rejects.toMatchObject({
      code: ErrorCode.RateLimitedError,
      retryAfter: expect.toSatisfy((seconds: number) => seconds > 20 && seconds <= 40),
    })
    useUp(1_500)
    database.close()
    const waits: number[] = []
    const patient = client(server.credentials.slack.token)
    patient.on(WebClientEvent.RATE_LIMITED, (seconds: number) => waits.push(seconds))
    expect((await patient.admin.users.session.list()).ok).toBe(true)
    expect(waits[0]).toBeGreaterThanOrEqual(1)
  })
})

test('resetBulk of 1 000 users goes on after the process was killed in the middle', async () => {
  const { operator_token: operator } = server.credentials
  const userIds = Array.from({ length: 1_000 }, (_, index) => `B${String(index).padStart(4, '0')}`)
  const users = userIds.map((user_id) => ({ user_id, username: `${user_id}@bulk.example` }))
  await post(`/operator/identity-stores/${team}/users`, operator, { users })
  // Every fifth has a session; the job asks the objects of all.
  const queue = userIds.filter((_, index) => index % 5 === 0)
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let userId = queue.pop(); userId !== undefined; userId = queue.pop()) await open(userId)
    }),
  )
  const live = () => {
    const database = openLocalDatabase(server.persistTo)
    try {
      return Number(
        database.prepare('SELECT count(*) AS live FROM sessions WHERE ended_at IS NULL AND user_id LIKE ?').get('B%')
          ?.live,
      )
    } finally {
      database.close()
    }
  }
  await expect.poll(live, { timeout: 30_000 }).toBe(200)

  expect((await slack.admin.users.session.resetBulk({ user_ids: userIds as [string, ...string[]] })).ok).toBe(true)
  await expect.poll(live, { timeout: 30_000, interval: 2 }).toBeLessThan(200)
  await server.kill()
  const left = live()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(200)

  const restarted = Date.now()
  await server.restart()
  // Nobody asks it anything: the file is read.
  await expect.poll(live, { timeout: 60_000, interval: 50 }).toBe(0)
  console.log({ leftAtKill: left, resetMillisecondsAfterRestart: Date.now() - restarted })
})
