/** Runs before each file of tests of served services: none passes that has shown a secret. */
import { afterAll, afterEach } from 'vitest'
import { forgetSecrets } from '../../support/secrets-shown.ts'
import { requireNoLeaks, watchAnswers } from './watched-services.ts'

forgetSecrets()
watchAnswers()
afterEach(requireNoLeaks)
// What a service says when it is stopped.
afterAll(requireNoLeaks)
