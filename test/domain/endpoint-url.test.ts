/** Where events may be sent to. */
import { expect, test } from 'vitest'
import { isLocal, urlFault } from '../../src/domain/endpoint-url.ts'

test.each([
  'https://hooks.example.com/in',
  'https://hooks.example.com:8443/in?a=b',
  'https://xn--bcher-kva.example/',
  'https://localhost.example.com/',
])('%s may be sent to', (url) => {
  expect(urlFault(url, false)).toBeNull()
})

test.each([
  'http://hooks.example.com/',
  'ftp://hooks.example.com/',
  'hooks.example.com',
  'https://user:secret@hooks.example.com/',
  'https://hooks.example.com/#part',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://0/',
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.1.1/',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1/',
  'https://8.8.8.8/',
  'https://１２７.0.0.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[fd00::1]/',
  'https://[fe80::1]/',
  'https://[2001:db8::1]/',
  'https://localhost/',
  'https://LOCALHOST./',
  'https://a.localhost/',
  'https://metadata.google.internal/',
  'https://printer.local/',
  'https://router.home.arpa/',
  'https://db.corp./',
  'https://intranet/',
])('%s may not', (url) => {
  expect(urlFault(url, false)).toMatch(/^Must /)
})

test('under development this machine may be sent to, and no other by plain http', () => {
  expect(isLocal(['http://127.0.0.1:8787', 'http://localhost:8787'])).toBe(true)
  expect(isLocal(['http://127.0.0.1:8787', 'https://sessions.example.com'])).toBe(false)
  for (const url of ['http://127.0.0.1:9000/in', 'http://localhost:9000/', 'http://[::1]:9000/']) {
    expect(urlFault(url, true)).toBeNull()
    expect(urlFault(url, false)).not.toBeNull()
  }
  for (const url of ['http://10.0.0.1/', 'http://hooks.example.com/', 'https://169.254.169.254/']) {
    expect(urlFault(url, true)).not.toBeNull()
  }
})
