/** Bodies as each vendor's clients write them, and as no client does. */

import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { isObject, type Json, type Member, write } from './json.ts'
import type { Operation } from './operations.ts'
import type { Header } from './requests.ts'
import { BODIES, bytes } from './texts.ts'

/** What a body makes of a request. The pairs of the query are escaped. */
export interface Encoding {
  readonly headers: readonly Header[]
  readonly body: Uint8Array | null
  readonly query: readonly string[]
}

type Encoder = (value: Json) => Encoding

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** The body of an operation, mostly as its API takes it. */
export function anyEncoding({ api, path, body }: Operation, tree: fc.Arbitrary<Json>): fc.Arbitrary<Encoding> {
  const isForm = body?.mediaTypes[0] === FORM_TYPE && body.mediaTypes.length === 1
  const own = encodersOf(api, isForm, path)
  const encoder = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD) },
  )
  return fc.oneof(
    { weight: 12, arbitrary: fc.tuple(tree, encoder).map(([value, encode]) => encode(value)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...BODIES), fc.constantFrom(JSON_TYPE, FORM_TYPE, 'multipart/form-data; boundary=x'))
        .map(([raw, type]): Encoding => ({ headers: [['content-type', type]], body: raw, query: [] })),
    },
  )
}

function encodersOf(api: string, isForm: boolean, path: string): readonly Encoder[] {
  if (api === 'Slack') return SLACK
  if (api === 'Looker') return path.endsWith('/login') ? LOOKER_LOGIN : LOOKER
  return isForm ? [asForm()] : [asJson()]
}

function asJson(type = JSON_TYPE): Encoder {
  return (value) => ({ headers: [['content-type', type]], body: bytes(write(value)), query: [] })
}

function asForm(type = FORM_TYPE, lists: (items: readonly Json[]) => string = listed): Encoder {
  return (value) => ({ headers: [['content-type', type]], body: bytes(pairsOf(value, lists).join('&')), query: [] })
}

const inQuery: Encoder = (value) => ({ headers: [], body: null, query: pairsOf(value, listed) })

const BOUNDARY = 'hostile'
const asMultipart: Encoder = (value) => {
  const parts = membersOf(value).map(
    ([name, inner]) =>
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name.replace(/["\r\n]/g, '_')}"\r\n\r\n${plain(inner, listed)}\r\n`,
  )
  return {
    headers: [['content-type', `multipart/form-data; boundary=${BOUNDARY}`]],
    body: bytes(`${parts.join('')}--${BOUNDARY}--\r\n`),
    query: [],
  }
}

/** Latin letters as one byte each. */
const asLatin1: Encoder = (value) => {
  const text = pairsOf(value, listed).join('&')
  return {
    headers: [['content-type', `${FORM_TYPE}; charset=ISO-8859-1`]],
    body: Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 0xff),
    query: [],
  }
}

/** Some arguments in the URL, all of them in the body. */
const inBoth: Encoder = (value) => ({ ...asForm()(value), query: pairsOf(value, listed).slice(0, 2) })

const commas = (items: readonly Json[]) => items.map((item) => plain(item, listed)).join(',')
const singleQuotes = (items: readonly Json[]) => `[${items.map((item) => `'${plain(item, listed)}'`).join(', ')}]`

const SLACK: readonly Encoder[] = [
  asForm(),
  asForm(FORM_TYPE, commas),
  asForm(FORM_TYPE, singleQuotes),
  asForm(`${FORM_TYPE}; charset=utf-8`),
  asJson(),
  asJson('application/json; charset=utf-8'),
  asJson('application/json;charset="UTF-8"'),
  asJson('text/plain'),
  asMultipart,
  asLatin1,
  inQuery,
  inBoth,
]

/** The python client labels some JSON as a form. */
const LOOKER: readonly Encoder[] = [asJson(), asJson(FORM_TYPE), asJson('')]
const LOOKER_LOGIN: readonly Encoder[] = [asForm(), inQuery, asForm('application/x-www-form-urlencoded; charset=UTF-8')]

/** Bytes that unpack to ten million: nobody is to unpack them. */
const BOMB = gzipSync(new Uint8Array(10_000_000))

const ODD: readonly Encoder[] = [
  asJson('application/json; charset=utf-16'),
  asJson('"application/json"'),
  asJson('APPLICATION/JSON'),
  asJson('application/json, text/plain'),
  asJson('application/json;'.padEnd(4_000, 'x')),
  asJson('text/plain'),
  asJson(''),
  asJson(FORM_TYPE),
  asForm(),
  asForm(JSON_TYPE),
  asForm('multipart/form-data'),
  asMultipart,
  inQuery,
  (value) => ({
    ...asJson('application/json')(value),
    headers: [
      ['content-type', JSON_TYPE],
      ['content-type', FORM_TYPE],
    ],
  }),
  (value) => compressed('gzip', gzipSync(bytes(write(value)))),
  (value) => compressed('gzip', gzipSync(bytes(write(value))).subarray(0, -9)),
  (value) => compressed('br', brotliCompressSync(bytes(write(value)))),
  (value) => compressed('deflate', deflateSync(bytes(write(value)))),
  (value) => compressed('gzip', bytes(write(value))),
  (value) => compressed('br, gzip', bytes(write(value))),
  (value) => compressed('identity', bytes(write(value))),
  () => compressed('gzip', BOMB),
  () => compressed('deflate', BOMB),
]

function compressed(encoding: string, body: Uint8Array): Encoding {
  return {
    headers: [
      ['content-type', JSON_TYPE],
      ['content-encoding', encoding],
    ],
    body,
    query: [],
  }
}

function pairsOf(value: Json, lists: (items: readonly Json[]) => string): string[] {
  return membersOf(value).map(([name, inner]) => `${formEscaped(name)}=${formEscaped(plain(inner, lists))}`)
}

function membersOf(value: Json): readonly Member[] {
  return isObject(value) ? value.members : [['value', value]]
}

function plain(value: Json, lists: (items: readonly Json[]) => string): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return lists(value)
  return write(value)
}

function listed(items: readonly Json[]): string {
  return write(items)
}

function formEscaped(text: string): string {
  return text.isWellFormed() ? new URLSearchParams({ x: text }).toString().slice(2) : '%ed%a0%80'
}
