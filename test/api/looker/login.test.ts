import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { describe, expect, test, vi } from 'vitest'
import { credentials, sessions } from '../../../src/store/schema.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { readDocuments } from '../../support/documents.ts'
import { mirrored } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { db, makeApiClient, makeBearer, makeStore, makeUser } from '../../support/stores.ts'
import { accessToken, logIn, looker, sudo } from './support.ts'

const NOT_FOUND = { status: 404, body: { message: 'Not found', documentation_url: expect.any(String) } }
const UNAUTHENTICATED = { status: 401, body: { message: 'Requires authentication.' } }

test.each([
  ['is revoked', { revokedAt: 1 }],
  ['has expired', { expiresAt: 1 }],
])('an access token does nothing once its API client %s, nor does one that was opened from it', async (_how, gone) => {
  const { user, clientId, token } = await logIn()
  const other = await makeUser({ identityStoreId: user.identityStoreId, role: 'member' })
  const sudoToken = await sudo(token, other)
  const status = () => Promise.all([token, sudoToken].map(async (one) => (await looker('GET', '/user', one)).status))
  expect(await status()).toEqual([200, 200])
  await db.update(credentials).set(gone).where(eq(credentials.publicId, clientId))
  expect(await status()).toEqual([401, 401])
})

describe('a login', () => {
  test('with id and secret in a form gives an access token of one hour', async () => {
    const { user, clientId, clientSecret } = await logIn()
    const form = { client_id: clientId, client_secret: clientSecret }
    stopClock()
    const answer = await looker('POST', '/login', null, { form })
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3600, refresh_token: null } })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const token = answer.body.access_token
    expect((await looker('GET', '/user', token)).body).toMatchObject({ id: user.userId, email: user.username })
    advanceClock(3599)
    expect((await looker('GET', '/user', token)).status).toBe(200)
    advanceClock(1)
    expect(await looker('GET', '/user', token)).toMatchObject(UNAUTHENTICATED)
  })

  test('may come in the query, and under an old session, which is ignored', async () => {
    const { clientId, clientSecret, token } = await logIn()
    const query = new URLSearchParams({ client_id: clientId, client_secret: clientSecret })
    expect((await looker('POST', `/login?${query}`, token)).status).toBe(200)
    expect((await looker('GET', '/user', token)).status).toBe(200)
  })

  test('takes `Authorization: token` as Looker documents it, too', async () => {
    const { token } = await logIn()
    const answer = await looker('GET', '/user', null, { headers: { authorization: `token ${token}` } })
    expect(answer.status).toBe(200)
  })

  test('lives in the object of the user it is of, and in no list of sessions', async () => {
    const { user, token } = await logIn()
    await mirrored(user)
    expect((await looker('GET', `/users/${user.userId}/sessions`, token)).body).toEqual([])
    const rows = await db.select().from(sessions)
    expect(rows.filter(({ userId }) => userId === user.userId)).toMatchObject([
      { kind: 'api', credentialsType: 'api_client', persistent: false, location: null },
    ])
  })
})

describe('a login is refused, and why is not told,', () => {
  const cases: [string, () => Promise<Record<string, string>>][] = [
    ['with an unknown id', async () => ({ client_id: 'A'.repeat(20), client_secret: 'B'.repeat(43) })],
    ['with an id that is none', async () => ({ client_id: 'x', client_secret: 'y' })],
    [
      'with a wrong secret',
      async () => {
        const { clientId } = await logIn()
        return { client_id: clientId, client_secret: 'wrong' }
      },
    ],
    ['with a revoked credential', () => clientWith({ revokedAt: 1 })],
    ['with an expired credential', () => clientWith({ expiresAt: 1 })],
    ['for a disabled user', () => clientWith({}, { active: false })],
    ['for no user', () => clientWith({ ownerUserId: 'nobody' })],
  ]
  for (const [name, form] of cases) {
    test(name, async () => {
      expect(await looker('POST', '/login', null, { form: await form() })).toMatchObject(NOT_FOUND)
    })
  }

  async function clientWith(options: object, user: object = {}): Promise<Record<string, string>> {
    const owner = await makeUser({ role: 'admin', ...user })
    const client = await makeApiClient(owner.identityStoreId, ['looker'], { ownerUserId: owner.userId, ...options })
    return { client_id: client.clientId, client_secret: client.clientSecret }
  }
})

describe('a login is refused', () => {
  test('with 403 if the API client lacks the scope, or comes from elsewhere', async () => {
    const { identityStoreId, userId: ownerUserId } = await makeUser()
    const without = await makeApiClient(identityStoreId, ['sessions:open'], { ownerUserId })
    const options = { ownerUserId, addressAllowList: ['192.0.2.0/24'] }
    const elsewhere = await makeApiClient(identityStoreId, ['looker'], options)
    for (const { clientId, clientSecret } of [without, elsewhere]) {
      const form = { client_id: clientId, client_secret: clientSecret }
      expect((await looker('POST', '/login', null, { form })).status).toBe(403)
    }
  })

  test('with 400 if the id or the secret is missing', async () => {
    for (const form of [{}, { client_id: 'x' }, { client_secret: 'x' }, { client_id: '', client_secret: '' }]) {
      const answer = await looker('POST', '/login', null, { form: form as Record<string, string> })
      expect(answer).toMatchObject({ status: 400, body: { message: 'client_id and client_secret are required.' } })
    }
  })

  test('with 429 and Retry-After if there are too many from an address', async () => {
    vi.spyOn(env.SIGN_IN_GATE, 'limit').mockResolvedValue({ success: false })
    const answer = await looker('POST', '/login', null, { form: { client_id: 'x', client_secret: 'y' } })
    expect(answer).toMatchObject({ status: 429, body: { message: 'Too many requests' } })
    expect(answer.headers.get('retry-after')).toBe('60')
  })
})

