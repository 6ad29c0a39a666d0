/**
 * One table of faults. While each lasts, clients, back ends and administrators go on by all APIs; then all is well again,
 * and what was acknowledged is compared with what there is (test/faults/mix/audit.ts).
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { finishJobs } from './api/looker/support.ts'
import type { Act, Scene } from './faults/mix/act.ts'
import { ACTS, LIVES } from './faults/mix/acts.ts'
import { audit, type Outside } from './faults/mix/audit.ts'
import { Ledger } from './faults/mix/ledger.ts'
import { load, perform } from './faults/mix/load.ts'
import { type Call, type FullStore, makeFullStore } from './faults/mix/store.ts'
import { UNLIMITED } from './faults/mix/unlimited.ts'
import { intercept, reachedObjects } from './support/bindings.ts'
import { hastenTimeLimits, stopClock } from './support/clock.ts'
import {
  breakAlarms,
  breakAnything,
  breakD1,
  breakHashers,
  breakKv,
  breakStoreJobs,
  breakUserObjects,
  type Fault,
  fillD1,
} from './support/faults.ts'
import { KvDouble } from './support/kv-double.ts'
import { abortObject, mirroredByAlarm, storeJobs, userObject, userProfiles } from './support/objects.ts'
import { randomFrom } from './support/random.ts'
import { ORIGIN } from './support/requests.ts'
import { makeOperator } from './support/stores.ts'
import { type Variant, workerWith } from './support/variants.ts'

/** Beside two. */
const MEMBERS = 1
const AT_ONCE = 6
/** No answer may take so long, whatever is broken. */
const LONGEST_MILLISECONDS = 60_000
const ACTS_OF_LOAD = env.WHOLE ? 600 : 30
const SEED = Date.now() % 1_000_000
/** How far a clock is off at most, to either side. What was asked for by one that was ahead may be due so much later. */
const CLOCK_OFF_MINUTES = 6

async function newScene(note: string, members = MEMBERS): Promise<Scene> {
  const worker = workerWith(UNLIMITED)
  const operator = await makeOperator()
  const store = await makeFullStore((call) => must(worker, call), operator, { name: 'faults', members })
  const findings: string[] = []
  return {
    origin: ORIGIN,
    store,
    operator,
    note,
    ledger: new Ledger(),
    random: randomFrom(SEED),
    findings,
    tally: new Map(),
    async send({ path, ...request }) {
      const answered = new AbortController()
      const late = scheduler.wait(LONGEST_MILLISECONDS, { signal: answered.signal }).then(() => null)
      const answering = async () => {
        const response = await worker.send(path, { ...request, origin: null })
        return { status: response.status, headers: response.headers, text: await response.text() }
      }
      const answer = await Promise.race([answering(), late])
      if (answer === null) findings.push(`${note}: ${request.method} ${path} hangs`)
      answered.abort()
      return answer
    },
  }
}

async function must(worker: Variant, { path, ...options }: Call) {
  const response = await worker.send(path, options)
  const text = await response.text()
  if (!response.ok) throw new Error(`${options.method} ${path}: ${response.status} ${text}`)
  return { body: text === '' ? null : JSON.parse(text), cookies: response.headers.getSetCookie() }
}

function outsideOf({ identityStoreId, userIds }: FullStore): Outside {
  return {
    tries: 3,
    async rows(sql, ...values) {
      return (
        await env.DB.prepare(sql)
          .bind(...values)
          .all()
      ).results
    },
    async settle() {
      await finishJobs(identityStoreId, 2 * CLOCK_OFF_MINUTES * 60)
      for (const userId of userIds) await mirroredByAlarm({ identityStoreId, userId })
    },
  }
}

/** What befalls one call of D1, KV or an object. */
const AT_A_STEP: Readonly<Record<string, AtAStep>> = {
  'it is not done': {},
  'it is done, and nobody learns of it': { when: 'after' },
  'it hangs': { how: 'hang', long: true },
  'it hangs, and is done': { how: 'hang', when: 'after', long: true },
  'all objects restart before it': { how: 'restart', long: true },
  'all objects restart after it': { how: 'restart', when: 'after', long: true },
}
interface AtAStep extends Pick<Fault, 'when'> {
  readonly how?: 'fail' | 'hang' | 'restart'
  /** It takes minutes. */
  readonly long?: boolean
}
const [OPEN, LOGIN] = ['a back end opens', 'a Looker client logs in'].map((name) =>
  ACTS.find((act) => act.name === name),
) as [Act, Act]
/** What takes many steps is gone through by `npm run faults` alone. */
const STEPPED = env.WHOLE ? ACTS : ACTS.filter((act) => !LIVES.includes(act))

interface Lasting {
  readonly begin: (store: FullStore) => { repair(): void } | Promise<{ repair(): void }>
  /** Time limits strike sooner. */
  readonly hasty?: boolean
  /** What heals it, where nothing comes by itself. */
  readonly heal?: (store: FullStore) => Promise<void>
}

/** Moves the clock to and fro, no further than signed requests may be off. */
function restlessClock() {
  let calls = 0
  const start = Date.now()
  const move = () => {
    calls += 1
    stopClock(start + (((calls * 7) % (2 * CLOCK_OFF_MINUTES + 1)) - CLOCK_OFF_MINUTES) * 60_000)
  }
  return breakAnything({ how: move })
}

/** A store's objects go out of memory at every so many calls, whatever they are doing. */
function restarts(store: FullStore) {
  const isTime = everySoOften(RESTART_EVERY)
  return breakAnything({ how: () => (isTime() ? restart(store) : undefined) })
}

