/** What is left of an address's wrong passwords, and of what passes the gate in front, in the fields of draft-ietf-httpapi-ratelimit-headers-10. */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { addressPrefix } from '../../../src/domain/address-prefix.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { send } from '../../support/requests.ts'
import { freshAddress, makeUser } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'

const WINDOW_SECONDS = 900
const TRIES = 3

/** Both fields of an answer, strictly: a list of one string with its integers. */
function fieldsOf({ headers }: Response, name = 'signin-address') {
  const [policy, limit] = [headers.get('ratelimit-policy'), headers.get('ratelimit')]
  if (policy === null && limit === null) return null
  const says = /^"([\w-]+)";q=(\d+);w=(\d+)$/.exec(policy ?? '')
  const leaves = /^"([\w-]+)";r=(\d+);t=(\d+)$/.exec(limit ?? '')
  expect([says?.[1], leaves?.[1]], `${policy} ${limit}`).toEqual([name, name])
  const [q, w, r, t] = [says?.[2], says?.[3], leaves?.[2], leaves?.[3]].map(Number)
  return { q, w, r, t }
}

test('a stranger is told how many tries its address has left, and nothing of the user’s own', async () => {
  stopClock()
  const worker = workerWith({ SIGN_IN_TRIES_PER_ADDRESS: String(TRIES), SIGN_IN_TRIES_PER_USER_AND_ADDRESS: '2' })
  const [one, other] = [await makeUser(), await makeUser()]
  const signIn = (username: string, path = '/sessions') =>
    worker.send(path, { address: '192.0.2.77', json: { username, password: 'wrong' } })
  const policy = { q: TRIES, w: WINDOW_SECONDS }
  expect(fieldsOf(await signIn(one.username))).toEqual({ ...policy, r: 2, t: WINDOW_SECONDS })
  advanceClock(100)
  expect(fieldsOf(await signIn(one.username))).toEqual({ ...policy, r: 1, t: 800 })
  // The lock of the pair has its `Retry-After` alone: what is counted of a user is not for strangers.
  const locked = await signIn(one.username)
  expect([locked.status, fieldsOf(locked)]).toEqual([429, null])
  expect(fieldsOf(await signIn(other.username))).toEqual({ ...policy, r: 0, t: 800 })
  const over = await signIn(other.username)
  expect([over.status, over.headers.get('retry-after'), fieldsOf(over)]).toEqual([
    429,
    '800',
    { ...policy, r: 0, t: 800 },
  ])
  expect(await over.json()).toMatchObject({ code: 'rate_limited', 'violated-policies': ['signin-address'] })
  // A vendor's face keeps to the vendor's words.
  expect(fieldsOf(await signIn(other.username, '/api/v1/login/'))).toBeNull()
})

test('who is known is not held to it, and hears nothing of it', async () => {
  const worker = workerWith({ SIGN_IN_TRIES_PER_ADDRESS: String(TRIES) })
  const { username, password, address } = await makeUser()
  expect((await worker.send('/sessions', { address, json: { username, password } })).status).toBe(201)
  const wrong = await worker.send('/sessions', { address, json: { username, password: 'wrong' } })
  expect([wrong.status, fieldsOf(wrong)]).toEqual([401, null])
})

test('who comes to a gate that is shut is told how many it lets pass, which it does', async () => {
  stopClock()
  const { username, password } = await makeUser()
  const address = freshAddress()
  const key = `sign-in:${addressPrefix(address)}`
  const signIn = (path = '/sessions') => send(path, { address, json: { username, password } })
  const [quota, window] = [300, 60]
  for (let passed = 1; passed < quota; passed += 1) {
    expect(await env.SIGN_IN_GATE.limit({ key })).toEqual({ success: true })
  }
  expect((await signIn()).status).toBe(201)
  const refused = await signIn()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
  expect(fieldsOf(refused, 'signin-requests')).toEqual({ q: quota, w: window, r: 0, t: window })
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', 'violated-policies': ['signin-requests'] })
  // A vendor's face keeps to the vendor's words.
  const face = await signIn('/api/v1/login/')
  expect([face.status, fieldsOf(face)]).toEqual([429, null])
})
