import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const CRASH = join(import.meta.dirname, 'crash.mjs')

test('loses nothing that was acknowledged, whether the runtime or everything is killed', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [CRASH, '--rounds', '3'])
  expect(stdout).toMatch(/3 rounds: [1-9]\d* opens and [1-9]\d* ends acknowledged, none lost/)
})
