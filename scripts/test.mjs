// Everything that must pass, at the same time: types and lint, the Worker's own tests, which keep one core busy and no
// more, and the served ones. Each part is watched: now and then the test runtime falls silent between two files: every
// test that was begun has passed, nothing runs, and nothing comes any more. Such a part, which says nothing for minutes,
// is begun anew. A test that fails has failed: nothing is tried again for that. With arguments, `vitest run` has them.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Longer than the slowest file of tests takes. */
const SILENCE_MILLISECONDS = 420_000
const RUNS = 4
const GRACE_MILLISECONDS = 10_000
const CHECK = ['npm', 'run', '-s', 'check']
const TESTS = [
  ['--project', 'unit', '--project', 'workers'],
  ['--project', 'e2e', '--project', 'served'],
]
/** Where CI wants one report of everything; nowhere otherwise. */
const { TEST_REPORT: report } = process.env

const args = process.argv.slice(2)
const tests = (args.length > 0 ? [args] : TESTS).map((which) => ['vitest', 'run', ...which])
const codes = await Promise.all([CHECK, ...tests].map(untilDone))
if (report !== undefined) join(codes.map((_, part) => reportOf(part)).filter(existsSync))
process.exit(Math.max(...codes))

async function untilDone(command, part) {
  for (let runs = 1; ; runs += 1) {
    const code = await run(command, part)
    if (code !== null || runs === RUNS) return code ?? 1
    const minutes = SILENCE_MILLISECONDS / 60_000
    console.error(`\n${command.join(' ')} said nothing for ${minutes} minutes: run ${runs + 1} of ${RUNS}.\n`)
  }
}

/** Runs a command; answers its exit code, or null if it fell silent and was ended. */
function run([name, ...args], part) {
  const child = spawn(name, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(report !== undefined && { TEST_REPORT: reportOf(part) }) },
  })
  let silent = false
  const giveUp = () => {
    silent = true
    child.kill('SIGINT')
    setTimeout(() => end('SIGKILL'), GRACE_MILLISECONDS).unref()
  }
  const end = (signal) => {
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It has ended.
    }
  }
  let watch = setTimeout(giveUp, SILENCE_MILLISECONDS)
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.on('data', (chunk) => {
      to.write(chunk)
      if (silent) return
      clearTimeout(watch)
      watch = setTimeout(giveUp, SILENCE_MILLISECONDS)
    })
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(signal))
  return new Promise((resolve) => {
    child.on('exit', (code) => {
      clearTimeout(watch)
      end('SIGKILL')
      const done = () => resolve(silent ? null : (code ?? 1))
      child.on('close', done)
      // Who left the group may still hold its output.
      setTimeout(done, GRACE_MILLISECONDS)
    })
  })
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
