import { afterEach, describe, expect, test, vi } from 'vitest'
import { hashPassword, isHashingBusy, isPasswordHash, verifyPassword } from '../../src/identity/passwords.ts'

const CHEAP = '$scrypt$ln=1,r=1,p=1$'
const SALT = 'BwcHBwcHBwcHBwcHBwcHBw'

afterEach(() => vi.restoreAllMocks())

async function hashed(password: string): Promise<string> {
  const hash = await hashPassword(password)
  if (!hash.ok) throw new Error(hash.error.code)
  return hash.value
}

describe('a password', { timeout: 30_000 }, () => {
  test('is hashed with scrypt, N=2¹⁴ r=8 p=5, and a salt of its own', async () => {
    const [one, two] = [await hashed('secret'), await hashed('secret')]
    for (const hash of [one, two]) {
      expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      expect(isPasswordHash(hash)).toBe(true)
    }
    expect(one).not.toBe(two)
    expect(await verifyPassword('secret', one)).toEqual({ ok: true, value: true })
    expect(await verifyPassword('Secret', one)).toEqual({ ok: true, value: false })
  })

  test('is the same however its accents were typed', async () => {
    expect(await verifyPassword('cafe\u0301', await hashed('caf\u00e9'))).toEqual({ ok: true, value: true })
  })

  test('fits no missing and no broken hash', async () => {
    for (const hash of [null, '', 'secret', CHEAP, `${CHEAP}${SALT}$`, '$2b$12$abcdefghijklmnopqrstuv']) {
      expect(await verifyPassword('secret', hash)).toEqual({ ok: true, value: false })
    }
  })
})

test.each([
  ['a cheap one', `${CHEAP}${SALT}$${'A'.repeat(43)}`, true],
  ['one of 64 MiB', `$scrypt$ln=16,r=8,p=1$${SALT}$${'A'.repeat(43)}`, true],
  ['one of 128 MiB', `$scrypt$ln=17,r=8,p=1$${SALT}$${'A'.repeat(43)}`, false],
  ['one of more passes than bearable', `$scrypt$ln=14,r=8,p=17$${SALT}$${'A'.repeat(43)}`, false],
  ['one of no cost', `$scrypt$ln=0,r=8,p=1$${SALT}$${'A'.repeat(43)}`, false],
  ['one too short to tell passwords apart', `${CHEAP}${SALT}$${'A'.repeat(11)}`, false],
  ['one with something behind it', `${CHEAP}${SALT}$${'A'.repeat(43)}\n`, false],
])('whether a hash is taken: %s', (_what, hash, taken) => {
  expect(isPasswordHash(hash)).toBe(taken)
})

describe('the line for hashing', { timeout: 30_000 }, () => {
  test('has one that runs and two that wait; who comes then is sent away before any hashing', async () => {
    const gates: (() => void)[] = []
    const wait = vi.spyOn(scheduler, 'wait').mockImplementation(() => new Promise((resolve) => gates.push(resolve)))
    const inLine = [1, 2, 3].map(() => verifyPassword('secret', null))
    expect([isHashingBusy(), wait.mock.calls.length]).toEqual([true, 3])
    const busy = { ok: false, error: { code: 'unavailable', what: 'password hashing', retryAfterSeconds: 2 } }
    expect(await Promise.all([verifyPassword('secret', null), hashPassword('secret')])).toEqual([busy, busy])
    expect(wait).toHaveBeenCalledTimes(3)

    for (const open of gates) open()
    expect(await Promise.all(inLine)).toEqual([1, 2, 3].map(() => ({ ok: true, value: false })))
    expect(isHashingBusy()).toBe(false)
  })
})
