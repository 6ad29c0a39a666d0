// The SQLite files of the local D1 databases, read and written without a runtime, which takes seconds to start.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const BUSY_TIMEOUT_MILLISECONDS = 5_000

/** What `use` answers for each database of a persist directory that has a table. The service may run meanwhile. */
export function withDatabasesOf(table, persistTo, use) {
  const folder = join(persistTo, 'v3/d1/miniflare-D1DatabaseObject')
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sqlite')) : []
  return names.flatMap((name) => {
    const database = new DatabaseSync(join(folder, name), { timeout: BUSY_TIMEOUT_MILLISECONDS })
    try {
      const found = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
      return found === undefined ? [] : [use(database)]
    } finally {
      database.close()
    }
  })
}
