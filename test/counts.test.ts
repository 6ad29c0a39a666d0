/** What each operation costs: the budgets, as they are counted. */
import { env } from 'cloudflare:workers'
import { afterAll, expect, test, vi } from 'vitest'
import { COUNTS, dollars, dollarsOfFreshness } from '../bench/cost.ts'
import { servicesOf } from '../src/services.ts'
import { readSettings } from '../src/settings.ts'
import { readRules } from '../src/store/rules.ts'
import { manyUsers, openSessions } from './api/slack/many.ts'
import { makeTeam } from './api/slack/slack.ts'
import { intercept } from './support/bindings.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { type Counts, countCalls } from './support/counts.ts'
import { meterRows } from './support/meters.ts'
import { mirrored, storeJobs, userObject } from './support/objects.ts'
import { check, send, signIn, type TestSession } from './support/requests.ts'
import { db, makeBearer, makeUser, type TestUser } from './support/stores.ts'
import { readToken, tokenRing } from './support/variants.ts'

/** The cost of one operation, with what runs after its answer. */
interface Cost extends Pick<Counts, 'objectCalls' | 'd1Statements' | 'kvReads'> {
  /** Of these, the mirror's, for which no answer waits: two in one trip, for up to 500 sessions. */
  readonly mirror: number
  readonly d1Rows: number
  readonly objectRows: number
  readonly alarms: number
}

const NOTHING: Cost = { objectCalls: 0, d1Statements: 0, mirror: 0, kvReads: 0, d1Rows: 0, objectRows: 0, alarms: 0 }
const table: [string, Cost][] = []

afterAll(() => {
  const rows = [
    ['', ...Object.keys(NOTHING)],
    ...table.map(([what, cost]) => [what, ...Object.values(cost).map(String)]),
  ]
  const line = (row: string[]) => row.map((text, at) => (at === 0 ? text.padEnd(40) : text.padStart(14))).join('')
  console.info(rows.map(line).join('\n'))
})

/** Does something as a user does and counts it, to the last row of its mirror. What the benchmark publishes is this. */
async function cost(what: string, user: TestUser, act: () => Promise<unknown>): Promise<Cost> {
  const counts = countCalls()
  const meters = await meterRows()
  let mirror = 0
  intercept((call, goOn) => {
    if (call.to === 'D1' && /^insert into "sessions"/i.test(call.statements[0] ?? '')) mirror += call.statements.length
    return goOn()
  })
  await act()
  await mirrored(user)
  // One more turn of the object: the alarm is set after the mirror.
  await userObject(user).list({})
  const { objectCalls, d1Statements, kvReads } = counts
  const { d1Rows, objectRows, alarms } = meters
  const found = { objectCalls, d1Statements, mirror, kvReads, d1Rows, objectRows, alarms }
  table.push([what, found])
  expect(found).toEqual((COUNTS as Record<string, Cost>)[what])
  return found
}

/** A user with one session, with everything done that follows its opening. */
async function settled(options: Parameters<typeof makeUser>[0] = {}): Promise<TestSession> {
  const session = await signIn(await makeUser(options))
  await mirrored(session.user)
  await check(session)
  return session
}

const warm = { headers: { 'cache-control': 'max-age=60' } }

test('a strict check asks the object and nothing else', async () => {
  const session = await settled()
  const found = await cost('check, strict', session.user, () => check(session))
  expect(found).toEqual({ ...NOTHING, objectCalls: 1 })
})

test('a check writes the last activity at most every 30 s', async () => {
  stopClock()
  const session = await settled()
  advanceClock(30)
  const found = await cost('check, 30 s later', session.user, () => check(session))
  // The isolate's copy of the store's config is 30 s old as well.
  expect(found).toEqual({ ...NOTHING, objectCalls: 1, kvReads: 1, objectRows: 1 })
})

test('a check from another address is mirrored after the answer', async () => {
  const session = await settled()
  const found = await cost('check, from another address', session.user, () => check(session, { address: '192.0.2.1' }))
  expect(found).toEqual({ ...NOTHING, objectCalls: 1, d1Statements: 2, mirror: 2, d1Rows: 2, objectRows: 2, alarms: 2 })
})

test('a check that may be old asks nobody', async () => {
  const session = await settled()
  const found = await cost('check, max-age, warm', session.user, () => check(session, warm))
  expect(found).toEqual(NOTHING)
})

test('a forged token costs nothing', async () => {
  const session = await settled()
  const token = session.token.slice(0, -1) + (session.token.endsWith('A') ? 'B' : 'A')
  const found = await cost('check, forged', session.user, () => check({ ...session, token }))
  expect(found).toEqual(NOTHING)
})

test('a token of the wrong kind costs nothing', async () => {
  const session = await settled()
  const token = await tokenRing(1).sign({ ...(await readToken(session.token)), kind: 'api' })
  const found = await cost('check, wrong kind', session.user, () => check({ ...session, token }))
  expect(found).toEqual(NOTHING)
})

test('a sign-in asks a hasher and wakes one object, also a new one', async () => {
  const user = await makeUser()
  const found = await cost('sign-in, brand-new user', user, () => signIn(user))
  // One trip before hashing, of two statements; a session is a row and two index entries; the user's row remembers
  // from where it was signed in, after the answer and the first time only.
  // Most rows of the object are its schema's, written once for good.
  expect(found).toEqual({
    ...NOTHING,
    objectCalls: 2,
    d1Statements: 5,
    mirror: 2,
    d1Rows: 4,
    objectRows: 10,
    alarms: 2,
  })
})

