import { describe, expect, test, vi } from 'vitest'
import {
  bearerToken,
  forgetCookie,
  issueCookie,
  saysBearer,
  signInCookies,
  tokensInCookies,
} from '../../src/auth/session-carriers.ts'
import { tokenRing } from '../support/variants.ts'

const ORIGINS = {
  publicOrigins: ['http://localhost:8787', 'https://sessions.example'],
  allowedOrigins: [],
  cookieSameSite: 'lax',
} as const

const withCookie = (cookie: string) => new Request('http://localhost:8787/', { headers: { cookie } })
const at = (url: string) => new Request(url)

const ring = tokenRing(1)
const objectId = '0'.repeat(64)

/** A genuine token of a session; two of one session differ in what the session is not known by. */
function sign(session: number, secret = 0, kind: 'web' | 'api' = 'web'): Promise<string> {
  const sessionId = `01890000-0000-7000-8000-${String(session).padStart(12, '0')}`
  return ring.sign({ kind, storeTag: '0'.repeat(24), objectId, sessionId, secret: new Uint8Array(16).fill(secret) })
}

const [A, B, AGAIN] = [await sign(1), await sign(2), await sign(1, 7)]
const FORGED = `${A.slice(0, -1)}${A.endsWith('A') ? 'B' : 'A'}`

describe('the tokens in the cookies of a name', () => {
  test.each([
    ['sessionid=A', ['A']],
    ['x=1; sessionid=A; y=2', ['A']],
    ['x=1;sessionid=A', ['A']],
    ['x=1, sessionid=A', ['A']],
    ['sessionid=A; sessionid=A', ['A']],
    ['sessionid=A; sessionid=B', ['A', 'B']],
    ['sessionid=B, sessionid=A', ['B', 'A']],
    ['sessionid=A; sessionid=', ['A']],
    ['sessionid=0123456789abcdef0123456789abcdef; sessionid=A', ['A']],
    ['sessionid=A; sessionid="quoted, with a comma"', ['A']],
    ['sessionid=FORGED; sessionid=A', ['A']],
    ['sessionid=A; sessionid=AGAIN', ['A']],
    ['sessionid=FORGED', []],
    ['sessionid', []],
    ['Sessionid=A', []],
    ['xsessionid=A; sessionidx=B', []],
    ['x=sessionid=A', []],
    ['__Host-sessionid=A', []],
  ])('of `%s` are %j: those that we signed, each session once', async (header, names) => {
    const values: Record<string, string> = { A, B, AGAIN, FORGED }
    const cookie = header.replace(/\b(AGAIN|FORGED|A|B)\b/g, (name) => values[name] ?? '')
    const found = await tokensInCookies(withCookie(cookie), 'sessionid', tokenRing(1))
    expect(found?.map(({ text }) => text)).toEqual(names.map((name) => values[name]))
  })

  test('are looked for among any number of foreign values, and of those that look like ours among eight', async () => {
    const foreign = Array.from({ length: 60 }, (_, n) => `sessionid=foreign${n}`)
    const forged = (count: number) =>
      Array.from({ length: count }, (_, n) => `sessionid=${String(n).padStart(148, 'x')}`)
    const texts = async (cookies: string[]) =>
      (await tokensInCookies(withCookie(cookies.join('; ')), 'sessionid', ring))?.map(({ text }) => text)
    const mine = `sessionid=${A}`
    expect(await texts([...foreign, mine])).toEqual([A])
    expect(await texts([...forged(7), ...foreign, mine])).toEqual([A])
    const verify = vi.spyOn(crypto.subtle, 'verify')
    expect(await texts([mine, ...forged(8)])).toBeUndefined()
    expect(verify).not.toHaveBeenCalled()
  })
})

test.each([
  ['Bearer a', 'a'],
  ['bearer a', 'a'],
  ['BEARER   a', 'a'],
  ['Bearer', null],
  ['Bearera', null],
  ['Bearer a b', null],
  ['Bearer a, Bearer b', null],
  ['Basic a', null],
  ['a', null],
])('the authorization `%s` carries %s', (authorization, token) => {
  const request = new Request('http://localhost:8787/', { headers: { authorization } })
  expect(bearerToken(request)).toBe(token)
})

