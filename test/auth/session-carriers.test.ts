import { describe, expect, test } from 'vitest'
import { bearerToken, cookieToken, forgetCookies, issueCookie } from '../../src/auth/session-carriers.ts'

const ORIGINS = { publicOrigins: ['http://localhost:8787', 'https://sessions.example'], allowedOrigins: [] }
const BOTH = ['__Host-sessionid', 'sessionid']

const withCookie = (cookie: string) => new Request('http://localhost:8787/', { headers: { cookie } })
const at = (url: string) => new Request(url)

test.each([
  ['sessionid=a', 'a'],
  ['x=1; sessionid=a; y=2', 'a'],
  ['x=1;sessionid=a', 'a'],
  ['x=1, sessionid=a', 'a'],
  ['sessionid=a; sessionid=a', 'a'],
  ['sessionid=a; sessionid=b', null],
  ['sessionid=a, sessionid=b', null],
  ['sessionid=a; sessionid=', null],
  ['sessionid', null],
  ['Sessionid=a', null],
  ['xsessionid=a; sessionidx=b', null],
  ['x=sessionid=a', null],
  ['__Host-sessionid=a', null],
])('the cookie header `%s` carries %s', (cookie, token) => {
  expect(cookieToken(withCookie(cookie))?.token ?? null).toBe(token)
})

test('the names are tried in order, and two values of one name are no session under the next', () => {
  expect(cookieToken(withCookie('sessionid=a; __Host-sessionid=b'), BOTH)).toEqual({
    token: 'b',
    carrier: 'cookie',
    cookieName: '__Host-sessionid',
  })
  expect(cookieToken(withCookie('sessionid=a'), BOTH)).toMatchObject({ token: 'a', cookieName: 'sessionid' })
  expect(cookieToken(withCookie('sessionid=a; __Host-sessionid=b; __Host-sessionid=c'), BOTH)).toBeNull()
  expect(cookieToken(at('http://localhost:8787/'), BOTH)).toBeNull()
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
  expect(bearerToken(request)?.token ?? null).toBe(token)
})

describe('the cookie that is issued', () => {
  test('on https is the host’s own where that is preferred, and Secure in any case', () => {
    const request = at('https://sessions.example/')
    expect(issueCookie(request, ORIGINS, 't', null, true)).toBe(
      '__Host-sessionid=t; Path=/; HttpOnly; Secure; SameSite=Lax',
    )
    expect(issueCookie(request, ORIGINS, 't', null, false)).toBe('sessionid=t; Path=/; HttpOnly; Secure; SameSite=Lax')
  })

  test('on a host of plain http has the one name that browsers take there', () => {
    const request = at('http://localhost:8787/')
    expect(issueCookie(request, ORIGINS, 't', 60, true)).toBe('sessionid=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax')
  })

  test('lives at most 400 days, in whole seconds, and never less than none', () => {
    const life = (seconds: number) =>
      /Max-Age=([^;]*)/.exec(issueCookie(at('http://localhost:8787/'), ORIGINS, 't', seconds, true))?.[1]
    expect([life(59.9), life(1e12), life(-5)]).toEqual(['59', '34560000', '0'])
  })
})

test('forgetting covers every name that the browser may have', () => {
  expect(forgetCookies(at('http://localhost:8787/'), ORIGINS)).toHaveLength(1)
  expect(forgetCookies(at('https://sessions.example/'), ORIGINS).map((cookie) => cookie.split('=')[0])).toEqual([
    'sessionid',
    '__Host-sessionid',
  ])
})
