// `npm run crash -- --rounds 20`: clients, back ends and administrators go on by all APIs, over HTTP, while processes are
// killed with SIGKILL. Nothing that was acknowledged may be lost, no ended session alive, no limit exceeded, D1 must catch
// up, and no job be left. Two rounds of three kill the runtime (wrangler restarts it), the third one everything.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openLocalDatabase } from '../e2e/support/local-database.ts'
import { freePort } from '../support/free-port.ts'
import { randomFrom } from '../support/random.ts'
import { startServer, untilServing } from './crash/server.mjs'
import { audit } from './mix/audit.ts'
import { Ledger } from './mix/ledger.ts'
import { load } from './mix/load.ts'
import { callerTo, sendTo } from './mix/over-http.ts'
import { makeFullStore } from './mix/store.ts'
import { UNLIMITED } from './mix/unlimited.ts'

const MEMBERS = 4
const AT_ONCE = 8
const MAX_ACTS = 2_000
/** Load before the kill, in milliseconds: at random between these. */
const LOAD_MILLISECONDS = { min: 500, max: 2_000 }
/** A job whose change was never confirmed looks twice, the second time after 40 s. */
const TRIES = 180
const POLL_MILLISECONDS = 500

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, seed: { type: 'string', default: String(Date.now() % 1e6) } },
})
const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) throw new Error('--rounds takes 1 to 1000')

const directory = mkdtempSync(join(tmpdir(), 'latchkey-crash-'))
const port = await freePort()
let server = await startServer(port, directory, UNLIMITED)
const { base_url: baseUrl, operator_token: operator } = server.credentials
const random = randomFrom(seed)
const findings = []
const scene = {
  origin: baseUrl,
  operator,
  random,
  findings,
  note: '',
  ledger: new Ledger(),
  tally: new Map(),
  store: await makeFullStore(callerTo(baseUrl), operator, { name: 'crash', members: MEMBERS }),
  send: sendTo(baseUrl, (what) => findings.push(what)),
}
const { ledger } = scene

try {
  for (let round = 1; round <= rounds && findings.length === 0; round += 1) await run(round)
  if (findings.length === 0) {
    const started = Date.now()
    findings.push(...(await audit(scene, { rows, settle: pause, tries: TRIES })))
    console.log(`all is as acknowledged, in D1 too, ${Date.now() - started} ms after the last round`)
  }
} finally {
  await server.stop()
}
const answers = [...scene.tally].map(([how, count]) => `${count} × ${how}`).toSorted()
console.log(`seed ${seed}: ${answers.join(', ')}`)
if (findings.length > 0) {
  console.error(`${findings.length} findings:\n${findings.slice(0, 50).join('\n')}\nThe data is kept: ${directory}`)
  process.exitCode = 1
} else {
  rmSync(directory, { recursive: true })
  console.log(`${rounds} rounds: ${ledger.opens} opens and ${ledger.ends} ends acknowledged, none lost`)
}

async function run(round) {
  const before = { opens: ledger.opens, ends: ledger.ends, unanswered: ledger.unanswered }
  const everything = round % 3 === 0
  const loadMilliseconds = Math.round(
    LOAD_MILLISECONDS.min + random() * (LOAD_MILLISECONDS.max - LOAD_MILLISECONDS.min),
  )
  let stop = false
  const loading = load({ ...scene, note: `round ${round}` }, { atOnce: AT_ONCE, acts: MAX_ACTS, stopped: () => stop })
  // It is heard of below; until then a failure is not unhandled.
  loading.catch(() => undefined)

  await new Promise((resolve) => setTimeout(resolve, loadMilliseconds))
  const killedAt = Date.now()
  if (everything) {
    await server.killEverything()
    server = await startServer(port, directory, UNLIMITED)
  } else server.killRuntime()
  await untilServing(baseUrl)
  const downMilliseconds = Date.now() - killedAt
  stop = true
  const acts = await loading
  console.log(
    `round ${round}: ${everything ? 'everything' : 'the runtime'} killed after ${loadMilliseconds} ms, serving after ` +
      `${downMilliseconds} ms; ${acts} acts, ${ledger.opens - before.opens} opened, ${ledger.ends - before.ends} ended, ` +
      `${ledger.unanswered - before.unanswered} openings unanswered`,
  )
}

async function rows(sql, ...bindings) {
  const database = openLocalDatabase(directory)
  try {
    return database.prepare(sql).all(...bindings)
  } finally {
    database.close()
  }
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
}
