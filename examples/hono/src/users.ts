/** The application's own users: it verifies passwords, and Latchkey has the sessions. Ids are those of the demo store. */

const ITERATIONS = 100_000

interface User {
  readonly userId: string
  readonly salt: string
  /** PBKDF2-SHA-256 of the password `open sesame`, in hexadecimal. */
  readonly hash: string
}

const USERS = new Map<string, User>([
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
const NOBODY: User = { userId: '', salt: 'nobody', hash: '' }

/** The id of the user with this name and password; null for nobody. */
export async function verifiedUser(username: string, password: string): Promise<string | null> {
  const user = USERS.get(username) ?? NOBODY
  const text = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', text.encode(password), 'PBKDF2', false, ['deriveBits'])
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: text.encode(user.salt), iterations: ITERATIONS }
  const bits = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256))
  const found = Array.from(bits, (byte) => byte.toString(16).padStart(2, '0')).join('')
  let difference = found.length === user.hash.length ? 0 : 1
  for (let at = 0; at < found.length; at += 1) difference |= found.charCodeAt(at) ^ user.hash.charCodeAt(at)
  return difference === 0 ? user.userId : null
}
