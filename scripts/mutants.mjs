// Breaks one rule at a time in a copy of the project, and expects a named test to turn red: `npm run mutants`.
// `npm run mutants -- limit` runs those whose name contains a word.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { mutants } from './mutants/list.mjs'

const chosen = mutants.filter(({ name }) => process.argv.slice(2).every((word) => name.includes(word)))
const copy = mkdtempSync(join(tmpdir(), 'latchkey-mutants-'))
process.on('exit', () => rmSync(copy, { recursive: true, force: true }))

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' }).split('\n')
for (const file of files.filter(Boolean)) {
  mkdirSync(dirname(join(copy, file)), { recursive: true })
  cpSync(file, join(copy, file))
}
symlinkSync(resolve('node_modules'), join(copy, 'node_modules'))

/** Runs some tests in the copy; answers the full names of those that failed and how many ran. */
function run({ file, test }) {
  const report = join(copy, 'report.json')
  rmSync(report, { force: true })
  const args = ['run', file, '--reporter=json', `--outputFile=${report}`]
  if (test !== undefined) args.push('-t', test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const { stderr } = spawnSync(join(copy, 'node_modules/.bin/vitest'), args, { cwd: copy, encoding: 'utf8' })
  try {
    const results = JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(
      ({ assertionResults }) => assertionResults,
    )
    const ran = results.filter(({ status }) => status === 'passed' || status === 'failed')
    return { ran: ran.length, failed: ran.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName) }
  } catch {
    throw new Error(`vitest gave no report\n${stderr}`)
  }
}

const problems = []

const targets = [...new Map(chosen.map(({ caughtBy }) => [JSON.stringify(caughtBy), caughtBy])).values()]
for (const target of targets) {
  const { ran, failed } = run(target)
  if (ran === 0) problems.push(`no such test: ${target.file} ${target.test ?? ''}`)
  if (failed.length > 0) problems.push(`red without a mutant: ${failed.join(', ')}`)
}

for (const { name, file, from, to, caughtBy } of problems.length > 0 ? [] : chosen) {
  const path = join(copy, file)
  const original = readFileSync(path, 'utf8')
  if (original.split(from).length !== 2) {
    problems.push(`${name}: the line to break stands ${original.split(from).length - 1} times in ${file}`)
    continue
  }
  writeFileSync(
    path,
    original.replace(from, () => to),
  )
  const { failed } = run(caughtBy)
  writeFileSync(path, original)
  if (failed.length === 0) problems.push(`${name}: survived`)
  console.log(failed.length === 0 ? `survived  ${name}` : `caught    ${name}  by "${failed[0]}"`)
}

for (const problem of problems) console.error(problem)
console.log(`${chosen.length - problems.length} of ${chosen.length} mutants caught`)
process.exitCode = problems.length === 0 ? 0 : 1
