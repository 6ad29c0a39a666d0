/** The D1 database of a local server, looked at from outside: no request wakes anything. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Opens the database that a server keeps in `persistTo`. It may be written while the server runs. */
export function openLocalDatabase(persistTo: string): DatabaseSync {
  const folder = join(persistTo, 'v3/d1')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.sqlite') && !path.endsWith('metadata.sqlite'),
  )
  const [file] = files
  if (file === undefined || files.length > 1) throw new Error(`${files.length} databases in ${folder}`)
  return new DatabaseSync(join(folder, file), { timeout: 5_000 })
}
