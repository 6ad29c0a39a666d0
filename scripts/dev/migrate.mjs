// Applies the migrations of local databases as `wrangler d1 migrations apply --local` does, all in one runtime, where
// that starts one for every migration. A program, so that it runs on a leash: node migrate.mjs PERSIST_DIRECTORY CONFIG…
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery as splitSqlQuery } from 'wrangler'
import { databaseIn, migrationsIn } from './migrations.mjs'

/** Wrangler's own table, so that its commands know what was applied here. */
const TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

const [persistTo, ...configs] = process.argv.slice(2)
const databases = configs.map(databaseIn)
const runtime = new Miniflare(
  convertV4MiniflareOptions({
    modules: true,
    script: '',
    resourcePersistencePath: join(persistTo, 'v3'),
    d1Databases: Object.fromEntries(databases.map(({ id }) => [id, id])),
  }),
)
try {
  for (const { id, folder } of databases) await migrate(await runtime.getD1Database(id), folder)
} finally {
  await runtime.dispose()
}

/** Each migration is applied whole or not at all, and known to be applied if it is. */
async function migrate(database, folder) {
  await database.prepare(TABLE).run()
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all()
  const applied = new Set(results.map(({ name }) => name))
  for (const name of migrationsIn(folder).filter((name) => !applied.has(name))) {
    console.log(`${name} …`)
    const statements = splitSqlQuery(readFileSync(join(folder, name), 'utf8')).map((text) => database.prepare(text))
    await database.batch([...statements, database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name)])
  }
}
