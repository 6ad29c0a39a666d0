// `vitest run`, watched. Now and then the test runtime falls silent between two files: every test that was begun has
// passed, nothing runs, and nothing comes any more. Such a run, which says nothing for minutes, is begun anew. A test
// that fails has failed: nothing is tried again for that.
import { spawn } from 'node:child_process'

/** Longer than the slowest file of tests takes. */
const SILENCE_MILLISECONDS = 420_000
const RUNS = 4
const GRACE_MILLISECONDS = 10_000

for (let run = 1; ; run += 1) {
  const code = await vitest()
  if (code !== null || run === RUNS) process.exit(code ?? 1)
  console.error(`\nThe tests said nothing for ${SILENCE_MILLISECONDS / 60_000} minutes: run ${run + 1} of ${RUNS}.\n`)
}

/** Runs all tests; answers their exit code, or null if they fell silent and were ended. */
function vitest() {
  const child = spawn('vitest', ['run', ...process.argv.slice(2)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
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
