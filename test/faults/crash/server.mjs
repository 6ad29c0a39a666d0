// The service under `npm run dev`, or that of a model where one is given, and how to kill parts of it.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { residentBytes } from '../../../bench/processes.mjs'
import { environmentIn } from '../../e2e/support/dev-server.ts'
import { credentialsAt } from '../../e2e/support/model-service.ts'
import { requireNoLeaks, watchAnswers, watchService } from '../../e2e/support/watched-services.ts'
import { isFree } from '../../support/free-port.ts'
import { lookInLog } from '../../support/secrets-shown.ts'

const DEV = fileURLToPath(new URL('../../../scripts/dev.mjs', import.meta.url))
const SERVICE = fileURLToPath(new URL('service.mjs', import.meta.url))
/** What `npm run dev` has made, as the tests made it; null: it is run. */
const model = process.env.LATCHKEY_MODEL === undefined ? null : JSON.parse(process.env.LATCHKEY_MODEL)
const START_TIMEOUT_MILLISECONDS = 90_000
const PROBE_TIMEOUT_MILLISECONDS = 2_000
const PROBE_INTERVAL_MILLISECONDS = 100
const PORT_TIMEOUT_MILLISECONDS = 10_000

/** Waits until a port can be listened on: a process that was killed may hold it for a moment. */
async function untilFree(port) {
  for (const until = Date.now() + PORT_TIMEOUT_MILLISECONDS; !(await isFree(port)); ) {
    if (Date.now() > until) throw new Error(`port ${port} is in use`)
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MILLISECONDS))
  }
}

/** Starts the service on `port` with its data in `directory`, and waits until it serves. */
export async function startServer(port, directory, variables = {}) {
  watchAnswers()
  const child = model === null ? startDev(port, directory, variables) : startOfModel(port, directory, variables)
  let output = ''
  const served = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it does not start:\n${output}`)), START_TIMEOUT_MILLISECONDS)
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => lookInLog([line]))
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        // Enough to tell what went wrong; every request is logged.
        output = (output + text).slice(-20_000)
        if (output.includes('Latchkey serves')) {
          clearTimeout(late)
          resolve()
        }
      })
    }
    child.on('exit', (code) => reject(new Error(`it ended with ${code}:\n${output}`)))
  })
  served.catch(() => undefined)
  const exited = new Promise((resolve) => child.on('close', resolve))
  try {
    await served
  } catch (error) {
    killAll(child.pid)
    throw error
  }
  const credentials =
    model === null
      ? JSON.parse(readFileSync(join(directory, 'dev-credentials.json'), 'utf8'))
      : credentialsAt(model, port)
  watchService(credentials.base_url, credentials)
  return {
    credentials,
    /** Kills the workerd that runs the Worker; another one is started. */
    killRuntime() {
      const all = descendants(child.pid).filter(({ args }) => args.includes(' serve ') && args.includes('=entry='))
      // Before wrangler's stands its proxy, which listens on the public port.
      const runtimes = model === null ? all.filter(({ args }) => !args.includes(`=entry=127.0.0.1:${port} `)) : all
      if (runtimes.length !== 1) throw new Error(`${runtimes.length} runtimes found`)
      kill(runtimes[0].pid)
      if (model !== null) child.send('start another one')
    },
    /** Kills every process at once. */
    async killEverything() {
      killAll(child.pid)
      await exited
      await untilFree(port)
    },
    /** Stops it as Ctrl-C does. Rejects if a secret was printed or answered. */
    async stop() {
      child.kill('SIGINT')
      await exited
      await requireNoLeaks()
    },
    output: () => output,
  }
}

function startDev(port, directory, variables) {
  const changed = Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`])
  return spawn(process.execPath, [DEV, '--port', String(port), '--persist-to', directory, ...changed], {
    env: environmentIn(directory),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function startOfModel(port, persistTo, variables) {
  return spawn(process.execPath, [SERVICE], {
    env: { ...process.env, LATCHKEY_MODEL_SERVICE: JSON.stringify({ model, port, persistTo, variables }) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

/** Waits until the service answers. Answers how long that took, in milliseconds. */
export async function untilServing(baseUrl) {
  const started = Date.now()
  while (Date.now() - started < START_TIMEOUT_MILLISECONDS) {
    try {
      const response = await fetch(`${baseUrl}/healthz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MILLISECONDS) })
      await response.arrayBuffer()
      if (response.ok) return Date.now() - started
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MILLISECONDS))
  }
  throw new Error(`no answer for ${START_TIMEOUT_MILLISECONDS} ms`)
}

/** Every process that a process started, and those that they started: `{pid, args}`. */
export function descendants(root) {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 16_777_216 }).split('\n')
  const all = lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)
    return match === null ? [] : [{ pid: Number(match[1]), parent: Number(match[2]), args: `${match[3]} ` }]
  })
  const found = []
  let parents = new Set([root])
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent))
    found.push(...children)
    parents = new Set(children.map(({ pid }) => pid))
  }
  return found
}

/** What the runtimes that this process has started hold, in bytes. */
export function residentBytesOfRuntimes() {
  const runtimes = descendants(process.pid).filter(({ args }) => /workerd.* serve /.test(args))
  return runtimes.reduce((sum, { pid }) => sum + residentBytes(pid), 0)
}

function killAll(root) {
  for (const pid of [root, ...descendants(root).map(({ pid }) => pid)]) kill(pid)
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has gone by itself.
  }
}
