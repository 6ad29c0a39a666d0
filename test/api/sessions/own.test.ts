import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { mirrored } from '../../support/objects.ts'
import { check, ORIGIN, type RequestOptions, send, signIn, type TestSession } from '../../support/requests.ts'
import { makeUser } from '../../support/stores.ts'
import { newUser } from '../../support/users.ts'

const CLEARED = 'sessionid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax'
const NO_SESSION = '01890000-0000-7000-8000-000000000000'

const end = (path: string, options: RequestOptions) => send(path, { method: 'DELETE', ...options })
const status = async (session: TestSession) => (await check(session)).status

async function endRecord(session: TestSession) {
  await mirrored(session.user)
  return env.DB.prepare('SELECT end_reason, ended_by, end_request_id FROM sessions WHERE session_id = ?')
    .bind(session.id)
    .first()
}

describe("the list of one's own sessions", () => {
  test('comes in pages, newest first', async () => {
    const user = await newUser()
    const { id, token } = await signIn(user)
    const rules = await user.rules()
    const ids = [id]
    for (let time = 0; time < 4; time += 1) ids.unshift((await user.open({}, rules)).id)
    const seen: string[] = []
    let path = '/sessions?limit=2'
    for (const size of [2, 2, 1]) {
      const response = await send(path, { bearer: token })
      const page = (await response.json()) as { sessions: { id: string }[]; next_cursor: string | null }
      expect(page.sessions).toHaveLength(size)
      seen.push(...page.sessions.map((session) => session.id))
      expect(page.next_cursor).toBe(size === 2 ? seen.at(-1) : null)
      path = `/sessions?limit=2&cursor=${page.next_cursor}`
    }
    expect(seen).toEqual(ids)
  })

  test.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=x', 'page=2'])('is refused with %s', async (query) => {
    const { token } = await signIn(await makeUser())
    const response = await send(`/sessions?${query}`, { bearer: token })
    expect(response.status).toBe(400)
    const [field] = query.split('=')
    expect(await response.json()).toMatchObject({ errors: [{ field }] })
  })
})

describe('signing out', () => {
  test('ends the session, clears the cookie, and may be repeated', async () => {
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    const other = await signIn(session.user)
    const response = await end('/sessions/current', { cookie: session.token })
    expect([response.status, response.headers.get('cache-control')]).toEqual([204, 'no-store'])
    expect(response.headers.getSetCookie()).toEqual([CLEARED])
    expect([await status(session), await status(other)]).toEqual([401, 200])
    const record = await endRecord(session)
    expect(record).toEqual({
      end_reason: 'logout',
      ended_by: `session:${session.id}`,
      end_request_id: response.headers.get('x-request-id'),
    })
    const again = await end('/sessions/current', { cookie: session.token })
    expect([again.status, again.headers.getSetCookie()]).toEqual([204, []])
    expect(await endRecord(session)).toEqual(record)
  })

  test('without a session, or with a token of nobody, is done already', async () => {
    for (const options of [{}, { cookie: 'x' }, { bearer: 'x' }, { bearer: 'A'.repeat(148) }]) {
      expect((await end('/sessions/current', options)).status).toBe(204)
    }
  })

  test('by bearer leaves the browser’s cookies alone', async () => {
    const session = await signIn(await makeUser())
    expect((await end('/sessions/current', { bearer: session.token })).headers.getSetCookie()).toEqual([])
    expect((await end('/sessions/current', { bearer: 'x' })).headers.getSetCookie()).toEqual([])
  })
})

describe('the list', () => {
  test('has the user’s live sessions, newest first, and says which one asks', async () => {
    const user = await makeUser()
    const first = await signIn(user, { address: '192.0.2.1' })
    const second = await signIn(user, {
      address: '192.0.2.2',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
    })
    const ended = await signIn(user)
    await end('/sessions/current', { bearer: ended.token })
    await signIn(await makeUser({ identityStoreId: user.identityStoreId }))

    const response = await send('/sessions', { cookie: first.token, address: '192.0.2.1' })
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { sessions } = (await response.json()) as { sessions: Record<string, unknown>[] }
    expect(sessions).toMatchObject([
      { id: second.id, current: false, address: '192.0.2.2', browser: 'Firefox 130.0', operating_system: 'Linux' },
      { id: first.id, current: true, address: '192.0.2.1', browser: 'Chrome 140.0.0.0' },
    ])
    expect(JSON.stringify(sessions)).not.toContain(first.token)
  })

  test('shows from where a session was last used', async () => {
    const session = await signIn(await makeUser())
    await check(session, { address: '203.0.113.9', userAgent: 'Device/2.0' })
    const response = await send('/sessions', { bearer: session.token, address: '203.0.113.9', userAgent: 'Device/2.0' })
    expect(await response.json()).toMatchObject({ sessions: [{ address: '203.0.113.9' }] })
  })

  test('is refused to an ended session, with the reason', async () => {
    const session = await signIn(await makeUser())
    await end('/sessions/current', { bearer: session.token })
    const response = await send('/sessions', { bearer: session.token })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 'session_ended', reason: 'logout' })
  })
})

