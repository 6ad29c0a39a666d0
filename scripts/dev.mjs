// `npm run dev`: makes the local secrets, applies the migrations, starts `wrangler dev`, fills an empty
// database with a demo identity store, and says how to try it. Arguments: docs/operating.md.
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fillApplicationServer } from './dev/application-server.mjs'
import { fillWithSessions } from './dev/demo-sessions.mjs'
import { extendLock, InUse, lockDirectory, unlockDirectory } from './dev/directory-lock.mjs'
import { send } from './dev/local-http.mjs'
import { applyMigrations } from './dev/migrations.mjs'
import { readOptions, wranglerArguments } from './dev/options.mjs'
import { howToTry } from './dev/print.mjs'
import { startTool } from './dev/processes.mjs'
import { ensureSecrets, fingerprints } from './dev/secrets.mjs'
import { DoesNotFit, ensureDemoStore, makeUsers, requireKeys } from './dev/seed.mjs'
import { serviceClient } from './dev/service-client.mjs'
import { stateFiles } from './dev/state-files.mjs'
import { writeDevConfigs } from './dev/wrangler-config.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The Worker with a clock that is behind. */
const THE_PAST = join(ROOT, 'scripts/dev/past/worker.mjs')
const START_TIMEOUT_MILLISECONDS = 120_000
const PROBE_TIMEOUT_MILLISECONDS = 5_000
const PROBE_INTERVAL_MILLISECONDS = 150
const PARENT_INTERVAL_MILLISECONDS = 300
const MINUTE_MILLISECONDS = 60_000

/** A reason to stop that needs no stack trace. */
class CannotStart extends Error {}

/** The tool that runs now, if any. */
let tool = null
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
if (process.env.npm_lifecycle_event === 'dev') {
  // An npm that is killed outright tells us nothing.
  const parent = process.ppid
  setInterval(() => process.ppid === parent || stopping || stop(), PARENT_INTERVAL_MILLISECONDS).unref()
}

try {
  await run(readOptions(process.argv.slice(2), ROOT))
} catch (error) {
  await tool?.stop()
  if (!stopping) {
    if (error instanceof CannotStart || error instanceof InUse) console.error(error.message)
    else console.error(tool?.output(), error)
    process.exit(1)
  }
}

/** Stops everything; asked twice, at once. */
async function stop() {
  if (stopping) tool?.kill()
  stopping = true
  await tool?.stop()
  process.exit(0)
}

async function run(options) {
  const { baseUrl, persistTo } = options
  const files = stateFiles(persistTo)
  await requireFreePort(options)
  files.prepare()
  await lockDirectory(persistTo, [process.pid])
  process.on('exit', () => unlockDirectory(persistTo))
  if (options.reset) {
    files.reset()
    files.prepare()
  }
  const secrets = ensureSecrets(join(ROOT, '.dev.vars'))
  const keys = fingerprints(secrets)
  await mustFit(() => requireKeys(files, keys))
  // Hashing takes a while: it goes on while the rest starts.
  const early = files.readCredentials() === null ? makeUsers() : null
  const configure = (main) => writeDevConfigs(ROOT, files.generatedPath, secrets.get('APPLICATION_SERVER_SECRET'), main)
  const configs = await configure()

  try {
    applyMigrations(persistTo, configs)
  } catch (error) {
    throw new CannotStart(`A migration failed. ${error.message}`)
  }

  const newUsers = async () => {
    const users = await (early ?? makeUsers())
    fillApplicationServer(users, persistTo)
    return users
  }
  const store = { baseUrl, bootstrapSecret: secrets.get('OPERATOR_BOOTSTRAP_SECRET'), keys, files, newUsers }
  const made = files.readSeed()?.demo_sessions ?? 0
  const wanted = options.demoSessions
  if (wanted > made) {
    console.log(`Filling the demo store with ${wanted - made} sessions …`)
    await configure(THE_PAST)
    const { server, ended } = start(options, configs)
    await Promise.race([ended, untilServing(baseUrl).then(() => fill(store, made, wanted))])
    ended.catch(() => undefined)
    await server.stop()
    await configure()
  }

  console.log('Starting …')
  const { server, ended } = start(options, configs)
  await Promise.race([ended, untilServing(baseUrl)])
  sealEachMinute(baseUrl)
  const credentials = await Promise.race([ended, demoStore(store)])
  const code = await Promise.race([ended, consoleCode(credentials)])
  server.show()
  console.log(howToTry(credentials, files, code))
  await ended
}

/** Starts `wrangler dev`. `ended` rejects when it ends. */
function start(options, configs) {
  const server = startTool('wrangler', wranglerArguments(options, configs))
  tool = server
  // It outlives a script that is killed by some moments.
  extendLock(options.persistTo, [server.pid])
  const ended = server.exited.then((code) => {
    throw new CannotStart(`wrangler dev ended with ${code}.\n${server.output()}`)
  })
  return { server, ended }
}

function demoStore(store) {
  return mustFit(() => ensureDemoStore(store))
}

/** Says how to begin anew where the stored data does not fit. */
async function mustFit(act) {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof DoesNotFit)) throw error
    const again = ['npm run dev --', ...process.argv.slice(2), '--reset'].join(' ')
    throw new CannotStart(`${error.message}\nTo delete the local data and begin anew: ${again}`)
  }
}

/** Fills the demo store up to `wanted` sessions; earlier starts have made some. None makes them twice. */
async function fill(store, made, wanted) {
  const credentials = await demoStore(store)
  store.files.writeSeed({ ...store.files.readSeed(), demo_sessions: wanted })
  await fillWithSessions(credentials, made, wanted)
}

/** What opens the console once. */
async function consoleCode({ base_url: baseUrl, operator_token: token }) {
  return (await serviceClient(baseUrl, token).call('POST', '/operator/console-sessions/codes')).code
}

/** What the platform does by itself: `wrangler dev` runs no cron. */
function sealEachMinute(baseUrl) {
  const url = `${baseUrl}/cdn-cgi/local/scheduled?cron=${encodeURIComponent('* * * * *')}`
  const run = () => send(url, { timeoutMilliseconds: MINUTE_MILLISECONDS }).catch(() => undefined)
  setInterval(run, MINUTE_MILLISECONDS).unref()
}

/** Another server on the port would be taken for ours, and filled with demo data. */
async function requireFreePort({ ip, port }) {
  const probe = createServer()
  const fault = await new Promise((resolve) => {
    probe.once('error', resolve)
    probe.listen({ host: ip, port, exclusive: true }, () => probe.close(() => resolve(null)))
  })
  if (fault === null) return
  const why = fault.code === 'EADDRINUSE' ? 'something listens there already' : fault.message
  throw new CannotStart(`Cannot listen on ${ip}:${port}: ${why}. Choose another: npm run dev -- --port N`)
}

async function untilServing(baseUrl) {
  const deadline = Date.now() + START_TIMEOUT_MILLISECONDS
  let last = 'no answer'
  while (Date.now() < deadline) {
    try {
      const { status, text } = await send(`${baseUrl}/healthz`, { timeoutMilliseconds: PROBE_TIMEOUT_MILLISECONDS })
      if (status === 200) return
      last = `${status} ${text}`
    } catch (error) {
      last = String(error)
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MILLISECONDS))
  }
  throw new CannotStart(`It does not serve. GET /healthz: ${last}\n${tool.output()}`)
}