async function restart({ identityStoreId, userIds }: FullStore): Promise<void> {
  const users = userIds.map((userId) => ({ identityStoreId, userId }))
  const others = (['ENDPOINTS', 'HASHERS'] as const).flatMap(reachedObjects)
  const stubs = [storeJobs(identityStoreId), ...users.map(userObject), ...users.map(userProfiles), ...others]
  await Promise.all(stubs.map(abortObject))
}

const RESTART_EVERY = 19

/** While alarms are bad, so is D1: else they have little to do. */
async function badAlarms(how: 'lost' | 'late' | 'twice') {
  const faults = [await breakAlarms(how), breakD1({ only: everySoOften(3) })]
  return {
    repair() {
      for (const fault of faults) fault.repair()
    },
  }
}

/** The objects begin anew, the store's hour of the day comes, and somebody asks for each user. */
async function restartAndLook(store: FullStore): Promise<void> {
  await restart(store)
  const { identityStoreId, userIds } = store
  await storeJobs(identityStoreId).lookAfter(identityStoreId)
  for (const userId of userIds) await userObject({ identityStoreId, userId }).list({})
}

const LASTING: Readonly<Record<string, Lasting>> = {
  'nothing is wrong': { begin: () => ({ repair() {} }) },
  'D1 refuses': { begin: () => breakD1() },
  'D1 refuses every third time': { begin: () => breakD1({ only: everySoOften(3) }) },
  'D1 hangs': { begin: () => breakD1({ how: 'hang' }), hasty: true },
  'D1 hangs after every third commit': {
    begin: () => breakD1({ how: 'hang', when: 'after', only: everySoOften(3) }),
    hasty: true,
  },
  'D1 is slow': { begin: () => breakD1({ how: 30 }) },
  'D1 fails after the commit': { begin: () => breakD1({ when: 'after' }) },
  'D1 fails after every third commit': { begin: () => breakD1({ when: 'after', only: everySoOften(3) }) },
  'D1 is full, and can be read': { begin: () => fillD1() },
  'KV refuses': { begin: () => breakKv() },
  'KV hangs': { begin: () => breakKv({ how: 'hang' }), hasty: true },
  'KV is a minute behind': { begin: behind },
  'KV is empty': { begin: () => readsOfKv(null) },
  'KV has nonsense': { begin: () => readsOfKv('{"version":9') },
  "users' objects are out of reach": { begin: () => breakUserObjects() },
  "users' objects are lost after every third call": {
    begin: () => breakUserObjects({ when: 'after', only: everySoOften(3) }),
  },
  "stores' jobs are out of reach": { begin: () => breakStoreJobs() },
  'hashing is gone': { begin: () => breakHashers() },
  'all objects restart again and again': { begin: restarts },
  'the clock goes to and fro': { begin: restlessClock },
  'every alarm is late': { begin: () => badAlarms('late') },
  'every alarm comes twice': { begin: () => badAlarms('twice') },
  'no alarm comes': { begin: () => badAlarms('lost'), heal: restartAndLook },
}

function everySoOften(every: number): () => boolean {
  let calls = 0
  return () => ++calls % every === 0
}

function behind() {
  new KvDouble([60])
  return { repair() {} }
}

function readsOfKv(text: string | null) {
  return { repair: intercept(async (call, goOn) => (call.to === 'KV' && call.method === 'get' ? text : goOn())) }
}

/** Logs of what is broken on purpose. */
function hush(): void {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
}

describe(`nothing acknowledged is lost, no ended session alive, the limit kept, and each answer in its API's words (seed ${SEED})`, {
  timeout: 600_000,
}, () => {
  for (const [name, { begin, hasty = false, heal }] of Object.entries(LASTING)) {
    test(`while ${name}`, async () => {
      hush()
      const scene = await newScene(name)
      const restore = hasty ? hastenTimeLimits() : () => {}
      const fault = await begin(scene.store)
      await load(scene, { atOnce: AT_ONCE, acts: ACTS_OF_LOAD })
      fault.repair()
      vi.useRealTimers()
      restore()
      await heal?.(scene.store)
      expect([...scene.findings, ...(await audit(scene, outsideOf(scene.store)))]).toEqual([])
      expect([...scene.tally.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(ACTS_OF_LOAD)
      console.info(`${name}: ${JSON.stringify(Object.fromEntries(scene.tally))}`)
    })
  }

  for (const [name, fault] of Object.entries(AT_A_STEP)) {
    // `npm test` has the short ones.
    test.skipIf(fault.long === true && !env.WHOLE)(`at any one step of any act, where ${name}`, async () => {
      hush()
      const scene = await newScene(name, 0)
      let steps = 0
      for (const [index, act] of STEPPED.entries()) {
        for (let step = 0; ; step += 1) {
          // Somebody to do it to.
          const note = `${act.name}, step ${step}, where ${name}`
          await perform({ ...scene, note: `before ${note}` }, act.on === 'api' ? LOGIN : OPEN)
          let calls = 0
          const restore = hastenTimeLimits()
          const how = fault.how === 'restart' ? () => restart(scene.store) : (fault.how ?? 'fail')
          const broken = breakAnything({ when: fault.when ?? 'before', how, only: () => calls++ === step })
          await perform({ ...scene, note }, act)
          broken.repair()
          restore()
          steps += 1
          if (broken.hits === 0) break
        }
        if (!env.WHOLE && index % 8 !== 0 && index !== STEPPED.length - 1) continue
        expect([...scene.findings, ...(await audit(scene, outsideOf(scene.store)))]).toEqual([])
      }
      console.info(`${steps} steps where ${name}: ${JSON.stringify(Object.fromEntries(scene.tally))}`)
    })
  }
})
