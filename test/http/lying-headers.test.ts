/** Headers that servers behind some proxies believe. Whoever sends a request writes them, so nothing is believed of them. */
import { describe, expect, test } from 'vitest'
import { check, type RequestOptions, send, signIn } from '../support/requests.ts'
import { makeBearer, makeOperator, makeUser } from '../support/stores.ts'
import { workerWith } from '../support/variants.ts'

const LIAR = '203.0.113.66'

const ADDRESS_HEADERS = {
  'x-forwarded-for': LIAR,
  forwarded: `for=${LIAR}`,
  'x-real-ip': LIAR,
  'true-client-ip': LIAR,
  'x-client-ip': LIAR,
  'x-cluster-client-ip': LIAR,
  'fastly-client-ip': LIAR,
  'cf-connecting-ipv6': LIAR,
}
const PLACE_HEADERS = {
  forwarded: 'host=evil.example;proto=https',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-server': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-ssl': 'on',
  'x-forwarded-port': '443',
  'x-forwarded-prefix': '/evil',
  'front-end-https': 'on',
  'x-host': 'evil.example',
  'x-original-url': '/operator/identity-stores',
  'x-rewrite-url': '/operator/identity-stores',
}
const METHOD_HEADERS = ['x-http-method-override', 'x-http-method', 'x-method-override']

describe.each(Object.entries(ADDRESS_HEADERS))('an address that a client claims: %s: %s', (name, value) => {
  const claiming = (address: string) => ({ headers: { [name]: value.replace(LIAR, address) } })

  test('is recorded of no session', async () => {
    const user = await makeUser()
    const session = await signIn(user, claiming(LIAR))
    for (const headers of [{}, claiming(LIAR)]) {
      expect(await (await check(session, headers)).json()).toMatchObject({ address: user.address })
    }
  })

  test('gives nobody more tries, for one user or for many', async () => {
    const { username, address } = await makeUser()
    const worker = workerWith({ SIGN_IN_TRIES_PER_ADDRESS: '6' })
    const names = [...Array.from({ length: 6 }, () => username), `2-${username}`, `3-${username}`]
    const codes: string[] = []
    for (const [at, one] of names.entries()) {
      const json = { username: one, password: 'wrong' }
      const response = await worker.send('/sessions', { address, json, ...claiming(`203.0.113.${at}`) })
      codes.push(((await response.json()) as { code: string }).code)
    }
    const wrong = 'invalid_credentials'
    expect(codes).toEqual([wrong, wrong, wrong, wrong, wrong, 'locked_out', wrong, 'rate_limited'])
  })

  test('opens no credential that is for other addresses', async () => {
    const bearer = await makeOperator({ addressAllowList: [LIAR] })
    expect((await send('/operator/identity-stores', { bearer, address: LIAR })).status).toBe(200)
    const response = await send('/operator/identity-stores', { bearer, ...claiming(LIAR) })
    expect(await response.json()).toMatchObject({ code: 'address_not_allowed' })
  })
})

/** All of an answer but what no two have in common. */
async function whole(response: Response): Promise<unknown> {
  const own = response.headers.get('x-request-id') ?? ''
  const text = JSON.stringify([response.status, ...response.headers]) + (await response.text())
  return text.replaceAll(own, '…').replace(/((?:sessionid|latchkey_device)=)[^;]{20,}/g, '$1…')
}

test.each(Object.entries(PLACE_HEADERS))(
  'where the service is said to be changes no answer: %s: %s',
  async (name, value) => {
    const user = await makeUser()
    await makeBearer(user.identityStoreId, ['ssf.read'])
    const { username, password, address } = user
    const form = { username, password }
    const requests: [string, RequestOptions][] = [
      ['/healthz', {}],
      ['/nothing', {}],
      ['/sign-in', { form }],
      ['/sign-in?return_to=//evil.example/', { form }],
      ['/sign-in', { form, origin: 'https://evil.example' }],
      ['/sessions', { method: 'DELETE', cookie: (await signIn(user)).token, origin: 'https://evil.example' }],
      [`/.well-known/ssf-configuration/ssf/${user.identityStoreId}`, {}],
      ['/api/4.0/versions', {}],
    ]
    const statuses: number[] = []
    for (const [path, options] of requests) {
      const [plain, lying] = [
        await send(path, { address, ...options }),
        await send(path, { address, ...options, headers: { [name]: value } }),
      ]
      statuses.push(plain.status)
      expect([path, await whole(lying)]).toEqual([path, await whole(plain)])
    }
    expect(statuses).toEqual([200, 404, 303, 303, 403, 403, 200, 200])
  },
)

describe.each(METHOD_HEADERS)('another method than the request’s own, in %s', (name) => {
  const headers = { [name]: 'DELETE' }

  test('is not the method', async () => {
    const session = await signIn(await makeUser())
    const bearer = await makeOperator()
    const path = '/sessions/current'
    expect((await check(session, { headers })).status).toBe(200)
    for (const one of [path, `${path}?_method=DELETE&method=DELETE`]) {
      const form = { _method: 'DELETE', method: 'DELETE' }
      expect((await send(one, { bearer: session.token, headers, form })).status).toBe(405)
    }
    const user = `/operator/identity-stores/${session.user.identityStoreId}/users/${session.user.userId}`
    expect((await send(`${user}?_method=DELETE`, { bearer, headers })).status).toBe(200)
    expect((await send(`${user}?_method=DELETE`, { bearer, headers, json: { _method: 'DELETE' } })).status).toBe(405)
    expect((await check(session)).status).toBe(200)
  })
})
