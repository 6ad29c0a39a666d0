/** What a local server has in its files, byte for byte. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The files below a folder. */
function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
}

/** As it may stand in a file: as it is, and as JSON escapes it. */
function spellings(trace: string): Buffer[] {
  const escaped = trace.replace(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [trace, escaped].flatMap((text) => [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')])
}

/**
 * Which traces stand in which files, byte for byte. Of a database: in what it holds, without what it has freed, unless
 * that is wanted too.
 */
export function found(folder: string, traces: readonly string[], { freed = false } = {}): string[] {
  const copies = mkdtempSync(join(tmpdir(), 'latchkey-erasure-'))
  try {
    return filesOf(folder)
      .filter((file) => freed || !/-(wal|shm)$/.test(file))
      .flatMap((file, index) => {
        let bytes = readFileSync(file)
        if (file.endsWith('.sqlite') && !freed) {
          // Of the whole: also of the platform's tables, of which no query of ours can ask.
          const whole = join(copies, `${index}.sqlite`)
          const database = new DatabaseSync(file)
          database.exec(`VACUUM INTO '${whole}'`)
          database.close()
          bytes = readFileSync(whole)
        }
        const there = traces.filter((trace) => spellings(trace).some((spelling) => bytes.includes(spelling)))
        return there.map((trace) => `${trace} in ${file.slice(folder.length + 1).replace(/[0-9a-f]{64}/, 'ID')}`)
      })
  } finally {
    rmSync(copies, { recursive: true })
  }
}

/** A copy of what a server has stored, as it is now. */
export function copyOf(persistTo: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'latchkey-erasure-'))
  cpSync(join(persistTo, 'v3'), copy, { recursive: true })
  return copy
}
