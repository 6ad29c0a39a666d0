// What a process has used.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second, and so does `ps` elsewhere. */
const MICROSECONDS_PER_TICK = 10_000

/** CPU time that a process has used, in microseconds. */
export function cpuMicroseconds(pid) {
  if (existsSync('/proc/self/stat')) {
    // The name of the program, in parentheses, may have spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK
  }
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1_000_000
}

/** Memory that a process holds, in bytes. */
export function residentBytes(pid) {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024
}
