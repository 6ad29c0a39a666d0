/** The project's own files, for tests about the code. */
import { globSync } from 'node:fs'
import { join } from 'node:path'

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../..')
/** The linter. */
export const BIOME = join(ROOT, 'node_modules/.bin/biome')

/** Every file of code in `src`, from the root. */
export function sources(): string[] {
  return globSync('src/**/*.ts', { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'))
}
