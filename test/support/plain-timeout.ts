/**
 * The test runner's `setTimeout` looks at the stack of every call, for those that Vitest makes without a delay: the
 * Worker bounds each call by a time, and a twentieth of all tests' time went there. Calls with a delay go past it.
 */
import { setTimeout as plain } from 'node:timers'
import { ofIsolate } from './of-isolate.ts'

export function passRunnersTimeout(): void {
  ofIsolate('plain-timeout', () => {
    const { setTimeout: runners } = globalThis
    globalThis.setTimeout = ((run: () => void, milliseconds?: number, ...rest: []) =>
      (milliseconds ? plain : runners)(run, milliseconds, ...rest)) as typeof setTimeout
  })
}
