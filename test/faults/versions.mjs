// `npm run versions -- --from <commit>`: an earlier version serves, then this one on what that one has left, then the
// earlier one again on what this one has left, migrations included, and this one again; then both at once on one
// database, each with the other's objects. All APIs are used meanwhile: nothing acknowledged may be lost, as in
// `npm run crash`. By default it is the last version that knows nothing of the newest migration.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { randomFrom } from '../support/random.ts'
import { SECRETS } from '../support/secrets.ts'
import { bundle, startDirectWorker } from './direct-worker.ts'
import { ACTS, STREAM_LIFE } from './mix/acts.ts'
import { audit } from './mix/audit.ts'
import { Ledger } from './mix/ledger.ts'
import { load } from './mix/load.ts'
import { callerTo, sendTo } from './mix/over-http.ts'
import { makeFullStore } from './mix/store.ts'
import { UNLIMITED } from './mix/unlimited.ts'

const ROOT = join(import.meta.dirname, '../..')
/** One of those that wrangler.toml names. */
const ORIGIN = 'http://127.0.0.1:8787'
const VARIABLES = { ...UNLIMITED, SIGN_IN_FLOOR_MILLISECONDS: '0', PASSWORD_HASH_COST: 'ln=1,r=1,p=1' }
/** Without them a version knows no streams. */
const STREAMS = 'src/api/ssf/routes.ts'
const AT_ONCE = 6
const MEMBERS = 2
const TRIES = 180

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    acts: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
})
const [acts, seed] = [Number(values.acts), Number(values.seed)]
if (!Number.isInteger(acts) || acts < 1 || acts > 100_000) throw new Error('--acts takes 1 to 100000')

const from = values.from ?? beforeTheNewestMigration()
if (from === null) {
  console.log('there is no history here from which an earlier version could be taken')
  process.exit()
}
const directory = mkdtempSync(join(tmpdir(), 'latchkey-versions-'))
const findings = []
try {
  await run()
} finally {
  if (findings.length === 0) rmSync(directory, { recursive: true })
}
if (findings.length > 0) {
  console.error(`${findings.length} findings:\n${findings.slice(0, 50).join('\n')}\nThe data is kept: ${directory}`)
  process.exitCode = 1
}
process.exit()

async function run() {
  const [before, now] = await Promise.all([bundle(checkOut(from)), bundle(ROOT)])
  const streams = existsSync(join(before.root, STREAMS))
  const [older, newer, called] = [{ version: before }, { version: now }, from.slice(0, 12)]
  let scene
  for (const [name, versions] of [
    [`${called} alone`, older],
    ['this one after it', newer],
    [`${called} again`, older],
    ['this one again', newer],
    [`both, with the objects of this one`, { ...newer, beside: before }],
    [`both, with the objects of ${called}`, { ...older, beside: now }],
    ['this one at last', newer],
  ]) {
    const worker = await startDirectWorker({
      ...versions,
      persistTo: join(directory, 'state'),
      variables: VARIABLES,
      gateLimit: 1_000_000_000,
      logged: ({ level, message }) => level === 'error' && findings.push(`${name}: ${message.slice(0, 500)}`),
    })
    try {
      scene ??= await begin(worker, streams)
      await serve(name, worker, scene)
    } finally {
      await worker.stop()
    }
    if (findings.length > 0) return
  }
  const { opens, ends } = scene.ledger
  console.log(`seed ${seed}: ${opens} opens and ${ends} ends acknowledged by two versions, none lost by either`)
}

async function begin({ url }, streams) {
  const call = callerTo(url.origin)
  const bootstrap = { method: 'POST', path: '/operator/bootstrap', bearer: SECRETS.OPERATOR_BOOTSTRAP_SECRET }
  const { token: operator } = (await call({ ...bootstrap, json: { name: 'Versions' } })).body
  const store = await makeFullStore(call, operator, { name: 'versions', members: MEMBERS, streams })
  const ofBoth = ACTS.filter((act) => streams || act !== STREAM_LIFE)
  return {
    ofBoth,
    origin: ORIGIN,
    operator,
    store,
    ledger: new Ledger(),
    random: randomFrom(seed),
    findings,
    tally: new Map(),
  }
}

/** All holds of what was acknowledged before, and of what is done now. */
async function serve(name, { url, urlBeside, rows }, given) {
  const late = (what) => findings.push(`${name}: ${what}`)
  const ways = [url, ...(urlBeside === null ? [] : [urlBeside])].map(({ origin }) => sendTo(origin, late))
  const scene = {
    ...given,
    note: name,
    tally: new Map(),
    send: (request) => ways[Math.floor(given.random() * ways.length)](request),
  }
  const outside = { rows, settle: () => new Promise((resolve) => setTimeout(resolve, 250)), tries: TRIES }
  const { opens, ends } = scene.ledger
  findings.push(...(await audit(scene, outside)))
  await load(scene, { atOnce: AT_ONCE, acts, of: given.ofBoth })
  findings.push(...(await audit(scene, outside)))
  const answers = Array.from(scene.tally, ([how, count]) => `${count} × ${how}`)
  const not = [...scene.tally].filter(([how]) => /(not now|no answer)$/.test(how))
  findings.push(...not.map(([how, count]) => `${name}: ${count} × ${how}`))
  console.log(
    `${name}: ${scene.ledger.opens - opens} opened, ${scene.ledger.ends - ends} ended; ${answers.toSorted().join(', ')}`,
  )
}

/** The commit before the one that added the newest migration; null without history. */
function beforeTheNewestMigration() {
  try {
    const added = git('log', '--diff-filter=A', '--format=%H', '-1', '--', 'migrations/*.sql')
    return git('rev-parse', '--verify', '--quiet', `${added}^`)
  } catch {
    return null
  }
}

/** The files of a commit, in a folder of their own. */
function checkOut(commit) {
  const folder = join(directory, 'before')
  mkdirSync(folder)
  const archive = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 1_073_741_824 })
  execFileSync('tar', ['-x', '-C', folder], { input: archive })
  for (const packages of ['node_modules', 'packages/client/node_modules'])
    symlinkSync(join(ROOT, packages), join(folder, packages))
  // The Worker's bundle has nothing of the pages that are built before it.
  const config = join(folder, 'wrangler.toml')
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^\[build\]\n(?:.+\n)+/m, ''))
  mkdirSync(join(folder, 'dist/assets'), { recursive: true })
  return folder
}

function git(...args) {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
