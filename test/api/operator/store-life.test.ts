/** The whole life of an identity store, by HTTP alone: nothing is written, read or hurried along but through the API. */
import { expect, test } from 'vitest'
import { type RequestOptions, send } from '../../support/requests.ts'
import { SECRETS } from '../../support/secrets.ts'
import { type Answer, read } from './operator.ts'

const STORE = '/operator/identity-stores/life'
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1'
/** scrypt of `imported password`, at no cost. */
const HASH = '$scrypt$ln=1,r=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$hJJSOqf/oe0+sy/rDZmS2+SNUk2Nl46Vqnu1/6pMbjY'
const HOME = '192.0.2.1'

type Body = Answer['body']

test('a store is made, filled, governed, looked into, emptied and deleted', async () => {
  const made = await call(201, '/operator/bootstrap', {
    bearer: SECRETS.OPERATOR_BOOTSTRAP_SECRET,
    json: { name: 'me' },
  })
  const bearer: string = made.token
  const me = `credential:${made.credential_id}`
  const operate = (status: number, path: string, options: RequestOptions = {}) =>
    call(status, path, { bearer, ...options })
  const until = async (path: string, right: (body: Body) => void) => {
    let last: Body
    await expect
      .poll(
        async () => {
          last = await operate(200, path)
          try {
            right(last)
            return 'as it should be'
          } catch (error) {
            return String(error)
          }
        },
        { timeout: 20_000 },
      )
      .toBe('as it should be')
    return last
  }

  // The store, its users, and a back end.
  await operate(201, STORE, { method: 'PUT', json: { name: 'A store' } })
  const users = ['anna', 'ben', 'cleo'].map((user_id) => ({
    user_id,
    username: `${user_id}@life.example`,
    password_hash: HASH,
    role: user_id === 'anna' ? 'admin' : 'member',
    group_id: user_id === 'cleo' ? 'night' : null,
  }))
  const { results } = await operate(200, `${STORE}/users`, { json: { users } })
  expect(results.map((one: Body) => one.code)).toEqual(['created', 'created', 'created'])
  const listed = async (query: string) =>
    (await operate(200, `${STORE}/users?${query}`)).users.map((one: Body) => one.user_id)
  expect(await listed('active=true')).toEqual(['anna', 'ben', 'cleo'])
  expect(await listed('username=BEN')).toEqual(['ben'])
  expect(await listed('role=member&group_id=night')).toEqual(['cleo'])
  const credential = { kind: 'bearer', name: 'shop', scopes: ['sessions:open', 'sessions:introspect'] }
  const backEnd = await operate(201, `${STORE}/credentials`, { json: credential })

  // Sessions: two by passwords, three by the back end.
  const password = { password: 'imported password', transport: 'bearer' }
  const signIn = (user: string) =>
    call(201, '/sessions', { address: HOME, json: { username: `${user}@life.example`, ...password } })
  const open = (user_id: string, address: string) =>
    call(201, '/sessions', { bearer: backEnd.token, json: { user_id, client: { address, user_agent: PHONE } } })
  const isLive = async ({ token }: Body) =>
    (await send('/sessions/current?touch=false', { bearer: token })).status === 200
  const anna = await signIn('anna')
  const ben = [await signIn('ben'), await open('ben', '198.51.100.7'), await open('ben', '198.51.100.8')]
  const cleo = await open('cleo', '203.0.113.9')
  const all = [anna, ...ben, cleo]
  await until(`${STORE}/sessions/count`, (body) => expect(body).toEqual({ count: 5, exact: true }))
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Body = await operate(200, `${STORE}/sessions?limit=2${cursor && `&cursor=${cursor}`}`)
    seen.push(...page.sessions.map((one: Body) => one.session_id))
    cursor = page.next_cursor
  }
  expect(seen).toEqual(
    all
      .map(({ id }) => id)
      .toSorted()
      .toReversed(),
  )
  for (const [filter, count] of [
    ['user_id=ben', 3],
    ['client_kind=mobile', 3],
    ['credentials_type=password', 2],
    ['address=198.51.100.0/24', 2],
    ['opened_after=2100-01-01T00:00:00Z', 0],
  ] as const) {
    expect([filter, (await operate(200, `${STORE}/sessions/count?${filter}`)).count]).toEqual([filter, count])
    expect((await operate(200, `${STORE}/sessions?${filter}`)).sessions).toHaveLength(count)
  }
  const explained = await operate(200, `${STORE}/sessions/${ben[1].id}`)
  expect(explained).toMatchObject({
    user_id: 'ben',
    client_kind: 'mobile',
    timeline: [{ event: 'opened', credentials_type: 'trusted_back_end', by: `credential:${backEnd.credential_id}` }],
    policy: { concurrent_session_limit: { value: 1_000, from: 'ceiling' } },
  })

  // A change of policy: what its preview says is what happens, and a second administrator's is not lost.
  const config = `${STORE}/session-config`
  const change = { concurrent_sessions: { limit: 2 } }
  const preview = await operate(200, `${config}/preview`, { json: change })
  expect(preview).toMatchObject({
    version: 1,
    sessions: 1,
    users: 1,
    by_rule: { concurrent_sessions: { sessions: 1 } },
  })
  expect(preview.examples.map((one: Body) => one.id)).toEqual([ben[0].id])
  const write = (status: number, version: number, json: object) =>
    operate(status, config, { method: 'PATCH', json, headers: { 'if-match': `"${version}"` } })
  expect(await write(200, 1, change)).toMatchObject({ version: 2, concurrent_sessions: { limit: 2 } })
  expect(await write(412, 1, { track_location: true })).toMatchObject({ code: 'precondition_failed', version: 2 })
  const evicted = await until(`${STORE}/sessions/${ben[0].id}`, (body) => expect(body.ended_at).not.toBeNull())
  expect(evicted.timeline.at(-1)).toMatchObject({
    reason: 'evicted',
    decision: { rule: 'concurrent_sessions', value: 2, from: 'config', version: 2 },
  })
  expect(await Promise.all(all.map(isLive))).toEqual([true, false, true, true, true])

  // Layers between: a group's and a user's own, and what holds for the user.
  await operate(200, `${STORE}/groups/night/session-config`, {
    method: 'PUT',
    json: { overall_timeout_seconds: 3_600 },
  })
  const settings = { duration_seconds: 28_800, desktop_app_browser_quit: null }
  await operate(200, `${STORE}/users/ben/session-settings`, { method: 'PUT', json: settings })
  const timeoutOf = async (user: string) =>
    (await operate(200, `${STORE}/users/${user}/policy`)).rules.overall_timeout_seconds
  expect(await timeoutOf('anna')).toMatchObject({ value: 2_592_000, from: 'config', version: 2 })
  expect(await timeoutOf('ben')).toMatchObject({ value: 28_800, from: 'settings' })
  expect(await timeoutOf('cleo')).toMatchObject({ value: 3_600, from: 'group' })

  // The first version is put back, as the third.
  expect((await operate(200, `${config}/versions/1/restore`, { method: 'POST' })).version).toBe(3)
  expect((await operate(200, config)).concurrent_sessions.limit).toBeNull()
  const { versions } = await operate(200, `${config}/versions`)
  expect(versions.map((one: Body) => [one.version, one.changed_by])).toEqual([
    [3, me],
    [2, me],
    [1, null],
  ])

  // Ends: of one user's, of named ones, and of all that fit a filter.
  expect(await operate(200, `${STORE}/users/ben/sessions/end`, { json: { except_session_ids: [ben[2].id] } })).toEqual({
    ended: [ben[1].id],
  })
  expect((await operate(200, `${STORE}/users/ben/sessions`)).sessions.map((one: Body) => one.session_id)).toEqual([
    ben[2].id,
  ])
  await until(`${STORE}/sessions/count?client_kind=mobile`, (body) => expect(body.count).toBe(2))
  const end = (status: number, json: object) => operate(status, `${STORE}/sessions/end`, { json })
  const filter = { client_kind: 'mobile' }
  expect(await end(409, { filter, expected: 1 })).toMatchObject({ code: 'more_than_expected', count: 2 })
  const outcomesOf = async (job: Body) => {
    const done = await until(`${STORE}/jobs/${job.job_id}`, (body) =>
      expect(body).toMatchObject({ state: 'done', left: 0 }),
    )
    const page = await operate(200, done.results_url)
    return page.results.map((one: Body) => [one.session_id, one.outcome]).toSorted()
  }
  const byFilter = await end(202, { filter, expected: 2 })
  expect(await outcomesOf(byFilter)).toEqual([
    [ben[2].id, 'ended'],
    [cleo.id, 'ended'],
  ])
  const byName = await end(202, { session_ids: [anna.id, cleo.id] })
  expect(await outcomesOf(byName)).toEqual([
    [anna.id, 'ended'],
    [cleo.id, 'already_ended'],
  ])
  expect(await Promise.all(all.map(isLive))).toEqual([false, false, false, false, false])
  await until(`${STORE}/sessions?state=ended&end_reason=revoked`, (body) => expect(body.sessions).toHaveLength(4))
  const last = await operate(200, `${STORE}/sessions/${anna.id}`)
  expect(last.timeline.at(-1)).toMatchObject({ event: 'ended', reason: 'revoked', decision: null, by: me })

  // Wrong passwords lock out; the operator lets the user in again.
  const wrong = { address: HOME, json: { username: 'ben@life.example', ...password, password: 'wrong' } }
  for (let times = 0; times < 5; times += 1) await call(401, '/sessions', wrong)
  const right = { ...wrong, json: { ...wrong.json, ...password } }
  await call(429, '/sessions', right)
  const { lockouts } = await operate(200, `${STORE}/lockouts`)
  expect(lockouts).toMatchObject([{ user_id: 'ben', wrong_passwords: 5 }])
  await operate(204, `${STORE}/lockouts/${lockouts[0].lockout_id}`, { method: 'DELETE' })
  await call(201, '/sessions', right)

  // All of it in figures.
  const { hours, ...figures } = await until(`${STORE}/overview`, (body) => expect(body.live_sessions).toBe(1))
  expect(figures).toMatchObject({
    users_with_sessions: 1,
    lockouts: { count: 0 },
    jobs: { failing: 0 },
    session_config: { version: 3, changed_by: me },
  })
  const sum = (of: (hour: Body) => number | undefined) =>
    hours.reduce((total: number, hour: Body) => total + (of(hour) ?? 0), 0)
  expect(sum(({ opened }) => opened)).toBe(6)
  expect([sum(({ ended }) => ended.evicted), sum(({ ended }) => ended.revoked)]).toEqual([1, 4])
  expect([sum((hour) => hour.failed_sign_ins), sum(({ lockouts }) => lockouts)]).toEqual([5, 1])

  // The end: its users, then the store itself. Nobody gets in any more.
  await operate(409, STORE, { method: 'DELETE' })
  for (const { user_id } of users) await operate(204, `${STORE}/users/${user_id}`, { method: 'DELETE' })
  await operate(204, STORE, { method: 'DELETE' })
  await operate(404, `${STORE}/sessions`)
  await call(401, '/sessions', right)
  await call(401, '/sessions', {
    bearer: backEnd.token,
    json: { user_id: 'ben', client: { address: HOME, user_agent: null } },
  })

  // Every act is on record, in order, and by whom.
  const { audit_events: events } = await operate(200, `${STORE}/audit-events`)
  expect(events.toReversed().map((one: Body) => [one.action, one.subject])).toEqual([
    ['identity_store.put', 'identity_store:life'],
    ...users.map(({ user_id }) => ['user.created', `user:${user_id}`]),
    ['credential.created', `credential:${backEnd.credential_id}`],
    ['session_config.updated', expect.any(String)],
    ['group_session_config.put', 'group:night'],
    ['session_settings.changed', 'user:ben'],
    ['session_config.restored', expect.any(String)],
    ['sessions.ended', 'user:ben'],
    ['sessions.end_requested', 'sessions'],
    ['sessions.end_requested', 'sessions'],
    ['user.unlocked', 'user:ben'],
    ...users.map(({ user_id }) => ['user.deleted', `user:${user_id}`]),
    ['identity_store.deleted', 'identity_store:life'],
  ])
  expect(new Set(events.map((one: Body) => one.actor))).toEqual(new Set([me]))
})

async function call(status: number, path: string, options: RequestOptions = {}): Promise<Body> {
  const answer = await read(await send(path, options))
  expect([options.method ?? '', path, answer.status], answer.text).toEqual([options.method ?? '', path, status])
  return answer.body
}
