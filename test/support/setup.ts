/**
 * Runs before each test file of the Worker. All files share one isolate, which is five times as fast, so each
 * starts from empty storage with the schema in place. What an isolate remembers goes by ids, and ids are fresh.
 */
import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect, vi } from 'vitest'
import { endLines } from './console-lines.ts'
import { passRunnersTimeout } from './plain-timeout.ts'
import { USER_AGENT } from './requests.ts'
import { reuseRsaKeys } from './rsa-keys.ts'
import { isInRunner } from './runner-context.ts'
import { makeSchema } from './schema.ts'
import { watchForSecrets } from './secret-watch.ts'
import { SECRETS } from './secrets.ts'
import { forgetSecrets, keepPersonal, keepSecret, leaksSince } from './secrets-shown.ts'

passRunnersTimeout()
reuseRsaKeys()
watchForSecrets()
forgetSecrets()
for (const secret of Object.values(SECRETS)) keepSecret(secret)
keepPersonal(USER_AGENT)
// An object that was still busy may have had the database opened again before it was gone.
do await reset()
while ((await migrated()) !== null)
await makeSchema()

afterEach(({ task }) => {
  const leaks = leaksSince()
  // A campaign says what it has done.
  endLines(env.WHOLE || task.result?.state === 'fail')
  vi.useRealTimers()
  expect(leaks).toEqual([])
  expect(isInRunner(), 'the test goes on as a request of the Worker: wait at a Gate (test/support/gate.ts)').toBe(true)
})

function migrated(): Promise<unknown> {
  return env.DB.prepare("SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'").first()
}
