/** APIO as it is served: two Workers, two databases, a real OpenID provider. documents.test.ts runs its page. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { queryDatabaseWith } from './support/local-database.ts'
import { type OpenIdProvider, startOpenIdProvider } from './support/openid-provider.ts'
import { type Served, serve } from './support/served.ts'

const SOL = { sub: 'subject of sol', email: 'sol.single@pie.example', email_verified: true }

let server: Served
let provider: OpenIdProvider

beforeAll(async () => {
  server = await serve()
  const { base_url, operator_token, identity_store_id } = server.credentials
  const logoutUri = `${base_url}/oauth2/backchannel-logout/${identity_store_id}`
  provider = await startOpenIdProvider(await freePort(), SOL, logoutUri)
  const { issuer, clientId, clientSecret, redirectUri } = provider
  const set = await fetch(`${base_url}/operator/identity-stores/${identity_store_id}/openid-provider`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${operator_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ issuer, client_id: clientId, client_secret: clientSecret, redirect_uri: redirectUri }),
  })
  expect(set.status).toBe(200)
})

afterAll(async () => {
  await server?.stop()
  await provider?.stop()
})

function profiles(username: string) {
  const columns = 'first_name, last_name, email_address'
  const where = `WHERE username = '${username}'`
  return {
    ours: queryDatabaseWith('identity_stores', server.persistTo, `SELECT ${columns} FROM users ${where}`)[0],
    theirs: queryDatabaseWith('updates', server.persistTo, `SELECT ${columns} FROM users ${where}`)[0],
  }
}

function apio(path: string, init: { method?: string; cookie?: string; body?: object }) {
  const { method = 'POST', cookie, body } = init
  return fetch(`${server.credentials.base_url}/api/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(cookie !== undefined && { cookie }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}

async function signIn(username: string): Promise<string> {
  const password = server.credentials.users.find((user) => user.username === username)?.password
  const response = await apio('login/', { body: { username, password } })
  expect(response.status).toBe(200)
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

test('a real provider: the nonce must fit, a code is good once, the user is known by subject from then on', async () => {
  const login = async (code: string, nonce: string) => {
    const body = { authorization_code: code, nonce, redirect_uri: provider.redirectUri }
    return (await apio('openid/login/', { body })).status
  }
  const code = await provider.code('first')
  expect(await login(code, 'first')).toBe(200)
  expect(await login(code, 'first')).toBe(401)
  expect(await login(await provider.code('second'), 'another')).toBe(401)
  expect(await login('no code', 'third')).toBe(401)
  provider.account = { ...SOL, email: 'moved@elsewhere.example', email_verified: false }
  expect(await login(await provider.code('fourth'), 'fourth')).toBe(200)
  provider.account = { ...SOL, sub: 'somebody else' }
  expect(await login(await provider.code('fifth'), 'fifth')).toBe(401)
})

test('a real provider signs a user out: what it has opened in this session of its ends, and nothing else', async () => {
  provider.account = SOL
  const open = async (nonce: string) => {
    const code = await provider.code(nonce)
    const body = { authorization_code: code, nonce, redirect_uri: provider.redirectUri }
    const response = await apio('openid/login/', { body })
    expect(response.status).toBe(200)
    return response.headers.get('set-cookie')?.split(';')[0] ?? ''
  }
  const stateOf = async (cookie: string) => (await apio('session/user_login_info/', { method: 'GET', cookie })).status
  const elsewhere = await open('in another browser')
  const here = await open('in this browser')
  expect([await stateOf(elsewhere), await stateOf(here)]).toEqual([200, 200])
  expect(await provider.signOut()).toEqual([])
  expect([await stateOf(elsewhere), await stateOf(here)]).toEqual([200, 401])
  const ended = await fetch(`${server.credentials.base_url}/sessions/current`, { headers: { cookie: here } })
  expect(await ended.json()).toMatchObject({ code: 'session_ended', reason: 'idp_logout' })
})

test('the runtime is killed in the middle of changes: both databases are the same within a minute', async () => {
  const username = 'dee.dedicated@pie.example'
  for (const [round, delayMilliseconds] of [3, 12, 30].entries()) {
    const cookie = await signIn(username)
    const change = apio('session/user_login_info/', { method: 'PUT', cookie, body: { first_name: `Dee ${round}` } })
    const answered = change.then(
      ({ status }) => status,
      () => 0,
    )
    await new Promise((resolve) => setTimeout(resolve, delayMilliseconds))
    await server.kill()
    const status = await answered
    await server.restart()
    // The alarm alone wakes the object: nobody asks for this user.
    await vi.waitFor(
      () => {
        const { ours, theirs } = profiles(username)
        expect(ours).toEqual(theirs)
        if (status === 200) expect(ours).toMatchObject({ first_name: `Dee ${round}` })
      },
      { timeout: 60_000, interval: 500 },
    )
  }
})
