import Bowser from 'bowser'
import { expect, test, vi } from 'vitest'
import { parseUserAgent } from '../../src/http/user-agents.ts'

const NOTHING = {
  browser: null,
  operatingSystem: null,
  kind: null,
  device: { hardware: '', os: '', osVersion: '', program: '' },
}

test.each([
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    { browser: 'Safari 17.5', operatingSystem: 'iOS 17.5', kind: 'Safari on iOS' },
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    { browser: 'Microsoft Edge 140.0.0.0', operatingSystem: 'Windows 10' },
  ],
  [
    'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
    { browser: 'Firefox 130.0', operatingSystem: 'Linux', kind: 'Firefox on Linux' },
  ],
])('%s', (userAgent, expected) => {
  expect(parseUserAgent(userAgent)).toMatchObject(expected)
})

test('a user agent that says nothing known is nothing, and none is', () => {
  for (const userAgent of [null, '']) expect(parseUserAgent(userAgent)).toEqual(NOTHING)
  expect(parseUserAgent('???').operatingSystem).toBeNull()
})

test('whatever a client sends is parsed, in no time worth speaking of', () => {
  const pieces = [
    'Mozilla/5.0',
    '(',
    ')',
    ';',
    '/',
    ' ',
    'Chrome/',
    'Windows NT',
    '0',
    '.',
    'Safari',
    '\u00e9',
    '[',
    '*',
    'OS X ',
  ]
  const texts = ['__proto__', 'constructor', '(((((', '/'.repeat(512), ...pieces.map((piece) => piece.repeat(60))]
  for (let first = 0; first < pieces.length; first += 1) {
    const mixed = Array.from({ length: 100 }, (_, at) => pieces[(first + at * 7) % pieces.length]).join('')
    texts.push(mixed.slice(0, 512))
  }
  for (const text of texts) {
    const { browser, operatingSystem } = parseUserAgent(text)
    for (const name of [browser, operatingSystem]) expect(name === null || typeof name === 'string').toBe(true)
  }
})

test('a user agent is taken apart once, whoever asks for what', () => {
  const parse = vi.spyOn(Bowser, 'parse')
  // Of this test alone: what was parsed is remembered from test to test.
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:131.7) Gecko/20100101 Firefox/131.7'
  const first = parseUserAgent(userAgent)
  expect(first.device).toEqual({ hardware: 'desktop', os: 'Linux', osVersion: '', program: 'Firefox 131.7' })
  expect(parseUserAgent(userAgent)).toBe(first)
  expect(parse).toHaveBeenCalledOnce()
})
