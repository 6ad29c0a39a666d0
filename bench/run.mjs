// `npm run bench`: Latchkey side by side with what else one would pick, on this machine.
//   --quick   in about a minute, for a look
//   --scale   cost against size: up to a million records, up to 200 sessions a user
//   --trips   count the contenders' trips in sequence, and measure nothing
//   --docs    put what was measured into README.md and docs/performance.md
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { parseArgs } from 'node:util'
import { chart } from './chart.mjs'
import { startBetterAuth } from './contenders/better-auth.mjs'
import { startExpressRedis, startExpressSqlite } from './contenders/express-session.mjs'
import { startIronSession } from './contenders/iron-session.mjs'
import {
  startLatchkey,
  startLatchkeyOfMany,
  startLatchkeyThatHashes,
  startLatchkeyThatOpens,
} from './contenders/latchkey.mjs'
import { startLimits } from './contenders/limits.mjs'
import { startProtected } from './contenders/protected.mjs'
import { startWorkersOauthProvider } from './contenders/workers-oauth-provider.mjs'
import { measureHashing } from './hashing.mjs'
import { nineOClock as measureNineOClock } from './nine-o-clock.mjs'
import { measureOperations } from './operations.mjs'
import { asText, writeDocs } from './report.mjs'
import { ratio, runRounds } from './rounds.mjs'
import { measureScale } from './scale.mjs'
import { spread } from './spread.mjs'
import { judge } from './targets.mjs'
import { workerdVersion } from './workers.mjs'

const RESULTS = new URL('results/', import.meta.url)
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    scale: { type: 'boolean' },
    trips: { type: 'boolean' },
    docs: { type: 'boolean' },
  },
})
const SIZE = options.quick
  ? { rounds: 3, warmUp: 0.5, seconds: 0.6, amount: 96, users: 500, known: 64, repeats: 2, records: [10_000] }
  : {
      rounds: 7,
      warmUp: 1,
      seconds: 2.3,
      amount: 320,
      users: 3_000,
      known: 256,
      repeats: 5,
      records: [10_000, 100_000, 1_000_000],
    }

/** What is known before the first comparison. */
const NOTHING_COMPARED = {
  ...machine(),
  seconds: 0,
  users: SIZE.users,
  rounds: 0,
  bursts: {},
  summary: {},
  operations: {},
  hashing: null,
  nineOClock: null,
  leftOut: {},
}

// What was started ends with this process, also when it is interrupted.
process.once('SIGINT', () => process.exit(130))

const results = {
  ...NOTHING_COMPARED,
  ...(readResults() ?? {}),
  ...(options.scale ? await scaled() : options.trips ? { trips: await counted() } : await compared()),
}
const judged = judge(results)
mkdirSync(RESULTS, { recursive: true })
writeFileSync(new URL('latest.json', RESULTS), `${JSON.stringify({ ...results, targets: judged }, null, 2)}\n`)
writeFileSync(new URL('latest.svg', RESULTS), chart(results))
console.log(asText(results, judged))
if (options.docs) writeDocs(results, judged)
process.exit()

/** What was measured before: the comparison and the growth are measured apart and shown together. */
function readResults() {
  try {
    return JSON.parse(readFileSync(new URL('latest.json', RESULTS), 'utf8'))
  } catch {
    return null
  }
}

function machine() {
  const processors = cpus()
  return {
    at: new Date().toISOString().slice(0, 16).replace('T', ' ').concat(' UTC'),
    quick: options.quick === true,
    processor: `${processors.length} × ${processors[0]?.model ?? 'unknown'}`,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    workerd: workerdVersion(),
  }
}

async function scaled() {
  return { scale: { ...machine(), ...(await measureScale(SIZE, say)) } }
}

async function counted() {
  const trips = {}
  for (const start of [startBetterAuth, startWorkersOauthProvider]) {
    const contender = await start()
    Object.assign(trips, contender.trips)
    await contender.stop()
  }
  return trips
}

async function compared() {
  const startedAt = Date.now()
  const contenders = [
    ['an empty Worker', () => startLimits(SIZE)],
    ['Latchkey', startLatchkey],
    ['Latchkey with many live users', () => startLatchkeyOfMany(SIZE)],
    ['Latchkey that opens', () => startLatchkeyThatOpens({ ...SIZE, newUsers: (SIZE.rounds + 1) * SIZE.amount })],
    ['Latchkey that hashes', startLatchkeyThatHashes],
    ['a protected route', startProtected],
    ['better-auth', startBetterAuth],
    ['iron-session', startIronSession],
    ['workers-oauth-provider', startWorkersOauthProvider],
    ['express-session on SQLite', startExpressSqlite],
    ['express-session on Redis', startExpressRedis],
  ]
  const scenarios = {}
  const trips = {}
  const leftOut = {}
  const stops = []
  let latchkey
  for (const [name, start] of contenders) {
    say(`starting ${name}`)
    try {
      const contender = await start()
      stops.push(contender.stop)
      Object.assign(scenarios, contender.scenarios)
      Object.assign(trips, contender.trips)
      latchkey ??= contender.service
    } catch (error) {
      leftOut[name] = error.message.split('\n')[0]
    }
  }
  let rounds
  let hashing = null
  try {
    rounds = await runRounds(scenarios, { ...SIZE, report: (round) => say(`round ${round} of ${SIZE.rounds}`) })
    if (latchkey !== undefined) {
      say('checks while four sign-ins hash')
      hashing = await attempt('sign-ins that hash', () => measureHashing(latchkey, scenarios.check, SIZE), leftOut)
    }
  } finally {
    for (const stop of stops) await stop()
  }
  const operations = await attempt('operations', () => measureOperations(SIZE, say), leftOut)
  say('nine o’clock')
  const nineOClock = await attempt('nine o’clock', () => measureNineOClock(options.quick ? { users: 60 } : {}), leftOut)
  const summary = Object.fromEntries(
    Object.entries(rounds.bursts).map(([key, bursts]) => [
      key,
      {
        perSecond: spread(bursts.map(({ perSecond }) => perSecond)),
        cpuMicroseconds: spread(bursts.map(({ cpuMicroseconds }) => cpuMicroseconds)),
        p50Milliseconds: spread(bursts.map(({ p50Milliseconds }) => p50Milliseconds)),
        ofEmpty: ratio(rounds.bursts, [key, 'empty']),
      },
    ]),
  )
  return {
    ...machine(),
    seconds: Math.round((Date.now() - startedAt) / 1000),
    users: SIZE.users,
    rounds: SIZE.rounds,
    summary,
    trips,
    hashing,
    nineOClock,
    operations: operations ?? {},
    leftOut: { ...leftOut, ...rounds.leftOut },
    bursts: rounds.bursts,
  }
}

/** A measurement that may fail without the rest. */
async function attempt(what, measure, leftOut) {
  try {
    return await measure()
  } catch (error) {
    leftOut[what] = error.message.split('\n')[0]
    return null
  }
}

function say(what) {
  process.stderr.write(`${what}\n`)
}
