/**
 * Session ids: UUID version 7 (RFC 9562), made so that the ids of one user sort in the order of opening
 * even when the clock stands still or steps back. Pure: time, predecessor and randomness are passed in.
 */

const COUNTER_LIMIT = 0x1000 // rand_a, 12 bits, is the counter (RFC 9562, section 6.2, method 1)

/** Shape of a session id. */
export const SESSION_ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * The next id after `previous` (null for the first).
 * @param random 8 random bytes
 */
export function nextSessionId(previous: string | null, now: number, random: Uint8Array): string {
  let milliseconds = now
  let counter = 0
  if (previous !== null) {
    const last = parseInt(previous.slice(0, 8) + previous.slice(9, 13), 16)
    if (last >= milliseconds) {
      milliseconds = last
      counter = parseInt(previous.slice(15, 18), 16) + 1
      if (counter === COUNTER_LIMIT) {
        milliseconds += 1
        counter = 0
      }
    }
  }
  const time = milliseconds.toString(16).padStart(12, '0')
  const tail = random.subarray(0, 8).toHex()
  const variant = ((parseInt(tail.slice(0, 2), 16) & 0x3f) | 0x80).toString(16)
  const count = counter.toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${tail.slice(2, 4)}-${tail.slice(4)}`
}

/** The instant in a session id, epoch milliseconds. */
export function sessionIdTime(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** The smallest id that an instant can have, epoch milliseconds. */
export function firstIdAt(instant: number): string {
  const time = Math.max(0, instant).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
}

/**
 * The session's number, for APIs whose session ids are integers: the last 52 bits of its UUID, so always
 * safe in JavaScript. Two sessions may share one (once in 10^4 stores of a million): a lookup that finds
 * several must refuse, never guess.
 */
export function sessionNumber(id: string): number {
  return parseInt(id.slice(22, 23) + id.slice(24), 16)
}

/** The 16 bytes of a session id. */
export function sessionIdBytes(id: string): Uint8Array {
  return Uint8Array.fromHex(id.replaceAll('-', ''))
}

/** The session id in 16 bytes. */
export function sessionIdFromBytes(bytes: Uint8Array): string {
  const hex = bytes.toHex()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
