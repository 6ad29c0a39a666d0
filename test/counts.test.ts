/** What each operation costs: the budgets, as they are counted. bench/counts.json has them, and is exact. */
import { env } from 'cloudflare:workers'
import { afterAll, expect, test, vi } from 'vitest'
import { COUNTS, dollars, dollarsOfFreshness } from '../bench/cost.ts'
import { type Party, Trips } from '../bench/trips.ts'
import { NO_STORE } from '../src/domain/ids.ts'
import { logContext } from '../src/log.ts'
import { servicesOf } from '../src/services.ts'
import { readSettings } from '../src/settings.ts'
import { readRules } from '../src/store/rules.ts'
import { manyUsers, openSessions } from './api/slack/many.ts'
import { makeTeam } from './api/slack/slack.ts'
import { type BindingCall, intercept } from './support/bindings.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { type Counts, countCalls } from './support/counts.ts'
import { Gate } from './support/gate.ts'
import { meterRows } from './support/meters.ts'
import { mirrored, storeJobs, userObject } from './support/objects.ts'
import { check, send, signIn, type TestSession } from './support/requests.ts'
import { db, makeBearer, makeOperator, makeUser, type TestUser } from './support/stores.ts'
import { askToListen, listen } from './support/streams.ts'
import { readToken, tokenRing } from './support/variants.ts'

/** The cost of one operation, with what runs after its answer. */
interface Cost extends Pick<Counts, 'objectCalls' | 'd1Statements' | 'kvReads'> {
  /** Of these, the mirror's, for which no answer waits: two in one trip, for up to 500 sessions. */
  readonly mirror: number
  readonly d1Rows: number
  readonly objectRows: number
  readonly alarms: number
  /** What the answer waits for, one after the other. */
  readonly trips: readonly string[]
}

const PARTIES: Record<BindingCall['to'], Party> = {
  USERS: 'object',
  JOBS: 'object',
  HASHERS: 'hasher',
  PROFILES: 'object',
  ENDPOINTS: 'object',
  APPLICATION_SERVER_CALLS: 'object',
  D1: 'D1',
  KV: 'KV',
}
const MIRRORS = /^insert into "sessions"/i
/** What is written after the answer: the mirror, and from where a user has signed in. */
const FOLLOWS = /^(insert into "sessions"|update "users" set "signed_in_from")/i
const table: Record<string, Cost> = {}

afterAll(() => console.info(JSON.stringify(table, null, 2)))

/**
 * Does something as a user does and counts it, to the last row of its mirror: it costs what bench/counts.json says,
 * which is what the benchmark publishes. `act` may call `answered` where it goes on after the answer.
 */
async function cost(what: string, user: TestUser, act: (answered: () => void) => Promise<unknown>): Promise<void> {
  const counts = countCalls()
  const meters = await meterRows()
  const waited = new Trips()
  const answer = new Gate()
  let trips: readonly string[] | null = null
  const answered = () => {
    trips ??= waited.steps
    answer.open()
  }
  let mirror = 0
  intercept(async (call, goOn) => {
    const sql = call.to === 'D1' ? (call.statements[0] ?? '') : ''
    if (call.to === 'D1' && MIRRORS.test(sql)) mirror += call.statements.length
    if (FOLLOWS.test(sql)) {
      // That it is held until then shows that no answer waits for it.
      await answer.pass()
      return goOn()
    }
    const { object, job } = logContext.getStore() ?? {}
    return waited.pass(PARTIES[call.to], goOn, (object ?? job) !== undefined)
  })
  await act(answered)
  answered()
  await mirrored(user)
  // One more turn of the object: the alarm is set after the mirror.
  await userObject(user).list({})
  const { objectCalls, d1Statements, kvReads } = counts
  const { d1Rows, objectRows, alarms } = meters
  const found = { objectCalls, d1Statements, mirror, kvReads, d1Rows, objectRows, alarms, trips: trips ?? [] }
  table[what] = found
  expect(found).toEqual((COUNTS as Record<string, Cost>)[what])
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
  await cost('check, strict', session.user, () => check(session))
})

test('a check writes the last activity at most every 30 s', async () => {
  stopClock()
  const session = await settled()
  advanceClock(30)
  // The isolate's copy of the store's config is 30 s old as well.
  await cost('check, 30 s later', session.user, () => check(session))
})

test('a check from another address is mirrored after the answer', async () => {
  const session = await settled()
  await cost('check, from another address', session.user, () => check(session, { address: '192.0.2.1' }))
})

