/** Requests that nobody should send: each is one of an operation's own, with something wrong in it, or nothing. */
import fc from 'fast-check'
import { anyEncoding, type Encoding } from './encodings.ts'
import { type Change, changed, type Json, object } from './json.ts'
import type { Operation } from './operations.ts'
import { fitting, type Schemas } from './schemas.ts'
import { bytes, MEMBERS, SEGMENTS, TEXTS, VALUES } from './texts.ts'
import type { Carrier, World } from './world.ts'

export type Header = readonly [name: string, value: string]

/**
 * How the body comes. `slowly`: a few bytes at a time. `broken`: it ends before it is whole. `stalled`: half of it comes,
 * and then nothing, for longer than anybody waits.
 */
export type Delivery = 'whole' | 'in pieces' | 'slowly' | 'broken' | 'stalled'

export interface HostileRequest {
  readonly operation: Operation
  readonly method: string
  /** Path and query, as they stand on the wire. */
  readonly target: string
  readonly headers: readonly Header[]
  readonly body: Uint8Array | null
  readonly delivery: Delivery
  /** Signed by the sender, when all the rest is known; null: not at all. */
  readonly signer: Signer | null
}

/** How long an answer is waited for that comes once there is something to tell; null for every other, which comes anyhow. */
export function waitFor({ operation }: HostileRequest): number | null {
  return operation.id === 'pollSsfStream' ? 500 : null
}

/** How a request is signed with an access key. */
export interface Signer {
  readonly accessKey: string
  readonly secretKey: string
  readonly fault: 'none' | 'late' | 'body' | 'cut'
}

/** Any request of some operations. */
export function anyRequest(operations: readonly Operation[], world: World, schemas: Schemas) {
  return fc.oneof(...operations.map((operation) => requestOf(operation, world, schemas)))
}

function requestOf(operation: Operation, world: World, schemas: Schemas): fc.Arbitrary<HostileRequest> {
  return fc
    .record({
      method: usually(operation.method, 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'GET', 'POST'),
      path: anyPath(operation, world),
      query: anyQuery(operation, schemas),
      carriers: anyCarriers(operation, world),
      encoding: anyBody(operation, schemas),
      more: fc.oneof(
        { weight: 3, arbitrary: fc.constant<readonly Header[]>([]) },
        { weight: 1, arbitrary: fc.array(fc.constantFrom(...strangeHeaders(world)), { maxLength: 3 }) },
      ),
      origin: usually<string | null>(
        world.origin,
        null,
        'https://evil.example',
        'null',
        `${world.origin}.evil.example`,
      ),
      idempotencyKey: operation.takesIdempotencyKey
        ? usually<string | null>(null, 'key-1', '', 'k'.repeat(300), '"quoted"', 'a, b')
        : fc.constant(null),
      address: fc.constantFrom(...ADDRESSES),
      delivery: usually<Delivery>('whole', 'in pieces', 'slowly', 'broken'),
      fault: usually<Signer['fault']>('none', 'late', 'body', 'cut'),
    })
    .map(({ method, path, query, carriers, encoding, more, origin, idempotencyKey, address, delivery, fault }) => {
      const carried = carriers.flatMap(({ headers }) => headers)
      const key = carriers.find(({ accessKey }) => accessKey !== undefined)?.accessKey
      const takesBody = method !== 'GET' && method !== 'HEAD'
      const target = `${path}${[...query, ...encoding.query].map((pair, index) => `${index === 0 ? '?' : '&'}${pair}`).join('')}`
      return {
        operation,
        method,
        target,
        headers: [
          ['cf-connecting-ip', address],
          ['user-agent', 'Hostile/1.0'],
          ...(origin === null ? [] : ([['origin', origin]] as const)),
          ...(idempotencyKey === null ? [] : ([['idempotency-key', idempotencyKey]] as const)),
          ...carried,
          ...(takesBody ? encoding.headers : []),
          ...more,
        ],
        body: takesBody ? encoding.body : null,
        delivery: encoding.body === null || !takesBody ? 'whole' : delivery,
        signer: key === undefined ? null : { ...key, fault },
      }
    })
}

