/** A page that no list of contents has is found by nobody. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './source-tree.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('the index of decisions has each of them, in order, by its title', () => {
  const decisions = globSync('0*.md', { cwd: join(ROOT, 'docs/decisions') }).sort()
  const rows = decisions.map((name) => {
    const [, number, title] = /^# (\d{4}) · (.+)$/m.exec(read(`docs/decisions/${name}`)) ?? []
    return `| [${number}](${name}) | ${title} |`
  })
  expect(rows.length).toBeGreaterThan(20)
  expect(read('docs/decisions/README.md').match(/^\| \[\d{4}.*$/gm)).toEqual(rows)
})

test('each decision says when it was made, why, what follows, and when to look at it again', () => {
  const parts = ['Context.', 'Decision.', 'Consequences.', 'When to revisit.']
  const lacking = globSync('docs/decisions/0*.md', { cwd: ROOT }).flatMap((path) => {
    const text = read(path)
    const missing = parts.filter((part) => !text.includes(`\n**${part}**`))
    if (!/^\d{4}-\d\d-\d\d · /m.test(text)) missing.push('date')
    return missing.map((part) => `${path}: ${part}`)
  })
  expect(lacking).toEqual([])
})

test('the contents of the documents have each page', () => {
  const pages = globSync('*.md', { cwd: join(ROOT, 'docs') }).filter((name) => name !== 'README.md')
  expect(pages.length).toBeGreaterThan(15)
  const contents = read('docs/README.md')
  expect(pages.filter((name) => !contents.includes(`](${name})`))).toEqual([])
})
