/** `npm run dev` as a person runs it: in a terminal's process group, told to stop by Ctrl-C. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { shownIn } from '../../support/secrets-shown.ts'
import { watchService } from './watched-services.ts'

const GONE_WITHIN_MILLISECONDS = 10_000
const POLL_MILLISECONDS = 100

/** `dev-credentials.json`. */
export interface DevCredentials {
  readonly base_url: string
  readonly operator_token: string
  readonly identity_store_id: string
  readonly users: readonly DevUser[]
  readonly service: { readonly token: string }
  readonly slack: { readonly token: string; readonly read_only_token: string }
  readonly looker: { readonly client_id: string; readonly client_secret: string }
  readonly huawei: {
    readonly ak: string
    readonly sk: string
    readonly denied_ak: string
    readonly denied_sk: string
  }
}

export interface DevUser {
  readonly id: string
  readonly username: string
  readonly password: string
  readonly role: string
  readonly login_mode: string
}

export interface DevServer {
  readonly credentials: DevCredentials
  /** Everything that it has printed. */
  readonly output: () => string
  /** Ctrl-C; resolves when it has ended, to the processes that it left behind. */
  readonly stop: () => Promise<readonly number[]>
  /** SIGKILL to npm or to the script, alone, or to every process; resolves to those that are left after 10 s. */
  readonly kill: (which: 'npm' | 'script' | 'everything') => Promise<readonly number[]>
}

/** Runs `npm run dev` to its end, which it must come to by itself. */
export async function runDev(directory: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const { child, output } = npmRunDev(directory, args)
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)))
  return { code, output: output() }
}

/** Starts `npm run dev` in a project's directory and waits until it says how to try it. */
export async function startDev(
  directory: string,
  args: readonly string[],
  persistTo = join(directory, '.wrangler/state'),
): Promise<DevServer> {
  const { child, output } = npmRunDev(directory, args)
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => output().includes('Ctrl-C stops it.') && resolve())
    child.on('close', (code) => reject(new Error(`npm run dev ended with ${code}:\n${output()}`)))
  })
  const credentials = JSON.parse(readFileSync(join(persistTo, 'dev-credentials.json'), 'utf8'))
  const variables = variablesIn(readFileSync(join(persistTo, 'dev/latchkey/.dev.vars'), 'utf8'))
  watchService(credentials.base_url, { credentials, variables })
  const group = child.pid ?? 0
  return {
    credentials,
    output,
    async stop() {
      const children = processesOf(group)
      process.kill(-group, 'SIGINT')
      await ended
      const shown = shownIn(output())
      if (shown.length > 0) throw new Error(`secrets were printed: ${shown.join(', ')}`)
      return left(children)
    },
    async kill(which) {
      const children = processesOf(group)
      const script = children.find(({ args }) => /^\S*node scripts\/dev\.mjs/.test(args))
      if (script === undefined) throw new Error('the script is not running')
      if (which === 'everything') killAll([group, ...children.map(({ pid }) => pid)])
      else process.kill(which === 'npm' ? group : script.pid, 'SIGKILL')
      await ended
      return untilGone(children)
    },
  }
}

/**
 * The environment of what is started in a project's directory. Wranglers find each other's Workers by name in a registry
 * of the whole machine: one in the directory keeps out a Latchkey that runs elsewhere.
 */
export function environmentIn(directory: string): NodeJS.ProcessEnv {
  return { ...process.env, WRANGLER_REGISTRY_PATH: join(directory, '.wrangler/registry') }
}

function npmRunDev(directory: string, args: readonly string[]): { child: ChildProcess; output: () => string } {
  const child = spawn('npm', ['run', 'dev', '--', ...args], {
    cwd: directory,
    detached: true,
    env: environmentIn(directory),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (text: string) => {
      printed += text
    })
  }
  return { child, output: () => printed }
}

/** The variables of a deployment that stand in its `.dev.vars`. */
function variablesIn(text: string): object {
  return Object.fromEntries(Array.from(text.matchAll(/^(\w+)="?(.*?)"?$/gm), ([, name, value]) => [name, value]))
}

interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly args: string
}

function processes(): RunningProcess[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line)
    // A zombie has ended; it only waits to be counted.
    if (match?.[3] === undefined || match[3].startsWith('Z')) return []
    return [{ pid: Number(match[1]), parent: Number(match[2]), args: match[4] ?? '' }]
  })
}

/** Every process that a process started, and those that they started. */
export function processesOf(root: number): RunningProcess[] {
  const all = processes()
  const found: RunningProcess[] = []
  let parents = new Set([root])
  while (parents.size > 0) {
    const children = all.filter(({ parent }) => parents.has(parent))
    found.push(...children)
    parents = new Set(children.map(({ pid }) => pid))
  }
  return found
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended with another one.
    }
  }
}

/** Those of some processes that still run. */
function left(some: readonly RunningProcess[]): number[] {
  const now = new Map(processes().map((running) => [running.pid, running.args]))
  return some.filter(({ pid, args }) => now.get(pid) === args).map(({ pid }) => pid)
}

/** Waits for processes to end. Answers those that have not within 10 s. */
async function untilGone(some: readonly RunningProcess[]): Promise<number[]> {
  const deadline = Date.now() + GONE_WITHIN_MILLISECONDS
  while (left(some).length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
  }
  return left(some)
}
