// Files that others read while they are written.
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file whole or not at all, and leaves it alone if it says the same already: whoever watches it is not woken.
 * `drafts` is the folder that it is written in first, on the same disk; its own if that is not watched.
 */
export function writeWhole(path, content, { mode = 0o644, drafts = dirname(path) } = {}) {
  if (says(path, content)) {
    if ((statSync(path).mode & 0o777) !== mode) chmodSync(path, mode)
    return
  }
  mkdirSync(dirname(path), { recursive: true })
  const draft = join(drafts, `${basename(path)}.${process.pid}.part`)
  writeFileSync(draft, content, { mode })
  renameSync(draft, path)
}

function says(path, content) {
  try {
    return readFileSync(path).equals(Buffer.from(content))
  } catch {
    return false
  }
}
