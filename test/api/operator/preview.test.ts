/** What a preview of a session config says is what happens, in stores of every kind. */
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WHEN_LIMIT_REACHED } from '../../../src/domain/policy.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { fireJobAlarm, mirrored, rowsOf, storeJobs, userObject } from '../../support/objects.ts'
import { send } from '../../support/requests.ts'
import { makeBearer, makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { operate } from './operator.ts'

const STORES = env.WHOLE ? 200 : 100
const AT_ONCE = 20
const STEPS = 3
const USER_AGENTS = { web: 'Firefox', mobile: 'Mobile' }

const fewOrAll = fc.option(fc.integer({ min: 1, max: 2 }))
const anyConfig = fc.record({
  overall_timeout_seconds: fc.integer({ min: 20, max: 60 }).map((minutes) => minutes * 60),
  inactivity_timeout_seconds: fc.option(fc.integer({ min: 60, max: 1_500 }), { freq: 2 }),
  concurrent_sessions: fc.record({
    limit: fewOrAll,
    when_reached: fc.constantFrom(...WHEN_LIMIT_REACHED),
    by_client_kind: fc.option(fc.record({ web: fewOrAll, mobile: fewOrAll }), { freq: 2 }),
  }),
})
type Config = typeof anyConfig extends fc.Arbitrary<infer T> ? T : never
const anyAct = fc.constantFrom('web', 'web', 'mobile', 'touch')
const anyStore = fc.record({
  from: anyConfig,
  to: anyConfig,
  /** What each user does at each step. */
  users: fc.array(fc.array(anyAct, { minLength: STEPS, maxLength: STEPS }), { minLength: 1, maxLength: 2 }),
})

test(`of ${STORES} stores and changes, every one ends what was previewed`, async () => {
  // Others each time in `npm run campaigns`, where one may miss a kind of end.
  const seed = env.WHOLE ? Math.trunc(Math.random() * 2 ** 31) : 1
  console.info(`seed ${seed}`)
  const plans = fc.sample(anyStore, { seed, numRuns: STORES })
  const delays = fc.sample(fc.integer({ min: 50, max: 1_000 }), { seed, numRuns: STEPS })
  const operator = await makeOperator()
  stopClock()
  const stores = await forEach(plans, async ({ from, to, users: acts }, index) => {
    const identityStoreId = await makeStore({ config: kept(from) })
    const users = await Promise.all(acts.map(() => makeUser({ identityStoreId })))
    const bearer = await makeBearer(identityStoreId, ['sessions:open'])
    return { index, identityStoreId, to, acts, users, bearer, tokens: new Map<TestUser, string>() }
  })
  for (const [step, delay] of delays.entries()) {
    await forEach(stores, async ({ users, acts, bearer, tokens }) => {
      for (const [nth, user] of users.entries()) await act(acts[nth]?.[step] ?? 'nothing', user, bearer, tokens)
    })
    advanceClock(delay)
  }
  await forEach(stores, ({ users }) => Promise.all(users.map(mirrored)))

  const total = { exact: 0, expired: 0, evicted: 0, idle: 0 }
  await forEach(stores, async ({ index, identityStoreId, to, users }) => {
    const path = `/identity-stores/${identityStoreId}`
    const config = `${path}/session-config`
    const previewed = await operate(`${config}/preview`, { bearer: operator, json: to })
    expect(previewed.status).toBe(200)
    const live = await liveOf(users)
    expect((await operate(config, { bearer: operator, method: 'PATCH', json: to })).status).toBe(200)
    await swept(identityStoreId)
    const left = await liveOf(users)
    const reasons = await reasonsOf(users)
    const gone = [...live].filter(([id]) => !left.has(id))
    const ended = (reason: string | null) => {
      const of = gone.filter(([id]) => reason === null || reasons.get(id) === reason)
      return { sessions: of.length, users: new Set(of.map(([, userId]) => userId)).size }
    }
    const { by_rule: rules, sessions, users: usersPreviewed } = previewed.body
    const context = JSON.stringify({ seed, index, plan: plans[index], delays, previewed: previewed.body })
    const [expired, evicted, idle, all] = [ended('expired'), ended('evicted'), ended('idle'), ended(null)]
    expect(expired.sessions + evicted.sessions + idle.sessions, context).toBe(all.sessions)
    const isExact = rules.inactivity_timeout.sessions === 0
    expect(rules.overall_timeout.exact, context).toBe(isExact)
    expect(rules.concurrent_sessions.exact, context).toBe(isExact)
    if (isExact) {
      expect(rules.overall_timeout, context).toMatchObject(expired)
      expect(rules.concurrent_sessions, context).toMatchObject(evicted)
      expect({ sessions, users: usersPreviewed }, context).toEqual(all)
    }
    expect(idle.sessions, context).toBeLessThanOrEqual(rules.inactivity_timeout.sessions)
    expect(all.sessions, context).toBeLessThanOrEqual(sessions)
    total.exact += isExact && sessions > 0 ? 1 : 0
    total.expired += expired.sessions
    total.evicted += evicted.sessions
    total.idle += idle.sessions
  })
  console.info(JSON.stringify(total))
  // It would say nothing of what never came up.
  for (const [what, count] of Object.entries(total)) expect([what, count > 0], `seed ${seed}`).toEqual([what, true])
}, 300_000)

async function act(what: string, user: TestUser, bearer: string, tokens: Map<TestUser, string>): Promise<void> {
  const token = tokens.get(user)
  if (what === 'touch' && token !== undefined) await send('/sessions/current', { bearer: token })
  if (what !== 'web' && what !== 'mobile') return
  const client = { address: '192.0.2.1', user_agent: USER_AGENTS[what] }
  const answer = await send('/sessions', { bearer, json: { user_id: user.userId, client } })
  // It is refused where the limit refuses.
  expect([201, 409]).toContain(answer.status)
  if (answer.ok) tokens.set(user, ((await answer.json()) as { token: string }).token)
}

/** The live sessions of users by their objects, each with its user. */
async function liveOf(users: readonly TestUser[]): Promise<Map<string, string>> {
  const lists = users.map(async (user) => {
    const found = await userObject(user).list({})
    return found.map(({ session }) => [session.id, user.userId] as const)
  })
  return new Map((await Promise.all(lists)).flat())
}

async function reasonsOf(users: readonly TestUser[]): Promise<Map<string, string | null>> {
  const rows = users.map((user) =>
    rowsOf<{ id: string; end_reason: string }>(user, 'SELECT id, end_reason FROM sessions'),
  )
  return new Map((await Promise.all(rows)).flat().map(({ id, end_reason: reason }) => [id, reason]))
}

/** Waits until every user with live sessions has been told of the change. */
async function swept(identityStoreId: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await fireJobAlarm(identityStoreId)
        return (await storeJobs(identityStoreId).list()).filter(({ kind }) => kind === 'sweep_sessions')
      },
      { timeout: 10_000, interval: 5 },
    )
    .toEqual([])
}

/** A config as it is kept. */
function kept({
  overall_timeout_seconds: overall,
  inactivity_timeout_seconds: idle,
  concurrent_sessions: limits,
}: Config) {
  return {
    sessionMinutes: overall / 60,
    useInactivityBasedLogout: idle !== null,
    ...(idle !== null && { inactivityTimeoutSeconds: idle }),
    concurrentSessionLimit: limits.limit,
    whenLimitReached: limits.when_reached,
    clientKindLimits: limits.by_client_kind && { ...limits.by_client_kind },
  }
}

/** Some at a time, so that none waits long for what all share. */
async function forEach<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < items.length; at += AT_ONCE) {
    done.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map((item, nth) => work(item, at + nth)))))
  }
  return done
}
