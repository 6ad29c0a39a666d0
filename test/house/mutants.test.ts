import { expect, test } from 'vitest'
// @ts-expect-error: a script has no types
import { mutants } from '../../scripts/mutants/list.mjs'
// @ts-expect-error: a script has no types
import { stale } from '../../scripts/mutants/stale.mjs'

test('the line that a mutant breaks stands once in its file, and the test that catches it is there', () => {
  expect(stale(mutants)).toEqual([])
})

test('a line that is gone, one that stands twice, and a test that is gone or does not look are told', () => {
  const mutant = { name: 'M', file: 'package.json', from: '"name": "latchkey-service"', caughtBy: { file: 'LICENSE' } }
  expect(stale([mutant])).toEqual([])
  expect(stale([{ ...mutant, from: 'nowhere' }])).toHaveLength(1)
  expect(stale([{ ...mutant, from: '"' }])).toHaveLength(1)
  expect(stale([{ ...mutant, file: 'gone.ts' }])).toHaveLength(1)
  expect(stale([{ ...mutant, caughtBy: { file: 'LICENSE', test: 'unheard words' } }])).toHaveLength(1)
  const served = { name: 'M', file: 'src/index.ts', from: '/** The Worker. */' }
  expect(stale([{ ...served, caughtBy: { file: 'LICENSE' } }])).toEqual([])
  expect(stale([{ ...served, caughtBy: { file: 'test/e2e/looker.test.ts' } }])).toHaveLength(1)
})
