/**
 * What has moved away from under some mutants: a sentence for each whose line or whose test is no longer there, or whose
 * test no longer looks at the line.
 */
import { existsSync, readFileSync } from 'node:fs'
import { SERVED } from '../../test/e2e/support/served-files.ts'

/** Of this a bundle is made before the first mutant. */
const BUNDLED = /^(src|console)\//

export function stale(mutants) {
  return mutants.flatMap(({ name, file, from, caughtBy }) => {
    const times = textOf(file).split(from).length - 1
    const test = textOf(caughtBy.file)
    // A test's name may be made of parts: its words stand there in any case.
    const words = caughtBy.test?.match(/\p{L}{4,}/gu) ?? []
    return [
      ...(times === 1 ? [] : [`${name}: the line to break stands ${times} times in ${file}`]),
      ...(test !== '' && words.every((word) => test.includes(word)) ? [] : [`${name}: no such test: ${caughtBy.file}`]),
      ...(BUNDLED.test(file) && SERVED.includes(caughtBy.file)
        ? [`${name}: is in no bundle that ${caughtBy.file} serves`]
        : []),
    ]
  })
}

function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
