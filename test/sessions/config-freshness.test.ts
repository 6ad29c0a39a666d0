import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { SessionTokens } from '../../src/auth/session-tokens.ts'
import { countersOf } from '../../src/counters.ts'
import { DEFAULT_SESSION_CONFIG, type SessionConfig } from '../../src/domain/policy.ts'
import { ConfigCopies } from '../../src/sessions/config-copies.ts'
import { publishConfig } from '../../src/sessions/jobs/published-config.ts'
import { Sessions, type VerifiedToken } from '../../src/sessions/service.ts'
import { readSettings } from '../../src/settings.ts'
import { type AuditEntry, newRecordId } from '../../src/store/audit-events.ts'
import { storeTag } from '../../src/store/store-tag.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { countCalls } from '../support/counts.ts'
import { breakD1Statements, breakD1Writes, breakKv, breakStoreJobs } from '../support/faults.ts'
import { KvDouble } from '../support/kv-double.ts'
import { fireJobAlarm, mirrored, storeJobs } from '../support/objects.ts'
import { signIn } from '../support/requests.ts'
import { db, makeUser, type TestUser } from '../support/stores.ts'

const settings = readSettings(env)
if (!settings.ok) throw new Error(settings.error.join())
const counters = countersOf(undefined)
const tokens = new SessionTokens(settings.value.sessionTokenKeys)

/** What was asked of KV and of the store's jobs, and may go on after the answer. */
const pending: PromiseLike<unknown>[] = []

/** The same binding, and what is asked of it is noted. */
function noted<T extends object>(binding: T): T {
  return new Proxy(binding, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...input: unknown[]) => {
        const output: unknown = Reflect.apply(member, target, input)
        if (name === 'get' && target === (env.JOBS as object)) return noted(output as object)
        if (typeof output === 'object' && output !== null && 'then' in output) pending.push(output as Promise<unknown>)
        return output
      }
    },
  })
}

/** Waits for what goes on after the answer, and for what follows from that. */
async function settled(): Promise<void> {
  do {
    await Promise.allSettled(pending.splice(0))
    await scheduler.wait(1)
  } while (pending.length > 0)
}

/** Another isolate: the same bindings, a memory of its own. */
function isolate(): Sessions {
  return new Sessions({ db, config: noted(env.CONFIG), users: env.USERS, jobs: noted(env.JOBS), tokens, counters })
}

/** Who changes the config. */
function entry(identityStoreId: string): AuditEntry {
  const at = Date.now()
  const subject = `identity_store:${identityStoreId}`
  return { identityStoreId, eventId: newRecordId(at), at, actor: 'test', action: 'test', subject, requestId: 'test' }
}

async function change(sessions: Sessions, user: TestUser, changes: Partial<SessionConfig>): Promise<number> {
  const changed = await sessions.changes.updateConfig(changes, entry(user.identityStoreId))
  if (!changed.ok) throw new Error(changed.error.code)
  await settled()
  return changed.value.version
}

async function verified(token: string): Promise<VerifiedToken> {
  const answer = await isolate().verify(token, 'web')
  if (!answer.ok) throw new Error('not ours')
  return answer.value
}

async function expiryIn(sessions: Sessions, token: string): Promise<number | string> {
  const options = { touch: false, cookie: false, client: null, maxAgeSeconds: 0 }
  const answer = await sessions.check(await verified(token), options, Date.now())
  await settled()
  return answer.ok
    ? (answer.value.checked.expiresAt - answer.value.checked.session.openedAt) / 60_000
    : answer.error.code
}

/** The version in KV, as a reader sees it now. */
async function publishedVersion(user: TestUser): Promise<number | undefined> {
  const text = await env.CONFIG.get(`session-config/${storeTag(user.identityStoreId)}`)
  return text === null ? undefined : JSON.parse(text).version
}

/** Does the job that publishes once more. */
async function publishAgain({ identityStoreId }: TestUser): Promise<void> {
  const jobs = await storeJobs(identityStoreId).list()
  await storeJobs(identityStoreId).confirm(jobs.filter(({ kind }) => kind === 'publish_config').map(({ id }) => id))
}

/** Lets the store's jobs run by their alarms, the clock going from one to the next, until none is left. */
async function finishJobs(user: TestUser): Promise<void> {
  for (let rounds = 0; rounds < 30; rounds += 1) {
    const [next] = await storeJobs(user.identityStoreId).list()
    if (next === undefined) return
    if (next.dueAt > Date.now()) stopClock(next.dueAt)
    await fireJobAlarm(user.identityStoreId)
  }
  throw new Error('jobs are left')
}

