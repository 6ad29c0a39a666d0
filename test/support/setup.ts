/**
 * Runs before each test file of the Worker. All files share one isolate, which is five times as fast, so each
 * starts from empty storage with the schema in place. What an isolate remembers goes by ids, and ids are fresh.
 */
import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, vi } from 'vitest'
import { endLines } from './console-lines.ts'

await reset()
await applyD1Migrations(env.DB, env.D1_MIGRATIONS)

afterEach(({ task }) => {
  endLines(task.result?.state === 'fail')
  vi.useRealTimers()
})
