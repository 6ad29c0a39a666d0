import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './source-tree.ts'

const GUARD = join(ROOT, 'scripts/require-node.mjs')
const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })"

test('who starts vitest on an old Node is told in one line what to type', () => {
  const program = `${old}; await import(${JSON.stringify(GUARD)}); console.log('goes on')`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  expect([status, stdout, stderr.trim().split('\n')]).toEqual([
    1,
    '',
    [expect.stringMatching(/^This is Node 20\.20\.2; .* Type: npm test, or npm exec -- vitest run FILE$/)],
  ])
  // On this one it says nothing.
  expect(execFileSync(process.execPath, [GUARD], { encoding: 'utf8' })).toBe('')
  const [first] = readFileSync(join(ROOT, 'vitest.config.ts'), 'utf8').split('\n')
  expect(first).toBe("import './scripts/require-node.mjs'")
})
