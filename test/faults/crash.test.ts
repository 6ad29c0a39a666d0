/** Short forms of the campaigns. Their services are those of the model, which are there sooner than `npm run dev`. */
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, test, vi } from 'vitest'

const CRASH = join(import.meta.dirname, 'crash.mjs')
const WEBHOOKS = join(import.meta.dirname, 'webhooks.mjs')
const VERSIONS = join(import.meta.dirname, 'versions.mjs')
const SOAK = join(import.meta.dirname, 'soak.mjs')
const STREAMS = join(import.meta.dirname, 'streams.mjs')
const LOGOUTS = join(import.meta.dirname, 'logouts.mjs')
const END_JOB = join(import.meta.dirname, 'end-job.mjs')
// They wait most of the time: for alarms, and for what is sent again. The bound is for what hangs, on a busy machine too.
vi.setConfig({ testTimeout: 900_000 })

function run(...command: readonly string[]): Promise<{ stdout: string }> {
  const env = { ...process.env, LATCHKEY_MODEL: JSON.stringify(inject('model')) }
  return promisify(execFile)(process.execPath, command, { env })
}

test.concurrent('loses nothing that was acknowledged, whether the runtime or everything is killed', async () => {
  const { stdout } = await run(CRASH, '--rounds', '3')
  expect(stdout).toMatch(/3 rounds: [1-9]\d* opens and [1-9]\d* ends acknowledged, none lost/)
})

test.concurrent('a job that is killed in its middle ends exactly what was there when it was asked for', async () => {
  const { stdout } = await run(END_JOB, '--sessions', '240')
  expect(stdout).toMatch(/240 sessions ended, [1-3] kills, 0 left, 70 others untouched/)
})

test.concurrent('everybody is told what D1 says has happened, whatever is killed, and nothing else', async () => {
  const { stdout } = await run(WEBHOOKS, '--rounds', '3')
  expect(stdout).toMatch(/3 rounds: [1-9]\d* events, each told to all three/)
})

test.concurrent('what a provider has signed out ends, though everything is killed between its token and that', async () => {
  const { stdout } = await run(LOGOUTS, '--rounds', '1')
  expect(stdout).toMatch(/1 kills, 1 of them before it was done: 6 sessions ended, the other one not/)
})

test.concurrent('everybody who listens is told, however many they are', async () => {
  const { stdout } = await run(STREAMS, '--streams', '100')
  expect(stdout).toMatch(/100 streams of 100 sessions of 5 users: \d+ KiB each\neach was told \d+ ms/)
})

/** Sources without their history, or with its end alone, have no earlier version. */
const { stdout: shallow } = spawnSync('git', ['rev-parse', '--is-shallow-repository'], { cwd: import.meta.dirname })
const hasHistory = String(shallow).trim() === 'false'
if (!hasHistory) console.warn('The history was not found: no earlier version is tried.')

test
  .skipIf(!hasHistory)
  .concurrent(
    'an earlier version and this one take over from each other, and serve together, and lose nothing',
    async () => {
      const { stdout } = await run(VERSIONS, '--acts', '40')
      expect(stdout).toMatch(/[1-9]\d* opens and [1-9]\d* ends acknowledged by two versions, none lost/)
    },
  )

test.concurrent('beyond what it can do, nothing acknowledged is lost, and who is turned away is told when to come', async () => {
  const { stdout } = await run(SOAK, '--minutes', '0.1', '--beyond', '48')
  expect(stdout).toMatch(/[1-9]\d* opens and [1-9]\d* ends acknowledged; 0 findings/)
})
