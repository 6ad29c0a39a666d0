import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { userSubject } from '../../../src/store/sign-in-attempts.ts'
import { mirrored } from '../../support/objects.ts'
import { check, ORIGIN, type RequestOptions, send, signIn, tokenInCookie } from '../../support/requests.ts'
import { makeBearer, makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'

const SECURE = 'https://sessions.example'

function open(user: TestUser, more: Record<string, unknown> = {}, options: RequestOptions = {}, base = ORIGIN) {
  const { username, password, address } = user
  return send(`${base}/sessions`, { address, json: { username, password, ...more }, ...options })
}

/** Those of the session; that of the device is looked at in test/auth/device-cookies.test.ts. */
const setCookies = (response: Response) =>
  response.headers.getSetCookie().filter((text) => !text.startsWith('latchkey_device='))

describe('how the token is handed over', () => {
  test('by cookie unless asked otherwise, and then not in the body', async () => {
    const response = await open(await makeUser())
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(setCookies(response)).toEqual([
      expect.stringMatching(/^sessionid=[\w-]{148}; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
    const body = (await response.json()) as Record<string, unknown>
    expect(body).not.toHaveProperty('token')
    expect(JSON.stringify(body)).not.toContain(tokenInCookie(response))
    expect(body).toMatchObject({ current: true, persistent: false, credentials_type: 'password', location: null })
  })

  test('as a bearer in the body, and then in no cookie', async () => {
    const response = await open(await makeUser(), { transport: 'bearer' })
    expect(setCookies(response)).toEqual([])
    expect(await response.json()).toMatchObject({ token: expect.stringMatching(/^[\w-]{148}$/) })
  })

  test('the session says who signed in, from where, with what, and until when', async () => {
    const user = await makeUser({ config: { sessionMinutes: 60, useInactivityBasedLogout: true } })
    const body = (await (await open(user)).json()) as Record<string, string>
    expect(body).toMatchObject({
      identity_store_id: user.identityStoreId,
      user_id: user.userId,
      address: user.address,
      browser: 'Chrome 140.0.0.0',
      operating_system: 'Windows 10',
    })
    const opened = Date.parse(body.opened_at ?? '')
    expect(Date.parse(body.expires_at ?? '') - opened).toBe(3_600_000)
    expect(Date.parse(body.idles_out_at ?? '') - opened).toBe(900_000)
  })

  test('the place is told only where the store tracks it', async () => {
    const cf = { city: 'Ghent', country: 'BE' } as const
    const tracked = await makeUser({ config: { trackSessionLocation: true } })
    expect(await (await open(tracked, {}, { cf })).json()).toMatchObject({ location: { city: 'Ghent', country: 'BE' } })
    const untracked = await makeUser()
    expect(await (await open(untracked, {}, { cf })).json()).toMatchObject({ location: null })
    await mirrored(untracked)
    const row = await env.DB.prepare('SELECT location FROM sessions WHERE user_id = ?').bind(untracked.userId).first()
    expect(row).toEqual({ location: null })
  })

  test('on https the cookie is Secure and bound to the host', async () => {
    const user = await makeUser()
    const response = await open(user, {}, { origin: null }, SECURE)
    expect(setCookies(response)).toEqual([
      expect.stringMatching(/^__Host-sessionid=[\w-]{148}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ])
    const cookie = `__Host-sessionid=${tokenInCookie(response)}`
    expect((await send(`${SECURE}/sessions/current`, { headers: { cookie } })).status).toBe(200)
  })

  test('a host that is configured for plain http has Secure cookies on https all the same', async () => {
    const response = await open(await makeUser(), {}, {}, ORIGIN.replace('http:', 'https:'))
    expect(setCookies(response)[0]).toMatch(/^__Host-sessionid=.*; Secure/)
  })

  test('plain http to a host that nobody configured gets a cookie that browsers will not send there', async () => {
    const response = await open(await makeUser(), {}, { origin: null }, 'http://elsewhere.example')
    expect(setCookies(response)[0]).toContain('; Secure')
  })
})

describe('a cookie that outlives the browser', () => {
  const maxAge = (response: Response) => /Max-Age=(\d+)/.exec(setCookies(response)[0] ?? '')?.[1]

  test('lives as long as the session, if asked for and allowed', async () => {
    const user = await makeUser({ config: { sessionMinutes: 60 } })
    const response = await open(user, { persistent: true })
    expect(Number(maxAge(response))).toBeGreaterThan(3_590)
    expect(Number(maxAge(response))).toBeLessThanOrEqual(3_600)
    expect(await response.json()).toMatchObject({ persistent: true })
  })

  test('never lives longer than browsers allow', async () => {
    const user = await makeUser({ settings: { durationSeconds: 315_569_520 } })
    expect(maxAge(await open(user, { persistent: true }))).toBe(String(400 * 86_400))
  })

  for (const [why, options] of [
    ['the store forbids it', { config: { allowPersistentSessions: false } }],
    ["the user's own setting forbids it", { settings: { desktopAppBrowserQuit: true } }],
  ] as const) {
    test(`is a cookie of the browser session if ${why}`, async () => {
      const response = await open(await makeUser(options), { persistent: true })
      expect(maxAge(response)).toBeUndefined()
      expect(await response.json()).toMatchObject({ persistent: false })
    })
  }

  test('is not given unasked', async () => {
    expect(maxAge(await open(await makeUser()))).toBeUndefined()
  })
})

describe('the session that a sign-in carried', () => {
  const ended = (reason: string) => ({ code: 'session_ended', reason })

  for (const whose of ['the same user', 'another user', 'a user of another store'] as const) {
    test(`ends as replaced: of ${whose}`, async () => {
      const user = await makeUser()
      const identityStoreId = whose === 'another user' ? user.identityStoreId : await makeStore()
      const before = await signIn(whose === 'the same user' ? user : await makeUser({ identityStoreId }), {
        transport: 'cookie',
      })
      const bystander = await signIn(before.user)
      const response = await open(user, {}, { cookie: before.token })
      expect(response.status).toBe(201)
      expect(setCookies(response)).toHaveLength(1)
      expect(await (await check(before)).json()).toMatchObject(ended('replaced'))
      expect((await check(bystander)).status).toBe(200)
    })
  }

  test('ends as replaced though the new token is a bearer', async () => {
    const before = await signIn(await makeUser(), { transport: 'cookie' })
    expect((await open(before.user, { transport: 'bearer' }, { cookie: before.token })).status).toBe(201)
    expect(await (await check(before)).json()).toMatchObject(ended('replaced'))
  })

  test('ends as replaced where it was a bearer', async () => {
    const before = await signIn(await makeUser())
    expect((await open(before.user, { transport: 'bearer' }, { bearer: before.token })).status).toBe(201)
    expect(await (await check(before)).json()).toMatchObject(ended('replaced'))
  })

  test('takes no place of its own under a limit of one', async () => {
    const before = await signIn(await makeUser({ config: { concurrentSessionLimit: 1 } }), { transport: 'cookie' })
    await open(before.user, {}, { cookie: before.token })
    expect(await (await check(before)).json()).toMatchObject(ended('replaced'))
  })

  test('lives on if the sign-in fails', async () => {
    const before = await signIn(await makeUser(), { transport: 'cookie' })
    expect((await open(before.user, { password: 'wrong' }, { cookie: before.token })).status).toBe(401)
    expect((await check(before)).status).toBe(200)
  })

  test('lives on if a foreign page asked for the token', async () => {
    const before = await signIn(await makeUser(), { transport: 'cookie' })
    const foreign = { cookie: before.token, origin: 'https://evil.example' }
    await open(before.user, { transport: 'bearer' }, foreign)
    expect((await check(before)).status).toBe(200)
  })

  test('of another API on https ends too, and its cookie does not come before the new one', async () => {
    const before = await signIn(await makeUser(), { transport: 'cookie' })
    const response = await open(before.user, {}, { cookie: before.token, origin: null }, SECURE)
    expect(setCookies(response)).toEqual([expect.stringMatching(/^__Host-sessionid=[\w-]{148}/)])
    expect(await (await check(before)).json()).toMatchObject(ended('replaced'))
    const cookie = `sessionid=${before.token}; __Host-sessionid=${tokenInCookie(response)}`
    expect((await send(`${SECURE}/sessions/current`, { headers: { cookie } })).status).toBe(200)
  })
})

describe('the origin of a sign-in', () => {
  const attempts: [string, RequestOptions, number][] = [
    ['an own page', { origin: ORIGIN }, 201],
    ['a foreign page', { origin: 'https://evil.example' }, 403],
    ['a page without origin', { origin: 'null' }, 403],
    ['an own host on another port', { origin: 'http://127.0.0.1:8788' }, 403],
    ['the same site, without Origin', { origin: null, headers: { 'sec-fetch-site': 'same-site' } }, 403],
    ['a foreign site, without Origin', { origin: null, headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    ['the same origin, without Origin', { origin: null, headers: { 'sec-fetch-site': 'same-origin' } }, 201],
    ['no browser at all', { origin: null }, 201],
  ]
  for (const [from, options, status] of attempts) {
    test(`${from}: ${status} with a cookie`, async () => {
      const user = await makeUser()
      const response = await open(user, {}, options)
      expect(response.status).toBe(status)
      if (status === 403) {
        expect(await response.json()).toMatchObject({ code: 'origin_not_allowed' })
        expect(setCookies(response)).toEqual([])
        const attempts = env.DB.prepare('SELECT 1 FROM sign_in_attempts WHERE subject = ?').bind(
          userSubject(user.username),
        )
        expect((await attempts.all()).results).toEqual([])
      }
    })
  }

  test('does not matter where no cookie is at stake', async () => {
    expect((await open(await makeUser(), { transport: 'bearer' }, { origin: 'https://evil.example' })).status).toBe(201)
  })
})

describe('a trusted back end', () => {
  const client = { address: '198.51.100.7', user_agent: 'Device/1.0' }

  test('opens a session for a user it has verified, always with a token', async () => {
    const user = await makeUser()
    const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
    const response = await send('/sessions', { bearer, json: { user_id: user.userId, client, persistent: true } })
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(setCookies(response)).toEqual([])
    const body = (await response.json()) as { id: string; token: string }
    expect(body).toMatchObject({ user_id: user.userId, address: client.address, credentials_type: 'trusted_back_end' })
    expect((await check({ ...body, user })).status).toBe(200)
  })

  test('may pass a user agent of any length; 512 characters are kept', async () => {
    const user = await makeUser()
    const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
    const json = { user_id: user.userId, client: { ...client, user_agent: 'x'.repeat(5_000) } }
    expect((await send('/sessions', { bearer, json })).status).toBe(201)
    await mirrored(user)
    const row = await env.DB.prepare('SELECT user_agent FROM sessions WHERE user_id = ?').bind(user.userId).first()
    expect(row).toEqual({ user_agent: 'x'.repeat(512) })
  })

  test('needs the scope', async () => {
    const user = await makeUser()
    const bearer = await makeBearer(user.identityStoreId, ['sessions:introspect'])
    const response = await send('/sessions', { bearer, json: { user_id: user.userId, client } })
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      code: 'forbidden',
      needed: ['sessions:open'],
      provided: ['sessions:introspect'],
    })
  })

  test('is known for what it is if it is an operator: it may not, whether its request makes sense or not', async () => {
    const user = await makeUser()
    const bearer = await makeOperator()
    for (const json of [{ user_id: user.userId, client }, {}]) {
      const response = await send('/sessions', { bearer, json })
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ code: 'forbidden', needed: ['sessions:open'] })
    }
  })

  test('cannot open for an unknown, a disabled, or another store’s user', async () => {
    const user = await makeUser()
    const { identityStoreId } = user
    const bearer = await makeBearer(identityStoreId, ['sessions:open'])
    const codeFor = async (userId: string) => {
      const response = await send('/sessions', { bearer, json: { user_id: userId, client } })
      return [response.status, ((await response.json()) as { code: string }).code]
    }
    expect(await codeFor('nobody')).toEqual([404, 'user_not_found'])
    expect(await codeFor((await makeUser()).userId)).toEqual([404, 'user_not_found'])
    expect(await codeFor((await makeUser({ identityStoreId, active: false })).userId)).toEqual([403, 'user_disabled'])
  })

  for (const [what, header] of [
    ['a forged credential', `Bearer lk_${'0'.repeat(16)}${'A'.repeat(43)}00000000`],
    ['no credential of ours', 'Bearer something'],
    ['nothing after the scheme', 'Bearer'],
  ] as const) {
    test(`is refused with ${what}, also with a good password`, async () => {
      const user = await makeUser()
      expect((await open(user, {}, { headers: { authorization: header } })).status).toBe(401)
    })
  }

  test('cannot sign a user in by password, nor a user name a user', async () => {
    const user = await makeUser()
    const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
    expect((await open(user, {}, { bearer })).status).toBe(400)
    expect((await send('/sessions', { json: { user_id: user.userId, client } })).status).toBe(400)
  })
})
