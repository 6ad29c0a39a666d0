import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSignedWith, readSignature, signedTexts } from '../../src/auth/access-key-signature.ts'
import { MAX_SKEW_MILLISECONDS } from '../../src/limits.ts'
import { GENUINE, RECORDINGS, type Recording, requestOf, SIGN_LESS } from '../support/recordings.ts'

const HOSTS = ['sessions.example']

/** `genuine`, `wrong`, or why it is none at all. */
async function verdict(
  recording: Recording,
  now = recording.at,
  secretKey: string = recording.secretKey,
  publicHosts: readonly string[] = HOSTS,
  strict = true,
) {
  const request = requestOf(recording)
  const signature = readSignature(request.headers, now, strict)
  if (!signature.ok) return signature.error
  const texts = await signedTexts(request, recording.body, signature.value, publicHosts, strict)
  if (!texts.ok) return texts.error
  return (await isSignedWith(secretKey, texts.value, signature.value)) ? 'genuine' : 'wrong'
}

function withHeader(recording: Recording, name: string, value: string): Recording {
  const headers = recording.headers.filter(([other]) => other.toLowerCase() !== name)
  return { ...recording, headers: [...headers, [name, value]] }
}

function header({ headers }: Recording, name: string): string {
  return headers.find(([other]) => other.toLowerCase() === name)?.[1] ?? ''
}

function signedNames(recording: Recording): string[] {
  return /SignedHeaders=([^,]*)/.exec(header(recording, 'authorization'))?.[1]?.split(';') ?? []
}

test('there are recordings of both clients, with the odd paths and one wrong key each', () => {
  expect(RECORDINGS).toHaveLength(20)
  expect(GENUINE).toHaveLength(18)
  expect(GENUINE.filter(({ path }) => path.includes('%'))).toHaveLength(2)
})

describe.each(GENUINE)('$name', (recording) => {
  test('is genuine, with its own secret key alone', async () => {
    expect(await verdict(recording)).toBe('genuine')
    expect(await verdict(recording, recording.at, 'another')).toBe('wrong')
  })

  test('is refused with another method', async () => {
    expect(await verdict({ ...recording, method: recording.method === 'GET' ? 'DELETE' : 'PUT' })).toBe('wrong')
  })

  test('is refused with another path', async () => {
    const { path } = recording
    const others = [
      path.replace('d-0000000001', 'd-0000000002'),
      path.replace('/users/', '/users/x'),
      `${path}/batch-delete`,
      path.replace('/v1/', '/v2/'),
      path.replace('/users/', '/users%2f/'),
      path.replace('/sessions', '/sessions%00'),
    ]
    for (const other of others) expect(await verdict({ ...recording, path: other }), other).toBe('wrong')
  })

  test('is refused with a query', async () => {
    for (const query of ['?x', '?x=1', '?=', '?%20']) {
      expect(await verdict({ ...recording, path: recording.path + query }), query).toBe('wrong')
    }
  })

  test('is refused with any signed header altered or taken away', async () => {
    const names = signedNames(recording)
    expect(names.length).toBeGreaterThanOrEqual(3)
    for (const name of names) {
      expect(await verdict(withHeader(recording, name, `${header(recording, name)}0`)), name).not.toBe('genuine')
      const headers = recording.headers.filter(([other]) => other.toLowerCase() !== name)
      const left = await verdict({ ...recording, headers })
      // Without a Host header the request's own host counts, and it is the same here.
      expect(left, name).toBe(name === 'host' ? 'genuine' : 'signed_headers')
    }
  })

  test('is refused with another body', async () => {
    if (recording.method === 'GET') return
    const bodies = [`${new TextDecoder().decode(recording.body)} `, '{"session_ids":["x"]}', '']
    for (const text of bodies.filter((_, index) => index < 2 || recording.body.length > 0)) {
      expect(await verdict({ ...recording, body: new TextEncoder().encode(text) }), text).toBe('wrong')
    }
  })

  test('is refused with another date, and more than 15 minutes away', async () => {
    const later = header(recording, 'x-sdk-date').replace(/.Z$/, '0Z')
    expect(await verdict(withHeader(recording, 'x-sdk-date', later), Date.parse('2026-11-21T23:05:00Z'))).toBe('wrong')
    for (const sign of [1, -1]) {
      expect(await verdict(recording, recording.at + sign * MAX_SKEW_MILLISECONDS)).toBe('genuine')
      expect(await verdict(recording, recording.at + sign * (MAX_SKEW_MILLISECONDS + 1))).toBe('date_too_far')
    }
  })

  test('is refused with another signature or other signed headers', async () => {
    const authorization = header(recording, 'authorization')
    const last = authorization.at(-1) === '0' ? '1' : '0'
    const altered = authorization.slice(0, -1) + last
    expect(await verdict(withHeader(recording, 'authorization', altered))).toBe('wrong')
    const reordered = authorization.replace(/=([a-z-]+);([a-z-]+)/, '=$2;$1')
    expect(await verdict(withHeader(recording, 'authorization', reordered))).toBe('wrong')
    for (const gone of ['host', 'x-sdk-date']) {
      const fewer = authorization.replace(new RegExp(`;${gone}`), '')
      expect(await verdict(withHeader(recording, 'authorization', fewer)), gone).toBe('signed_headers')
    }
  })
})

