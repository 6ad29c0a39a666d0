/** Bad input: every bad field is named, and nothing has changed afterwards. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { mirrored } from '../../support/objects.ts'
import { check, type RequestOptions, send, signIn, type TestSession } from '../../support/requests.ts'
import { makeBearer, makeUser } from '../../support/stores.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }
const LIMIT = 65_536

let session: TestSession
let bearer: string

beforeAll(async () => {
  session = await signIn(await makeUser())
  bearer = await makeBearer(session.user.identityStoreId, ['sessions:open', 'sessions:introspect', 'sessions:revoke'])
  await mirrored(session.user)
})

/** All rows of D1. */
async function everything(): Promise<Record<string, unknown[]>> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  ).all<{ name: string }>()
  const names = tables.results.map(({ name }) => name)
  const rows = await env.DB.batch(names.map((name) => env.DB.prepare(`SELECT * FROM ${name}`)))
  return Object.fromEntries(names.map((name, at) => [name, rows[at]?.results ?? []]))
}

/** Sends something bad, which must change nothing, and answers the problem. */
async function refused(
  path: string,
  options: RequestOptions,
): Promise<{ status: number; code: string; fields: string[] }> {
  const before = await everything()
  expect(before.sessions?.length).toBeGreaterThan(0)
  const response = await send(path, options)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body = (await response.json()) as { code: string; errors?: { field: string; code: string; message: string }[] }
  for (const { message } of body.errors ?? []) expect(message).toMatch(/\S/)
  expect(await everything()).toEqual(before)
  expect((await check(session)).status).toBe(200)
  const fields = (body.errors ?? []).map(({ field, code }) => `${field} ${code}`)
  return { status: response.status, code: body.code, fields: fields.toSorted() }
}

const invalid = (...fields: string[]) => ({ status: 400, code: 'invalid_request', fields: fields.toSorted() })
const good = { username: 'a', password: 'b' }

describe('a body that is no JSON', () => {
  test.each([
    ['nothing', ''],
    ['half of it', '{"username": "a"'],
    ['two of it', '{} {}'],
    ['a comment', '{/* */}'],
    ['a form', 'username=a&password=b'],
    ['depth', '['.repeat(60_000)],
    ['a word of JavaScript', '{"username": undefined}'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0])],
    ['a byte that is no UTF-8', new Uint8Array([...new TextEncoder().encode('{"username":"'), 0xff, 0x22, 0x7d])],
    ['a surrogate by itself', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('%s', async (_what, body) => {
    expect(await refused('/sessions', { method: 'POST', body, headers: JSON_TYPE })).toEqual(invalid(' invalid'))
  })

  test('may begin with a byte order mark', async () => {
    const body = `\ufeff${JSON.stringify({ ...good, username: session.user.username })}`
    expect((await send('/sessions', { body, headers: JSON_TYPE })).status).toBe(401)
  })
})

describe('a sign-in names every bad field at once', () => {
  const cases: [unknown, string[]][] = [
    [null, [' invalid']],
    [[], [' invalid']],
    ['text', [' invalid']],
    [7, [' invalid']],
    [{}, ['username missing', 'password missing']],
    [{ username: 1, password: null }, ['username invalid', 'password invalid']],
    [{ username: '', password: '' }, ['username invalid', 'password invalid']],
    [{ username: 'a'.repeat(255), password: 'b'.repeat(1_025) }, ['username invalid', 'password invalid']],
    [{ ...good, persistent: 'true', transport: 'header' }, ['persistent invalid', 'transport invalid']],
    [{ ...good, transport: null }, ['transport invalid']],
    [{ ...good, user_id: 'x', more: {} }, ['user_id unknown', 'more unknown']],
    [{ password: 'b', usrname: 'a' }, ['username missing', 'usrname unknown']],
    [{ username: { $ne: null }, password: ['b'] }, ['username invalid', 'password invalid']],
    [JSON.parse('{"username":"a","password":"b","__proto__":{"persistent":true}}'), ['__proto__ unknown']],
    [{ ...good, constructor: 1, toString: 2 }, ['constructor unknown', 'toString unknown']],
  ]
  test.each(cases)('%j', async (json, fields) => {
    expect(await refused('/sessions', { json })).toEqual(invalid(...fields))
  })
})

describe('an opening by a back end names every bad field at once', () => {
  const client = { address: '192.0.2.1', user_agent: 'x' }
  const cases: [unknown, string[]][] = [
    [{}, ['user_id missing', 'client missing']],
    [{ user_id: 'u', client: {} }, ['client.address missing', 'client.user_agent missing']],
    [{ user_id: '../etc', client }, ['user_id invalid']],
    [{ user_id: 'x'.repeat(65), client }, ['user_id invalid']],
    [
      { user_id: 'u', client: { address: '192.0.2.256', user_agent: 1 } },
      ['client.address invalid', 'client.user_agent invalid'],
    ],
    [
      { user_id: 'u', client: { address: '192.0.2.1/24', user_agent: 'x', port: 1 } },
      ['client.address invalid', 'client.port unknown'],
    ],
    [{ user_id: 'u', client, transport: 'cookie' }, ['transport unknown']],
    [{ user_id: 'u', client, identity_store_id: 'other' }, ['identity_store_id unknown']],
  ]
  test.each(cases)('%j', async (json, fields) => {
    expect(await refused('/sessions', { bearer, json })).toEqual(invalid(...fields))
  })
})

describe('a check by a back end names every bad field at once', () => {
  const cases: [unknown, string[]][] = [
    [{}, ['token missing']],
    [{ token: '', touch: 'true', max_age: 5 }, ['token invalid', 'touch invalid', 'max_age unknown']],
    [
      { token: 'x'.repeat(4_097), client: {} },
      ['token invalid', 'client.address missing', 'client.user_agent missing'],
    ],
    [
      { token: 'x', client: { address: '192.0.2.256', user_agent: 1, port: 1 } },
      ['client.address invalid', 'client.user_agent invalid', 'client.port unknown'],
    ],
  ]
  test.each(cases)('%j', async (json, fields) => {
    expect(await refused('/sessions/check', { bearer, json })).toEqual(invalid(...fields))
  })
})

describe('a body of another type', () => {
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ]
  test.each([...types, 'text/json', 'application/json, text/plain'])('%s is not taken for JSON', async (type) => {
    const body = JSON.stringify({ ...good, username: session.user.username })
    const options = { method: 'POST', body, headers: { 'content-type': type } }
    expect(await refused('/sessions', options)).toEqual({ status: 415, code: 'unsupported_media_type', fields: [] })
    expect((await send('/sessions', options)).headers.get('accept')).toBe('application/json')
  })

  test('no type at all is not taken for JSON', async () => {
    const body = new TextEncoder().encode(JSON.stringify(good))
    expect(await refused('/sessions', { method: 'POST', body })).toMatchObject({ status: 415 })
    expect(await refused('/sessions', { method: 'POST' })).toMatchObject({ status: 415 })
  })

  test('JSON is not taken for a form', async () => {
    for (const path of ['/oauth2/introspect', '/oauth2/revoke']) {
      expect(await refused(path, { bearer, json: { token: session.token } })).toMatchObject({ status: 415 })
    }
  })
})

