/** When an event is sent again. */
import { expect, test } from 'vitest'
import { parseRetryAfter, waitAfter } from '../../src/events/retries.ts'
import { DELIVERY_RETRY_MILLISECONDS } from '../../src/limits.ts'

const DAY = 86_400_000

test('the waits are the published ones, a tenth shorter or longer, and then there are no more', () => {
  const waits = (chance: number) => DELIVERY_RETRY_MILLISECONDS.map((_, index) => waitAfter(index + 1, null, chance))
  expect(waits(0.5)).toEqual([...DELIVERY_RETRY_MILLISECONDS])
  expect(waits(0)).toEqual(DELIVERY_RETRY_MILLISECONDS.map((wait) => wait * 0.9))
  expect(waits(1)).toEqual(DELIVERY_RETRY_MILLISECONDS.map((wait) => Math.round(wait * 1.1)))
  // 75 h 35 min and 5 s.
  expect(DELIVERY_RETRY_MILLISECONDS.reduce<number>((sum, wait) => sum + wait, 0)).toBe(272_105_000)
  expect(waitAfter(DELIVERY_RETRY_MILLISECONDS.length + 1, null, 0.5)).toBeNull()
})

test('what an endpoint asks for is waited for, never less than our own wait, and a day at most', () => {
  expect(waitAfter(1, 60_000, 0.5)).toBe(60_000)
  expect(waitAfter(2, 60_000, 0.5)).toBe(300_000)
  expect(waitAfter(1, 7 * DAY, 0.5)).toBe(DAY)
})

test.each([
  ['120', 120_000],
  [' 5 ', 5_000],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
  ['Sun, 06 Nov 1994 08:48:00 GMT', null],
  ['0', null],
  ['-1', null],
  ['soon', null],
  ['', null],
  [null, null],
])('Retry-After: %s', (text, wait) => {
  expect(parseRetryAfter(text, Date.parse('1994-11-06T08:49:00Z'))).toBe(wait)
})
