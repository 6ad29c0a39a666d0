// The application's own users: it verifies passwords, and Latchkey has the sessions. Ids are those of the demo store.
import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const ITERATIONS = 100_000

/** By name: id, salt, and PBKDF2-SHA-256 of the password `open sesame`, in hexadecimal. */
const USERS = new Map([
  [
    'ada',
    { userId: 'U0000000002', salt: 'ada', hash: '233d1aaad446a42d4873a5715ab4a65a6b50a1549ff0b3b0b3bfb24ef6c0149c' },
  ],
  [
    'max',
    { userId: 'U0000000004', salt: 'max', hash: '9e3fed0339952c5b5f7f0376735a78c024354701140c3d78e2025b43ed0eb353' },
  ],
])
/** Verified where there is no such user, so that it takes as long. */
const NOBODY = { userId: null, salt: 'nobody', hash: '0'.repeat(64) }

/** The id of the user with this name and password; null for nobody. */
export async function verifiedUser(username = '', password = '') {
  const { userId, salt, hash } = USERS.get(username) ?? NOBODY
  const found = await promisify(pbkdf2)(password, salt, ITERATIONS, 32, 'sha256')
  return timingSafeEqual(found, Buffer.from(hash, 'hex')) ? userId : null
}
