/** Every line that is logged says where it comes from: a request, an object, or what else is at work. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, sources } from './source-tree.ts'

/** What a reader finds the place by. */
const WHERE = /requestId|object: |identityStoreId: |work: |\.\.\.logContext\.getStore\(\)/

/** Said once when an isolate starts, of the settings alone. */
const OF_NOTHING = "console.warn('settings', warning)"

test('every log line says where it comes from', () => {
  const lines = sources().flatMap((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    return Array.from(text.matchAll(/console\.\w+\([\s\S]*?\)$/gm), ([line]) => `${path}: ${line}`)
  })
  expect(lines.length).toBeGreaterThan(10)
  expect(lines.filter((line) => !WHERE.test(line) && !line.includes(OF_NOTHING))).toEqual([])
})
