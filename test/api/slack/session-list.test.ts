/** `list`: of one user, of everybody, page by page. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { sessionNumber } from '../../../src/domain/session-id.ts'
import { listLiveSessions } from '../../../src/store/live-sessions.ts'
import { groupSessionConfigs } from '../../../src/store/schema.ts'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { Gate } from '../../support/gate.ts'
import { mirrored } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { db, makeUser, type TestUser } from '../../support/stores.ts'
import { manyRecords } from './many.ts'
import { makeTeam, type Team } from './slack.ts'

const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'

/** Opens sessions one after the other; answers their numbers, newest first. */
async function openSome(user: TestUser, count: number): Promise<number[]> {
  const numbers: number[] = []
  for (let index = 0; index < count; index += 1) numbers.unshift(sessionNumber((await signIn(user)).id))
  await mirrored(user)
  return numbers
}

async function numbers(team: Team, args: Record<string, string> = {}): Promise<number[]> {
  const { body } = await team.call('session.list', args)
  expect(body.ok).toBe(true)
  return body.active_sessions.map((session: { session_id: number }) => session.session_id)
}

describe('the list', () => {
  test("has everybody's live sessions of this team, newest first, with where they are used", async () => {
    const team = await makeTeam()
    const [one, two] = [await team.user(), await team.user()]
    const stranger = await makeUser()
    const opened = [...(await openSome(one, 2)).reverse(), ...(await openSome(two, 1))].reverse()
    await openSome(stranger, 1)
    expect(await numbers(team)).toEqual(opened)
    const { body } = await team.call('session.list')
    expect(body.response_metadata).toEqual({ next_cursor: '' })
    expect(body.active_sessions[0]).toEqual({
      user_id: two.userId,
      session_id: opened[0],
      team_id: team.id,
      created: {
        device_hardware: 'desktop',
        os: 'Windows',
        os_version: 'NT 10.0',
        slack_client_version: 'Chrome 140.0.0.0',
        ip: two.address,
      },
    })
    expect(Number.isSafeInteger(body.active_sessions[0].session_id)).toBe(true)
  })

  test('shows the recent client where it is another', async () => {
    const team = await makeTeam()
    const user = await team.user()
    const session = await signIn(user)
    await check(session, { address: '198.51.100.7', userAgent: PHONE })
    await mirrored(user)
    for (const args of [{}, { team_id: team.id, user_id: user.userId }]) {
      const { body } = await team.call('session.list', args)
      expect(body.active_sessions[0].created.ip).toBe(user.address)
      expect(body.active_sessions[0].recent).toMatchObject({
        device_hardware: 'Apple iPhone',
        os: 'iOS',
        ip: '198.51.100.7',
      })
    }
  })

  test('of one user is exact: the object is asked, whatever D1 knows', async () => {
    const team = await makeTeam()
    const user = await team.user()
    // D1 is not told.
    const gate = new Gate()
    intercept(async (call, goOn) => {
      if (call.to === 'D1' && call.statements.some((text) => /^insert into "sessions"/i.test(text))) await gate.pass()
      return goOn()
    })
    const session = await signIn(user)
    expect(await numbers(team)).toEqual([])
    expect(await numbers(team, { team_id: team.id, user_id: user.userId })).toEqual([sessionNumber(session.id)])
    gate.open()
    await mirrored(user)
  })

  test('wants team and user together, and both to be there', async () => {
    const team = await makeTeam()
    const bot = await team.user({ bot: true })
    const stranger = await makeUser()
    const error = async (args: Record<string, string>) => (await team.call('session.list', args)).body.error
    expect(await error({ user_id: team.owner.userId })).toBe('missing_team')
    expect(await error({ team_id: team.id })).toBe('missing_user')
    expect(await error({ team_id: stranger.identityStoreId, user_id: stranger.userId })).toBe('team_not_found')
    expect(await error({ team_id: team.id, user_id: stranger.userId })).toBe('user_not_found')
    expect(await error({ team_id: team.id, user_id: bot.userId })).toBe('bots_not_allowed')
    for (const cursor of ['nonsense', btoa('session:1'), btoa('user:0190a0b0-0000-7000-8000-000000000000')]) {
      expect(await error({ cursor })).toBe('invalid_cursor')
    }
    for (const limit of ['0', '1001', 'all']) expect(await error({ limit })).toBe('invalid_arguments')
  })

  test('leaves out a session past its overall timeout, even if nothing touched it since', async () => {
    stopClock()
    const team = await makeTeam({ config: { sessionMinutes: 60 } })
    const [short, long] = [await team.user(), await team.user({ settings: { durationSeconds: 28_800 } })]
    await openSome(short, 1)
    const [longer] = await openSome(long, 1)
    advanceClock(3_599)
    expect(await numbers(team)).toHaveLength(2)
    advanceClock(1)
    expect(await numbers(team)).toEqual([longer])
    advanceClock(25_200)
    expect(await numbers(team)).toEqual([])
  })

  test("goes by the settings of a user's group, and by the deployment's ceiling", async () => {
    const now = stopClock()
    const team = await makeTeam({ config: { sessionMinutes: 60 } })
    const ofGroup = (groupId: string, overallTimeoutSeconds?: number) =>
      db.insert(groupSessionConfigs).values({
        identityStoreId: team.id,
        groupId,
        version: 1,
        config: overallTimeoutSeconds === undefined ? {} : { overallTimeoutSeconds },
        updatedAt: now,
      })
    await ofGroup('brief', 600)
    await ofGroup('lasting', 86_400)
    await ofGroup('silent')
    const users = await Promise.all([
      ...['brief', 'silent', 'lasting'].map((groupId) => team.user({ groupId })),
      team.user({ groupId: 'brief', settings: { durationSeconds: 28_800 } }),
    ])
    const ids: Record<string, number[]> = {}
    for (const [index, name] of ['brief', 'silent', 'lasting', 'own'].entries()) {
      ids[name] = await openSome(users[index] as TestUser, 1)
    }
    const of = (...names: string[]) => names.flatMap((name) => ids[name] ?? [])
    for (const [seconds, left] of [
      [599, of('own', 'lasting', 'silent', 'brief')],
      [1, of('own', 'lasting', 'silent')],
      [3_000, of('own', 'lasting')],
      [25_200, of('lasting')],
    ] as const) {
      advanceClock(seconds)
      expect(new Set(await numbers(team))).toEqual(new Set(left))
    }
    const under = async (ceiling: number) => {
      const found = await listLiveSessions(db, team.id, { before: null, limit: 10 }, ceiling, Date.now())
      return found.ok && found.value.map(({ userId }) => userId)
    }
    expect(await under(28_801)).toEqual([users[2]?.userId])
    expect(await under(28_800)).toEqual([])
  })

  test('has no API sessions', async () => {
    const team = await makeTeam()
    const user = await team.user()
    await openSome(user, 1)
    const [id] = await manyRecords(team.id, user.userId, 1, Date.now(), null)
    expect(await numbers(team)).toHaveLength(2)
    await env.DB.prepare("UPDATE sessions SET kind = 'api' WHERE session_id = ?").bind(id).run()
    expect(await numbers(team)).toHaveLength(1)
  })
})

