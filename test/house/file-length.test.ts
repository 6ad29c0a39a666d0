/** A file is read in one go. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, sources } from './source-tree.ts'

const MAX_LINES = 400

test(`no file of code has more than ${MAX_LINES} lines`, () => {
  const lengths = [...sources(), ...globSync('packages/client/src/*.ts', { cwd: ROOT })].map((path) => ({
    path,
    lines: readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1,
  }))
  expect(lengths.length).toBeGreaterThan(20)
  expect(lengths.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
})
