import crypto from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { parseHashCost } from '../../src/domain/hash-cost.ts'
import { comparePassword, hashPassword, isPasswordHash } from '../../src/identity/passwords.ts'

const CHEAP = '$scrypt$ln=1,r=1,p=1$'
const SALT = 'BwcHBwcHBwcHBwcHBwcHBw'
const OURS = { ln: 14, r: 8, p: 5 }
const NONE = 'A'.repeat(43)

const fits = (password: string, hash: string | null) => comparePassword(password, hash, OURS).fits

describe('a password', { timeout: 30_000 }, () => {
  test('is hashed with scrypt at the cost that is asked for, and a salt of its own', () => {
    const [one, two] = [hashPassword('secret', OURS), hashPassword('secret', OURS)]
    for (const hash of [one, two]) {
      expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      expect(isPasswordHash(hash)).toBe(true)
    }
    expect(one).not.toBe(two)
    expect([fits('secret', one), fits('Secret', one)]).toEqual([true, false])
  })

  test('is the same however its accents were typed', () => {
    expect(fits('cafe\u0301', hashPassword('caf\u00e9', OURS))).toBe(true)
  })

  test('fits no missing, no broken hash and none that cannot be verified', () => {
    const broken = ['', 'secret', CHEAP, `${CHEAP}${SALT}$`, '$2b$12$abcdefghijklmnopqrstuv']
    for (const hash of [null, ...broken, `$scrypt$ln=20,r=8,p=1$${SALT}$${NONE}`]) {
      expect(fits('secret', hash)).toBe(false)
    }
  })
})

const COSTS: [string, string, boolean][] = [
  ['a cheap one', 'ln=1,r=1,p=1', true],
  ['one of 64 MiB', 'ln=16,r=8,p=2', true],
  ['one of 128 MiB', 'ln=17,r=8,p=1', false],
  ['the dearest', 'ln=14,r=8,p=8', true],
  ['one dearer than workerd takes', 'ln=14,r=8,p=9', false],
  ['one of many small blocks', 'ln=10,r=8,p=128', true],
  ['N as large as r allows', 'ln=15,r=1,p=1', true],
  ['N too large for r', 'ln=16,r=1,p=1', false],
  ['one of no cost', 'ln=0,r=8,p=1', false],
]

test.each(COSTS)('whether a hash is taken by its cost: %s', (_what, cost, taken) => {
  expect(isPasswordHash(`$scrypt$${cost}$${SALT}$${NONE}`)).toBe(taken)
})

test.each([
  ['one too short to tell passwords apart', `${CHEAP}${SALT}$${'A'.repeat(11)}`],
  ['one with something behind it', `${CHEAP}${SALT}$${NONE}\n`],
  ['one whose cost is written otherwise', `$scrypt$r=8,ln=14,p=5$${SALT}$${NONE}`],
])('no hash is %s', (_what, hash) => expect(isPasswordHash(hash)).toBe(false))

test.each(COSTS.filter(([, , taken]) => taken))('what is taken can be verified: %s', (_what, text) => {
  const cost = parseHashCost(text)
  if (cost === null) throw new Error('no cost')
  expect(comparePassword('secret', hashPassword('secret', cost), OURS).fits).toBe(true)
})

describe('every comparison is the same work', { timeout: 30_000 }, () => {
  const ours = 2 ** 14 * 8 * 5
  test.each([
    ['no user', null],
    ['a broken hash', 'secret'],
    ['a hash of ours', `$scrypt$ln=14,r=8,p=5$${SALT}$${NONE}`],
    ['the cheapest', `${CHEAP}${SALT}$${NONE}`],
    ['one that many systems have', `$scrypt$ln=14,r=8,p=1$${SALT}$${NONE}`],
    ['one of larger blocks', `$scrypt$ln=14,r=16,p=1$${SALT}$${NONE}`],
    ['an uneven one', `$scrypt$ln=13,r=7,p=3$${SALT}$${NONE}`],
  ])('%s', (_what, hash) => {
    const scrypt = vi.spyOn(crypto, 'scryptSync')
    comparePassword('wrong', hash, OURS)
    const spent = scrypt.mock.calls.reduce((sum, [, , , cost]) => {
      const { N = 0, r = 0, p = 0 } = (cost ?? {}) as { N?: number; r?: number; p?: number }
      return sum + N * r * p
    }, 0)
    expect(spent / ours).toBeGreaterThan(0.998)
    expect(spent / ours).toBeLessThan(1.002)
  })

  test('says which hash should be replaced by a new one', () => {
    const other = (hash: string) => comparePassword('x', hash, OURS).otherCost
    expect(other(`${CHEAP}${SALT}$${NONE}`)).toBe(true)
    expect(other(`$scrypt$ln=14,r=8,p=5$${SALT}$${NONE}`)).toBe(false)
  })
})
