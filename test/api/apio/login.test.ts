/** Signing in and out: what is answered, what is refused, and what nothing gives away. */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { HashingLine } from '../../../src/identity/hashing-line.ts'
import { applicationServer, makeTheirUser, useApplicationServer } from '../../support/application-server.ts'
import { mirrored } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { freshAddress, makeStore, makeUser, type UserOptions } from '../../support/stores.ts'
import { apio, INFO, login, readInfo, signedIn } from './requests.ts'

useApplicationServer()

const LOGIN = '/api/v1/login/'
const WRONG = { details: 'The credentials are not valid.' }

describe('the answer', () => {
  const KINDS: readonly (readonly [number, readonly string[]])[] = [
    [0, ['tenant_id', 'group_id', 'user_id']],
    [4, ['tenant_id', 'group_id']],
    [8, ['tenant_id', 'group_id']],
    [12, ['tenant_id']],
    [16, []],
  ]

  test.each(KINDS)('of a user of level %i has the ids %j', async (userLevel, names) => {
    const user = await makeUser({ userLevel, groupId: 'pies' })
    const all = { tenant_id: user.identityStoreId, group_id: 'pies', user_id: user.userId }
    const ids = Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))
    const profile = { user_level: userLevel, first_name: 'Test', last_name: 'User', emailAddress: user.username }
    const answer = await login(user)
    expect([answer.status, answer.body]).toEqual([200, { ids, profile: { ...profile, is_first_login: true } }])
    const cookie = await signedIn(user)
    expect((await readInfo(cookie)).body).toEqual({ ids, profile, username: user.username })
  })

  test('leaves out what is not there', async () => {
    const user = await makeUser()
    await env.DB.prepare('UPDATE users SET first_name = NULL, last_name = NULL, email_address = NULL WHERE user_id = ?')
      .bind(user.userId)
      .run()
    const ids = { tenant_id: user.identityStoreId, user_id: user.userId }
    expect((await login(user)).body).toEqual({ ids, profile: { user_level: 0, is_first_login: true } })
  })

  test('says once that it was the first login, also to two at once', async () => {
    const user = await makeUser()
    const answers = await Promise.all([login(user), login(user)])
    const first = answers.map(({ body }) => (body.profile as { is_first_login: boolean }).is_first_login)
    expect(first.toSorted()).toEqual([false, true])
    expect((await login(user)).body).toMatchObject({ profile: { is_first_login: false } })
  })

  test('sets the cookie as Django does: a persistent one, sliding, for this site', async () => {
    const { response } = await login(await makeUser())
    expect(response.headers.getSetCookie()[0]).toMatch(
      /^sessionid=[\w-]{148}; Max-Age=25\d{5}; Path=\/; HttpOnly; SameSite=Lax$/,
    )
    expect(response.headers.get('vary')).toContain('Cookie')
  })

  test('sets a cookie of the browser session where the store allows no other', async () => {
    const { response } = await login(await makeUser({ config: { allowPersistentSessions: false } }))
    expect(response.headers.getSetCookie()[0]).not.toContain('Max-Age')
  })

  test('ignores provide_basic_profile, quotes around the content type, and the case of the user name', async () => {
    const user = await makeUser()
    const json = { username: ` ${user.username.toUpperCase()}`, password: user.password, provide_basic_profile: 'x' }
    const headers = { 'content-type': '"application/json"' }
    expect((await apio(LOGIN, { body: JSON.stringify(json), headers, address: user.address })).status).toBe(200)
  })
})

describe('refusals', () => {
  const cases: Record<string, UserOptions> = {
    'a wrong password': {},
    'a disabled user': { active: false },
    'a bot': { bot: true },
    'a login mode without a password': { loginMode: 'SSO_LOGIN_DEDICATED' },
    'a user without a password': { password: null },
    'a disabled user of the application server': { loginMode: 'SERVER_LOGIN', active: false },
  }

  test.each(Object.entries(cases))('%s is told nothing else than anybody', async (name, options) => {
    const user = await makeUser(options)
    const right = name === 'a wrong password' ? 'wrong' : user.password || 'any'
    const { status, body, response } = await login(user, { password: right })
    expect([status, body, response.headers.get('set-cookie')]).toEqual([401, WRONG, null])
    expect(applicationServer.calls).toEqual([])
  })

  test('an unknown user is told the same', async () => {
    const { status, body } = await apio(LOGIN, { json: { username: 'nobody@pie.example', password: 'any' } })
    expect([status, body]).toEqual([401, WRONG])
  })

  test('every path costs one hash, also where it is not ours to check', async () => {
    const turns = vi.spyOn(HashingLine.prototype, 'take')
    const theirs = await makeUser({ loginMode: 'SERVER_LOGIN' })
    await makeTheirUser(theirs)
    expect((await login(theirs)).status).toBe(200)
    for (const options of Object.values(cases)) await login(await makeUser(options), { password: 'x' })
    await apio(LOGIN, { json: { username: 'nobody@pie.example', password: 'any' } })
    expect(turns).toHaveBeenCalledTimes(Object.keys(cases).length + 2)
  })

  test('what the application server could not be asked counts against nobody', async () => {
    const user = await makeUser({ loginMode: 'SERVER_LOGIN' })
    await makeTheirUser(user)
    for (const mishap of ['down', 'overloaded', 'nonsense', 'refused', 'slow', 'down'] as const) {
      applicationServer.decide = () => mishap
      expect((await login(user, { password: 'wrong' })).status).toBeGreaterThanOrEqual(500)
    }
    applicationServer.decide = () => 'none'
    for (let guess = 0; guess < 4; guess += 1) expect((await login(user, { password: 'wrong' })).status).toBe(401)
    expect((await login(user)).status).toBe(200)
  })
})