describe('the cookie that is issued', () => {
  test('on https is the host’s own where that is preferred, and Secure in any case', () => {
    const request = at('https://sessions.example/')
    expect(issueCookie(request, ORIGINS, { token: 't', maxAgeSeconds: null, preferHost: true })).toBe(
      '__Host-sessionid=t; Path=/; HttpOnly; Secure; SameSite=Lax',
    )
    expect(issueCookie(request, ORIGINS, { token: 't', maxAgeSeconds: null, preferHost: false })).toBe(
      'sessionid=t; Path=/; HttpOnly; Secure; SameSite=Lax',
    )
  })

  test('on a host of plain http has the one name that browsers take there', () => {
    const request = at('http://localhost:8787/')
    expect(issueCookie(request, ORIGINS, { token: 't', maxAgeSeconds: 60, preferHost: true })).toBe(
      'sessionid=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
    )
  })

  test('lives at most 400 days, in whole seconds, and never less than none', () => {
    const life = (seconds: number) =>
      /Max-Age=([^;]*)/.exec(
        issueCookie(at('http://localhost:8787/'), ORIGINS, { token: 't', maxAgeSeconds: seconds, preferHost: true }),
      )?.[1]
    expect([life(59.9), life(1e12), life(-5)]).toEqual(['59', '34560000', '0'])
  })
})

test.each([
  ['lax', 'Path=/; HttpOnly; Secure; SameSite=Lax'],
  ['strict', 'Path=/; HttpOnly; Secure; SameSite=Strict'],
  ['none', 'Path=/; HttpOnly; Secure; Partitioned; SameSite=None'],
] as const)(
  'a cookie that travels as %s is set and forgotten with the same attributes',
  (cookieSameSite, attributes) => {
    const settings = { ...ORIGINS, cookieSameSite }
    const request = at('https://sessions.example/')
    expect(issueCookie(request, settings, { token: 't', maxAgeSeconds: null, preferHost: true })).toBe(
      `__Host-sessionid=t; ${attributes}`,
    )
    expect(forgetCookie(request, settings, 'sessionid')).toBe(`sessionid=; Max-Age=0; ${attributes}`)
  },
)

test('a cookie for pages of other sites is Secure on plain http too, where browsers drop any other', () => {
  const settings = { ...ORIGINS, cookieSameSite: 'none' } as const
  const cookie = issueCookie(at('http://localhost:8787/'), settings, {
    token: 't',
    maxAgeSeconds: null,
    preferHost: true,
  })
  expect(cookie).toBe('sessionid=t; Path=/; HttpOnly; Secure; Partitioned; SameSite=None')
})

test('a sign-in forgets the cookie of its name that travelled before the setting was changed, and first', async () => {
  const request = at('https://sessions.example/')
  const carried = (await tokensInCookies(withCookie(`sessionid=${A}; sessionid=${B}`), 'sessionid', ring)) ?? []
  const cookies = (cookieSameSite: 'lax' | 'none', count: number) =>
    signInCookies(
      request,
      { ...ORIGINS, cookieSameSite },
      { token: 't', maxAgeSeconds: null, preferHost: false },
      carried.slice(0, count),
    )
  const [lax, none] = ['Secure; SameSite=Lax', 'Secure; Partitioned; SameSite=None']
  const set = (attributes: string) => `sessionid=t; Path=/; HttpOnly; ${attributes}`
  const forget = (attributes: string) => `sessionid=; Max-Age=0; Path=/; HttpOnly; ${attributes}`
  expect(cookies('lax', 0)).toEqual([set(lax)])
  expect(cookies('lax', 1)).toEqual([set(lax)])
  expect(cookies('lax', 2)).toEqual([forget(none), set(lax)])
  expect(cookies('none', 0)).toEqual([set(none)])
  expect(cookies('none', 1)).toEqual([forget(lax), set(none)])
})

test.each([
  ['Bearer a', true],
  ['bearer', true],
  ['Basic YTpi', false],
  ['Digest username="x"', false],
  ['Bearera b', false],
  [null, false],
])('the authorization `%s` says by bearer whose it is: %s', (authorization, says) => {
  const headers = authorization === null ? {} : { authorization }
  expect(saysBearer(new Request('http://localhost:8787/', { headers }))).toBe(says)
})
