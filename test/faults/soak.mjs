// `npm run soak -- --minutes 3`: nine checks of ten acts, and openings, sign-ins with real hashing, ends, lists, settings
// and config changes of all APIs, at what one process can do and far beyond, and then beside one user whom all ask for at
// once. Who is turned away is told when to come back. At last what was acknowledged is compared with what there is.
import { parseArgs } from 'node:util'
import { randomFrom } from '../support/random.ts'
import { SECRETS } from '../support/secrets.ts'
import { startDirectWorker } from './direct-worker.ts'
import { measureMemory } from './memory.mjs'
import { ACTS } from './mix/acts.ts'
import { audit } from './mix/audit.ts'
import { Ledger } from './mix/ledger.ts'
import { load } from './mix/load.ts'
import { callerTo, sendTo } from './mix/over-http.ts'
import { makeFullStore, passwordHash } from './mix/store.ts'
import { UNLIMITED } from './mix/unlimited.ts'

const ORIGIN = 'http://127.0.0.1:8787'
const MEMBERS = 60
/** As the service makes new hashes. */
const COST = { ln: 14, p: 5, r: 8 }
const SIGN_INS = ACTS.filter(({ name }) => name === 'a user signs in')
/** Who asks for others than that one user may be turned away so often: they share a process with it here. */
const MAX_TURNED_AWAY = 0.05
const WEIGHTS = { check: 90, open: 4, list: 2, end: 3, rules: 1 }
/** Answers of a part, however slow the machine is. */
const LEAST = 50
const TRIES = 240
/** So much more memory may be held after the last part than after the first one, which is the same. */
const MAX_GROWTH = 1.3

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    // At once, beyond what can be done: sixteen are enough to keep the process busy. Of more than some hundred connections
    // workerd leaves some unread for half a minute, whatever Worker it runs.
    beyond: { type: 'string', default: '64' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
})
const [minutes, beyond, seed] = [Number(values.minutes), Number(values.beyond), Number(values.seed)]
if (!(minutes >= 0.1 && minutes <= 240)) throw new Error('--minutes takes 0.1 to 240')
if (!(beyond >= 2 && beyond <= 2_000)) throw new Error('--beyond takes 2 to 2000')
const PHASES = [
  { name: 'at what it can do', atOnce: 16 },
  { name: 'beyond it', atOnce: beyond },
  { name: 'beside one user whom all ask for', atOnce: 16, hot: beyond / 2 },
  // The line for hashing is longer than anybody may wait. It takes too long for a soak of seconds.
  ...(minutes < 1 ? [] : [{ name: 'signing in alone, beyond it', atOnce: 2 * beyond, of: SIGN_INS }]),
  { name: 'as in the beginning', atOnce: 16 },
]

const findings = []
const worker = await startDirectWorker({
  variables: UNLIMITED,
  gateLimit: 1_000_000_000,
  logged: ({ level, message }) => level === 'error' && findings.push(`logged: ${message.slice(0, 500)}`),
})
try {
  await run()
} finally {
  await worker.stop()
}
if (findings.length > 0) {
  console.error(`${findings.length} findings:\n${findings.slice(0, 50).join('\n')}`)
  process.exitCode = 1
}
process.exit()

async function run() {
  const call = callerTo(worker.url.origin)
  const bootstrap = { method: 'POST', path: '/operator/bootstrap', bearer: SECRETS.OPERATOR_BOOTSTRAP_SECRET }
  const { token: operator } = (await call({ ...bootstrap, json: { name: 'Soak' } })).body
  const store = await makeFullStore(call, operator, {
    name: 'soak',
    members: MEMBERS,
    passwordHash: passwordHash(COST.ln, COST.p, COST.r),
  })
  const send = sendTo(worker.url.origin, (what) => findings.push(what))
  const ledger = new Ledger()
  const common = { origin: ORIGIN, operator, store, ledger, random: randomFrom(seed), findings, send }
  const [hot, ...others] = store.memberIds
  const memory = []
  // Somebody must be there whose session can be checked.
  const [open] = ACTS
  for (const userId of store.memberIds) await open.run({ ...common, note: 'first', tally: new Map() }, userId)
  for (const phase of PHASES) {
    await pass({ ...common, note: phase.name, tally: new Map() }, phase, hot, others)
    memory.push(await measureMemory(worker))
  }
  const scene = { ...common, note: 'at last', tally: new Map() }
  const settle = () => new Promise((resolve) => setTimeout(resolve, 500))
  findings.push(...(await audit(scene, { rows: worker.rows, settle, tries: TRIES })))
  for (const what of ['residentBytes', 'heapBytes']) {
    const megabytes = memory.map((one) => one[what] / 1e6)
    console.log(`${what} after each part, in MB: ${megabytes.map((one) => one.toFixed(1)).join(', ')}`)
    if (minutes >= 10 && megabytes.at(-1) > megabytes[0] * MAX_GROWTH) findings.push(`${what} grow`)
  }
  console.log(`seed ${seed}: ${ledger.opens} opens and ${ledger.ends} ends acknowledged; ${findings.length} findings`)
}

async function pass(scene, { name, atOnce, hot: hotAtOnce = 0, of }, hot, others) {
  const times = []
  const until = Date.now() + (minutes * 60_000) / PHASES.length
  const stopped = () => Date.now() >= until && times.length >= LEAST
  const timed = {
    ...scene,
    async send(request) {
      const begun = performance.now()
      const answer = await scene.send(request)
      times.push(performance.now() - begun)
      return answer
    },
  }
  const heat = { ...scene, note: `${scene.note}, that one`, tally: new Map() }
  const started = Date.now()
  const amounts = await Promise.all([
    load(timed, {
      atOnce,
      acts: Number.POSITIVE_INFINITY,
      stopped,
      ...(of ? { of } : { weights: WEIGHTS }),
      userIds: others,
    }),
    load(heat, { atOnce: hotAtOnce, acts: Number.POSITIVE_INFINITY, stopped, weights: WEIGHTS, userIds: [hot] }),
  ])
  const seconds = (Date.now() - started) / 1000
  const sum = (tally, pattern) => [...tally].reduce((all, [how, count]) => all + (pattern.test(how) ? count : 0), 0)
  const [yes, no, notNow, none] = [/ yes$/, / no$/, / not now$/, / no answer$/].map((one) => sum(timed.tally, one))
  const middle = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0
  console.log(
    `${name}, ${atOnce} at once: ${Math.round(amounts[0] / seconds)} acts a second, ${Math.round(middle)} ms in the middle; ` +
      `${yes} × yes, ${no} × no, ${notNow} × come back later` +
      (hotAtOnce > 0 ? `; of that one ${Math.round(amounts[1] / seconds)} a second` : ''),
  )
  if (none > 0) findings.push(`${name}: ${none} got no answer`)
  if (of && notNow === 0) findings.push(`${name}: nobody was told to come back later`)
  if (hotAtOnce > 0 && notNow > MAX_TURNED_AWAY * yes) findings.push(`${name}: ${notNow} others were turned away`)
  if (yes === 0) findings.push(`${name}: nobody got what it asked for`)
}
