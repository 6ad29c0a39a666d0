import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DeviceCookies } from '../../src/auth/device-cookies.ts'
import { HashingLine } from '../../src/identity/hashing-line.ts'
import { send } from '../support/requests.ts'
import { freshAddress, makeUser, type TestUser } from '../support/stores.ts'

afterEach(() => vi.restoreAllMocks())

const key = (id: number) => ({ id, secret: new Uint8Array(32).fill(id) })

describe('a device cookie', () => {
  test('is for the user name that it was issued for, and does not show it', () => {
    const devices = new DeviceCookies([key(1)])
    const cookie = devices.issue('ada@pie.example')
    expect(devices.deviceOf([cookie], 'ada@pie.example')).toMatch(/^[\w-]{22}$/)
    expect(devices.deviceOf([cookie], 'max@pie.example')).toBeNull()
    expect(Buffer.from(cookie, 'base64url').includes('ada')).toBe(false)
    expect(devices.issue('ada@pie.example')).not.toBe(cookie)
  })

  test('is verified under any key in use, among cookies that others set, and under no other key', () => {
    const cookie = new DeviceCookies([key(1)]).issue('ada')
    const rotated = new DeviceCookies([key(2), key(1)])
    expect(rotated.deviceOf(['', 'x', `${cookie}A`, rotated.issue('max'), cookie], 'ada')).toBeNull()
    expect(rotated.deviceOf(['x', rotated.issue('max'), cookie], 'ada')).not.toBeNull()
    expect(new DeviceCookies([key(2)]).deviceOf([cookie], 'ada')).toBeNull()
    const altered = `${cookie.slice(0, 20)}${cookie[20] === 'A' ? 'B' : 'A'}${cookie.slice(21)}`
    expect(rotated.deviceOf([altered], 'ada')).toBeNull()
  })
})

const OWN = '/sessions'
const APIO = '/api/v1/login/'
const pathsOf = [OWN, APIO]

function signIn(path: string, user: TestUser, options: Parameters<typeof send>[1] & { password?: string } = {}) {
  const { password = user.password, ...rest } = options
  return send(path, { address: freshAddress(), json: { username: user.username, password }, ...rest })
}

const deviceIn = (response: Response) =>
  response.headers.getSetCookie().find((text) => text.startsWith('latchkey_device='))
const sent = (response: Response) => ({ cookie: deviceIn(response)?.split(';')[0] ?? '' })

describe.each(pathsOf)('at %s', (path) => {
  test('a good sign-in by cookie sets it, for 400 days, as the session cookie travels', async () => {
    const response = await signIn(path, await makeUser())
    expect(deviceIn(response)).toMatch(/^latchkey_device=[\w-]{67}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  test('a wrong password sets none', async () => {
    expect(deviceIn(await signIn(path, await makeUser(), { password: 'wrong' }))).toBeUndefined()
  })

  test('it is no session', async () => {
    const headers = sent(await signIn(path, await makeUser()))
    expect((await send('/sessions/current', { headers })).status).toBe(401)
  })

  test('who brings it stands before strangers, passes the gate by itself, and is counted by itself', async () => {
    const user = await makeUser()
    const headers = sent(await signIn(path, user))
    const turns = vi.spyOn(HashingLine.prototype, 'take')
    const gate = vi.spyOn(env.SIGN_IN_GATE, 'limit')
    const address = freshAddress()
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await signIn(path, user, { address, password: 'wrong' })).status).toBe(401)
    }
    expect((await signIn(path, user, { address })).status).toBe(429)
    expect((await signIn(path, user, { address, headers })).ok).toBe(true)
    expect(turns.mock.calls.map(([asker]) => asker.priority)).toEqual([...Array(5).fill('stranger'), 'known'])
    expect(gate.mock.calls.at(-1)?.[0].key).toMatch(/^sign-in:[\w-]{22}$/)
  })

  test('it may be used for five wrong passwords, then it is locked', async () => {
    const user = await makeUser()
    const headers = sent(await signIn(path, user))
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await signIn(path, user, { headers, password: 'wrong' })).status).toBe(401)
    }
    expect((await signIn(path, user, { headers })).status).toBe(429)
    expect((await signIn(path, user)).ok).toBe(true)
  })

  test('it is worth nothing to another user', async () => {
    const headers = sent(await signIn(path, await makeUser()))
    const turns = vi.spyOn(HashingLine.prototype, 'take')
    await signIn(path, await makeUser(), { headers })
    expect(turns.mock.calls.map(([asker]) => asker.priority)).toEqual(['stranger'])
  })
})

test('an address prefix from which a user has signed in before is known too, and of that user alone', async () => {
  const user = await makeUser()
  await signIn(OWN, user, { address: '2001:db8:5:5::1' })
  const turns = vi.spyOn(HashingLine.prototype, 'take')
  const priorities = () => turns.mock.calls.splice(0).map(([asker]) => asker.priority)
  await signIn(OWN, user, { address: '2001:db8:5:5:9::2' })
  await signIn(OWN, user, { address: '2001:db8:5:6::1' })
  await signIn(OWN, await makeUser({ identityStoreId: user.identityStoreId }), { address: '2001:db8:5:5::1' })
  expect(priorities()).toEqual(['known', 'stranger', 'stranger'])
  const { signed_in_from: kept } = (await env.DB.prepare('SELECT signed_in_from FROM users WHERE user_id = ?')
    .bind(user.userId)
    .first<{ signed_in_from: string }>()) ?? { signed_in_from: '' }
  expect(kept.split(',')).toHaveLength(2)
  expect(kept).not.toContain('2001:db8')
})

test('a bearer is given no cookie', async () => {
  const user = await makeUser()
  const json = { username: user.username, password: user.password, transport: 'bearer' }
  expect((await send(OWN, { json })).headers.getSetCookie()).toEqual([])
})
