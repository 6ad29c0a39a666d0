/** What breaks things elsewhere. Nobody's real address stands here: what is sent anywhere goes to this machine. */
import { type Json, object, type Raw } from './json.ts'

/** Markup that must never stand unescaped in a page. */
export const MARKUP = ['"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", '</style><svg/onload=alert(1)>']

const CONTROLS = ['a\u0000b', '\u0000', 'a\r\nSet-Cookie: sessionid=mine', 'a\nb', '\u001b[31mred', '\u007f', '\u0085']
const INVISIBLE = ['\u202ecod.exe', '\u2066x', '\u200b', '\ufeff', '\u00a0', '\u2028', 'a\u0300'.repeat(40)]
const SQL = [
  "' OR 1=1 --",
  "'; DROP TABLE sessions; --",
  '" OR ""="',
  '%',
  '_',
  "') UNION SELECT secret_hash FROM credentials --",
]
const PATHS = [
  '../../etc/passwd',
  '..\\..\\x',
  '//evil.example',
  'https://evil.example/',
  'javascript:alert(1)',
  '.',
  '..',
]
const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'then']
const TEMPLATES = [`$${'{7*7}'}`, '{{7*7}}', '#{7*7}', '%s%n', '=cmd()', '@SUM(1)', '$2b$10$x', '(a+)+$']
const WORDS = ['', ' ', 'null', 'undefined', 'true', 'NaN', '[]', '{}', '0', '-1', '1e309', '9007199254740993', '0x10']
const LONG = [
  'x'.repeat(300),
  'é'.repeat(130),
  '\u{1d54f}'.repeat(70),
  'x'.repeat(5_000),
  ','.repeat(2_000),
  '/'.repeat(1_000),
]
const FORMS = [
  '\u0130stanbul',
  'stra\u00dfe',
  '\ufb00',
  'andre\u0301',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  '\u0430dmin',
]

/** Text. */
export const TEXTS: readonly string[] = [
  ...MARKUP,
  ...CONTROLS,
  ...INVISIBLE,
  ...SQL,
  ...PATHS,
  ...NAMES,
  ...TEMPLATES,
  ...WORDS,
  ...LONG,
  ...FORMS,
]

const raw = (text: string): Raw => ({ raw: text })

/** Values of every kind. */
export const VALUES: readonly Json[] = [
  ...TEXTS,
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  9_007_199_254_740_992,
  2_147_483_648,
  -2_147_483_649,
  raw('-0'),
  raw('1e400'),
  raw('01'),
  raw('"\\ud800"'),
  raw('"\\udc00x"'),
  raw('"\\u0000"'),
  raw('NaN'),
  raw(''),
  raw(`${'['.repeat(5_000)}${']'.repeat(5_000)}`),
  raw(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`),
  raw(`[${'0,'.repeat(5_000)}0]`),
  [],
  [[]],
  [null],
  ['', ''],
  object(),
  object(['$ne', null]),
  object(['toString', 1], ['valueOf', 2]),
]

/** Members that nobody has asked for. What they would pollute is looked for afterwards. */
export const MEMBERS: readonly (readonly [name: string, value: Json])[] = [
  ['__proto__', object(['polluted', true])],
  ['__proto__', null],
  ['constructor', object(['prototype', object(['polluted', true])])],
  ['prototype', object(['polluted', true])],
  ['toString', 'x'],
  ['toJSON', 'x'],
  ['then', 'x'],
  ['length', 1],
  ['', ''],
  ['identity_store_id', 'x'],
  ['role', 'owner'],
  ['active', true],
  ['scopes', ['operator']],
  ['kind', 'operator'],
  ['a\u0000b', 1],
  ['x'.repeat(1_000), 1],
]

/** Segments of paths as they stand on the wire. */
export const SEGMENTS: readonly string[] = [
  ...TEXTS.filter((text) => text.length < 1_000).map(encodeURIComponent),
  '%zz',
  '%',
  '%ff',
  '%E0%A4%A',
  '%2e%2e%2f',
  '..;',
  ';a=b',
  '%00',
  '%252e',
  '*',
  ':user_id',
  '~',
]

/** Bodies that are no JSON, no form, or no text. */
export const BODIES: readonly Uint8Array[] = [
  ...['', '{', '{}{}', '[', 'null', '"', '{"a":1,}', "{'a':1}", '<a/>', 'a=b&a=c', '&&==&', '%', '\u0000'].map(bytes),
  ...['['.repeat(60_000), '{"a":'.repeat(12_000), `"${'x'.repeat(64_000)}"`, ' '.repeat(65_537), '\ufeff{}'].map(bytes),
  new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]),
  new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
  new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]),
]

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