describe('a logout', () => {
  for (const path of ['/logout', '//api/logout']) {
    test(`at ${path.replace('//', '/')} ends the token, and may be said twice`, async () => {
      const { token } = await logIn()
      for (const _ of [1, 2]) {
        const answer = await looker('DELETE', path, token, { headers: { 'content-type': 'application/json' } })
        expect(answer).toMatchObject({ status: 204, body: {} })
      }
      expect(await looker('GET', '/session_config', token)).toMatchObject(UNAUTHENTICATED)
    })

    test(`at ${path.replace('//', '/')} needs a token of ours`, async () => {
      expect(await looker('DELETE', path, null)).toMatchObject(UNAUTHENTICATED)
      expect(await looker('DELETE', path, 'x')).toMatchObject(UNAUTHENTICATED)
    })
  }

  test('ends no other login of the same API client', async () => {
    const first = await logIn()
    const second = await accessToken(first)
    await looker('DELETE', '/logout', first.token)
    expect((await looker('GET', '/user', second)).status).toBe(200)
  })
})

describe('tokens of the other kinds', () => {
  const routes: [string, string][] = [
    ['DELETE', '/logout'],
    ['DELETE', '//api/logout'],
    ['POST', '/login/someone'],
    ['GET', '/session_config'],
    ['PATCH', '/session_config'],
    ['GET', '//session_config'],
    ['PATCH', '//session_config'],
    ['GET', '/session'],
    ['PATCH', '/session'],
    ['GET', '/user'],
    ['GET', '/users/someone/sessions'],
    ['GET', '/users/someone/sessions/one'],
    ['DELETE', '/users/someone/sessions/one'],
    ['GET', '/user_login_lockouts'],
    ['GET', '/user_login_lockouts/search'],
    ['DELETE', '/user_login_lockout/key'],
  ]

  test('a web session, a credential and nothing at all are refused on every route', async () => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store, role: 'primary_owner' })
    const web = await signIn(user)
    const credential = await makeBearer(store, ['looker', 'admin.users:write'])
    for (const [method, path] of routes) {
      expect(await looker(method, path, null), `${method} ${path}`).toMatchObject(UNAUTHENTICATED)
      // A genuine token of another kind is told what it is.
      for (const token of [web.token, credential]) {
        const answer = await looker(method, path, token)
        expect(answer.status, `${method} ${path}`).toBe(401)
        expect(answer.body.message).toMatch(/^Requires an access token; this is another kind of token: /)
      }
      const answer = await looker(method, path, null, { cookie: web.token })
      expect(answer, `${method} ${path} by cookie`).toMatchObject(UNAUTHENTICATED)
    }
    expect((await check(web)).status).toBe(200)
  })

  test('an access token is refused everywhere else', async () => {
    const { token, user } = await logIn('primary_owner')
    const client = await makeBearer(user.identityStoreId, ['sessions:introspect', 'sessions:revoke'])
    const documents = await readDocuments()
    const others = documents
      .flatMap(({ paths }) => Object.entries(paths))
      .filter(
        ([path]) =>
          !/^\/(api\/4\.0\/|api\/logout$|session_config$|api\/api\.test$|healthz$|alive$|versions$|docs\/problems$|openapi|sign-in$)/.test(
            path,
          ),
      )
    expect(others.length).toBeGreaterThan(5)
    for (const [path, methods] of others) {
      for (const method of Object.keys(methods).filter((key) => key !== 'parameters')) {
        const url = path.replace(/\{\w+\}/g, '0190a0b0-0000-7000-8000-000000000000')
        const body = /post|put|patch/.test(method) ? '{}' : undefined
        const options = { method: method.toUpperCase(), bearer: token, ...(body !== undefined && { body }) }
        const answer = await send(url, { ...options, headers: { 'content-type': 'application/json' } })
        const signsOut = path === '/sessions/current' && method === 'delete' // signed out is what nobody is
        // An API whose errors come with 200 says so in its body.
        const refused = answer.status >= 400 || /"ok":false/.test(await answer.text())
        expect(refused || signsOut, `${method} ${path}: ${answer.status}`).toBe(true)
      }
    }
    const form = { token }
    expect(await (await send('/oauth2/introspect', { form, bearer: client })).json()).toEqual({ active: false })
    expect((await send('/oauth2/revoke', { form, bearer: client })).status).toBe(400)
    expect((await send('/sessions/current', { cookie: token })).status).toBe(401)
    expect((await send('/sessions/current', { method: 'DELETE', bearer: token })).status).toBe(401)
    expect((await looker('GET', '/user', token)).status).toBe(200)
  })
})
