// Child processes that never outlive this one: each runs on a leash (leash.mjs), in a process group of its own.
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LEASH = fileURLToPath(new URL('./leash.mjs', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Much more than a start prints. */
const KEPT_CHARACTERS = 200_000

const running = new Set()
process.on('exit', () => {
  for (const child of running) killGroup(child)
})

/**
 * Starts a tool of node_modules/.bin in the project's directory. Its output is kept in `output()` until
 * `show()` is called, and goes to this process's own output from then on.
 */
export function startTool(name, args) {
  const child = spawn(process.execPath, [LEASH, name, ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // The pinned Node and tools come first, however this script was started.
      PATH: `${join(ROOT, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
    },
  })
  running.add(child)
  let kept = ''
  let shown = false
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.setEncoding('utf8')
    from.on('data', (text) => {
      if (shown) to.write(text)
      else kept = (kept + text).slice(-KEPT_CHARACTERS)
    })
  }
  const exited = new Promise((resolve) => {
    // What it left behind would keep its output open, and `close` would wait for ever.
    child.on('exit', () => killGroup(child))
    child.on('close', (code) => {
      running.delete(child)
      resolve(code ?? 1)
    })
  })
  // It may be gone already when it is told to stop.
  child.stdin.on('error', () => undefined)
  return {
    /** Of its process group too. */
    pid: child.pid,
    /** Resolves to the exit code. */
    exited,
    output: () => kept,
    show: () => {
      shown = true
    },
    /** Asks it to stop; it has been made to within seconds. */
    stop: () => {
      child.stdin.end()
      return exited
    },
    /** Stops it at once. */
    kill: () => killGroup(child),
  }
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}
