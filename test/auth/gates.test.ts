/** The gates in front of what is guessed at: each goes by the address prefix, and stands open when it is out of order. */
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { send } from '../support/requests.ts'

afterEach(() => vi.restoreAllMocks())

const ADDRESS = '2001:db8:77:88:99::1'
const KEY = /^[a-z-]+:2001:db8:77:88::\/64$/

const GATES: [string, 'SIGN_IN_GATE' | 'ACCESS_KEY_GATE' | 'LOGOUT_GATE', () => Promise<Response>, number][] = [
  [
    'sign-in',
    'SIGN_IN_GATE',
    () => send('/sessions', { address: ADDRESS, json: { username: 'nobody@pie.example', password: 'x' } }),
    401,
  ],
  [
    'APIO’s login token',
    'SIGN_IN_GATE',
    () => send('/api/v1/auth_token/login/', { address: ADDRESS, json: { loginToken: 'a'.repeat(64) } }),
    401,
  ],
  [
    'APIO’s OpenID',
    'SIGN_IN_GATE',
    () =>
      send('/api/v1/openid/login/', {
        address: ADDRESS,
        json: { authorization_code: 'x', nonce: 'x'.repeat(16), redirect_uri: 'https://nobody.example/' },
      }),
    401,
  ],
  [
    'Looker’s login',
    'SIGN_IN_GATE',
    () => send('/api/4.0/login', { address: ADDRESS, form: { client_id: 'x', client_secret: 'y' } }),
    404,
  ],
  [
    'Identity Center',
    'ACCESS_KEY_GATE',
    () => send('/v1/identity-stores/d-1/users/u/sessions', { address: ADDRESS }),
    401,
  ],
  [
    'OpenID’s logout',
    'LOGOUT_GATE',
    () => send('/oauth2/backchannel-logout/d-1', { address: ADDRESS, form: { logout_token: 'x' } }),
    400,
  ],
]

describe.each(GATES)('the gate of %s', (_what, binding, request, status) => {
  test('counts an IPv6 client by its /64', async () => {
    const gate = vi.spyOn(env[binding], 'limit')
    expect((await request()).status).toBe(status)
    expect(gate.mock.calls.map(([{ key }]) => key)).toEqual([expect.stringMatching(KEY)])
  })

  test('turns away', async () => {
    vi.spyOn(env[binding], 'limit').mockResolvedValue({ success: false })
    const response = await request()
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '60'])
  })

  test.each([
    ['fails', () => Promise.reject(new Error('out of order'))],
    ['hangs', () => new Promise<never>(() => {})],
  ])('stands open when it %s', async (_how, limit) => {
    vi.spyOn(env[binding], 'limit').mockImplementation(limit)
    expect((await request()).status).toBe(status)
  })
})