/** Mostly the first one. */
function usually<T>(first: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.constant(first) },
    { weight: 1, arbitrary: fc.constantFrom<T>(...others) },
  )
}

/** Of many places, so that nobody is refused for the address alone. */
const ADDRESSES = Array.from({ length: 250 }, (_, index) => `2001:db8:${(index + 1).toString(16)}::1`)

function anyPath({ path }: Operation, { known }: World): fc.Arbitrary<string> {
  const segments = path.split('/').map((segment) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1]
    if (name === undefined) return fc.constant(segment)
    const there = (known[name] ?? ['abc']).map((value) => encodeURIComponent(String(value)))
    return fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...there) },
      { weight: 1, arbitrary: fc.constantFrom(...SEGMENTS) },
    )
  })
  const plain = fc.tuple(...segments).map((parts) => parts.join('/'))
  return fc
    .tuple(
      plain,
      usually((one: string) => one, ...BENDS),
    )
    .map(([one, bend]) => bend(one))
}

/** Paths that are nearly the right one. */
const BENDS: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => path.replace(/\/$/, ''),
  (path) => `/${path}`,
  (path) => path.replace(/\/(\w+)$/, '//$1'),
  (path) => `${path}/..`,
  (path) => `/x/..${path}`,
  (path) => `${path};x=1`,
  (path) => `${path}%00`,
  (path) => path.toUpperCase(),
  (path) => path.replace('/', '/%2e/'),
]

/** Pairs as they stand on the wire. */
function anyQuery({ query }: Operation, schemas: Schemas): fc.Arbitrary<readonly string[]> {
  const own = query.map(({ name, schema }) =>
    fc
      .tuple(
        fc.oneof({ weight: 3, arbitrary: fitting(schema, schemas, name) }, fc.constantFrom<Json>(...VALUES_IN_QUERY)),
        usually<'once' | 'not' | 'twice'>('once', 'not', 'not', 'twice'),
      )
      .map(([value, times]) => {
        const pair = `${name}=${escaped(String(typeof value === 'object' ? '' : value))}`
        return times === 'not' ? [] : times === 'twice' ? [pair, pair] : [pair]
      }),
  )
  const none = fc.constant<readonly string[]>([])
  const more = fc.oneof({ weight: 8, arbitrary: none }, fc.array(fc.constantFrom(...STRANGE_PAIRS), { maxLength: 3 }))
  const named = fc.tuple(...own).map((pairs) => pairs.flat())
  return fc.tuple(own.length === 0 ? none : fc.oneof(named, none), more).map(([one, other]) => [...one, ...other])
}

const VALUES_IN_QUERY = TEXTS.filter((text) => text.length < 2_000)

function escaped(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : '%ed%a0%80'
}

const STRANGE_PAIRS = [
  '',
  '=',
  'a',
  '%zz',
  '__proto__=1',
  'constructor[prototype]=1',
  'x[]=1',
  '%00=%00',
  'limit=1',
  'x=%ff',
]

/** Where the scheme's own credential would not do: Slack's tokens act for users, and receivers have theirs. */
const OF_THE_API: Readonly<Record<string, string>> = { Slack: 'slack', 'Shared Signals': 'streams' }

/** With whose words it comes: mostly somebody's who may ask, else somebody else's, nobody's, or two people's. */
function anyCarriers({ security, api }: Operation, { carriers }: World): fc.Arbitrary<readonly Carrier[]> {
  const all = Object.values(carriers).flat()
  const own = security.flatMap((name) => carriers[OF_THE_API[api] ?? name] ?? [])
  const one = (some: readonly Carrier[]) => fc.constantFrom(...some).map((carrier) => [carrier])
  return fc.oneof(
    { weight: own.length === 0 ? 0 : 20, arbitrary: one(own.length === 0 ? all : own) },
    { weight: 2, arbitrary: one(all) },
    { weight: 2, arbitrary: fc.constant<readonly Carrier[]>([]) },
    { weight: 2, arbitrary: one(all.map(spoiled)) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...all), fc.constantFrom(...all)) },
  )
}

