/**
 * The clock of the Worker and its objects: it stands still until a test moves it, and runs again after the
 * test. Move it forward only: workerd fires alarms by the real clock, so those ahead wait to be fired by hand.
 * Time limits run by the real clock too.
 */
import { vi } from 'vitest'

/** Stops the clock, now or at an instant (epoch milliseconds), and returns that instant. */
export function stopClock(instant: number = Date.now()): number {
  vi.setSystemTime(instant)
  return instant
}

/** Moves the clock on by some seconds and returns the new instant. Stops it if it was running. */
export function advanceClock(seconds: number): number {
  return stopClock(Date.now() + seconds * 1000)
}

/** Waits as long as this, in milliseconds, are time limits. Shorter ones are pauses, which pass. */
const SHORTEST_TIME_LIMIT = 1_000

/** How much sooner. */
const SOONER = 20

/** Until the returned function is called, time limits strike much sooner: what hangs need not be waited for. */
export function hastenTimeLimits(): () => void {
  const { setTimeout } = globalThis
  const spy = vi
    .spyOn(globalThis, 'setTimeout')
    .mockImplementation(((run: () => void, milliseconds = 0) =>
      setTimeout(run, milliseconds < SHORTEST_TIME_LIMIT ? milliseconds : milliseconds / SOONER)) as typeof setTimeout)
  return () => spy.mockRestore()
}

/** Until the test ends nobody gives up waiting: what is held is held, however slow the machine is. */
export function holdTimeLimits(): void {
  const { setTimeout } = globalThis
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, milliseconds = 0) =>
    setTimeout(milliseconds < SHORTEST_TIME_LIMIT ? run : () => {}, milliseconds)) as typeof setTimeout)
}
