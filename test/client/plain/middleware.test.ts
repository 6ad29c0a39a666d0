/** What the middleware answers is the same in every framework. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { requireSession, sessionMiddleware } from '../../../packages/client/src/fetch.ts'
import { createClient, type LatchkeyClient } from '../../../packages/client/src/index.ts'
import { createTestClient } from '../../../packages/client/src/testing.ts'
import { type Application, FRAMEWORKS, type Options } from './applications.ts'

const COOKIE = '__Host-sessionid'
const running: Application[] = []

afterEach(async () => {
  for (const application of running.splice(0)) await application.stop()
})

describe.each(FRAMEWORKS)('%s', (_name, start) => {
  async function setUp(options: Options = {}, client: LatchkeyClient = createTestClient()) {
    const application = await start(client, options)
    running.push(application)
    return application.ask
  }

  async function signedIn(options: Options = {}) {
    const latchkey = createTestClient({ inactivityTimeoutSeconds: 3_600 })
    const token = await latchkey.signIn('ada')
    const headers = { cookie: `theme=dark; ${COOKIE}=${token}` }
    return { latchkey, token, headers, ask: await setUp(options, latchkey) }
  }

  test('nobody is seen as nobody, and is kept from what needs a session', async () => {
    const ask = await setUp()
    const open = await ask('/')
    expect([open.status, await open.text()]).toEqual([200, 'nobody'])
    expect(open.headers.get('vary')).toContain('Cookie')
    expect(open.headers.get('cache-control')).toBe('no-store')
    const kept = await ask('/page')
    expect(kept.status).toBe(401)
    expect(kept.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(kept.headers.get('vary')).toContain('Cookie')
    expect(kept.headers.get('cache-control')).toBe('no-store')
    expect(kept.headers.get('www-authenticate')).toBe('Bearer realm="latchkey"')
    expect(await kept.json()).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  test('a session lets in', async () => {
    const { ask, headers } = await signedIn()
    for (const path of ['/', '/page', '/pay']) {
      const answer = await ask(path, headers)
      expect([answer.status, await answer.text()]).toEqual([200, 'ada'])
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
    const kept = await ask('/kept', headers)
    expect(kept.headers.get('cache-control')).toBe('private, max-age=7')
    expect(kept.headers.get('vary')).toContain('Cookie')
  })

  test('a stream is cut off when its session ends, and follows it no longer than it is read', async () => {
    const { ask, headers, latchkey } = await signedIn()
    const [cut, left] = [await ask('/stream', headers), await ask('/stream', headers)]
    const reader = (cut.body as ReadableStream<Uint8Array>).getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('hello')
    expect(cut.headers.get('cache-control')).toBe('private, max-age=7')
    await vi.waitFor(() => expect(latchkey.followers()).toBe(2))
    await left.body?.cancel()
    await vi.waitFor(() => expect(latchkey.followers()).toBe(1))
    latchkey.disableUser('ada')
    const end = await reader.read().catch(() => ({ done: true }))
    expect(end.done).toBe(true)
    await vi.waitFor(() => expect(latchkey.followers()).toBe(0))
  })

  test('an ended session is told why', async () => {
    const { ask, headers, latchkey } = await signedIn()
    latchkey.clock.advance(3_600)
    const answer = await ask('/page', headers)
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ code: 'session_ended', reason: 'idle', ended_at: expect.any(String) })
    expect(await (await ask('/', headers)).text()).toBe('nobody')
  })

  test('a route asks strictly where the others take an answer some seconds old', async () => {
    const { ask, headers, latchkey } = await signedIn({ maxAge: 5 })
    await ask('/page', headers)
    expect(latchkey.calls()).toBe(2)
    await ask('/pay', headers)
    expect(latchkey.calls()).toBe(4)
  })

  test('a route asks for a fresh sign-in', async () => {
    const { ask, headers, latchkey } = await signedIn()
    latchkey.clock.advance(600)
    expect((await ask('/pay', headers)).status).toBe(200)
    latchkey.clock.advance(1)
    const answer = await ask('/pay', headers)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="latchkey", error="insufficient_user_authentication", max_age=600',
    )
    expect(await answer.json()).toMatchObject({ code: 'insufficient_user_authentication', max_age_seconds: 600 })
    expect((await ask('/page', headers)).status).toBe(200)
  })

  test('a browser that opens a page is sent to sign in, and comes back', async () => {
    const { ask, headers, latchkey } = await signedIn()
    const opens = { accept: 'text/html,application/xhtml+xml' }
    const sent = await ask('/pay?to=max', opens)
    expect([sent.status, sent.headers.get('location')]).toEqual([303, '/sign-in?next=%2Fpay%3Fto%3Dmax'])
    expect((await ask('/pay', {})).status).toBe(401)
    latchkey.clock.advance(601)
    expect((await ask('/pay', { ...headers, ...opens })).status).toBe(303)
    latchkey.setUnavailable(true)
    expect((await ask('/pay', { ...headers, ...opens })).status).toBe(503)
  })

  test('what cannot be checked is 503, or goes on as nobody', async () => {
    const { ask, headers, latchkey } = await signedIn()
    latchkey.setUnavailable(true)
    for (const path of ['/', '/page']) {
      const answer = await ask(path, headers)
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toMatchObject({ code: 'unavailable' })
    }
    const lenient = await setUp({ onUnavailable: 'continue' }, latchkey)
    expect(await (await lenient('/', headers)).text()).toBe('nobody')
    expect((await lenient('/page', headers)).status).toBe(503)
  })

  test('of two cookies of the name nobody can tell which is the own', async () => {
    const { ask, headers, token, latchkey } = await signedIn()
    const other = await latchkey.signIn('max')
    expect((await ask('/page', { cookie: `${COOKIE}=${token}; ${COOKIE}=${other}` })).status).toBe(401)
    expect((await ask('/page', { cookie: `${headers.cookie}; ${COOKIE}=${token}` })).status).toBe(200)
  })

  test('a bearer counts only where it is to', async () => {
    const { ask, token, latchkey } = await signedIn()
    const authorization = `Bearer ${token}`
    expect((await ask('/page', { authorization })).status).toBe(401)
    const bearers = await setUp({ bearer: true }, latchkey)
    const answer = await bearers('/page', { authorization })
    expect([answer.status, answer.headers.get('vary')]).toEqual([200, expect.stringContaining('Authorization')])
  })

  test('the session is told whose client it is, and whether that is activity', async () => {
    const { ask, headers, token, latchkey } = await signedIn()
    await ask('/page', headers)
    const seen = await latchkey.sessions.check(token, { touch: false })
    expect(seen).toMatchObject({ session: { address: '192.0.2.44' } })
    latchkey.clock.advance(3_599)
    const looking = await setUp({ touch: false }, latchkey)
    expect((await looking('/page', headers)).status).toBe(200)
    latchkey.clock.advance(1)
    expect((await ask('/page', headers)).status).toBe(401)
  })

  test('a cookie that is issued anew is handed on, and the browser’s own is what is asked with', async () => {
    const asked: Request[] = []
    const client = createClient({
      baseUrl: 'https://sessions.pie.example/',
      fetch: async (input, init) => {
        asked.push(new Request(input, init as RequestInit))
        const headers = { 'set-cookie': `${COOKIE}=new; Path=/; Secure; HttpOnly` }
        return Response.json({ id: '1', user_id: 'ada', opened_at: new Date().toISOString() }, { headers })
      },
    })
    const ask = await setUp({ maxAge: 5 }, client)
    const answer = await ask('/', { cookie: `${COOKIE}=old` })
    expect(answer.headers.getSetCookie()).toEqual([`${COOKIE}=new; Path=/; Secure; HttpOnly`])
    expect(asked.map(({ url }) => url)).toEqual(['https://sessions.pie.example/sessions/current?touch=true'])
    expect(asked[0]?.headers.get('cache-control')).toBe('max-age=5')
  })
})

test('a requirement that makes no sense fails at the start', () => {
  expect(() => requireSession({ signedInWithin: '10 m' as never })).toThrow(RangeError)
  expect(() => requireSession({ maxAge: 61 })).toThrow(RangeError)
  expect(() => sessionMiddleware(createTestClient(), { maxAge: -1 })).toThrow(RangeError)
})

test('a route that asks without the middleware is a bug', async () => {
  await expect(requireSession()(new Request('https://app.pie.example'))).rejects.toThrow('sessionMiddleware')
})
