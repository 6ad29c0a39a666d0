// Who has a persist directory: two runtimes on one SQLite lose what they acknowledged.
import { execFileSync } from 'node:child_process'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a process that may hold a directory is called by; another one has only got its number. */
const HOLDERS = /scripts\/dev\.mjs|scripts\/dev\/leash\.mjs|wrangler/
const WAIT_MILLISECONDS = 5_000
const POLL_MILLISECONDS = 100

/** Another process has the directory; the message is for people. */
export class InUse extends Error {}

/**
 * Takes an existing directory for processes, by number. A lock whose processes have all ended is taken over; one whose
 * first process was killed, while those that it started still end, is waited for. Throws `InUse`.
 */
export async function lockDirectory(directory, pids) {
  const path = join(directory, 'dev.lock')
  const draft = `${path}.${process.pid}`
  const deadline = Date.now() + WAIT_MILLISECONDS
  writeFileSync(draft, JSON.stringify(pids), { mode: 0o600 })
  try {
    for (;;) {
      try {
        linkSync(draft, path)
        return
      } catch (error) {
        if (error.code !== 'EEXIST') throw error
      }
      const held = read(path)
      const alive = held.filter((pid) => pid !== process.pid && isHolder(pid))
      if (alive.length === 0) remove(path, held)
      else if (alive.includes(held[0]) || Date.now() > deadline) throw new InUse(inUse(directory, alive[0]))
      else await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Adds processes to a lock that is ours. */
export function extendLock(directory, pids) {
  const path = join(directory, 'dev.lock')
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, JSON.stringify([...read(path), ...pids]), { mode: 0o600 })
  renameSync(draft, path)
}

/** Gives a directory up, if it is this process's. */
export function unlockDirectory(directory) {
  const path = join(directory, 'dev.lock')
  if (read(path)[0] === process.pid) rmSync(path, { force: true })
}

/** Every running process: `{pid, parent, args}`. */
export function processes() {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 16_777_216 }).split('\n')
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)
    return match === null ? [] : [{ pid: Number(match[1]), parent: Number(match[2]), args: match[3] }]
  })
}

function isHolder(pid) {
  return processes().some((running) => running.pid === pid && HOLDERS.test(running.args))
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return []
  }
}

/** Removes a lock that is stale, unless somebody else has taken it over meanwhile. */
function remove(path, stale) {
  if (JSON.stringify(read(path)) === JSON.stringify(stale)) rmSync(path, { force: true })
}

function inUse(directory, pid) {
  return `${directory} is in use by process ${pid}: stop that one, or keep the data elsewhere with --persist-to DIR`
}