/** A body whose length nobody declares. */
function inPieces(text: string): ReadableStream<Uint8Array> {
  const pieces = text.match(/.{1,10000}/gs) ?? []
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(piece))
    },
  })
}

describe('a body that is too large', { timeout: 30_000 }, () => {
  const tooLarge = { status: 413, code: 'request_too_large', fields: [] }
  const padded = (bytes: number) => {
    const json = JSON.stringify({ ...good, username: session.user.username })
    return json + ' '.repeat(bytes - json.length)
  }

  test('with its length declared, and without', async () => {
    for (const path of ['/sessions', '/oauth2/introspect', '/oauth2/revoke']) {
      const type = path === '/sessions' ? JSON_TYPE : FORM_TYPE
      const carrier = path === '/sessions' ? {} : { bearer }
      const body = padded(LIMIT + 1)
      expect(await refused(path, { ...carrier, method: 'POST', body, headers: type })).toEqual(tooLarge)
      const stream = inPieces(body)
      expect(await refused(path, { ...carrier, method: 'POST', body: stream, headers: type })).toEqual(tooLarge)
    }
  })

  test('is not one of exactly 64 KiB', async () => {
    expect((await send('/sessions', { body: padded(LIMIT), headers: JSON_TYPE })).status).toBe(401)
    const stream = inPieces(padded(LIMIT))
    expect((await send('/sessions', { method: 'POST', body: stream, headers: JSON_TYPE })).status).toBe(401)
  })
})

describe('a query', () => {
  test.each([
    ['?touch=maybe', ['touch invalid']],
    ['?touch', ['touch invalid']],
    ['?touch=true&touch=false', ['touch invalid']],
    ['?tuch=false', ['tuch unknown']],
    ['?touch=%zz&more=1', ['touch invalid', 'more unknown']],
    ['?__proto__=1', ['__proto__ unknown']],
  ])('of the check: %s', async (query, fields) => {
    const { token, user } = session
    const path = `/sessions/current${query}`
    expect(await refused(path, { bearer: token, address: user.address })).toEqual(invalid(...fields))
  })
})

describe('a form', () => {
  test.each([
    ['', ['token missing']],
    ['token=', ['token invalid']],
    ['token=x&token=y', ['token invalid']],
    [`token=${'x'.repeat(4_097)}`, ['token invalid']],
    ['token=x&scope=all&client_id=1', ['scope unknown', 'client_id unknown']],
  ])('of a revocation: %.40s', async (body, fields) => {
    expect(await refused('/oauth2/revoke', { method: 'POST', bearer, body, headers: FORM_TYPE })).toEqual(
      invalid(...fields),
    )
  })
})

test('odd names and passwords are wrong, not broken', { timeout: 30_000 }, async () => {
  for (const text of ['a\u0000b', "' OR 1=1 --", '%', '\u202e', '__proto__', ' ', '\u{1f511}'.repeat(100)]) {
    const response = await send('/sessions', { json: { username: text, password: text } })
    expect([text, response.status]).toEqual([text, 401])
  }
  // Half a character is no text.
  const half = await send('/sessions', { json: { username: '\ud800', password: '\ud800' } })
  expect(half.status).toBe(400)
})
