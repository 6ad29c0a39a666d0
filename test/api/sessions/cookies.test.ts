/** Cookies of ours among other people's, and what becomes of them: in the own API and in APIO. */

import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { userObject } from '../../support/objects.ts'
import { check, type RequestOptions, send, signIn, type TestSession, tokenInCookie } from '../../support/requests.ts'
import { makeUser, type TestUser } from '../../support/stores.ts'
import { newUser } from '../../support/users.ts'
import { readToken, tokenRing, workerWith } from '../../support/variants.ts'
import { INFO } from '../apio/requests.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY
/** As Django makes them. */
const FOREIGN = 'q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6'

/** The ways to sign out by cookie, and what they answer. */
const SIGN_OUTS = [
  ['DELETE', '/sessions/current', 204],
  ['POST', '/api/v1/logout/', 200],
] as const
/** The ways to ask who one is by cookie. */
const LOOKS = ['/sessions/current', '/sessions', INFO] as const

const withCookie = (cookie: string, rest: RequestOptions = {}): RequestOptions => ({
  origin: null,
  ...rest,
  headers: { cookie, ...rest.headers },
})
const lives = async (session: TestSession) => (await check(session)).status === 200
const cookieSession = async (user?: TestUser) => signIn(user ?? (await makeUser()), { transport: 'cookie' })
const maxAgeOf = (response: Response) => /Max-Age=(\d+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1]

