/**
 * The clock of the Worker and its objects: it stands still until a test moves it, and runs again after the
 * test. Move it forward only: workerd fires alarms by the real clock, so those ahead wait to be fired by hand.
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