/** The same with one character changed in the middle. */
function spoiled({ headers }: Carrier): Carrier {
  const spoil = (value: string) => {
    const at = value.length - 8
    return value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
  }
  return { headers: headers.map(([name, value]) => [name, name === 'origin' ? value : spoil(value)]) }
}

/** No body where none is taken, but for some. */
function anyBody(operation: Operation, schemas: Schemas): fc.Arbitrary<Encoding> {
  const none = fc.constant<Encoding>({ headers: [], body: null, query: [] })
  if (operation.body === null) {
    const stray = fc.constant<Encoding>({
      headers: [['content-type', 'application/json']],
      body: bytes('{"a":1}'),
      query: [],
    })
    return fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: stray })
  }
  const tree = fc
    .tuple(fitting(operation.body.schema, schemas), fc.array(fc.tuple(fc.nat(40), anyChange), { maxLength: 2 }))
    .map(([value, changes]) => changes.reduce((one, [place, change]) => changed(one, place, change), value))
  return fc.oneof({ weight: 20, arbitrary: anyEncoding(operation, tree) }, { weight: 1, arbitrary: none })
}

const anyValue = fc.constantFrom<Json>(...VALUES)
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: anyValue.map((value): Change => ({ how: 'replace', value })) },
  fc.constant<Change>({ how: 'remove' }),
  { weight: 2, arbitrary: fc.constantFrom(...MEMBERS).map(([name, value]): Change => ({ how: 'add', name, value })) },
  anyValue.map((value): Change => ({ how: 'twice', value })),
  fc.constant<Change>({ how: 'wrap' }),
  fc.string({ unit: 'binary', maxLength: 20 }).map((value): Change => ({ how: 'replace', value })),
  fc.constant<Change>({ how: 'replace', value: object() }),
)

/** Headers that some servers believe, and that come twice. */
function strangeHeaders({ origin, carriers }: World): readonly Header[] {
  const carried = Object.values(carriers)
    .flat()
    .flatMap(({ headers }) => headers)
  return [
    ['x-forwarded-for', '127.0.0.1'],
    ['x-real-ip', '127.0.0.1'],
    ['forwarded', 'for=127.0.0.1;host=evil.example'],
    ['x-forwarded-host', 'evil.example'],
    ['x-original-url', '/operator/bootstrap'],
    ['x-rewrite-url', '/operator/bootstrap'],
    ['x-http-method-override', 'DELETE'],
    ['x-method-override', 'DELETE'],
    ['sec-fetch-site', 'cross-site'],
    ['origin', origin],
    ['origin', 'https://evil.example'],
    ['content-type', 'application/json'],
    ['content-type', 'text/html; charset=utf-7'],
    ['accept', 'text/html'],
    ['accept-encoding', 'br'],
    ['cache-control', 'max-age=60'],
    ['cache-control', 'max-age=99999999999999999999'],
    ['if-match', '*'],
    ['if-match', '"1"'],
    ['if-match', 'W/"1", "2"'],
    ['if-none-match', '*'],
    ['if-modified-since', 'Sat, 29 Oct 1994 19:43:31 GMT'],
    ['range', 'bytes=0-1'],
    ['expect', 'x'],
    ['cookie', 'sessionid='],
    ['cookie', `sessionid=${'x'.repeat(5_000)}`],
    ['cookie', Array.from({ length: 200 }, (_, index) => `sessionid=${index}`).join('; ')],
    ['cookie', '__Host-sessionid=x; sessionid=y; =; ;;;'],
    ['authorization', 'Bearer'],
    ['authorization', `Bearer ${'x'.repeat(5_000)}`],
    ['authorization', 'Basic ////'],
    ['authorization', 'Basic OjpmOg=='],
    ['authorization', 'SDK-HMAC-SHA256 Access=, SignedHeaders=, Signature='],
    ['user-agent', '<script>alert(1)</script>'],
    ['user-agent', 'x'.repeat(5_000)],
    ['user-agent', '\u00ff\u0080'],
    ['latchkey-console', '1'],
    ['access-control-request-method', 'POST'],
    ['x-security-token', 'x'],
    ['x-sdk-date', '20260101T000000Z'],
    ...carried,
  ]
}
