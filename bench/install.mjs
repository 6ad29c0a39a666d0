// Installs what the benchmark compares with, where that is missing or not what the lock file says. It is kept
// apart from the project's own dependencies, which need none of it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BENCH = fileURLToPath(new URL('.', import.meta.url))
const STAMP = `${BENCH}node_modules/.installed`

const wanted = createHash('sha256')
  .update(readFileSync(`${BENCH}package-lock.json`))
  .digest('hex')
const present = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : ''
if (present !== wanted) {
  console.log('Installing what the benchmark compares with.')
  execFileSync('npm', ['ci', '--prefix', BENCH, '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit' })
  writeFileSync(STAMP, wanted)
}