describe('throttling', () => {
  test('of parallel guesses no more than five reach the check; others are not affected', async () => {
    const user = await makeUser({ loginMode: 'SERVER_LOGIN' })
    const other = await makeUser({ loginMode: 'SERVER_LOGIN', identityStoreId: user.identityStoreId })
    await makeTheirUser(user)
    await makeTheirUser(other)
    const guesses = await Promise.all(Array.from({ length: 40 }, (_, n) => login(user, { password: `guess ${n}` })))
    const statuses = guesses.map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(35)
    expect(applicationServer.calls).toHaveLength(5)
    const locked = guesses.find(({ status }) => status === 429)
    expect(Number(locked?.response.headers.get('retry-after'))).toBeGreaterThan(800)
    expect(locked?.body).toEqual({ details: expect.any(String) })
    // The right password does not help at the locked address …
    expect((await login(user)).status).toBe(429)
    // … and does elsewhere; another user of the same address is not locked.
    expect((await login(user, { address: freshAddress() })).status).toBe(200)
    expect((await login(other, { address: user.address })).status).toBe(200)
  })

  test('of parallel guesses at a password of ours no more than five are answered as wrong', async () => {
    const user = await makeUser()
    const statuses = []
    for (const _ of [1, 2, 3, 4]) {
      const guesses = await Promise.all(Array.from({ length: 10 }, () => login(user, { password: 'guess' })))
      statuses.push(...guesses.map(({ status }) => status))
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 200)).toEqual([])
    expect((await login(user)).status).toBe(429)
  })
})

describe('over a live session', () => {
  test('a sign-in ends it: replaced', async () => {
    const user = await makeUser()
    const first = await signedIn(user)
    const second = await signedIn(user, { cookie: first })
    expect((await readInfo(first)).status).toBe(401)
    expect((await readInfo(second)).status).toBe(200)
    await mirrored(user)
    const { results } = await env.DB.prepare('SELECT end_reason FROM sessions WHERE user_id = ? ORDER BY session_id')
      .bind(user.userId)
      .all()
    expect(results).toEqual([{ end_reason: 'replaced' }, { end_reason: null }])
  })

  test("a sign-in ends another user's too", async () => {
    const [one, other] = [await makeUser(), await makeUser()]
    const first = await signedIn(one)
    await signedIn(other, { cookie: first })
    expect((await readInfo(first)).status).toBe(401)
  })

  test('a wrong password does not', async () => {
    const user = await makeUser()
    const cookie = await signedIn(user)
    expect((await login(user, { cookie, password: 'wrong' })).status).toBe(401)
    expect((await readInfo(cookie)).status).toBe(200)
  })
})

describe('from a foreign page', () => {
  const FOREIGN: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]

  test.each(FOREIGN)('%j: no sign-in, no write, no logout, no token; nothing is changed', async (headers) => {
    const user = await makeUser()
    const cookie = await signedIn(user)
    const from = { origin: null, headers, address: user.address }
    const signingIn = await login(user, from)
    expect([signingIn.status, signingIn.response.headers.get('set-cookie')]).toEqual([403, null])
    const requests = [
      apio(INFO, { ...from, method: 'PUT', cookie, json: { first_name: 'Evil' } }),
      apio('/api/v1/logout/', { ...from, method: 'POST', cookie }),
      apio('/api/v1/auth_token/generate/', { ...from, cookie, json: { username: user.username } }),
      apio('/api/v1/auth_token/login/', { ...from, json: { loginToken: 'x' } }),
      apio('/api/v1/openid/login/', { ...from, json: { nonce: 'n', authorization_code: 'c', redirect_uri: 'u' } }),
    ]
    for (const answer of await Promise.all(requests)) {
      expect([answer.status, answer.body]).toEqual([403, { details: expect.any(String) }])
    }
    expect((await readInfo(cookie)).body).toMatchObject({ profile: { first_name: 'Test' } })
  })

  test('a form without an origin is no JSON', async () => {
    const user = await makeUser()
    const form = { username: user.username, password: user.password }
    expect((await apio(LOGIN, { form, origin: null })).status).toBe(416)
  })

  test('JSON without an origin is no browser', async () => {
    expect((await login(await makeUser(), { origin: null })).status).toBe(200)
  })
})

