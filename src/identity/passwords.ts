/** Passwords: scrypt, as PHC strings. Hashing blocks the isolate for about 160 ms, so few may wait for it. */
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { fail, ok, type Result } from '../domain/result.ts'
import type { Unavailable } from '../store/database.ts'

/** Cost of new hashes: 2^14 blocks of 8 × 128 bytes (16 MiB), five times over. */
const COST = { ln: 14, r: 8, p: 5 }
const HASH_BYTES = 32
/** Hashes that may be waiting in one isolate besides the one that runs. */
const MAX_WAITING = 2
/** Most memory that a stored hash may ask for, in bytes (64 MiB). */
const MAX_MEMORY_BYTES = 67_108_864

/** Shape of a hash that we can verify. */
export const PASSWORD_HASH_PATTERN =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/
/** Longest password that is hashed, in characters. */
export const MAX_PASSWORD_LENGTH = 1_024

let busy = 0

/** Whether so many wait to be hashed that the next one would be turned away. */
export function isHashingBusy(): boolean {
  return busy > MAX_WAITING
}

/** What who is turned away is told. */
export const HASHING_BUSY: Unavailable = { code: 'unavailable', what: 'password hashing', retryAfterSeconds: 2 }

/** Hashes a password. Errors: `unavailable` if too many are waiting; nothing was hashed then. */
export function hashPassword(password: string): Promise<Result<string, Unavailable>> {
  return inLine(() => {
    const salt = randomBytes(16)
    const hash = scrypt(password, salt, COST, HASH_BYTES)
    return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${unpadded(salt)}$${unpadded(hash)}`
  })
}

/**
 * Whether a password is the one that was hashed. Takes as long for a user without a password.
 * Errors: `unavailable` if too many are waiting; nothing was hashed then.
 */
export function verifyPassword(password: string, hash: string | null): Promise<Result<boolean, Unavailable>> {
  return inLine(() => {
    const parsed = hash === null ? null : parseHash(hash)
    const { cost, salt, expected } = parsed ?? NOBODY
    const equal = timingSafeEqual(scrypt(password, salt, cost, expected.length), expected)
    return equal && parsed !== null
  })
}

/** Whether a string is a password hash that we can verify at a bearable cost. */
export function isPasswordHash(text: string): boolean {
  return parseHash(text) !== null
}

interface Cost {
  readonly ln: number
  readonly r: number
  readonly p: number
}

const NOBODY = { cost: COST, salt: Buffer.alloc(16, 1), expected: Buffer.alloc(HASH_BYTES, 2) }

function parseHash(text: string): { cost: Cost; salt: Buffer; expected: Buffer } | null {
  const match = PASSWORD_HASH_PATTERN.exec(text)
  if (match === null) return null
  const [, ln, r, p, salt, hash] = match as unknown as [string, string, string, string, string, string]
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) }
  if (cost.ln < 1 || cost.r < 1 || cost.p < 1 || cost.p > 16 || memory(cost) > MAX_MEMORY_BYTES) return null
  return { cost, salt: Buffer.from(salt, 'base64'), expected: Buffer.from(hash, 'base64') }
}

function memory({ ln, r }: Cost): number {
  return 128 * 2 ** ln * r
}

function scrypt(password: string, salt: Buffer, cost: Cost, bytes: number): Buffer {
  const options = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: 2 * MAX_MEMORY_BYTES }
  return scryptSync(password.normalize('NFKC'), salt, bytes, options)
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

async function inLine<T>(work: () => T): Promise<Result<T, Unavailable>> {
  if (isHashingBusy()) return fail(HASHING_BUSY)
  busy += 1
  try {
    // Lets requests that need no hash go first, and those that come now see how many are waiting.
    await scheduler.wait(0)
    return ok(work())
  } finally {
    busy -= 1
  }
}