describe('a config change', () => {
  test('holds at once in the isolate that made it', async () => {
    const user = await makeUser({ config: { sessionMinutes: 100 } })
    const { token } = await signIn(user)
    new KvDouble([3_600])
    const here = isolate()
    expect(await expiryIn(here, token)).toBe(100)
    await change(here, user, { sessionMinutes: 50 })
    expect(await expiryIn(here, token)).toBe(50)
  })

  test.each([{ sessionMinutes: 50 }, { trackSessionLocation: false }])('%o calls its jobs twice', async (changes) => {
    const user = await makeUser({ config: { trackSessionLocation: true } })
    const calls: string[] = []
    intercept((call, goOn) => {
      if (call.to === 'JOBS') calls.push(call.method)
      return goOn()
    })
    await change(isolate(), user, changes)
    expect(calls).toEqual(['prepare', 'confirm'])
  })

  test('empties what the isolate that made it remembers of checks', async () => {
    const user = await makeUser({ config: { sessionMinutes: 100 } })
    const { token } = await signIn(user)
    const here = isolate()
    const warm = { touch: false, cookie: false, client: null, maxAgeSeconds: 60 }
    const presented = await verified(token)
    await here.check(presented, warm, Date.now())
    await change(here, user, { sessionMinutes: 50 })
    const answer = await here.check(presented, warm, Date.now())
    expect(answer.ok && answer.value.checked.expiresAt - answer.value.checked.session.openedAt).toBe(50 * 60_000)
  })

  test('holds everywhere within two minutes, with a KV that takes a minute to show a write', async () => {
    stopClock()
    const user = await makeUser({ config: { sessionMinutes: 100 } })
    const { token } = await signIn(user)
    await mirrored(user)
    new KvDouble([60])
    const [here, there] = [isolate(), isolate()]
    expect(await expiryIn(there, token)).toBe(100)
    await change(here, user, { sessionMinutes: 50 })
    for (let seconds = 0; seconds < 120; seconds += 10) {
      await expiryIn(there, token)
      advanceClock(10)
    }
    expect(await expiryIn(there, token)).toBe(50)
    expect(await expiryIn(isolate(), token)).toBe(50)
  })

  test('is never undone by a copy that is older', async () => {
    stopClock()
    const user = await makeUser({ config: { sessionMinutes: 100 } })
    const { token } = await signIn(user)
    new KvDouble([0, 600])
    const [here, there] = [isolate(), isolate()]
    await change(here, user, { sessionMinutes: 70 })
    advanceClock(2)
    await change(here, user, { sessionMinutes: 50 })
    expect(await expiryIn(here, token)).toBe(50)
    // This one reads version 2 from KV; the object has been told version 3.
    expect(await expiryIn(there, token)).toBe(50)
  })
})

describe('KV ends on the newest version', () => {
  test('when it shows an older write after a newer one', async () => {
    stopClock()
    const user = await makeUser()
    new KvDouble([70, 5, 1])
    await change(isolate(), user, { sessionMinutes: 100 })
    advanceClock(2)
    const newest = await change(isolate(), user, { sessionMinutes: 50 })
    await finishJobs(user)
    advanceClock(3_600)
    expect(await publishedVersion(user)).toBe(newest)
  })

  test('also if its job is run again before all writes have landed', async () => {
    stopClock()
    const user = await makeUser()
    new KvDouble([70, 5])
    await change(isolate(), user, { sessionMinutes: 100 })
    advanceClock(2)
    const newest = await change(isolate(), user, { sessionMinutes: 50 })
    advanceClock(6)
    await publishAgain(user)
    await finishJobs(user)
    advanceClock(3_600)
    expect(await publishedVersion(user)).toBe(newest)
  })

  test('and one version is written once, however often its job is run', async () => {
    stopClock()
    const user = await makeUser()
    new KvDouble([60])
    const counts = countCalls()
    await change(isolate(), user, { sessionMinutes: 50 })
    for (let times = 0; times < 5; times += 1) await publishAgain(user)
    await finishJobs(user)
    expect(counts.kvWrites).toBe(1)
  })

  test('when it refuses a second write within a second', async () => {
    stopClock()
    const user = await makeUser()
    const kv = new KvDouble([0])
    let newest = 0
    for (let minutes = 10; minutes < 20; minutes += 1)
      newest = await change(isolate(), user, { sessionMinutes: minutes })
    expect(kv.refused).toBeGreaterThan(0)
    await finishJobs(user)
    expect(await publishedVersion(user)).toBe(newest)
  })

  test('when the request that made the change died right after it', async () => {
    stopClock()
    const user = await makeUser()
    const fault = breakStoreJobs({ only: (call) => call.to === 'JOBS' && call.method === 'confirm' })
    const newest = await change(isolate(), user, { sessionMinutes: 50 })
    fault.repair()
    expect(await publishedVersion(user)).toBeUndefined()
    await finishJobs(user)
    expect(await publishedVersion(user)).toBe(newest)
  })

  test('when the change was made although D1 did not say so', async () => {
    stopClock()
    const user = await makeUser()
    const fault = breakD1Statements(/update "session_configs"/i, { when: 'after' })
    const changed = await isolate().changes.updateConfig({ sessionMinutes: 50 }, entry(user.identityStoreId))
    expect(changed).toMatchObject({ ok: false, error: { code: 'unavailable' } })
    fault.repair()
    await finishJobs(user)
    expect(await publishedVersion(user)).toBe(2)
  })

  test('when KV was down for a while', async () => {
    stopClock()
    const user = await makeUser()
    const fault = breakKv()
    const newest = await change(isolate(), user, { sessionMinutes: 50 })
    for (let time = 0; time < 5; time += 1) {
      advanceClock(70)
      await fireJobAlarm(user.identityStoreId)
    }
    fault.repair()
    await finishJobs(user)
    expect(await publishedVersion(user)).toBe(newest)
  })
})