describe('ending one of the user’s sessions', () => {
  test('ends that one, and only once', async () => {
    const user = await makeUser()
    const [mine, other, third] = [await signIn(user), await signIn(user), await signIn(user)]
    const response = await end(`/sessions/${other.id}`, { bearer: mine.token })
    expect([response.status, response.headers.getSetCookie()]).toEqual([204, []])
    expect(await endRecord(other)).toMatchObject({ end_reason: 'revoked', ended_by: `session:${mine.id}` })
    expect(await Promise.all([mine, other, third].map(status))).toEqual([200, 401, 200])
    expect((await end(`/sessions/${other.id}`, { bearer: mine.token })).status).toBe(404)
  })

  test('may be the own one, which is signing out', async () => {
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    const response = await end(`/sessions/${session.id}`, { cookie: session.token })
    expect([response.status, response.headers.getSetCookie()]).toEqual([204, [CLEARED]])
    expect(await endRecord(session)).toMatchObject({ end_reason: 'logout' })
  })

  test('finds none that is unknown, of another user, or no id at all', async () => {
    const session = await signIn(await makeUser())
    const neighbour = await signIn(await makeUser({ identityStoreId: session.user.identityStoreId }))
    for (const id of [NO_SESSION, neighbour.id, 'x', session.id.toUpperCase(), '%20', `${session.id}%00`]) {
      const response = await end(`/sessions/${id}`, { bearer: session.token })
      expect([id, response.status]).toEqual([id, 404])
      expect(await response.json()).toMatchObject({ code: 'session_not_found' })
    }
    expect([await status(session), await status(neighbour)]).toEqual([200, 200])
  })

  test('is refused to an ended session', async () => {
    const [mine, other] = await makeUser().then(async (user) => [await signIn(user), await signIn(user)] as const)
    await end('/sessions/current', { bearer: mine.token })
    expect((await end(`/sessions/${other.id}`, { bearer: mine.token })).status).toBe(401)
    expect((await end('/sessions?except=current', { bearer: mine.token })).status).toBe(401)
    expect(await status(other)).toBe(200)
  })
})

describe('ending all but the present session', () => {
  test('ends the others and says how many', async () => {
    const user = await makeUser()
    const [mine, ...others] = [await signIn(user), await signIn(user), await signIn(user)]
    const stranger = await signIn(await makeUser({ identityStoreId: user.identityStoreId }))
    const response = await end('/sessions?except=current', { bearer: mine.token })
    expect([response.status, await response.json()]).toEqual([200, { ended: 2 }])
    expect(await Promise.all([mine, ...others, stranger].map(status))).toEqual([200, 401, 401, 200])
    expect(await (await end('/sessions?except=current', { bearer: mine.token })).json()).toEqual({ ended: 0 })
  })

  for (const [query, ...errors] of [
    ['', 'except missing'],
    ['?', 'except missing'],
    ['?except=', 'except invalid'],
    ['?except=none', 'except invalid'],
    ['?except=current&except=current', 'except invalid'],
    ['?except=current&x=1', 'x unknown'],
  ] as const) {
    test(`is refused with \`${query}\`, never all by omission`, async () => {
      const user = await makeUser()
      const [mine, other] = [await signIn(user), await signIn(user)]
      const response = await end(`/sessions${query}`, { bearer: mine.token })
      expect(response.status).toBe(400)
      const body = (await response.json()) as { code: string; errors: { field: string; code: string }[] }
      expect(body.code).toBe('invalid_request')
      expect(body.errors.map(({ field, code }) => `${field} ${code}`)).toEqual(errors)
      expect([await status(mine), await status(other)]).toEqual([200, 200])
    })
  }
})

test('an API login of the same user is not ended by its id', async () => {
  const user = await newUser()
  const mine = await signIn(user)
  const api = await user.open({ kind: 'api', apiClientId: 'client' })
  const response = await end(`/sessions/${api.id}`, { bearer: mine.token })
  expect(response.status).toBe(404)
  expect(await user.reasons([api])).toEqual(['alive'])
})

describe('an unsafe request with the cookie', () => {
  const foreign: [string, RequestOptions][] = [
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['Origin: null', { origin: 'null' }],
    ['an own host on another scheme', { origin: ORIGIN.replace('http:', 'https:') }],
    ['a sister site', { origin: null, headers: { 'sec-fetch-site': 'same-site' } }],
    ['a foreign Sec-Fetch-Site', { origin: null, headers: { 'sec-fetch-site': 'cross-site' } }],
    ['a form of unknown origin', { origin: null, headers: { 'content-type': 'text/plain' } }],
  ]
  for (const [from, options] of foreign) {
    test(`is refused with ${from}, and changes nothing`, async () => {
      const user = await makeUser()
      const [mine, other] = [await signIn(user, { transport: 'cookie' }), await signIn(user)]
      for (const path of ['/sessions/current', `/sessions/${other.id}`, '/sessions?except=current']) {
        const response = await end(path, { cookie: mine.token, ...options })
        expect([path, response.status]).toEqual([path, 403])
        expect(response.headers.getSetCookie()).toEqual([])
        expect(await response.json()).toMatchObject({ code: 'origin_not_allowed' })
      }
      expect([await status(mine), await status(other)]).toEqual([200, 200])
    })
  }

  test('cannot make a browser forget its cookie from a foreign page, which sends none', async () => {
    const response = await end('/sessions/current', { origin: 'https://evil.example' })
    expect([response.status, response.headers.getSetCookie()]).toEqual([403, []])
  })

  test('is allowed from no browser, and by bearer from anywhere', async () => {
    const user = await makeUser()
    const [one, two] = [await signIn(user, { transport: 'cookie' }), await signIn(user)]
    expect((await end('/sessions/current', { cookie: one.token, origin: null })).status).toBe(204)
    expect((await end('/sessions/current', { bearer: two.token, origin: 'https://evil.example' })).status).toBe(204)
    expect([await status(one), await status(two)]).toEqual([401, 401])
  })
})
