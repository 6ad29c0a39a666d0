/** Who has a persist directory. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
// @ts-expect-error: a script has no types
import { InUse, lockDirectory, unlockDirectory } from '../../scripts/dev/directory-lock.mjs'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'latchkey-lock-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const holders = () => JSON.parse(readFileSync(join(directory, 'dev.lock'), 'utf8'))

/** A process that is called as a service's is. */
async function another() {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)', 'wrangler'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return {
    pid: child.pid ?? 0,
    end: () =>
      new Promise((resolve) => {
        child.once('close', resolve)
        child.kill('SIGKILL')
      }),
  }
}

describe('a persist directory', () => {
  test('that a live process has is refused', async () => {
    const { pid, end } = await another()
    try {
      await lockDirectory(directory, [pid])
      const refused = lockDirectory(directory, [process.pid])
      await expect(refused).rejects.toThrow(InUse)
      await expect(refused).rejects.toThrow(`${directory} is in use by process ${pid}`)
      expect(holders()).toEqual([pid])
    } finally {
      await end()
    }
  })

  test('whose process has ended is taken over, also where another program has its number', async () => {
    const { pid, end } = await another()
    await end()
    for (const stale of [pid, 1]) {
      writeFileSync(join(directory, 'dev.lock'), JSON.stringify([stale]))
      await lockDirectory(directory, [process.pid])
      expect(holders()).toEqual([process.pid])
      unlockDirectory(directory)
      expect(holders).toThrow('ENOENT')
    }
  })

  test('that a killed script has left is waited for while what it started still ends', async () => {
    const { pid, end } = await another()
    writeFileSync(join(directory, 'dev.lock'), JSON.stringify([999_999_999, pid]))
    const taken = lockDirectory(directory, [process.pid])
    expect(
      await Promise.race([taken.then(() => 'taken'), new Promise((resolve) => setTimeout(resolve, 300, 'waits'))]),
    ).toBe('waits')
    await end()
    await taken
    expect(holders()).toEqual([process.pid])
  })
})
