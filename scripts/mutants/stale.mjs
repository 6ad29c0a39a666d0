/** What has moved away from under some mutants: a sentence for each whose line or whose test is no longer there. */
import { existsSync, readFileSync } from 'node:fs'

export function stale(mutants) {
  return mutants.flatMap(({ name, file, from, caughtBy }) => {
    const times = textOf(file).split(from).length - 1
    const test = textOf(caughtBy.file)
    // A test's name may be made of parts: its words stand there in any case.
    const words = caughtBy.test?.match(/\p{L}{4,}/gu) ?? []
    return [
      ...(times === 1 ? [] : [`${name}: the line to break stands ${times} times in ${file}`]),
      ...(test !== '' && words.every((word) => test.includes(word)) ? [] : [`${name}: no such test: ${caughtBy.file}`]),
    ]
  })
}

function textOf(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
