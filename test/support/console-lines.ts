/**
 * What is logged is kept until its test has ended, and shown if it has failed. Vitest would send each line at once, from
 * whichever object logs it, and waits at the end of a file until each is acknowledged; an object that is gone by then
 * hears nothing any more.
 */
import { ofIsolate } from './of-isolate.ts'

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const

type Line = () => void

/** The isolate's: its files of tests share one console. */
const lines = ofIsolate('console-lines', keep)

function keep(): Line[] {
  const kept: Line[] = []
  for (const method of METHODS) {
    const print = console[method].bind(console)
    console[method] = (...said: unknown[]) => void kept.push(() => print(...said))
  }
  return kept
}

/** Forgets what was kept; shows it before, if the test has failed. */
export function endLines(failed: boolean): void {
  for (const print of lines.splice(0)) if (failed) print()
}
