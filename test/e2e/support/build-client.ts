/** Builds the client before any file of tests: those that need it run at the same time, and a build begins by deleting. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export default function buildClient(): void {
  const cwd = join(import.meta.dirname, '../../..')
  execFileSync('npm', ['run', '-s', 'build', '-w', 'latchkey'], { cwd, stdio: 'inherit' })
}
