// The SQLite files of the local D1 databases, read and written without a runtime, which takes seconds to start.
import { createHash, createHmac } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const BUSY_TIMEOUT_MILLISECONDS = 5_000
/** What the local runtime calls the class that D1 databases are objects of. */
const D1 = 'miniflare-D1DatabaseObject'

/** The D1 database of an id, which is made if there is none. */
export function openDatabase(persistTo, id) {
  mkdirSync(folderOf(persistTo), { recursive: true })
  return open(join(folderOf(persistTo), `${objectId(id)}.sqlite`))
}

/** What `use` answers for each database of a persist directory that has a table. The service may run meanwhile. */
export function withDatabasesOf(table, persistTo, use) {
  const folder = folderOf(persistTo)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sqlite')) : []
  return names.flatMap((name) => {
    const database = open(join(folder, name))
    try {
      const found = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
      return found === undefined ? [] : [use(database)]
    } finally {
      database.close()
    }
  })
}

function folderOf(persistTo) {
  return join(persistTo, 'v3/d1', D1)
}

function open(path) {
  return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MILLISECONDS })
}

/** The id of an object by its name, as the local runtime makes it. */
function objectId(name) {
  const key = createHash('sha256').update(D1).digest()
  const half = (data) => createHmac('sha256', key).update(data).digest().subarray(0, 16)
  return Buffer.concat([half(name), half(half(name))]).toString('hex')
}
