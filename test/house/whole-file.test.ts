import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
// @ts-expect-error: a script has no types
import { writeWhole } from '../../scripts/whole-file.mjs'

test('leaves a file alone that says the same, closes it if it is open, and replaces another', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-file-'))
  try {
    const path = join(directory, 'a/file')
    writeWhole(path, 'one')
    utimesSync(path, 1, 1)
    const { ino } = statSync(path)
    writeWhole(path, 'one', { mode: 0o600 })
    expect(statSync(path)).toMatchObject({ ino, mtimeMs: 1_000 })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writeWhole(path, 'two', { mode: 0o600 })
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['two', 0o600])
    expect(readdirSync(join(directory, 'a'))).toEqual(['file'])
  } finally {
    rmSync(directory, { recursive: true })
  }
})
