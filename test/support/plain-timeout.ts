/**
 * The test runner's `setTimeout` looks at the stack of every call, for those that Vitest makes without a delay: the
 * Worker bounds each call by a time, and a twentieth of all tests' time went there. Calls with a delay go past it.
 */
import { setTimeout as plain } from 'node:timers'

const PAST = Symbol.for('latchkey.plain-timeout')

export function passRunnersTimeout(): void {
  if (Reflect.has(globalThis, PAST)) return
  Reflect.set(globalThis, PAST, true)
  const { setTimeout: runners } = globalThis
  globalThis.setTimeout = ((run: () => void, milliseconds?: number, ...rest: []) =>
    (milliseconds ? plain : runners)(run, milliseconds, ...rest)) as typeof setTimeout
}
