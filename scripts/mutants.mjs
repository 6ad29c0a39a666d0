// Breaks one rule at a time in copies of the project, and expects a named test to turn red: `npm run mutants`.
// `npm run mutants -- limit` runs those whose name contains a word.
import { execFileSync, fork } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { mutants } from './mutants/list.mjs'
import { stale } from './mutants/stale.mjs'

/** Each has a copy, a Vite and a runtime of its own. More than the cores would make tests slow enough to fail. */
const LANES = 2

const chosen = mutants.filter(({ name }) => process.argv.slice(2).every((word) => name.includes(word)))
const problems = stale(chosen)
let caught = 0

if (problems.length === 0) {
  const byTestFile = Map.groupBy(chosen, ({ caughtBy }) => caughtBy.file)
  // The largest first, so that the lanes end together.
  const groups = [...byTestFile].sort(([, a], [, b]) => b.length - a.length)
  const root = mkdtempSync(join(tmpdir(), 'latchkey-mutants-'))
  process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  await Promise.all(
    Array.from({ length: Math.min(LANES, groups.length) }, (_, n) => runLane(join(root, `${n}`), groups)),
  )
}

for (const problem of problems) console.error(problem)
console.log(`${caught} of ${chosen.length} mutants caught`)
process.exitCode = problems.length === 0 ? 0 : 1

/** Has a lane run one group after the other, until none is left. */
async function runLane(copy, groups) {
  copyProject(copy)
  const env = { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', PWD: copy }
  // What the runtimes say of broken code is of no interest.
  const lane = fork(join(copy, 'scripts/mutants/lane.mjs'), {
    cwd: copy,
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  lane.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-2_000)
  })
  const ended = new Promise((resolve) => lane.on('exit', () => resolve(null)))
  for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
    const [file, broken] = group
    const done = new Promise((resolve) => {
      lane.on('message', ({ line, done }) => (line === undefined ? resolve(done) : console.log(line)))
    })
    lane.send({ file, broken })
    const found = await Promise.race([done, ended])
    lane.removeAllListeners('message')
    if (found === null) {
      problems.push(`the lane ended in the middle of ${file}\n${said}`)
      break
    }
    problems.push(...found.problems)
    caught += found.caught
  }
  if (lane.connected) lane.disconnect()
  await ended
}

function copyProject(copy) {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' }).split('\n')
  for (const file of files.filter(Boolean)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(file, join(copy, file))
  }
  // The client's generator needs another compiler than the rest.
  for (const folder of ['node_modules', 'packages/client/node_modules'])
    symlinkSync(resolve(folder), join(copy, folder))
}
