/** How many calls a minute are let in. */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { readSettings } from '../../../src/settings.ts'
import { countCall } from '../../../src/store/admissions.ts'
import { openDatabase } from '../../../src/store/database.ts'
import { removeSpent } from '../../../src/store/housekeeping.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { workerWith } from '../../support/variants.ts'
import { makeTeam, type Team } from './slack.ts'

const few = workerWith({ SLACK_TIER2_PER_MINUTE: '3', SLACK_TIER4_PER_MINUTE: '5' })

async function call(team: Team, method: string, token = team.token) {
  const form = { user_ids: team.owner.userId, duration: '28800' }
  const response = await few.send(`/api/${method}`, { bearer: token, form, origin: null })
  const body = (await response.json()) as { ok: boolean; error?: string }
  return { status: response.status, body, retryAfter: response.headers.get('retry-after') }
}

test.each([
  ['admin.users.session.list', 3],
  ['admin.users.session.setSettings', 5],
])('%s is let in %i times a minute, then 429 says when to come again', async (method, limit) => {
  stopClock()
  const team = await makeTeam()
  for (let count = 0; count < limit; count += 1) {
    expect((await call(team, method)).body.ok).toBe(true)
    advanceClock(1)
  }
  const limited = await call(team, method)
  expect(limited).toEqual({ status: 429, body: { ok: false, error: 'ratelimited' }, retryAfter: String(60 - limit) })
  advanceClock(59 - limit)
  expect((await call(team, method)).retryAfter).toBe('1')
  advanceClock(1)
  expect((await call(team, method)).status).toBe(200)
})

test('calls that arrive at once are counted one by one', async () => {
  stopClock()
  const team = await makeTeam()
  const answers = await Promise.all(Array.from({ length: 10 }, () => call(team, 'admin.users.session.list')))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(7)
})

test('a call that is let in is one statement; one beyond the limit is another, and writes nothing', async () => {
  stopClock()
  const team = await makeTeam()
  const counter = env.DB.prepare('SELECT calls FROM call_counters WHERE identity_store_id = ?')
  const written: unknown[] = []
  const statements: number[] = []
  for (let count = 0; count < 5; count += 1) {
    const counts = countCalls()
    await call(team, 'admin.users.session.list')
    statements.push(counts.d1Statements)
    written.push(...(await counter.bind(team.id).all()).results.map(({ calls }) => calls))
    advanceClock(1)
  }
  // The caller and the page besides; who is refused sees no page.
  expect(statements).toEqual([3, 3, 3, 3, 3])
  expect(written).toEqual([1, 2, 3, 3, 3])
})

test('methods and credentials are counted apart, and refused calls count too', async () => {
  stopClock()
  const team = await makeTeam()
  const other = await team.tokenOf({ role: 'admin' }, ['admin.users:write'])
  for (let count = 0; count < 4; count += 1) await call(team, 'admin.users.session.list')
  expect((await call(team, 'admin.users.session.list')).status).toBe(429)
  expect((await call(team, 'admin.users.session.getSettings')).status).toBe(200)
  for (let count = 0; count < 3; count += 1) {
    expect((await call(team, 'admin.users.session.list', other)).body.error).toBe('missing_scope')
  }
  expect((await call(team, 'admin.users.session.list', other)).status).toBe(429)
  expect((await call(await makeTeam(), 'admin.users.session.list')).status).toBe(200)
})

test('the limits of the service are those that Slack promises, and more', async () => {
  const settings = readSettings(env)
  expect(settings).toMatchObject({ ok: true, value: { slackTiers: { tier2: 60, tier4: 200 } } })
})

test('counters of windows that are over are dropped', async () => {
  const db = openDatabase(env.DB)
  const subject = { identityStoreId: 'counters', caller: 'one', method: 'a.b' }
  const now = stopClock()
  const count = () => env.DB.prepare("SELECT calls FROM call_counters WHERE identity_store_id = 'counters'").all()
  await countCall(db, subject, 5, now)
  await removeSpent(db, 'call_counters', now + 60_000)
  expect((await count()).results).toEqual([{ calls: 1 }])
  await removeSpent(db, 'call_counters', now + 60_001)
  expect((await count()).results).toEqual([])
})
