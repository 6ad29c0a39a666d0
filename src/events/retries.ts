/** When an event that was not taken is sent again. Pure. */
import { DELIVERY_JITTER, DELIVERY_RETRY_MILLISECONDS } from '../limits.ts'

/**
 * How long to wait after so many attempts, in milliseconds; null: it is given up.
 * @param retryAfter what the endpoint asked for, in milliseconds; it is heard as far as the longest wait
 * @param chance from 0 to 1
 */
export function waitAfter(attempts: number, retryAfter: number | null, chance: number): number | null {
  const wait = DELIVERY_RETRY_MILLISECONDS[attempts - 1]
  if (wait === undefined) return null
  const longest = Math.max(...DELIVERY_RETRY_MILLISECONDS)
  const asked = Math.min(retryAfter ?? 0, longest)
  return Math.max(asked, Math.round(wait * (1 - DELIVERY_JITTER + 2 * DELIVERY_JITTER * chance)))
}

/** A `Retry-After` in milliseconds from now: a number of seconds, or a date. Null: there is none that makes sense. */
export function parseRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000 || null
  // `Date.parse` accepts much that is no HTTP date: `-1` is a year to it.
  const wait = / GMT$/.test(text) ? Date.parse(text) - now : 0
  return wait > 0 ? wait : null
}
