/** Runs before each file of tests of served services: none passes that has shown a secret. */
import { afterAll, afterEach, expect } from 'vitest'
import { forgetSecrets, leaksSince } from '../../support/secrets-shown.ts'
import { lookedThrough, watchAnswers } from './watched-services.ts'

forgetSecrets()
watchAnswers()

async function requireNoLeaks(): Promise<void> {
  await lookedThrough()
  expect(leaksSince()).toEqual([])
}

afterEach(requireNoLeaks)
// What a service says when it is stopped.
afterAll(requireNoLeaks)