describe('pages', () => {
  test('go on where the last one ended, whatever is opened or ended meanwhile', async () => {
    const team = await makeTeam()
    const users = [await team.user(), await team.user()]
    const before: number[] = []
    for (const user of users) before.unshift(...(await openSome(user, 5)))
    const [newest] = users
    const first = await team.call('session.list', { limit: '4' })
    expect(first.body.active_sessions.map((one: { session_id: number }) => one.session_id)).toEqual(before.slice(0, 4))
    // One that was shown ends, one that was not shown ends, and one is opened.
    const [shown, unseen] = [before[1], before[6]]
    for (const session_id of [shown, unseen]) {
      const ended = await team.call('session.invalidate', { session_id: String(session_id), team_id: team.id })
      expect(ended.body).toEqual({ ok: true })
    }
    await Promise.all(users.map(mirrored))
    await openSome(newest as TestUser, 1)
    const rest: number[] = []
    let cursor = first.body.response_metadata.next_cursor
    while (cursor !== '') {
      const { body } = await team.call('session.list', { limit: '4', cursor })
      rest.push(...body.active_sessions.map((one: { session_id: number }) => one.session_id))
      expect(body.response_metadata.next_cursor, 'the next page is this one').not.toBe(cursor)
      cursor = body.response_metadata.next_cursor
    }
    expect(rest).toEqual(before.slice(4).filter((number) => number !== unseen))
  })

  test("of one user's sessions work alike, and the last one has no cursor", async () => {
    const team = await makeTeam()
    const user = await team.user()
    const all = await openSome(user, 4)
    const args = { team_id: team.id, user_id: user.userId, limit: '2' }
    const { body } = await team.call('session.list', args)
    expect(body.active_sessions.map((one: { session_id: number }) => one.session_id)).toEqual(all.slice(0, 2))
    const last = await team.call('session.list', { ...args, cursor: body.response_metadata.next_cursor })
    expect(last.body.active_sessions.map((one: { session_id: number }) => one.session_id)).toEqual(all.slice(2))
    expect(last.body.response_metadata.next_cursor).toBe('')
  })

  test('of 50 live sessions among 100 000 ended ones read about 50 rows each', async () => {
    const team = await makeTeam()
    const { userId } = await team.user()
    const now = stopClock()
    const live: string[] = []
    for (let part = 0; part < 4; part += 1) {
      await manyRecords(team.id, userId, 25_000, now - 1_000_000 + part * 100_000, now)
      live.push(...(await manyRecords(team.id, userId, 30, now - 950_000 + part * 100_000, null)))
    }
    const numbersInOrder = live.map(sessionNumber).reverse()
    const list = countRowsRead()
    const first = await team.call('session.list', { limit: '50' })
    expect(first.body.active_sessions.map((one: { session_id: number }) => one.session_id)).toEqual(
      numbersInOrder.slice(0, 50),
    )
    const cursor = first.body.response_metadata.next_cursor
    const second = await team.call('session.list', { limit: '50', cursor })
    expect(second.body.active_sessions.map((one: { session_id: number }) => one.session_id)).toEqual(
      numbersInOrder.slice(50, 100),
    )
    expect(list).toHaveLength(2)
    // One more tells that there is another page, and one is the config.
    for (const rows of list) {
      expect(rows).toBeGreaterThanOrEqual(50)
      expect(rows).toBeLessThanOrEqual(60)
    }
  }, 60_000)
})

test('a page costs no object call and one statement of its own', async () => {
  const team = await makeTeam()
  await openSome(await team.user(), 2)
  const counts = countCalls()
  await numbers(team)
  expect(counts).toMatchObject({ objectCalls: 0, jobCalls: 0, d1Statements: 3, d1Trips: 3, kvReads: 0 })
})

test('reads may be asked with GET, without a token in the URL', async () => {
  const team = await makeTeam()
  const path = '/api/admin.users.session.list?limit=1'
  expect(await (await send(path, { bearer: team.token })).json()).toMatchObject({ ok: true, active_sessions: [] })
  expect(await (await send(`${path}&token=${team.token}`)).json()).toEqual({ ok: false, error: 'not_authed' })
})

/** What D1 says each list has read. */
function countRowsRead(): number[] {
  const read: number[] = []
  intercept(async (call, goOn) => {
    const answer = await goOn()
    const isList = call.to === 'D1' && call.statements.some((text) => text.includes('ORDER BY s.session_id DESC'))
    if (isList) read.push((answer as { meta: D1Meta }).meta.rows_read)
    return answer
  })
  return read
}
