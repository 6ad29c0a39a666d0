/** The D1 databases in a persist directory, read as files, while the service runs. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Rows of a query on the database that has a table of this name. */
export function queryDatabaseWith(table: string, persistTo: string, query: string): Record<string, unknown>[] {
  const directory = join(persistTo, 'v3/d1/miniflare-D1DatabaseObject')
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(directory, file), { readOnly: true })
    try {
      const found = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
      if (found !== undefined) return database.prepare(query).all() as Record<string, unknown>[]
    } finally {
      database.close()
    }
  }
  throw new Error(`no database with a table ${table}`)
}
