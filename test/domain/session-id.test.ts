/** Session ids: UUIDs of version 7 that sort in the order of opening, whatever the clock does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  nextSessionId,
  SESSION_ID_PATTERN,
  sessionIdBytes,
  sessionIdFromBytes,
  sessionIdTime,
  sessionNumber,
} from '../../src/domain/session-id.ts'

const NOW = 1_800_000_000_000
const anyTime = fc.integer({ min: 0, max: 2 ** 47 })
const anyRandom = fc.uint8Array({ minLength: 8, maxLength: 8 })
const anyId = fc.tuple(anyTime, anyRandom).map(([now, random]) => nextSessionId(null, now, random))
const RUNS = { numRuns: 5_000 }

function idsOf(clock: readonly number[], random: Uint8Array): string[] {
  const ids: string[] = []
  for (const now of clock) ids.push(nextSessionId(ids.at(-1) ?? null, now, random))
  return ids
}

describe('the ids of one user', () => {
  test('grow with any clock, standing still and stepping back', () => {
    const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -5_000, max: 5_000 })), { maxLength: 50 })
    fc.assert(
      fc.property(steps, anyRandom, (deltas, random) => {
        let now = NOW
        const clock = deltas.map((delta) => {
          now += delta
          return now
        })
        const ids = idsOf(clock, random)
        expect(ids.every((id, place) => place === 0 || id > (ids[place - 1] ?? ''))).toBe(true)
        expect(ids.every((id) => SESSION_ID_PATTERN.test(id))).toBe(true)
        expect(ids.every((id, place) => sessionIdTime(id) >= (clock[place] ?? 0))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('grow beyond the counter within one millisecond', () => {
    const ids = idsOf(new Array(10_000).fill(NOW), new Uint8Array(8))
    expect([...new Set(ids)].toSorted()).toEqual(ids)
    expect(ids.slice(4_095, 4_097).map((id) => [sessionIdTime(id) - NOW, id.slice(14, 18)])).toEqual([
      [0, '7fff'],
      [1, '7000'],
    ])
  })

  test('return to the clock once it is ahead again', () => {
    const [, second, third] = idsOf([NOW, NOW - 60_000, NOW + 1], new Uint8Array(8))
    expect([second, third].map((id) => sessionIdTime(id ?? ''))).toEqual([NOW, NOW + 1])
  })
})

test('an id is a UUID of version 7 with its time in front and the randomness that it was given', () => {
  fc.assert(
    fc.property(anyTime, anyRandom, (now, random) => {
      const id = nextSessionId(null, now, random)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(BigInt(`0x${id.replaceAll('-', '').slice(0, 12)}`)).toBe(BigInt(now))
      const bits = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`) & (2n ** 62n - 1n)
      expect(bits(sessionIdBytes(id).subarray(8))).toBe(bits(random))
    }),
    RUNS,
  )
})

test('an id goes into 16 bytes and comes back', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      expect(sessionIdBytes(id).length).toBe(16)
      expect(sessionIdFromBytes(sessionIdBytes(id))).toBe(id)
    }),
    RUNS,
  )
})

describe('the number of a session', () => {
  test('is the last 52 bits of its id, always the same, and safe in JavaScript', () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const number = sessionNumber(id)
        expect(Number.isSafeInteger(number)).toBe(true)
        expect(BigInt(number)).toBe(BigInt(`0x${id.replaceAll('-', '')}`) & (2n ** 52n - 1n))
        expect(sessionNumber(id)).toBe(number)
      }),
      RUNS,
    )
  })
})
