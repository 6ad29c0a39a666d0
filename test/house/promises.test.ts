/** Every test that a page of promises names is there: a promise whose test was renamed or removed is no promise. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PAGES = ['docs/security.md', 'docs/reliability.md']

/** `path of the file`: “title of a test”, “and of another” — `…` stands for what a title has filled in. */
const CITATION = /\[`(test\/[\w./-]+\.test\.ts)`\]\(\.\.\/(test\/[\w./-]+)\)((?:,? “[^“”]+”)*)/g
/** The title of `test(…)`, `test.concurrent(…)`, or `test.each(…)(…)`. A `describe` is no test. */
const TITLE =
  /\btest(?:(?:\s*\.(?:concurrent|(?:runIf|skipIf)\([^()]*\)))*|\.(?:each|for)\b(?:(?!\b(?:test|describe)\b)[\s\S])*?\))\(\s*(['"`])((?:\\.|(?!\1)[^\\])+)\1\s*,/g

function citationsIn(page: string) {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return Array.from(text.matchAll(CITATION), ([, file = '', link = '', titles = '']) => {
    return { file, link, titles: Array.from(titles.matchAll(/“([^“”]+)”/g), ([, title = '']) => title) }
  })
}

/** The titles in a file of tests, with `…` for what is filled in. */
function titlesIn(file: string): Set<string> {
  const text = readFileSync(join(ROOT, file), 'utf8')
  return new Set(
    Array.from(text.matchAll(TITLE), ([, , title = '']) =>
      title.replace(/\$\{[^}]*\}|%[sojd]|\$\w+/g, '…').replace(/\\(.)/g, '$1'),
    ),
  )
}

/** The rows of the tables whose last column says by what something is shown. */
function promisesIn(text: string): string[] {
  return text
    .split(/\n(?!\|)/)
    .map((part) => part.split('\n').filter((line) => line.startsWith('|')))
    .filter(([head]) => /\| (?:shown by|met by)[^|]*\|$/.test(head ?? ''))
    .flatMap((table) => table.slice(2))
}

describe.each(PAGES)('%s', (page) => {
  test('names tests that are there', () => {
    const wrong = citationsIn(page).flatMap(({ file, link, titles }) => {
      if (!existsSync(join(ROOT, file)) || link !== file) return [`${file} is not there`]
      if (titles.length === 0) return [`${file} has many tests: which?`]
      return titles.filter((title) => !titlesIn(file).has(title)).map((title) => `${file} has no test “${title}”`)
    })
    expect(wrong).toEqual([])
  })

  test('names some', () => {
    expect(citationsIn(page).length).toBeGreaterThan(10)
  })

  test('says of each requirement whether it is met, and by which test or why not', () => {
    const rows = promisesIn(readFileSync(join(ROOT, page), 'utf8'))
    const silent = rows.filter(
      (row) => !row.includes('](../test/') && !/\| (?:Not met|Not ours|Written): .{20}/.test(row),
    )
    expect(rows.length).toBeGreaterThan(10)
    expect(silent).toEqual([])
  })
})