test.each(RECORDINGS.filter(({ secretKey }) => secretKey === 'another'))('$name is refused', async (recording) => {
  expect(await verdict(recording, recording.at, 'SKTEST')).toBe('wrong')
})

describe.each(SIGN_LESS)('$name, which signs less,', (recording) => {
  const own = recording.secretKey === 'another' ? 'SKTEST' : recording.secretKey
  const asVendor = (altered: Recording) => verdict(altered, recording.at, own, HOSTS, false)

  test('is genuine with its own secret key alone, and refused where the service is strict', async () => {
    expect(await asVendor(recording)).toBe(recording.secretKey === own ? 'genuine' : 'wrong')
    expect(await verdict(recording, recording.at, 'none', HOSTS, false)).toBe('wrong')
    expect(await verdict(recording, recording.at, own)).toBe('signed_headers')
  })

  test('is refused with any part altered that it has signed', async () => {
    const altered = [
      { ...recording, method: 'DELETE' },
      { ...recording, path: recording.path.replace('/users/', '/users/x') },
      { ...recording, path: `${recording.path}?x=1` },
      ...signedNames(recording).map((name) => withHeader(recording, name, `${header(recording, name)}0`)),
    ]
    expect(altered.length).toBeGreaterThanOrEqual(6)
    for (const one of altered) expect(await asVendor(one)).not.toBe('genuine')
  })
})

test('a host, a body and a token that a client has not signed may be altered; a body that it has signed may not', async () => {
  const vendors = ['Go', 'PHP', 'Terraform']
  const withBody = SIGN_LESS.filter(({ method }) => method === 'POST')
  const withToken = SIGN_LESS.filter((one) => header(one, 'x-security-token') !== '')
  const verdicts = (recordings: readonly Recording[], alter: (recording: Recording) => Recording) =>
    Promise.all(recordings.map((one) => verdict(alter(one), one.at, one.secretKey, HOSTS, false)))
  expect(withBody.map(({ name }) => name.split(' ')[0])).toEqual(vendors)
  expect(withToken.map(({ name }) => name.split(' ')[0])).toEqual(vendors)
  const body = new TextEncoder().encode('{"session_ids":["x"]}')
  expect(await verdicts(withBody, (one) => ({ ...one, body }))).toEqual(['wrong', 'genuine', 'wrong'])
  expect(await verdicts(withBody, (one) => withHeader(one, 'host', 'b.example'))).toEqual(Array(3).fill('genuine'))
  const otherToken = (one: Recording) => withHeader(one, 'x-security-token', 'x')
  expect(await verdicts(withToken, otherToken)).toEqual(['wrong', 'wrong', 'genuine'])
})

