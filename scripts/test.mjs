// Everything that must pass, at the same time: types and lint, the Worker's own tests in two runtimes, since each file
// waits for the one before it, and the served ones. With arguments, `vitest run` has them.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { resolve } from 'node:path'

/** A part that says nothing for so long hangs, and has failed. Longer than the slowest file of tests takes. */
const SILENCE_MILLISECONDS = 1_200_000
const GRACE_MILLISECONDS = 10_000
const WEIGHING_MILLISECONDS = 200
/** Niceness: a third of the weight. With a tenth, time limits of the Worker under test strike in what nobody lets run. */
const THIRD_OF_WEIGHT = 5
const CHECK = ['npm', 'run', '-s', 'check']
const SERVED = ['--project', 'e2e', '--project', 'served']
const TESTS = [
  SERVED,
  ['--project', 'unit', '--project', 'workers', '--shard', '1/2'],
  ['--project', 'unit', '--project', 'workers', '--shard', '2/2'],
]
/** Where Node keeps what it compiled: of what each start of the service loads, wrangler's bundle alone has 15 MB. */
const NODE_COMPILE_CACHE = resolve('node_modules/.cache/node')
const ROOM_BYTES = 4 * 2 ** 30
/** Where there is room enough the tests' databases are in memory: none needs to outlive the machine. */
const TMPDIR = memoryFolder() ?? tmpdir()
/** Where CI wants one report of everything; nowhere otherwise. */
const { TEST_REPORT: report } = process.env

const args = process.argv.slice(2)
const tests = args.length > 0 ? [args] : TESTS
const codes = await Promise.all([CHECK, ...tests.map((which) => ['vitest', 'run', ...which])].map(run))
if (report !== undefined) join(codes.map((_, part) => reportOf(part)).filter(existsSync))
process.exit(Math.max(...codes))

/** Runs a command; answers its exit code. */
function run([name, ...args], part) {
  const child = spawn(name, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE, TMPDIR, ...(report !== undefined && { TEST_REPORT: reportOf(part) }) },
  })
  // They take longest, so that the others wait for them.
  if (!SERVED.every((arg) => args.includes(arg))) giveWay(child.pid)
  const end = (signal) => {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It has ended.
    }
  }
  const hangs = () => {
    console.error(`\n${[name, ...args].join(' ')} said nothing for ${SILENCE_MILLISECONDS / 60_000} minutes.\n`)
    end('SIGKILL')
  }
  const watch = setTimeout(hangs, SILENCE_MILLISECONDS)
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.on('data', (chunk) => {
      to.write(chunk)
      watch.refresh()
    })
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end)
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      clearTimeout(watch)
      end('SIGKILL')
      const done = () => resolve(code ?? 1)
      child.on('close', done)
      // Who left the group may still hold its output.
      setTimeout(done, GRACE_MILLISECONDS)
    })
  })
}

/** Lets others go first. Linux weighs whole sessions against each other, where it groups them: each part is one. */
function giveWay(pid) {
  setPriority(pid, THIRD_OF_WEIGHT)
  weighLess(`/proc/${pid}/autogroup`)
}

function weighLess(group) {
  try {
    writeFileSync(group, String(THIRD_OF_WEIGHT))
  } catch ({ code }) {
    // Who is not root may say it ten times a second. Elsewhere there are no such groups.
    if (code === 'EAGAIN') setTimeout(weighLess, WEIGHING_MILLISECONDS, group)
  }
}

/** Linux's folder in memory, if it is large enough: a container's often is not. */
function memoryFolder() {
  const folder = '/dev/shm'
  if (!existsSync(folder)) return null
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > ROOM_BYTES ? folder : null
}

function reportOf(part) {
  return `${report}.${part}`
}

/** Makes one report of several. */
function join(paths) {
  const parts = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')))
  const sum = (name) => parts.reduce((all, part) => all + part[name], 0)
  const numPassedTests = sum('numPassedTests')
  const numFailedTests = sum('numFailedTests')
  writeFileSync(
    report,
    JSON.stringify({ numPassedTests, numFailedTests, testResults: parts.flatMap(({ testResults }) => testResults) }),
  )
  for (const path of paths) rmSync(path)
}