describe('a change that cannot be made', () => {
  test('is refused and changes nothing if the job cannot be written first', async () => {
    const user = await makeUser()
    breakStoreJobs()
    const changed = await isolate().changes.updateConfig({ sessionMinutes: 50 }, entry(user.identityStoreId))
    expect(changed).toMatchObject({ ok: false, error: { code: 'unavailable' } })
  })

  test('leaves a job that looks twice and finds nothing to do', async () => {
    stopClock()
    const user = await makeUser()
    const fault = breakD1Writes()
    const changed = await isolate().changes.updateConfig({ sessionMinutes: 50 }, entry(user.identityStoreId))
    expect(changed.ok).toBe(false)
    fault.repair()
    expect(await storeJobs(user.identityStoreId).list()).toHaveLength(2)
    await finishJobs(user)
    expect(await publishedVersion(user)).toBe(1)
  })

  test('of a store that does not exist leaves no job', async () => {
    const sessions = isolate()
    const changed = await sessions.changes.updateConfig({ sessionMinutes: 50 }, entry('no-such-store'))
    expect(changed).toMatchObject({ ok: false, error: { code: 'identity_store_not_found' } })
    await settled()
    expect(await storeJobs('no-such-store').list()).toEqual([])
  })
})

describe("an isolate's copy of the config", () => {
  test('is read from KV once in 30 seconds, in the background from 20 on', async () => {
    const start = stopClock()
    const user = await makeUser()
    let reads = 0
    const get = async () => {
      reads += 1
      return null
    }
    const kv = noted({ get }) as unknown as KVNamespace
    const copies = new ConfigCopies(kv)
    const tag = storeTag(user.identityStoreId)
    const at = async (seconds: number) => {
      await copies.get(tag, start + seconds * 1000)
      await settled()
      return reads
    }
    expect([await at(0), await at(10), await at(19), await at(20), await at(39), await at(71)]).toEqual([
      1, 1, 1, 2, 2, 3,
    ])
  })

  test('is not used when it is older than 30 seconds', async () => {
    const start = stopClock()
    const user = await makeUser()
    const tag = storeTag(user.identityStoreId)
    const publish = (version: number) =>
      publishConfig(env.CONFIG, user.identityStoreId, { version, value: DEFAULT_SESSION_CONFIG })
    const copies = new ConfigCopies(env.CONFIG)
    await publish(1)
    expect((await copies.get(tag, start))?.version).toBe(1)
    await publish(2)
    expect((await copies.get(tag, start + 19_999))?.version).toBe(1)
    expect((await copies.get(tag, start + 30_000))?.version).toBe(2)
  })

  test('is news of nothing if KV holds what makes no sense', async () => {
    const user = await makeUser()
    const tag = storeTag(user.identityStoreId)
    for (const nonsense of ['', '{', '[]', '{"version":-1}', '{"version":9,"value":{}}']) {
      await env.CONFIG.put(`session-config/${tag}`, nonsense)
      expect(await new ConfigCopies(env.CONFIG).get(tag, Date.now())).toBeNull()
    }
  })
})

test("a user's object hands on nothing of another store's config", async () => {
  const [one, two] = [
    await makeUser({ config: { sessionMinutes: 100 } }),
    await makeUser({ config: { sessionMinutes: 200 } }),
  ]
  const [first, second] = [await signIn(one), await signIn(two)]
  const sessions = isolate()
  await change(sessions, one, { sessionMinutes: 50 })
  expect(await expiryIn(sessions, first.token)).toBe(50)
  expect(await expiryIn(sessions, second.token)).toBe(200)
  const knowledge = await runInDurableObject(
    env.USERS.get(env.USERS.idFromName(`${two.identityStoreId}/${two.userId}`)),
    (_o, { storage }) => storage.sql.exec<{ knowledge: string }>('SELECT knowledge FROM owner').one().knowledge,
  )
  expect(JSON.parse(knowledge).config.version).toBe(1)
})