test('a check that may be old asks nobody', async () => {
  const session = await settled()
  await cost('check, max-age, warm', session.user, () => check(session, warm))
})

test('a forged token costs nothing', async () => {
  const session = await settled()
  const token = session.token.slice(0, -1) + (session.token.endsWith('A') ? 'B' : 'A')
  await cost('check, forged', session.user, () => check({ ...session, token }))
})

test('a token of the wrong kind costs nothing', async () => {
  const session = await settled()
  const token = await tokenRing(1).sign({ ...(await readToken(session.token)), kind: 'api' })
  await cost('check, wrong kind', session.user, () => check({ ...session, token }))
})

test('a look at the page of devices asks the object once, and D1 for the rest in one step', async () => {
  const session = await settled()
  await cost('page of devices', session.user, () =>
    send('/devices', { cookie: session.token, address: session.user.address }),
  )
})

test('a sign-in asks a hasher and wakes one object, also a new one', async () => {
  const user = await makeUser()
  // One trip before hashing, of two statements; a session is a row and three index entries, and is
  // counted in a row; the user's row remembers
  // from where it was signed in, after the answer and the first time only.
  // Most rows of the object are its schema's, written once for good.
  await cost('sign-in, brand-new user', user, () => signIn(user))
})

test('a sign-in of a known user', async () => {
  const { user } = await settled()
  await cost('sign-in, known user', user, () => signIn(user))
})

test('a sign-in with a kind of device that the user has not used writes one row more of the object', async () => {
  const { user } = await settled()
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'
  await cost('sign-in, known user, new device', user, () => signIn(user, { userAgent }))
})

test('a wrong password wakes no user’s object, and is counted in four rows', async () => {
  const { user } = await settled()
  const { username, address } = user
  await cost('sign-in, wrong password', user, () =>
    send('/sessions', { address, json: { username, password: 'wrong' } }),
  )
})

test("a back end's opening", async () => {
  const { user } = await settled()
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client: { address: user.address, user_agent: 'Device' } }
  await cost('open by a back end, known user', user, () => send('/sessions', { bearer, json }))
})

test("a back end's opening with an idempotency key is looked up, claimed and kept", async () => {
  const { user } = await settled()
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client: { address: user.address, user_agent: 'Device' } }
  const headers = { 'idempotency-key': crypto.randomUUID() }
  await cost('open by a back end, with a key', user, () => send('/sessions', { bearer, json, headers }))
})

test('a sign-out', async () => {
  const session = await settled()
  await cost('sign-out', session.user, () => send('/sessions/current', { method: 'DELETE', bearer: session.token }))
})

test('to listen to a session asks its object, and has the alarm come a minute earlier', async () => {
  const session = await settled()
  await cost('listen to a session', session.user, () => askToListen(session))
})

test('a sign-out that is listened to costs what others do', async () => {
  const session = await settled()
  const listener = await listen(session)
  await cost('sign-out, listened to', session.user, () =>
    send('/sessions/current', { method: 'DELETE', bearer: session.token }),
  )
  await vi.waitFor(() => expect(listener.told).toMatchObject([{ type: 'ended' }]))
})

test("the list of one's own sessions asks the object alone", async () => {
  const session = await settled()
  const { address } = session.user
  await cost('list of own sessions', session.user, () => send('/sessions', { address, bearer: session.token }))
})

test('an introspection looks up its caller', async () => {
  const session = await settled()
  const bearer = await makeBearer(session.user.identityStoreId, ['sessions:introspect'])
  await cost('introspection, strict', session.user, () =>
    send('/oauth2/introspect', { bearer, form: { token: session.token } }),
  )
})

test.each([
  ['strict', {}],
  ['max-age, warm', warm],
] as const)('a check by a back end looks up its caller: %s', async (how, options) => {
  const session = await settled()
  const bearer = await makeBearer(session.user.identityStoreId, ['sessions:introspect'])
  const json = { token: session.token }
  await cost(`check by a back end, ${how}`, session.user, () => send('/sessions/check', { bearer, json, ...options }))
})

test.each([
  ['1 session', 1],
  ['100 sessions', 100],
  ['1 000 sessions', 1_000],
] as const)(
  'the end of %s is one call and at most five statements',
  async (which, count) => {
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
    await cost(`end of ${which}`, user, async () => {
      const ended = await sessions.end(owner, { only: ids }, 'revoked', { caller: 'test', requestId: null })
      expect(ended.ok && ended.value).toHaveLength(count)
    })
  },
  30_000,
)

