/** Passwords: scrypt, as PHC strings. Hashing blocks its isolate for about 160 ms: it is done in `PasswordHasher`. */

import crypto from 'node:crypto'
import { fillers, type HashCost, hashCostText, parseHashCost, work } from '../domain/hash-cost.ts'
import { HASHING_MEMORY_BYTES } from '../limits.ts'

const HASH_BYTES = 32

const PASSWORD_HASH_PATTERN = /^\$scrypt\$([a-z0-9=,]{12,20})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/

/** A new hash of a password. */
export function hashPassword(password: string, cost: HashCost): string {
  const salt = crypto.randomBytes(16)
  return `$scrypt$${hashCostText(cost)}$${unpadded(salt)}$${unpadded(scrypt(password, salt, cost, HASH_BYTES))}`
}

/** Whether a password is the one that was hashed, and whether the hash has another cost than `cost`. */
export interface Comparison {
  readonly fits: boolean
  readonly otherCost: boolean
}

/**
 * Compares a password with a hash; null, and what cannot be verified, fits none. It takes as long as a new hash
 * of `cost` whatever is compared: a cheaper one is made up for. Only a dearer one takes longer.
 */
export function comparePassword(password: string, hash: string | null, cost: HashCost): Comparison {
  const parsed = hash === null ? null : parseHash(hash)
  const stored = parsed ?? { cost, salt: NO_SALT, expected: NO_HASH }
  const equal = crypto.timingSafeEqual(
    scrypt(password, stored.salt, stored.cost, stored.expected.length),
    stored.expected,
  )
  for (const filler of fillers(work(cost) - work(stored.cost))) scrypt('', NO_SALT, filler, HASH_BYTES)
  return { fits: equal && parsed !== null, otherCost: hashCostText(stored.cost) !== hashCostText(cost) }
}

/** Whether a string is a password hash that we can verify. */
export function isPasswordHash(text: string): boolean {
  return parseHash(text) !== null
}

const NO_SALT = Buffer.alloc(16, 1)
const NO_HASH = Buffer.alloc(HASH_BYTES, 2)

function parseHash(text: string): { cost: HashCost; salt: Buffer; expected: Buffer } | null {
  const [, costText = '', salt = '', hash = ''] = PASSWORD_HASH_PATTERN.exec(text) ?? []
  const cost = parseHashCost(costText)
  return cost === null ? null : { cost, salt: Buffer.from(salt, 'base64'), expected: Buffer.from(hash, 'base64') }
}

function scrypt(password: string, salt: Buffer, { ln, r, p }: HashCost, bytes: number): Buffer {
  return crypto.scryptSync(password.normalize('NFKC'), salt, bytes, { N: 2 ** ln, r, p, maxmem: HASHING_MEMORY_BYTES })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
