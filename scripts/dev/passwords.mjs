// Random passwords and their hashes, made here so that the Worker need not hash them one after another.
import { randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'

// As in src/identity/passwords.ts.
const COST = { N: 16_384, r: 8, p: 5, maxmem: 67_108_864 }

/** A password of 96 random bits that needs no quoting in a shell, nor in JSON. */
export function randomPassword() {
  return randomBytes(12).toString('base64url')
}

/** The PHC string of a password. */
export async function hashPassword(password) {
  const salt = randomBytes(16)
  const hash = await promisify(scrypt)(password, salt, 32, COST)
  return `$scrypt$ln=14,r=8,p=5$${unpadded(salt)}$${unpadded(hash)}`
}

function unpadded(bytes) {
  return bytes.toString('base64').replaceAll('=', '')
}
