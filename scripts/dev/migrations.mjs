// Which migrations there are, and whether the local databases have them all.
import { readdirSync, readFileSync } from 'node:fs'
import { withDatabasesOf } from './local-databases.mjs'

/** The D1 database of a generated configuration (wrangler-config.mjs): its id, and the folder of its migrations. */
export function databaseIn(config) {
  const [{ database_id: id, migrations_dir: folder }] = JSON.parse(readFileSync(config, 'utf8')).d1_databases
  return { id, folder }
}

/** The names of a folder's migrations, in order. */
export function migrationsIn(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
}

/** Whether every configuration's migrations are applied in a database of the persist directory. */
export function allApplied(persistTo, configs) {
  const applied = withDatabasesOf('d1_migrations', persistTo, (database) => {
    const rows = database.prepare('SELECT name FROM d1_migrations').all()
    return new Set(rows.map(({ name }) => name))
  })
  return configs.every((config) => {
    const names = migrationsIn(databaseIn(config).folder)
    return applied.some((known) => names.every((name) => known.has(name)))
  })
}