describe('bad input', () => {
  const BODIES: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['no JSON', '{'],
    ['an array', '[]'],
    ['text', '"x"'],
    ['null', 'null'],
    ['no UTF-8', '\ud800'],
  ]

  test.each(BODIES)('%s is no JSON object: 416', async (_name, body) => {
    const cookie = await signedIn(await makeUser())
    const headers = { 'content-type': 'application/json' }
    for (const [path, method] of [
      [LOGIN, 'POST'],
      [INFO, 'PUT'],
      ['/api/v1/auth_token/generate/', 'POST'],
    ] as const) {
      const answer = await apio(path, { method, body, headers, cookie })
      expect([answer.status, answer.body], path).toEqual([
        body === '\ud800' ? answer.status : 416,
        { details: expect.any(String) },
      ])
    }
  })

  test('wrong types and missing fields are named, all at once', async () => {
    const { status, body } = await apio(LOGIN, { json: { username: 7 } })
    expect([status, body]).toEqual([400, { details: expect.stringMatching(/username: .*password: /) }])
  })

  test.each([
    '/api/v1/login',
    '/api/v1/login//',
    '/api/v1//login/',
    '/api/v1/',
    '/api/v1/nothing/',
    '/api/v1/session/user_login_info',
  ])('%s is no URL of ours, and leads to none', async (path) => {
    const answer = await apio(path, { json: {} })
    expect([answer.status, answer.body]).toEqual([404, { details: expect.any(String) }])
    expect(answer.response.headers.get('location')).toBeNull()
  })

  test('a method that a URL does not take is named', async () => {
    const answer = await apio(LOGIN, { method: 'GET' })
    expect([answer.status, answer.response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('a body that is too large is refused', async () => {
    expect((await apio(LOGIN, { json: { username: 'x'.repeat(70_000), password: 'x' } })).status).toBe(400)
  })
})

describe('the cookie', () => {
  test('none, a forged one, two different ones and a bearer are no session', async () => {
    const user = await makeUser()
    const [one, two] = [await signedIn(user), await signedIn(user)]
    const forged = `${one.slice(0, -1)}${one.endsWith('A') ? 'B' : 'A'}`
    const answers = await Promise.all([
      apio(INFO),
      readInfo(forged),
      apio(INFO, { headers: { cookie: `sessionid=${one}; sessionid=${two}` } }),
      apio(INFO, { bearer: one }),
      apio(INFO, { headers: { cookie: `__Host-sessionid=${one}` } }),
    ])
    for (const { status, body } of answers) {
      expect([status, body]).toEqual([401, { details: 'An open session is needed.' }])
    }
    expect((await apio(INFO, { headers: { cookie: `sessionid=${one}; sessionid=${one}` } })).status).toBe(200)
  })

  test('is set anew with each answer, and left alone when its session has ended', async () => {
    const user = await makeUser()
    const cookie = await signedIn(user)
    const alive = await readInfo(cookie)
    expect(alive.response.headers.get('set-cookie')).toContain(`sessionid=${cookie}; Max-Age=`)
    await send('/api/v1/logout/', { method: 'POST', cookie })
    const dead = await readInfo(cookie)
    expect([dead.status, dead.response.headers.get('set-cookie')]).toEqual([401, null])
  })

  test('is that of the own API: one session, whichever API is asked', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    expect((await readInfo(session.token)).body).toMatchObject({ username: user.username })
    await apio('/api/v1/logout/', { method: 'POST', cookie: session.token })
    expect((await check(session)).status).toBe(401)
  })
})

describe('logout', () => {
  test('ends the session, takes the cookie, and may be repeated', async () => {
    const user = await makeUser()
    const cookie = await signedIn(user)
    const first = await apio('/api/v1/logout/', { method: 'POST', cookie })
    expect([first.status, first.body]).toEqual([200, {}])
    expect(first.response.headers.get('set-cookie')).toMatch(/^sessionid=; Max-Age=0/)
    const json = { body: '{}', headers: { 'content-type': 'application/json' } }
    const again = await apio('/api/v1/logout/', { method: 'POST', cookie, ...json })
    // The browser may have another session by now.
    expect([again.status, again.body, again.response.headers.get('set-cookie')]).toEqual([200, {}, null])
    expect((await readInfo(cookie)).status).toBe(401)
  })

  test('needs a cookie of ours', async () => {
    expect((await apio('/api/v1/logout/', { method: 'POST' })).status).toBe(401)
    expect((await apio('/api/v1/logout/', { method: 'POST', cookie: 'forged' })).status).toBe(401)
  })
})

test('an outage of the database is 503, and opens nothing', async () => {
  const user = await makeUser({ identityStoreId: await makeStore() })
  const prepare = vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
    throw new Error('D1_ERROR: Network connection lost.')
  })
  const { status, response } = await login(user)
  expect([status, response.headers.get('set-cookie')]).toEqual([503, null])
  prepare.mockRestore()
})