test('a sign-in of a known user', async () => {
  const { user } = await settled()
  const found = await cost('sign-in, known user', user, () => signIn(user))
  expect(found).toEqual({ ...NOTHING, objectCalls: 2, d1Statements: 4, mirror: 2, d1Rows: 3, objectRows: 2, alarms: 2 })
})

test('a wrong password wakes no user’s object, and is counted in three rows', async () => {
  const { user } = await settled()
  const { username, address } = user
  const found = await cost('sign-in, wrong password', user, () =>
    send('/sessions', { address, json: { username, password: 'wrong' } }),
  )
  expect(found).toEqual({ ...NOTHING, objectCalls: 1, d1Statements: 3, d1Rows: 3 })
})

test("a back end's opening", async () => {
  const { user } = await settled()
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client: { address: user.address, user_agent: 'Device' } }
  const found = await cost('open by a back end, known user', user, () => send('/sessions', { bearer, json }))
  expect(found).toEqual({ ...NOTHING, objectCalls: 1, d1Statements: 3, mirror: 2, d1Rows: 3, objectRows: 2, alarms: 2 })
})

test('a sign-out', async () => {
  const session = await settled()
  const found = await cost('sign-out', session.user, () =>
    send('/sessions/current', { method: 'DELETE', bearer: session.token }),
  )
  expect(found).toEqual({ ...NOTHING, objectCalls: 1, d1Statements: 2, mirror: 2, d1Rows: 2, objectRows: 2, alarms: 1 })
})

test("the list of one's own sessions asks the object alone", async () => {
  const session = await settled()
  const { address } = session.user
  const found = await cost('list of own sessions', session.user, () =>
    send('/sessions', { address, bearer: session.token }),
  )
  expect(found).toEqual({ ...NOTHING, objectCalls: 1 })
})

test('an introspection looks up its caller', async () => {
  const session = await settled()
  const bearer = await makeBearer(session.user.identityStoreId, ['sessions:introspect'])
  const found = await cost('introspection, strict', session.user, () =>
    send('/oauth2/introspect', { bearer, form: { token: session.token } }),
  )
  expect(found).toEqual({ ...NOTHING, objectCalls: 1, d1Statements: 1 })
})

test.each([
  ['1 session', 1, { d1Statements: 2, mirror: 2 }],
  ['100 sessions', 100, { d1Statements: 2, mirror: 2 }],
  ['1 000 sessions', 1_000, { d1Statements: 4, mirror: 4 }],
] as const)(
  'the end of %s is one call and at most five statements',
  async (which, count, expected) => {
    const user = await makeUser()
    const stub = userObject(user)
    const opening = {
      kind: 'web',
      persistent: false,
      credentialsType: 'password',
      client: { address: null, userAgent: null },
      location: null,
      actor: null,
      apiClientId: null,
      cookie: false,
      replaces: null,
      secretHash: '0'.repeat(64),
    } as const
    const owner = { identityStoreId: user.identityStoreId, userId: user.userId }
    const rules = await readRules(db, owner)
    if (!rules.ok || rules.value === null) throw new Error('no rules')
    const known = rules.value
    const opened = await Promise.all(Array.from({ length: count }, () => stub.open(owner, opening, known)))
    await mirrored(user)
    const ids = opened.flatMap((one) => (one.ok ? one.value.session.id : []))
    const settings = readSettings(env)
    if (!settings.ok) throw new Error(settings.error.join())
    const { sessions } = servicesOf(env, settings.value)
    const found = await cost(`end of ${which}`, user, async () => {
      const ended = await sessions.end(owner, { only: ids }, 'revoked', { caller: 'test', requestId: null })
      expect(ended.ok && ended.value).toHaveLength(count)
    })
    expect(found).toEqual({
      ...NOTHING,
      objectCalls: 1,
      d1Rows: 2 * count,
      objectRows: 2 * count,
      alarms: 1,
      ...expected,
    })
  },
  30_000,
)

test('a million checks cost at most fifty cents', () => {
  expect(dollars(COUNTS['check, strict'])).toBeCloseTo(0.47)
  // Asked every 5 s, with answers up to 30 s old: one check in six asks the object, which writes the last activity.
  expect(dollarsOfFreshness(30, 5)).toBeCloseTo(0.32 + 1.15 / 6)
})

test.each([
  ['none live', 0, { d1Statements: 4 }],
  ['50 live', 50, { objectCalls: 50, d1Statements: 5 }],
] as const)('setSettings for 1 000 users, %s, calls the objects of these alone', async (which, live, expected) => {
  const team = await makeTeam()
  const userIds = await manyUsers(team.id, 1_000)
  if (live > 0) await openSessions(team.id, userIds.slice(0, live), 1)
  const set = async () => {
    const { body } = await team.call('session.setSettings', { user_ids: JSON.stringify(userIds), duration: '28800' })
    expect(body).toEqual({ ok: true })
    await vi.waitFor(async () => expect(await storeJobs(team.id).list()).toEqual([]))
  }
  // The first time makes the objects' tables.
  await set()
  await userObject(team.owner).list({})
  const found = await cost(`setSettings for 1 000 users, ${which}`, team.owner, set)
  // The counter, the audit event, the settings; the job three times, and its alarm; of each object its rules. Their
  // alarms stay: the deadlines are the same as after the first time.
  const rows = { d1Rows: 1_003, objectRows: 3 + live, alarms: 1 }
  expect(found).toEqual({ ...NOTHING, ...rows, ...expected })
})
