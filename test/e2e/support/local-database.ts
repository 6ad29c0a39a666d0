/** The D1 databases of a local server, looked at from outside: no request wakes anything. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Opens the database in a persist directory that has a table of this name: Latchkey's has `sessions`, the
 * example application server's does not. It may be written while the server runs.
 */
export function openLocalDatabase(persistTo: string, table = 'sessions'): DatabaseSync {
  const folder = join(persistTo, 'v3/d1/miniflare-D1DatabaseObject')
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite')) {
    const database = new DatabaseSync(join(folder, file), { timeout: 5_000 })
    const found = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table)
    if (found !== undefined) return database
    database.close()
  }
  throw new Error(`no database with a table ${table} in ${folder}`)
}

/** Rows of a query on the database that has a table of this name. */
export function queryDatabaseWith(table: string, persistTo: string, query: string): Record<string, unknown>[] {
  const database = openLocalDatabase(persistTo, table)
  try {
    return database.prepare(query).all() as Record<string, unknown>[]
  } finally {
    database.close()
  }
}

/** The time of the alarms of a class of objects has come, as soon as the server that was stopped runs again. */
export function makeAlarmsDue(persistTo: string, className: string): void {
  const folder = join(persistTo, `v3/do/latchkey-${className}`)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.sqlite'))) {
    const database = new DatabaseSync(join(folder, file))
    database.exec(
      file === 'metadata.sqlite'
        ? 'UPDATE _cf_ALARM SET scheduled_time = 1'
        : 'UPDATE _cf_METADATA SET value = 1 WHERE key = 1',
    )
    database.close()
  }
}
