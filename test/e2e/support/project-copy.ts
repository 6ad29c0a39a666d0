/** A fresh copy of the project in an empty directory, as a clone would be, sharing only the installed packages. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
/** What a clone does not have. */
const NOT_IN_A_CLONE = new Set(['node_modules', 'dist', '.wrangler', '.dev.vars', '.git', 'dev-credentials.json'])

export interface ProjectCopy {
  readonly directory: string
  readonly remove: () => void
}

/** Copies the project. `remove` deletes the copy. */
export function copyProject(): ProjectCopy {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-copy-'))
  cpSync(ROOT, directory, { recursive: true, filter: (path) => !NOT_IN_A_CLONE.has(basename(path)) })
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
