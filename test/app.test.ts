import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openApiPath } from '../src/api/openapi.ts'
import { serve } from '../src/api/serve.ts'
import { apis } from '../src/app.ts'
import { readSettings } from '../src/settings.ts'
import { intercept } from './support/bindings.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { countCalls } from './support/counts.ts'
import { operationsOf, readDocuments } from './support/documents.ts'
import { breakD1, breakKv, breakUserObjects } from './support/faults.ts'
import { ORIGIN, type RequestOptions, send, signIn } from './support/requests.ts'
import { makeOperator, makeUser } from './support/stores.ts'
import { workerWith } from './support/variants.ts'

afterEach(() => vi.restoreAllMocks())

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly request_id: string
}

/** The answer's problem document, which must be a whole one. */
async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const body = (await response.json()) as Problem
  expect(body).toMatchObject({
    type: `/docs/problems#${body.code}`,
    title: expect.any(String),
    status: response.status,
    request_id: response.headers.get('x-request-id'),
  })
  return body
}

/** Whether a path belongs to an API that has its own words for what it does not serve, and tests of them. */
function isVendors(path: string): boolean {
  return (
    ['/v1/', '/api/', '/ssf/', '/.well-known/'].some((start) => path.startsWith(start)) ||
    ['/session_config', '/alive', '/versions'].includes(path)
  )
}

/** `METHOD /path/{parameter}` of everything that the documents list. */
async function documented(): Promise<string[]> {
  const documents = await readDocuments()
  expect(documents.map(({ openapi }) => openapi)).toEqual(['3.1.0', '3.1.0', '3.1.0'])
  return operationsOf(...documents).map(({ route }) => route)
}

function patternOf(listed: string): RegExp {
  return new RegExp(`^${listed.replace(/\{\w+\}/g, '[^/]+')}$`)
}

describe('the documents', () => {
  test('list exactly what the routers serve', async () => {
    const served = serve(apis).routes.map(
      ([method, , , path = '']) => `${method} ${openApiPath(path)}${path.startsWith('/api/v1/') ? '/' : ''}`,
    )
    expect((await documented()).toSorted()).toEqual(served.toSorted())
    expect(served.length).toBeGreaterThan(20)
  })

  test('list exactly what is served: each method of each path, and no other method', async () => {
    const listed = await documented()
    const paths = new Set(listed.map((one) => one.slice(one.indexOf(' ') + 1)).filter((path) => !isVendors(path)))
    for (const path of paths) {
      // A fixed path may also look like a parameter of another one, which has methods of its own.
      const ours = METHODS.filter((method) => listed.some((one) => patternOf(one).test(`${method} ${path}`)))
      const allow = ours.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).toSorted()
      for (const method of METHODS) {
        const response = await send(path.replace(/\{\w+\}/g, '01890000-0000-7000-8000-000000000000'), { method })
        if (ours.includes(method))
          expect([method, path, [404, 405].includes(response.status)]).toEqual([method, path, false])
        else {
          expect([method, path, response.status]).toEqual([method, path, 405])
          const allowed = response.headers.get('allow')?.split(', ') ?? []
          expect([path, allowed]).toEqual([path, expect.arrayContaining(allow)])
          expect(allowed).not.toContain(method)
          // The vendors' APIs have words of their own.
          if (!path.startsWith('/api/')) expect((await problem(response)).code).toBe('method_not_allowed')
        }
      }
    }
  })
})

describe('a path that is none', () => {
  test.each([
    '/',
    '/nothing',
    '/sessions/',
    '/sessions//',
    '//sessions',
    '/sessions/current/',
    '/sessions//current',
    '/sessions/current/more',
    '/Sessions',
    '/sessions.json',
    '/sessionsx',
    '/operatorx',
    '/operator',
    '/operator/',
    '/operator/identity-stores/',
    '/oauth2',
    '/oauth2/introspect/',
    '/healthz/',
    '/openapi.json/',
    '/sessions%2Fcurrent',
    '/sessions/%',
    '/sessions/%zz',
    '/sessions/%E0%A4%A',
    '/sessions/%ff',
    '/operator/identity-stores/%zz',
    '/__proto__',
    '/constructor',
  ])('is not found, by any method: %s', async (path) => {
    for (const method of METHODS) {
      const response = await send(path, { method, ...(method === 'GET' ? {} : { origin: ORIGIN }) })
      expect([method, response.status, (await problem(response)).code]).toEqual([method, 404, 'path_not_found'])
    }
  })
})

