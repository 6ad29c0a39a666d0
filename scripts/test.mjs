// `vitest run` in two halves at the same time: the Worker's own tests keep one core busy and no more. Each is watched:
// now and then the test runtime falls silent between two files: every test that was begun has passed, nothing runs, and
// nothing comes any more. Such a half, which says nothing for minutes, is begun anew. A test that fails has failed:
// nothing is tried again for that. With arguments it is one run, of what they name.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** Longer than the slowest file of tests takes. */
const SILENCE_MILLISECONDS = 420_000
const RUNS = 4
const GRACE_MILLISECONDS = 10_000
const HALVES = [
  ['--project', 'unit', '--project', 'workers'],
  ['--project', 'e2e', '--project', 'served'],
]
/** Where CI wants one report of everything; nowhere otherwise. */
const { TEST_REPORT: report } = process.env

const args = process.argv.slice(2)
const codes = await Promise.all((args.length > 0 ? [args] : HALVES).map(untilDone))
if (report !== undefined) join(codes.map((_, half) => reportOf(half)).filter(existsSync))
process.exit(Math.max(...codes))

async function untilDone(args, half) {
  for (let run = 1; ; run += 1) {
    const code = await vitest(args, half)
    if (code !== null || run === RUNS) return code ?? 1
    console.error(`\nThe tests said nothing for ${SILENCE_MILLISECONDS / 60_000} minutes: run ${run + 1} of ${RUNS}.\n`)
  }
}

/** Runs tests; answers their exit code, or null if they fell silent and were ended. */
function vitest(args, half) {
  const child = spawn('vitest', ['run', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(report !== undefined && { TEST_REPORT: reportOf(half) }) },
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

function reportOf(half) {
  return `${report}.${half}`
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
