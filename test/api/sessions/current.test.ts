import { describe, expect, test } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { check, type RequestOptions, send, signIn, type TestSession, tokenInCookie } from '../../support/requests.ts'
import { makeUser } from '../../support/stores.ts'
import { tokenKeys, workerWith } from '../../support/variants.ts'
import { changeUser, revoke } from './ends.ts'

const DAY = 86_400

const reasonOf = async (response: Response) => {
  expect(response.status).toBe(401)
  const { code, reason } = (await response.json()) as { code: string; reason?: string }
  return reason ?? code
}

describe('a check', () => {
  test('by cookie and by bearer says the same, and nothing may keep it', async () => {
    stopClock()
    const session = await signIn(await makeUser())
    const byBearer = await check(session)
    const { address } = session.user
    const byCookie = await send('/sessions/current', { address, cookie: session.token })
    expect([byBearer.status, byCookie.status]).toEqual([200, 200])
    expect(await byBearer.json()).toEqual(await byCookie.json())
    for (const response of [byBearer, byCookie]) expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('without a token, with two different cookies, or with another bearer besides the cookie, is no session', async () => {
    const [one, two] = [await signIn(await makeUser()), await signIn(await makeUser())]
    const tries: RequestOptions[] = [
      {},
      { headers: { cookie: `sessionid=${one.token}; sessionid=${two.token}` } },
      { headers: { cookie: `sessionid=${one.token}, sessionid=${two.token}` } },
      { headers: { cookie: `__Host-sessionid=${one.token}; __Host-sessionid=${two.token}; sessionid=${one.token}` } },
      { headers: { cookie: `Sessionid=${one.token}` } },
      { cookie: one.token, headers: { authorization: 'Bearer' } },
      { headers: { authorization: `Bearer ${one.token} ${one.token}` } },
    ]
    const counts = countCalls()
    for (const options of tries) {
      const response = await send('/sessions/current', options)
      expect(response.headers.get('www-authenticate')).toContain('Bearer')
      expect(await reasonOf(response)).toBe('unauthenticated')
    }
    expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 0, kvReads: 0 })
  })

  test('with the same cookie twice is one session; the host’s own name comes first', async () => {
    const [one, two] = [await signIn(await makeUser()), await signIn(await makeUser())]
    const idFor = async (cookie: string) => {
      const response = await send('/sessions/current', { headers: { cookie } })
      return ((await response.json()) as { id?: string }).id
    }
    expect(await idFor(`sessionid=${one.token}; a=b; sessionid=${one.token}`)).toBe(one.id)
    expect(await idFor(`sessionid=${one.token}; __Host-sessionid=${two.token}`)).toBe(two.id)
  })

  test('with touch=false is no activity', async () => {
    stopClock()
    const session = await signIn(await makeUser({ config: { useInactivityBasedLogout: true } }))
    const lastSeen = async (path: string) => {
      const response = await send(path, { address: session.user.address, bearer: session.token })
      return Date.parse(((await response.json()) as { last_seen_at: string }).last_seen_at)
    }
    const opened = Date.now()
    advanceClock(600)
    expect(await lastSeen('/sessions/current?touch=false')).toBe(opened)
    expect(await lastSeen('/sessions/current?touch=true')).toBe(opened + 600_000)
    advanceClock(899)
    expect(await lastSeen('/sessions/current?touch=false')).toBe(opened + 600_000)
    advanceClock(1)
    expect(await reasonOf(await check(session))).toBe('idle')
  })

  test('is a safe request: any page may cause it, none may read it', async () => {
    const session = await signIn(await makeUser())
    const response = await send('/sessions/current', { cookie: session.token, origin: 'https://evil.example' })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('a genuine token is told why its session ended:', () => {
  const signOut = (session: TestSession) => send('/sessions/current', { method: 'DELETE', bearer: session.token })
  const cases: [string, Parameters<typeof makeUser>[0], (session: TestSession) => Promise<unknown>][] = [
    ['logout', {}, signOut],
    ['revoked', {}, revoke],
    ['evicted', { config: { concurrentSessionLimit: 1 } }, ({ user }) => signIn(user)],
    ['replaced', {}, ({ user, token }) => signIn(user, { cookie: token, transport: 'cookie' })],
    ['expired', { config: { sessionMinutes: 5 } }, async () => advanceClock(299)],
    ['idle', { config: { useInactivityBasedLogout: true } }, async () => advanceClock(899)],
    ['user_disabled', {}, (session) => changeUser(session, { active: false })],
    ['password_changed', {}, (session) => changeUser(session, { password: 'another good password' })],
  ]
  for (const [reason, options, end] of cases) {
    test(reason, async () => {
      stopClock()
      const session = await signIn(await makeUser(options))
      expect((await check(session)).status).toBe(200)
      advanceClock(1)
      await end(session)
      const response = await send('/sessions/current', { cookie: session.token })
      expect(await reasonOf(response)).toBe(reason)
      expect(await (await check(session)).json()).toMatchObject({
        code: 'session_ended',
        ended_at: new Date().toISOString(),
      })
    })
  }
})

describe('a cookie is issued anew', () => {
  const reissued = async (cookie: string, base = '', name = 'sessionid') => {
    const response = await send(`${base}/sessions/current`, { headers: { cookie: `${name}=${cookie}` } })
    expect(response.status).toBe(200)
    return response
  }

  test('after 30 days of use, for the rest of the session, once', async () => {
    stopClock()
    const user = await makeUser({ settings: { durationSeconds: 500 * DAY } })
    const session = await signIn(user, { transport: 'cookie', persistent: true })
    advanceClock(30 * DAY - 1)
    expect((await reissued(session.token)).headers.getSetCookie()).toEqual([])
    advanceClock(1)
    const response = await reissued(session.token)
    expect(response.headers.getSetCookie()).toEqual([expect.stringContaining(`Max-Age=${400 * DAY};`)])
    expect(tokenInCookie(response)).toBe(session.token)
    expect((await reissued(session.token)).headers.getSetCookie()).toEqual([])
    advanceClock(100 * DAY)
    expect((await reissued(session.token)).headers.getSetCookie()[0]).toContain(`Max-Age=${370 * DAY};`)
  })

  test('under the newest key, which keeps the session; a bearer is left alone', async () => {
    const rotated = workerWith({ SESSION_TOKEN_KEYS: tokenKeys(2, 1) })
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    const response = await rotated.send('/sessions/current', { cookie: session.token })
    const token = tokenInCookie(response)
    expect(token).not.toBe(session.token)
    expect(await response.json()).toMatchObject({ id: session.id })
    const again = await rotated.send('/sessions/current', { cookie: token ?? '' })
    expect([again.status, again.headers.getSetCookie()]).toEqual([200, []])
    const byBearer = await rotated.send('/sessions/current', { bearer: session.token })
    expect([byBearer.status, byBearer.headers.getSetCookie()]).toEqual([200, []])

    const retired = workerWith({ SESSION_TOKEN_KEYS: tokenKeys(2) })
    const counts = countCalls()
    expect((await retired.send('/sessions/current', { cookie: session.token })).status).toBe(401)
    expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 0, kvReads: 0 })
    expect((await retired.send('/sessions/current', { cookie: token ?? '' })).status).toBe(200)
  })

  test('under the name that it has', async () => {
    const rotated = workerWith({ SESSION_TOKEN_KEYS: tokenKeys(2, 1) })
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    for (const name of ['sessionid', '__Host-sessionid']) {
      const headers = { cookie: `${name}=${session.token}` }
      const response = await rotated.send('https://sessions.example/sessions/current', { headers })
      expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(new RegExp(`^${name}=[^;]+;.*Secure`))])
    }
  })

  test('as a cookie of the browser session where policy says so by now', async () => {
    const user = await makeUser({ settings: { durationSeconds: 500 * DAY } })
    const session = await signIn(user, { transport: 'cookie', persistent: false })
    stopClock(Date.now() + 31 * DAY * 1000)
    expect((await reissued(session.token)).headers.getSetCookie()).toEqual([expect.not.stringContaining('Max-Age')])
  })
})