describe('a method', () => {
  test('that a path does not have is refused, with those that it has', async () => {
    const tries: [string, string, string][] = [
      ['PUT', '/sessions', 'POST, GET, HEAD, DELETE'],
      ['GET', '/sessions/01890000-0000-7000-8000-000000000000', 'DELETE'],
      ['POST', '/sessions/current', 'GET, HEAD, DELETE'],
      ['GET', '/oauth2/introspect', 'POST'],
      ['OPTIONS', '/healthz', 'GET, HEAD'],
      ['PROPFIND', '/sessions', 'POST, GET, HEAD, DELETE'],
    ]
    for (const [method, path, allow] of tries) {
      const response = await send(path, { method })
      expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, allow])
      await problem(response)
    }
  })

  test('HEAD is GET without the body', async () => {
    const session = await signIn(await makeUser(), { transport: 'cookie' })
    for (const [path, options, status] of [
      ['/sessions/current', { cookie: session.token }, 200],
      ['/sessions/current', {}, 401],
      ['/sessions', { cookie: session.token, origin: 'https://evil.example' }, 200],
      ['/openapi.json', {}, 200],
      ['/nothing', {}, 404],
      ['/oauth2/revoke', {}, 405],
    ] as [string, RequestOptions, number][]) {
      const response = await send(path, { method: 'HEAD', ...options })
      expect([path, response.status, await response.text()]).toEqual([path, status, ''])
      expect(response.headers.get('x-request-id')).not.toBeNull()
    }
  })
})

