// Dollars per million operations, from exact counts (counts.json, which the tests assert) at list price.
import { readFileSync } from 'node:fs'

/** Cloudflare's list prices on the paid plan, beyond what is included, in dollars per million. */
export const PRICES = {
  asOf: '2026-09',
  request: 0.3,
  /** Per million milliseconds of CPU. */
  cpuMillisecond: 0.02,
  objectCall: 0.15,
  /** In D1 and in objects alike; each index entry and each alarm that is set is one more. */
  rowWritten: 1,
  rowRead: 0.001,
  kvRead: 0.5,
}

/** CPU that is charged for, in milliseconds per request: more than any of these needs but for hashing. */
const CPU_MILLISECONDS = 1

/** What each operation costs, as the tests assert it. */
export const COUNTS = JSON.parse(readFileSync(new URL('counts.json', import.meta.url), 'utf8'))

/** Dollars per million of an operation with these counts. */
export function dollars({ objectCalls, kvReads, d1Rows, objectRows, alarms }) {
  return (
    PRICES.request +
    CPU_MILLISECONDS * PRICES.cpuMillisecond +
    objectCalls * PRICES.objectCall +
    kvReads * PRICES.kvRead +
    (d1Rows + objectRows + alarms) * PRICES.rowWritten
  )
}

/**
 * Dollars per million checks of a client that asks every `everySeconds` and accepts answers `maxAgeSeconds`
 * old. One request in so many asks the object, and finds the last activity 30 s behind.
 */
export function dollarsOfFreshness(maxAgeSeconds, everySeconds) {
  const warm = dollars(COUNTS['check, max-age, warm'])
  const strict = dollars(COUNTS['check, strict']) + PRICES.rowWritten
  const asking = everySeconds / maxAgeSeconds
  return warm * (1 - asking) + strict * asking
}