describe('a late answer', () => {
  test.each(LOOKS)('to %s with the session that a sign-in replaced leaves the cookie alone', async (path) => {
    const before = await cookieSession()
    const { username, password } = before.user
    await send('/sessions', { cookie: before.token, json: { username, password } })
    const late = await send(path, { cookie: before.token })
    expect([late.status, late.headers.getSetCookie()]).toEqual([401, []])
  })

  test.each(SIGN_OUTS)('to %s %s leaves alone what a sign-in has put there meanwhile', async (method, path, status) => {
    const before = await cookieSession()
    const { username, password } = before.user
    const after = tokenInCookie(await send('/sessions', { cookie: before.token, json: { username, password } }))
    const late = await send(path, { method, cookie: before.token })
    expect([late.status, late.headers.getSetCookie()]).toEqual([status, []])
    expect((await send('/sessions/current', { cookie: after ?? '' })).status).toBe(200)
  })

  test.each(SIGN_OUTS)('to %s %s without a session of ours leaves every cookie alone', async (method, path) => {
    for (const cookie of ['x=1', `sessionid=${FOREIGN}`]) {
      const response = await send(`https://sessions.example${path}`, { method, ...withCookie(cookie) })
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  test('to a slow write does not bring back the session that a sign-in has replaced meanwhile', async () => {
    const before = await cookieSession()
    const { username, password } = before.user
    const worker = workerWith({
      PROFILES: {
        idFromName: () => 'any',
        get: () => ({
          async change() {
            await send('/sessions', { cookie: before.token, json: { username, password } })
            return { ok: true, value: { firstName: 'New', lastName: 'Name', emailAddress: 'a@pie.example' } }
          },
        }),
      },
    })
    const late = await worker.send(INFO, { method: 'PUT', cookie: before.token, json: { first_name: 'New' } })
    expect([late.status, late.headers.getSetCookie()]).toEqual([200, []])
  })
})

describe('a sign-out', () => {
  test.each(SIGN_OUTS)('by %s %s ends every session that came with it', async (method, path, status) => {
    const [one, two] = [await cookieSession(), await cookieSession()]
    const [host, bearer] = [await cookieSession(), await cookieSession()]
    const cookie = `sessionid=${one.token}; __Host-sessionid=${host.token}; sessionid=${two.token}`
    const headers = { authorization: `Bearer ${bearer.token}` }
    const response = await send(`https://sessions.example${path}`, { method, ...withCookie(cookie, { headers }) })
    expect(response.status).toBe(status)
    expect(response.headers.getSetCookie()).toEqual([
      '__Host-sessionid=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
      'sessionid=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    ])
    expect(await Promise.all([one, two, host, bearer].map(lives))).toEqual([false, false, false, false])
  })

  const besides: [string, string][] = [
    ['HTTP Basic', 'Basic dXNlcjpwYXNz'],
    ['a bearer that is none', 'Bearer'],
    ['a bearer that nobody signed', 'Bearer x'],
    ['another scheme', 'Negotiate abc'],
  ]
  for (const [method, path, status] of SIGN_OUTS) {
    test.each(besides)(`by ${method} ${path} ends the cookie’s session beside %s`, async (_what, authorization) => {
      const session = await cookieSession()
      const response = await send(path, { method, cookie: session.token, headers: { authorization } })
      expect([response.status, await lives(session)]).toEqual([status, false])
      expect(response.headers.getSetCookie()).toHaveLength(1)
    })

    test(`by ${method} ${path} with a foreign cookie of our name ends ours`, async () => {
      const session = await cookieSession()
      const cookie = `sessionid=${FOREIGN}; sessionid=${session.token}`
      const response = await send(path, { method, ...withCookie(cookie) })
      expect([response.status, await lives(session)]).toEqual([status, false])
    })

    test(`by ${method} ${path} is not 2xx where it cannot end what it was sent`, async () => {
      const session = await cookieSession()
      const api = await tokenRing(1).sign({ ...(await readToken(session.token)), kind: 'api' })
      const wrongKind = await send(path, {
        method,
        cookie: session.token,
        headers: { authorization: `Bearer ${api}` },
      })
      const more = Array.from({ length: 8 }, (_, n) => `sessionid=${String(n).padStart(148, 'x')}`)
      const tooMany = await send(path, { method, ...withCookie([...more, `sessionid=${session.token}`].join('; ')) })
      expect([wrongKind.status, tooMany.status, await lives(session)]).toEqual([401, 400, true])
    })

    test(`by ${method} ${path} with a bearer and a cookie from a foreign page ends nothing`, async () => {
      const [cookie, bearer] = [await cookieSession(), await cookieSession()]
      const from = { origin: 'https://evil.example', headers: { authorization: `Bearer ${bearer.token}` } }
      const response = await send(path, { method, cookie: cookie.token, ...from })
      expect([response.status, await lives(cookie), await lives(bearer)]).toEqual([403, true, true])
    })
  }
})

describe('foreign cookies of our name', () => {
  test('do not keep anybody from having a session', async () => {
    const user = await makeUser()
    const { username, password } = user
    const foreign = `sessionid=${FOREIGN}; __Host-sessionid=${FOREIGN}`
    expect((await send('/sessions/current', withCookie(foreign))).status).toBe(401)
    const signedIn = await send('/sessions', withCookie(foreign, { json: { username, password } }))
    expect(signedIn.status).toBe(201)
    const token = tokenInCookie(signedIn)
    for (const cookie of [`${foreign}; sessionid=${token}`, `sessionid=${token}; ${foreign}`]) {
      for (const path of LOOKS) expect([path, (await send(path, withCookie(cookie))).status]).toEqual([path, 200])
    }
  })

  test('two genuine ones are no session, whatever else there is', async () => {
    const [one, two] = [await cookieSession(), await cookieSession()]
    for (const path of LOOKS) {
      const cookie = `sessionid=${FOREIGN}; sessionid=${one.token}; sessionid=${two.token}`
      expect([path, (await send(path, withCookie(cookie))).status]).toEqual([path, 401])
    }
  })

  test('a sign-in ends every session that came with it', async () => {
    const [one, two, host] = [await cookieSession(), await cookieSession(), await cookieSession()]
    const cookie = `sessionid=${one.token}; sessionid=${two.token}; __Host-sessionid=${host.token}`
    const { username, password } = one.user
    for (const path of ['/sessions', '/api/v1/login/']) {
      expect((await send(path, withCookie(cookie, { json: { username, password } }))).status).toBeLessThan(202)
    }
    expect(await Promise.all([one, two, host].map(lives))).toEqual([false, false, false])
  })

  test('the host’s own cookie of an ended session does not hide the session that APIO has opened since', async () => {
    const [old, live] = [await cookieSession(), await cookieSession()]
    await send('/sessions/current', { method: 'DELETE', bearer: old.token })
    const cookie = `__Host-sessionid=${old.token}; sessionid=${live.token}`
    const response = await send('/sessions/current', withCookie(cookie))
    expect(await response.json()).toMatchObject({ id: live.id })
    expect((await send(`/sessions/${live.id}`, { method: 'DELETE', ...withCookie(cookie) })).status).toBe(204)
    const dead = await send('/sessions/current', withCookie(cookie))
    expect([dead.status, await dead.json()]).toMatchObject([401, { code: 'session_ended' }])
  })
})

describe('behind HTTP Basic', () => {
  const basic = { authorization: 'Basic dXNlcjpwYXNz' }

  test('the cookie counts', async () => {
    const session = await cookieSession()
    for (const path of LOOKS) {
      const response = await send(path, { cookie: session.token, headers: basic })
      expect([path, response.status]).toEqual([path, 200])
    }
  })

  test('users sign in, and the origin counts, since browsers send Basic by themselves', async () => {
    const { username, password } = await makeUser()
    const signedIn = await send('/sessions', { json: { username, password }, headers: basic })
    expect(signedIn.status).toBe(201)
    const cookie = tokenInCookie(signedIn) ?? ''
    const foreign = { cookie, headers: basic, origin: 'https://evil.example' }
    expect((await send('/sessions?except=current', { method: 'DELETE', ...foreign })).status).toBe(403)
    expect((await send('/sessions/current', { method: 'DELETE', ...foreign })).status).toBe(403)
    expect((await send('/sessions/current', { cookie })).status).toBe(200)
  })
})

describe('the cookie lives as long as its session', () => {
  /** A persistent sign-in of a user whose sessions last five minutes, and what the cookie becomes by other rules. */
  async function signedIn(sessionMinutes = 5) {
    stopClock()
    const user = await newUser({ config: { sessionMinutes } })
    const { username, password } = user
    const response = await send('/sessions', { json: { username, password, persistent: true } })
    const cookie = tokenInCookie(response) ?? ''
    const look = (path: string = '/sessions/current', headers: Record<string, string> = {}) =>
      send(path, { cookie, address: user.address, headers })
    return { user, response, look }
  }

  test('of five minutes, also when the store’s sessions last eight hours since', async () => {
    const { user, response, look } = await signedIn()
    expect(maxAgeOf(response)).toBe(String(5 * MINUTE))
    expect(maxAgeOf(await look())).toBeUndefined()
    await user.stub.applyRules(user.key, { config: user.config({ sessionMinutes: 480 }) })
    advanceClock(1 * MINUTE)
    expect(maxAgeOf(await look())).toBe(String(479 * MINUTE))
    expect(maxAgeOf(await look())).toBeUndefined()
  })

  test('also with a duration of the user’s own of a year, and no longer than browsers allow', async () => {
    const { user, look } = await signedIn()
    const settings = (version: number, durationSeconds: number) => ({
      settings: { version, value: { durationSeconds, desktopAppBrowserQuit: null } },
    })
    await user.stub.applyRules(user.key, settings(1, YEAR))
    expect(maxAgeOf(await look())).toBe(String(YEAR))
    await user.stub.applyRules(user.key, settings(2, 2 * YEAR))
    expect(maxAgeOf(await look())).toBe(String(400 * DAY))
    await user.stub.applyRules(user.key, settings(3, 3 * YEAR))
    expect(maxAgeOf(await look())).toBeUndefined()
  })

  test('of eight hours, also when sessions are shortened', async () => {
    const { user, look } = await signedIn(480)
    await user.stub.applyRules(user.key, { config: user.config({ sessionMinutes: 10 }) })
    advanceClock(1 * MINUTE)
    expect(maxAgeOf(await look())).toBe(String(9 * MINUTE))
    expect(maxAgeOf(await look())).toBeUndefined()
  })

  test('in APIO, whose cookie slides', async () => {
    const { user, look } = await signedIn()
    await user.stub.applyRules(user.key, { config: user.config({ sessionMinutes: 480 }) })
    advanceClock(1 * MINUTE)
    expect(maxAgeOf(await look(INFO))).toBe(String(479 * MINUTE))
    // The object knows of it.
    expect(maxAgeOf(await look())).toBeUndefined()
    expect(maxAgeOf(await look(INFO))).toBe(String(479 * MINUTE))
  })

  test('also where an older version issued it, which did not say how long it lives', async () => {
    const { user, look } = await signedIn()
    await runInDurableObject(userObject(user), (_object, { storage }) => {
      storage.sql.exec('UPDATE sessions SET cookie_expires_at = NULL')
    })
    await evictDurableObject(userObject(user))
    expect(maxAgeOf(await look())).toBe(String(5 * MINUTE))
    await evictDurableObject(userObject(user))
    expect(maxAgeOf(await look())).toBeUndefined()
  })

  test('and is issued to whom the object answers, not to whoever is answered from memory', async () => {
    const { user, look } = await signedIn()
    const relaxed = () => look('/sessions/current', { 'cache-control': 'max-age=60' })
    await look()
    await user.stub.applyRules(user.key, { config: user.config({ sessionMinutes: 480 }) })
    advanceClock(61)
    expect(maxAgeOf(await relaxed())).toBe(String(480 * MINUTE - 61))
    const again = await relaxed()
    expect([again.headers.get('age'), maxAgeOf(again)]).toEqual(['0', undefined])
  })
})
