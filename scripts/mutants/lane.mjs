/**
 * Runs mutants in the copy of the project that it stands in, one after the other. Vite stays warm between them, and
 * only what was broken is read again; each run has a runtime of its own, so that nothing of a broken one is left.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createVitest } from 'vitest/node'

const SURVIVED = 'survived'

const quiet = { watch: false, silent: true, reporters: [{}] }
// The packages are shared with other lanes, what Vite makes of them is not.
const vitest = await createVitest(quiet, { cacheDir: resolve('.vite'), logLevel: 'silent' })

process.on('message', async (group) => process.send({ done: await runGroup(group) }))
process.on('disconnect', async () => {
  await vitest.close()
  process.exit()
})

/** Runs the mutants that one test file catches, and at the end their tests without any. */
async function runGroup({ file, broken }) {
  const problems = []
  let caught = 0
  for (const mutant of broken) {
    const { name, caughtBy } = mutant
    const started = performance.now()
    const { failed, faults } = await withMutant(mutant, () => run(file, [caughtBy.test]))
    const [by] = failed
    // A file that does not load shows nothing of a rule.
    const fault = by === undefined ? (faults[0] ?? SURVIVED) : null
    if (fault === null) caught += 1
    else problems.push(`${name}: ${fault}`)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.send({
      line: `${(fault === null ? 'caught' : fault === SURVIVED ? SURVIVED : 'unfit').padEnd(8)}  ${name}  ${by === undefined ? '' : `by "${by}"  `}${seconds} s`,
    })
  }
  const { passed, failed, faults } = await run(
    file,
    broken.map(({ caughtBy }) => caughtBy.test),
  )
  for (const { caughtBy } of broken) {
    if (!passed.some((name) => name.includes(caughtBy.test ?? '')))
      problems.push(`no such test: ${file} ${caughtBy.test}`)
  }
  for (const fault of [...failed, ...faults]) problems.push(`red without a mutant: ${file}: ${fault}`)
  return { caught, problems }
}

async function withMutant({ file, from, to }, work) {
  const path = resolve(file)
  const original = readFileSync(path, 'utf8')
  const write = (text) => {
    writeFileSync(path, text)
    vitest.invalidateFile(path)
  }
  write(original.replace(from, () => to))
  try {
    return await work()
  } finally {
    write(original)
  }
}

/** Runs the tests of a file whose full names have one of some texts in them; all of the file for an undefined one. */
async function run(file, texts) {
  const pattern = texts.includes(undefined) ? '' : texts.map(RegExp.escape).join('|')
  vitest.setGlobalTestNamePattern(pattern)
  const specifications = await vitest.globTestSpecifications([file])
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  const modules = testModules.filter(({ moduleId }) => moduleId === resolve(file))
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const named = (state) => tests.filter((test) => test.result().state === state).map(({ fullName }) => fullName)
  const errors = [...modules.flatMap((module) => module.errors()), ...unhandledErrors]
  return { passed: named('passed'), failed: named('failed'), faults: errors.map(({ message }) => message) }
}
