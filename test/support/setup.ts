/**
 * Runs before each test file of the Worker. All files share one isolate, which is five times as fast, so each
 * starts from empty storage with the schema in place. What an isolate remembers goes by ids, and ids are fresh.
 */
import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, vi } from 'vitest'

/** Wrangler's own table. */
const TABLE = `CREATE TABLE d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

await reset()
// In one batch: a call takes longer than what is in it, and there are more than a hundred files.
const statements = env.D1_MIGRATIONS.flatMap(({ name, queries }) => [
  ...queries,
  `INSERT INTO d1_migrations (name) VALUES ('${name}')`,
])
await env.DB.batch([TABLE, ...statements].map((text) => env.DB.prepare(text)))

afterEach(() => {
  vi.useRealTimers()
})
