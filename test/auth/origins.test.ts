import { describe, expect, test } from 'vitest'
import { cookiesAreSecure, isAllowedOrigin, originAllowed } from '../../src/auth/origins.ts'

const ORIGINS = {
  publicOrigins: ['https://sessions.example', 'http://localhost:8787'],
  allowedOrigins: ['https://app.example'],
}

function post(headers: Record<string, string>, body: string | null = null): boolean {
  return originAllowed(new Request('https://sessions.example/', { method: 'POST', headers, body }), ORIGINS)
}

describe('an unsafe request that uses the cookie', () => {
  test.each([
    ['https://sessions.example', true],
    ['https://app.example', true],
    ['http://localhost:8787', true],
    ['null', false],
    ['http://sessions.example', false],
    ['https://sessions.example.evil.example', false],
    ['https://evil.example/https://sessions.example', false],
    ['https://sessions.example:8443', false],
    ['https://app.example/', false],
    ['HTTPS://APP.EXAMPLE', false],
    ['https://app.example https://evil.example', false],
  ])('from %s: %s, whatever else it says', (origin, allowed) => {
    expect(post({ origin })).toBe(allowed)
    expect(post({ origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }, '{}')).toBe(allowed)
    expect(isAllowedOrigin(origin, ORIGINS)).toBe(allowed)
  })

  test.each([
    ['same-origin', true],
    ['none', true],
    ['same-site', false],
    ['cross-site', false],
    ['', false],
    ['Same-Origin', false],
  ])('without Origin, by Sec-Fetch-Site %s: %s', (site, allowed) => {
    // An empty header is as good as none, and then only JSON may pass.
    expect(post({ 'sec-fetch-site': site, 'content-type': 'text/plain' }, '{}')).toBe(allowed)
    if (site !== '') expect(post({ 'sec-fetch-site': site, 'content-type': 'application/json' }, '{}')).toBe(allowed)
  })

  test.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['application/x-www-form-urlencoded', false],
    ['multipart/form-data; boundary=x', false],
    ['text/plain', false],
    ['text/plain; application/json', false],
  ])('with neither, of type %s: %s', (type, allowed) => {
    expect(post({ 'content-type': type }, '{}')).toBe(allowed)
  })

  test('with neither and without a body is no form', () => {
    expect(post({})).toBe(true)
  })

  test('with neither, and a body of no type, may be a form', () => {
    const headers = { 'content-length': '1' }
    const request = new Request('https://sessions.example/', { method: 'POST', headers, body: new Uint8Array([1]) })
    expect(originAllowed(request, ORIGINS)).toBe(false)
  })

  test('with neither, an empty body that a proxy has put there is none', () => {
    const request = new Request('https://sessions.example/', { method: 'DELETE', body: new Uint8Array() })
    expect(request.body).not.toBeNull()
    expect(originAllowed(request, ORIGINS)).toBe(true)
  })
})

test.each([
  ['https://sessions.example/', true],
  ['http://sessions.example/', true],
  ['http://localhost:8787/', false],
  ['https://localhost:8787/', true],
  ['http://localhost/', true],
  ['http://127.0.0.1:8787/', true],
])('cookies at %s are Secure: %s', (url, secure) => {
  expect(cookiesAreSecure(new Request(url), ORIGINS)).toBe(secure)
})