describe('what a request claims', () => {
  const recording = GENUINE[0] as Recording
  const authorization = header(recording, 'authorization')
  const claim = (text: string) => verdict(withHeader(recording, 'authorization', text))

  test('must be of this algorithm, whole, and once', async () => {
    const others = [
      '',
      'Bearer x',
      authorization.replace('SDK-HMAC-SHA256', 'SDK-HMAC-SM3'),
      authorization.replace('SDK-HMAC-SHA256', 'sdk-hmac-sha256'),
      authorization.slice(0, -1),
      `${authorization}0`,
      `${authorization}, ${authorization}`,
      `${authorization}, Access=AKDENY`,
      authorization.replace(/Signature=.*/, (text) => text.toUpperCase()),
      authorization.replace('Access=AKTEST', 'Access='),
      authorization.replace(/SignedHeaders=[^,]*/, 'SignedHeaders='),
    ]
    for (const text of others) expect(await claim(text), text).toBe('not_signed')
  })

  test('must name headers that are there, each once, and none that is no name', async () => {
    for (const names of [
      'host;x-sdk-date;host',
      'host;x-sdk-date;x-none',
      'Host;X-Sdk-Date',
      'host;;x-sdk-date',
      ';',
    ]) {
      const text = authorization.replace(/SignedHeaders=[^,]*/, `SignedHeaders=${names}`)
      expect(await claim(text), names).toBe('signed_headers')
    }
  })

  test('must have a date that there is', async () => {
    for (const date of ['20261121T230453', '2026-11-21T23:04:53Z', '20261131T230453Z', '20261121T250453Z', 'x', '']) {
      expect(await verdict(withHeader(recording, 'x-sdk-date', date)), date).toBe('date')
    }
  })

  test('must have a path and a query that can be decoded', async () => {
    for (const odd of ['/v1/%', '/v1/%zz', '/v1/%ff', '/v1/x?%', '/v1/x?a=%e9']) {
      expect(await verdict({ ...recording, path: odd }), odd).toBe('path')
    }
  })

  test('whatever it is, nothing crashes and nothing but the claim itself passes', async () => {
    const piece = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom(';', ', ', '=', 'Access=', 'host', '0', '\t'))
    const edits = fc.array(fc.tuple(fc.nat(authorization.length), fc.nat(8), piece), { minLength: 1, maxLength: 4 })
    const mutated = edits.map((list) =>
      list.reduce((text, [at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone), authorization),
    )
    // The key's name is not signed: it only says which secret to look up.
    const rest = (text: string) =>
      text
        .trim()
        .replace(/Access=[^\s,]+/, '')
        .replaceAll(' ', '')
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.string()), async (text) => {
        fc.pre(/^[\t\x20-\x7e]*$/.test(text) && rest(text) !== rest(authorization))
        expect(await claim(text)).not.toBe('genuine')
      }),
      { numRuns: 1_000 },
    )
  })
})

test('the signed Host may be a public one, where a proxy has put another in its place', async () => {
  const recording = GENUINE[0] as Recording
  const rewritten = withHeader(recording, 'host', 'internal.example')
  expect(await verdict(rewritten)).toBe('wrong')
  expect(await verdict(rewritten, recording.at, recording.secretKey, [...HOSTS, '127.0.0.1:8787'])).toBe('genuine')
})

describe('the signed text', () => {
  const recording = GENUINE[0] as Recording
  const textsOf = async (
    request: Request,
    body: Uint8Array = new Uint8Array(),
    hosts: readonly string[] = [],
    strict = true,
  ) => {
    const signature = readSignature(
      new Headers(recording.headers.map(([name, value]) => [name, value])),
      recording.at,
      true,
    )
    if (!signature.ok) throw new Error(signature.error)
    return signedTexts(request, body, signature.value, hosts, strict)
  }
  const request = (url: string, headers: Record<string, string> = {}) => new Request(url, { headers })
  const count = async (...args: Parameters<typeof textsOf>) => {
    const texts = await textsOf(...args)
    return texts.ok ? new Set(texts.value).size : texts.error
  }

  test('is one for an ordinary path and host, and another for each other spelling and host', async () => {
    expect(await count(request('http://a.example/v1/x'))).toBe(1)
    expect(await count(request('http://a.example/v1/x', { host: 'a.example' }))).toBe(1)
    expect(await count(request('http://a.example/v1/x', { host: 'b.example' }))).toBe(1)
    expect(await count(request('http://a.example/v1/x'), undefined, ['a.example', 'c.example'])).toBe(2)
    expect(await count(request('http://a.example/v1/%20'))).toBe(2)
    expect(await count(request('http://a.example/v1/%2F'))).toBe(3)
  })

  test('has the query decoded, encoded and sorted', async () => {
    const texts = async (query: string) => textsOf(request(`http://a.example/v1/x${query}`))
    expect(await texts('?b=2&a=%7e&a=+1&c')).toEqual(await texts('?a=%201&a=~&b=2&c='))
    expect(await texts('?a=1&a=2')).not.toEqual(await texts('?a=1'))
  })

  test('has the body in it, or says of no body that it is not signed', async () => {
    const body = new TextEncoder().encode('{}')
    const hash = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    const declared = (value: string) => request('http://a.example/v1/x', { 'x-sdk-content-sha256': value })
    expect(await count(declared(hash), body)).toBe(1)
    expect(await count(declared(hash))).toBe('payload')
    expect(await count(declared('UNSIGNED-PAYLOAD'))).toBe(1)
    expect(await count(declared('UNSIGNED-PAYLOAD'), body)).toBe('payload')
    expect(await count(declared('UNSIGNED-PAYLOAD'), body, [], false)).toBe(1)
    expect(await count(declared('00'), body, [], false)).toBe('payload')
    expect(await count(declared(''), body)).toBe('payload')
  })
})
