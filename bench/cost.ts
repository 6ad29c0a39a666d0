/** Dollars per million operations: exact counts, which the tests assert, at list price. */
import COUNTS from './counts.json' with { type: 'json' }

export { COUNTS }

/** What one operation does, its aftermath included. */
export interface Counts {
  readonly objectCalls: number
  readonly kvReads: number
  readonly d1Rows: number
  readonly objectRows: number
  readonly alarms: number
}

/** Cloudflare's list prices on the paid plan, beyond what is included, in dollars per million. */
export const PRICES = {
  /** When they were read. Source: developers.cloudflare.com, the pricing pages of Workers, Durable Objects, D1 and KV. */
  asOf: '2026-09',
  request: 0.3,
  cpuMillisecond: 0.02,
  objectCall: 0.15,
  /** In D1 and in objects alike; each index entry and each alarm that is set is one more. */
  rowWritten: 1,
  kvRead: 0.5,
}

/** CPU that is charged for, in milliseconds per request: more than any of these needs but for hashing. */
const CPU_MILLISECONDS = 1

/** Dollars per million of an operation. Rows read cost a thousandth of rows written and are left out. */
export function dollars({ objectCalls, kvReads, d1Rows, objectRows, alarms }: Counts): number {
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
 * old: one check in so many asks the object, and finds the last activity as far behind as it may be.
 */
export function dollarsOfFreshness(maxAgeSeconds: number, everySeconds: number): number {
  const asking = everySeconds / maxAgeSeconds
  const asked = dollars(COUNTS['check, strict']) + PRICES.rowWritten
  return dollars(COUNTS['check, max-age, warm']) * (1 - asking) + asked * asking
}