describe('another site’s page', () => {
  const app = 'https://app.example'
  const worker = workerWith({ ALLOWED_ORIGINS: `${app},https://other.example` })
  const ask = (origin: string | null, method = 'DELETE') =>
    worker.send('/sessions/current', {
      method: 'OPTIONS',
      origin,
      headers: { 'access-control-request-method': method },
    })

  test('may ask with the cookie if it is configured, and reads the answer', async () => {
    const preflight = await ask(app)
    expect([preflight.status, Object.fromEntries(preflight.headers)]).toMatchObject([
      204,
      {
        'access-control-allow-origin': app,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': expect.stringContaining('DELETE'),
        'access-control-allow-headers': expect.stringContaining('Content-Type'),
        vary: 'Origin',
      },
    ])
    const { username, password, address } = await makeUser()
    const response = await worker.send('/sessions', { origin: app, address, json: { username, password } })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([201, app])
    expect(response.headers.get('access-control-expose-headers')).toContain('X-Request-Id')
  })

  test.each(['https://evil.example', 'null', `${app}.evil.example`, 'http://app.example', '*', null])(
    'may neither ask nor read if it is not: %s',
    async (origin) => {
      const other = await worker.send('/healthz', { origin })
      for (const response of [await ask(origin), other]) {
        const names = [...response.headers.keys()].filter((name) => name.startsWith('access-control-'))
        expect(names).toEqual([])
        expect(response.headers.get('vary')).toBe('Origin')
      }
    },
  )

  test('is never let in by a star, and by no default', async () => {
    const response = await send('/healthz', { origin: app })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('every answer', () => {
  const requests: [string, string, RequestOptions][] = [
    ['a good one', '/healthz', {}],
    ['the document', '/openapi.json', {}],
    ['an unknown path', '/nothing', {}],
    ['a wrong method', '/sessions', { method: 'PUT' }],
    ['a malformed body', '/sessions', { body: '{', headers: { 'content-type': 'application/json' } }],
    ['a refusal', '/sessions/current', {}],
    ['a sign-out', '/sessions/current', { method: 'DELETE' }],
    ['a preflight', '/sessions', { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } }],
    ['the operators', '/operator/identity-stores', {}],
  ]
  test.each(requests)('has a request id of its own and the security headers: %s', async (_what, path, options) => {
    const ids = new Set<string | null>()
    for (const base of [ORIGIN, 'https://sessions.example']) {
      const response = await send(base + path, options)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      })
      const hsts = base.startsWith('https:') ? 'max-age=63072000; includeSubDomains' : null
      expect(response.headers.get('strict-transport-security')).toBe(hsts)
      ids.add(response.headers.get('x-request-id'))
    }
    expect(ids.size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('takes no request id from the client', async () => {
    const response = await send('/healthz', { headers: { 'x-request-id': 'mine' } })
    expect(response.headers.get('x-request-id')).not.toBe('mine')
  })
})

describe('a bug', () => {
  test('is logged under the request id and answered with nothing else', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const user = await makeUser()
    intercept(async (call, goOn) => {
      if (call.to === 'D1') throw new Error('D1_ERROR: no such column: secret_column: SQLITE_ERROR')
      return goOn()
    })
    const { username, password } = user
    const response = await send('/sessions', { json: { username, password } })
    expect(response.status).toBe(500)
    const body = await problem(response)
    expect(body.code).toBe('internal_error')
    expect(JSON.stringify([body, [...response.headers]])).not.toMatch(/secret_column|SQLITE|select|insert|\.ts/i)
    const log = JSON.stringify(logged.mock.calls)
    expect(logged).toHaveBeenCalledOnce()
    expect(log).toContain(body.request_id)
    expect(log).toContain('secret_column')
    // Neither who it was about nor anything that was sent.
    expect(log).not.toContain(username)
    expect(log).not.toContain(password)
  })
})

describe('an outage', () => {
  test('is not taken for a bug, and says when to come back', async () => {
    const logged = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    breakD1()
    const response = await send('/sessions', { json: { username: 'a', password: 'b' } })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await problem(response)).code).toBe('unavailable')
    // The object that hashes asks D1, and its log line names it; the request's line stands beside it.
    const what = { event: 'dependency.unavailable', what: 'D1', object: expect.any(String) }
    expect(logged).toHaveBeenCalledWith(expect.objectContaining(what))
    expect(logged).toHaveBeenCalledWith({
      event: 'request.unavailable',
      outcome: 'answered_503',
      requestId: response.headers.get('x-request-id'),
    })
    // What it said last is true for five seconds.
    advanceClock(5)
    const health = await send('/healthz')
    expect([health.status, await health.json()]).toEqual([
      503,
      { status: 'degraded', bindings: { d1: false, kv: true, objects: true }, version: expect.any(String) },
    ])
  })
})

test('an outage is logged with the request that it kept waiting', async () => {
  const bearer = await makeOperator()
  const logged = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  breakD1()
  const response = await send('/operator/identity-stores', { bearer })
  const requestId = response.headers.get('x-request-id')
  expect(response.status).toBe(503)
  expect(logged).toHaveBeenCalledWith(
    expect.objectContaining({ event: 'dependency.unavailable', what: 'D1', requestId }),
  )
})

test('so is an outage that keeps a check waiting, which runs in no log context', async () => {
  const session = await signIn(await makeUser())
  // A copy of the config that is too old to go by.
  stopClock()
  advanceClock(3_600)
  const logged = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  breakKv()
  breakUserObjects()
  const response = await send('/sessions/current', { bearer: session.token })
  const requestId = response.headers.get('x-request-id')
  expect(response.status).toBe(503)
  for (const what of ['KV', 'sessions']) {
    expect(logged).toHaveBeenCalledWith(expect.objectContaining({ event: 'dependency.unavailable', what, requestId }))
  }
})

test('/healthz asks the bindings at most every five seconds', async () => {
  stopClock()
  advanceClock(60)
  const counts = countCalls()
  for (let asked = 0; asked < 20; asked += 1) expect((await send('/healthz')).status).toBe(200)
  expect(counts).toMatchObject({ d1Statements: 1, kvReads: 1 })
  advanceClock(5)
  await send('/healthz')
  expect(counts).toMatchObject({ d1Statements: 2, kvReads: 2 })
})

describe('without its configuration the Worker', () => {
  const secret = 'not-so-secret-after-all'
  test.each([
    ['SESSION_TOKEN_KEYS', undefined],
    ['SESSION_TOKEN_KEYS', `1:${secret}`],
    ['SESSION_TOKEN_KEYS', `0:${'A'.repeat(43)}`],
    ['SESSION_TOKEN_KEYS', `1:${'A'.repeat(43)},1:${'B'.repeat(43)}`],
    ['SESSION_TOKEN_KEYS', `256:${'A'.repeat(43)}`],
    ['SEALING_KEYS', ''],
    ['OPERATOR_BOOTSTRAP_SECRET', secret],
    ['PUBLIC_ORIGINS', ''],
    ['PUBLIC_ORIGINS', 'https://app.example/'],
    ['COOKIE_SAME_SITE', 'sometimes'],
    ['SIGN_IN_LOCK_SECONDS', 'soon'],
    ['SIGN_IN_TRIES_PER_ADDRESS', '0'],
  ])('answers 503 everywhere and logs what is wrong: %s=%s', async (name, value) => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const worker = workerWith({ [name]: value })
    for (const path of ['/healthz', '/sessions/current', '/operator/identity-stores']) {
      const response = await worker.send(path)
      expect(response.status).toBe(503)
      expect((await problem(response)).code).toBe('not_configured')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('x-request-id')).not.toBeNull()
    }
    const log = JSON.stringify(logged.mock.calls)
    expect(log).toContain(name)
    expect(log).not.toContain(secret)
  })
})

test('the Worker serves without an application server: it has neither binding nor secret then', async () => {
  const { APPLICATION_SERVER: _binding, APPLICATION_SERVER_SECRET: _secret, ...plain } = env
  expect(readSettings(plain)).toMatchObject({ ok: true, value: { applicationServer: { url: null, secret: null } } })
})
