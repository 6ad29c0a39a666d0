/** Spans of our own, beside those of the platform. None of them is on the way of a check. */
import { tracing } from 'cloudflare:workers'

/**
 * What is timed: a copy of sessions to D1, a password's hashing and its wait for it, a step of a job, an attempt to
 * deliver an event, the hourly run.
 */
export type SpanName = 'mirror' | 'hash' | 'job' | 'deliver' | 'housekeeping'

/** Does some work in a span. What it says of people are ids. */
export function inSpan<T>(name: SpanName, facts: Readonly<Record<string, string | number>>, work: () => T): T {
  return tracing.enterSpan(name, (span) => {
    if (span.isTraced) for (const [key, value] of Object.entries(facts)) span.setAttribute(`latchkey.${key}`, value)
    return work()
  })
}