/** A store with a signed-in user, and what an operator asks about it. */
async function operated() {
  const session = await settled()
  const bearer = await makeOperator()
  // The first call makes the table of its jobs.
  await storeJobs(session.user.identityStoreId).list()
  const store = `/operator/identity-stores/${session.user.identityStoreId}`
  const ask = async (path: string, json?: unknown) => {
    const response = await send(`${store}${path}`, { bearer, ...(json !== undefined && { json }) })
    expect(response.ok, await response.clone().text()).toBe(true)
    return response
  }
  return { session, bearer, ask }
}

test.each([
  ['list of live sessions', '/sessions?state=live'],
  ['count of live sessions', '/sessions/count?state=live'],
  ['overview', '/overview'],
  ['page of users', '/users'],
])('an operator’s look at a store wakes no user’s object: %s', async (what, path) => {
  const { session, ask } = await operated()
  await cost(`operator: ${what}`, session.user, () => ask(path))
})

test("an operator's look at one session, with its timeline and policy, asks the object once", async () => {
  const { session, ask } = await operated()
  await cost('operator: one session, explained', session.user, () => ask(`/sessions/${session.id}`))
})

test("an operator's look at a user's sessions asks the object once", async () => {
  const { session, ask } = await operated()
  await cost("operator: list of a user's sessions", session.user, () => ask(`/users/${session.user.userId}/sessions`))
})

test("an operator's end of a user's sessions is put on record first", async () => {
  const { session, ask } = await operated()
  await cost("operator: end of a user's session", session.user, () =>
    ask(`/users/${session.user.userId}/sessions/end`, { all: true }),
  )
})

test("an operator's end of named sessions is a job that asks the user's object once", async () => {
  const { session, ask } = await operated()
  const { user } = session
  const others = await Promise.all(Array.from({ length: 9 }, () => signIn(user)))
  await mirrored(user)
  await check(session)
  const named = { session_ids: [session, ...others].map(({ id }) => id) }
  await cost('operator: end of 10 named sessions', user, async (answered) => {
    const response = await ask('/sessions/end', named)
    answered()
    expect(response.status).toBe(202)
    const states = async () => (await storeJobs(user.identityStoreId).list()).map(({ state }) => state)
    await vi.waitFor(async () => expect(await states()).toEqual(['done']))
  })
})

test("a request with an operator's console session asks its object, and for its credential", async () => {
  const { session, bearer } = await operated()
  const opened = await send('/operator/console-sessions', { method: 'POST', bearer })
  const { credential_id: userId } = (await opened.json()) as { credential_id: string }
  const user = { ...session.user, identityStoreId: NO_STORE, userId }
  const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const ask = () => send('/operator/console-sessions/current', { headers: { cookie } })
  await mirrored(user)
  expect((await ask()).status).toBe(200)
  await cost('operator: check of a console session', user, ask)
})

test("a preview of a store's session config reads the mirror", async () => {
  const { session, ask } = await operated()
  await cost('operator: preview of a session config', session.user, () =>
    ask('/session-config/preview', { overall_timeout_seconds: 3_600 }),
  )
})

test('a million checks cost at most fifty cents', () => {
  expect(dollars(COUNTS['check, strict'])).toBeCloseTo(0.47)
  // Asked every 5 s, with answers up to 30 s old: one check in six asks the object, which writes the last activity.
  expect(dollarsOfFreshness(30, 5)).toBeCloseTo(0.32 + 1.15 / 6)
})

test.each([
  ['none live', 0],
  ['50 live', 50],
] as const)('setSettings for 1 000 users, %s, calls the objects of these alone', async (which, live) => {
  const team = await makeTeam()
  const userIds = await manyUsers(team.id, 1_000)
  if (live > 0) await openSessions(team.id, userIds.slice(0, live), 1)
  const set = async (answered?: () => void) => {
    const { body } = await team.call('session.setSettings', { user_ids: JSON.stringify(userIds), duration: '28800' })
    answered?.()
    expect(body).toEqual({ ok: true })
    await vi.waitFor(async () => expect(await storeJobs(team.id).list()).toEqual([]))
  }
  // The first time makes the objects' tables.
  await set()
  await userObject(team.owner).list({})
  // The counter, the audit event, the settings; the job three times, and its alarm; of each object its rules. Their
  // alarms stay: the deadlines are the same as after the first time.
  await cost(`setSettings for 1 000 users, ${which}`, team.owner, set)
})
