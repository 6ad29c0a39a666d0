/** The token: what goes in comes out, in exactly one spelling. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextSessionId } from '../../src/domain/session-id.ts'
import {
  decodeToken,
  encodeToken,
  type SessionToken,
  SIGNED_BYTES,
  TOKEN_BYTES,
  TOKEN_PATTERN,
  TOKEN_VERSION,
} from '../../src/domain/token.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const hex = (length: number) => bytes(length).map((array) => Buffer.from(array).toString('hex'))
const anyToken: fc.Arbitrary<SessionToken> = fc.record({
  keyId: fc.integer({ min: 1, max: 255 }),
  kind: fc.constantFrom('web', 'api', 'operator'),
  storeTag: hex(12),
  objectId: hex(32),
  sessionId: fc.tuple(fc.nat(2 ** 31), bytes(8)).map(([now, random]) => nextSessionId(null, now, random)),
  secret: bytes(16),
})
const ALPHABET = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
const RUNS = { numRuns: 3_000 }

function signed(token: SessionToken, signature = new Uint8Array(TOKEN_BYTES - SIGNED_BYTES)): Uint8Array {
  return Uint8Array.from([...encodeToken(token), ...signature])
}

test('a token says what it was made of', () => {
  fc.assert(
    fc.property(anyToken, bytes(32), (token, signature) => {
      expect(encodeToken(token).length).toBe(SIGNED_BYTES)
      const { secret, ...rest } = decodeToken(signed(token, signature)) ?? { secret: null }
      expect({ ...rest, secret: secret === null ? null : Uint8Array.from(secret) }).toEqual(token)
    }),
    RUNS,
  )
})

test('every bit that is signed says something', () => {
  fc.assert(
    fc.property(anyToken, fc.nat(SIGNED_BYTES * 8 - 1), (token, bit) => {
      const altered = signed(token)
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const said = decodeToken(altered)
      if (said !== null) expect(encodeToken(said).toHex()).toBe(altered.subarray(0, SIGNED_BYTES).toHex())
    }),
    RUNS,
  )
})

describe('the spelling', () => {
  const spell = (raw: Uint8Array) => Buffer.from(raw).toString('base64url')

  test('is 148 characters of base64url without spare bits, so there is only one', () => {
    fc.assert(
      fc.property(anyToken, bytes(32), fc.nat(147), fc.constantFrom(...ALPHABET), (token, signature, place, letter) => {
        const raw = signed(token, signature)
        const text = spell(raw)
        expect(text).toMatch(TOKEN_PATTERN)
        const altered = text.slice(0, place) + letter + text.slice(place + 1)
        expect(Buffer.from(altered, 'base64url').equals(raw)).toBe(altered === text)
        expect(spell(Buffer.from(altered, 'base64url'))).toBe(altered)
      }),
      RUNS,
    )
  })

  test.each([
    ['padding', (text: string) => `${text}=`],
    ['white space', (text: string) => ` ${text}`],
    ['a line feed', (text: string) => `${text}\n`],
    ['a letter too few', (text: string) => text.slice(1)],
    ['the other alphabet', (text: string) => `+/${text.slice(2)}`],
  ])('takes no %s', (_name, alter) => {
    const [token] = fc.sample(anyToken, { numRuns: 1, seed: 1 })
    expect(alter(spell(signed(token as SessionToken)))).not.toMatch(TOKEN_PATTERN)
  })
})

test('what is none of ours says nothing', () => {
  fc.assert(
    fc.property(anyToken, fc.nat(255), (token, byte) => {
      const raw = signed(token)
      expect(decodeToken(raw.subarray(1))).toBeNull()
      expect(decodeToken(Uint8Array.from([...raw, byte]))).toBeNull()
      const otherVersion = Uint8Array.from(raw, (value, place) => (place === 0 ? byte : value))
      expect(decodeToken(otherVersion) === null).toBe(byte !== TOKEN_VERSION)
      const otherKind = Uint8Array.from(raw, (value, place) => (place === 2 ? byte : value))
      expect(decodeToken(otherKind)?.kind).toBe(
        new Map([
          [1, 'web'],
          [2, 'api'],
          [3, 'operator'],
        ]).get(byte),
      )
    }),
    RUNS,
  )
})
