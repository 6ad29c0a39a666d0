// Applies the migrations of local databases as `wrangler d1 migrations apply --local` does, but to the SQLite files
// themselves: a runtime takes seconds to start.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from './local-databases.mjs'

/** Wrangler's own table, so that its commands know what was applied here. */
const TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

/**
 * Brings the D1 databases of generated configurations (wrangler-config.mjs) up to date in a persist directory that
 * nobody else uses. Throws for a migration that fails: the message is for people, and begins with its name.
 */
export function applyMigrations(persistTo, configs) {
  for (const config of configs) {
    const [{ database_id: id, migrations_dir: folder }] = JSON.parse(readFileSync(config, 'utf8')).d1_databases
    const database = openDatabase(persistTo, id)
    try {
      migrate(database, folder)
    } finally {
      database.close()
    }
  }
}

/** Each migration is applied whole or not at all, and known to be applied if it is. */
function migrate(database, folder) {
  database.exec(TABLE)
  const applied = database.prepare('SELECT name FROM d1_migrations').all()
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  for (const name of names.sort()) {
    if (applied.some((one) => one.name === name)) continue
    try {
      database.exec(`BEGIN;\n${readFileSync(join(folder, name), 'utf8')}`)
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').run(name)
      database.exec('COMMIT')
    } catch (error) {
      throw new Error(`${name}: ${error.message}`, { cause: error })
    }
  }
}
