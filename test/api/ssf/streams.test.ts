/** The management of streams by their receivers: what is taken, what is refused, and whose it is. */
import { describe, expect, test } from 'vitest'
import { send, signIn } from '../../support/requests.ts'
import { CREDENTIAL_CHANGE, ESTABLISHED, POLL, PUSH, REVOKED, SsfReceiver } from '../../support/ssf-receiver.ts'
import { makeBearer, makeStore, makeUser } from '../../support/stores.ts'
import { auditEvents, operate, patch } from '../operator/operator.ts'

const push = (host = 'receiver.example.com') => ({ method: PUSH, endpoint_url: `https://${host}/events` })

test('a stream is made, read, changed, replaced and deleted, on record and without its secret', async () => {
  const store = await makeStore()
  const receiver = await SsfReceiver.of(store)
  expect((await receiver.ask('configuration')).body).toEqual([])
  const unknown = 'urn:example:secevent:events:type_4'
  const made = await receiver.create({
    delivery: { ...push(), authorization_header: 'Bearer s3cret' },
    events_requested: [REVOKED, unknown],
    description: 'x'.repeat(500),
  })
  expect(made).toMatchObject({
    delivery: push(),
    events_supported: [REVOKED, ESTABLISHED, CREDENTIAL_CHANGE],
    events_requested: [REVOKED, unknown],
    events_delivered: [REVOKED],
    description: 'x'.repeat(200),
  })
  const { stream_id } = made
  const one = await receiver.ask('configuration', 'GET', undefined, `?stream_id=${stream_id}`)
  expect([one.status, one.body, one.headers.get('cache-control')]).toEqual([200, made, 'no-store'])
  const other = await receiver.create({})
  expect(other).toMatchObject({ delivery: { method: POLL }, events_requested: [], events_delivered: [] })
  expect((await receiver.ask('configuration')).body).toEqual([made, other])

  // What is ours may come back with it.
  const changed = await receiver.ask('configuration', 'PATCH', { ...made, events_requested: [ESTABLISHED] })
  expect([changed.status, changed.body]).toEqual([
    200,
    { ...made, events_requested: [ESTABLISHED], events_delivered: [ESTABLISHED] },
  ])
  const replaced = await receiver.ask('configuration', 'PUT', { stream_id, events_requested: [REVOKED] })
  const { description: _, ...rest } = made
  const endpoint_url = `${receiver.issuer}/streams/${stream_id}/poll`
  expect(replaced.body).toEqual({
    ...rest,
    delivery: { method: POLL, endpoint_url },
    events_requested: [REVOKED],
    events_delivered: [REVOKED],
  })
  const again = await receiver.ask('configuration', 'PATCH', { stream_id, delivery: push('other.example.com') })
  expect(again.body.delivery).toEqual(push('other.example.com'))
  expect((await receiver.ask('configuration', 'DELETE', undefined, `?stream_id=${stream_id}`)).status).toBe(204)
  expect((await receiver.ask('configuration')).body).toEqual([other])

  const acts = (await auditEvents(store)).filter(({ subject }) => subject.endsWith(stream_id)).toReversed()
  expect(acts.map(({ action }) => action.replace('event_endpoint.', ''))).toEqual([
    'created',
    'updated',
    'updated',
    'updated',
    'deleted',
  ])
  expect(new Set(acts.map(({ actor }) => actor))).toEqual(new Set([`credential:${made.aud}`]))
  expect(acts[1]).toMatchObject({
    before: { events_requested: [REVOKED, unknown] },
    after: { events_requested: [ESTABLISHED] },
  })
  expect(JSON.stringify([acts, one.body, again.body])).not.toContain('s3cret')
})

describe('a request', () => {
  test.each<[string, string, unknown]>([
    ['POST', 'no JSON', '{'],
    ['POST', 'no object', []],
    ['POST', 'an unknown method', { delivery: { method: 'urn:pigeon', endpoint_url: 'https://a.example.com/' } }],
    ['POST', 'no URL to push to', { delivery: { method: PUSH } }],
    ['POST', 'a private URL', { delivery: { method: PUSH, endpoint_url: 'https://10.0.0.1/' } }],
    ['POST', 'plain http', { delivery: { method: PUSH, endpoint_url: 'http://a.example.com/' } }],
    ['POST', 'a header of two lines', { delivery: { ...push(), authorization_header: 'a\r\nb: c' } }],
    ['POST', 'events that are none', { events_requested: 'all' }],
    ['PATCH', 'no stream', { description: 'a' }],
    ['PATCH', 'another issuer', { iss: 'https://other.example.com' }],
    ['PATCH', 'another audience', { aud: ['somebody'] }],
    ['PATCH', 'other events delivered', { events_delivered: [CREDENTIAL_CHANGE] }],
    ['PATCH', 'other events supported', { events_supported: [REVOKED] }],
    ['PATCH', 'an inactivity timeout', { inactivity_timeout: 60 }],
    ['PATCH', 'another place to poll', { delivery: { method: POLL, endpoint_url: 'https://a.example.com/' } }],
    ['PUT', 'another interval', { min_verification_interval: 1 }],
  ])('%s with %s is refused, and changes nothing', async (method, what, json) => {
    const receiver = await SsfReceiver.of(await makeStore())
    const stream = await receiver.create({ events_requested: [REVOKED] })
    const named =
      method === 'POST' || what === 'no stream' ? json : { stream_id: stream.stream_id, ...(json as object) }
    const refused = await receiver.ask('configuration', method, named)
    expect([refused.status, refused.body]).toEqual([
      400,
      { err: 'invalid_request', description: expect.stringMatching(/./) },
    ])
    expect((await receiver.ask('configuration')).body).toEqual([stream])
  })

  test.each<[string, object]>([
    ['status', { status: 'sleeping' }],
    ['status', { status: 'paused', reason: 7 }],
    ['add_subject', { subject: { email: 'a@example.com' } }],
    ['add_subject', { subject: { format: 'iss_sub', sub: 'a' } }],
    ['remove_subject', { subject: 'everybody' }],
    ['remove_subject', { subject: { format: 'complex', user: { format: 'complex' } } }],
    ['remove_subject', {}],
    ['verification', { state: 7 }],
  ])('at the %s endpoint with %o is refused', async (endpoint, json) => {
    const receiver = await SsfReceiver.of(await makeStore())
    const { stream_id } = await receiver.create({})
    const refused = await receiver.ask(endpoint, 'POST', { stream_id, ...json })
    expect([refused.status, refused.body.err]).toEqual([400, 'invalid_request'])
  })

  test.each([
    { maxEvents: -1 },
    { maxEvents: 'all' },
    { ack: 'x' },
    { setErrs: { a: 'no' } },
    { returnImmediately: 1 },
  ])('to poll with %o is refused', async (json) => {
    const receiver = await SsfReceiver.of(await makeStore())
    const stream = await receiver.create({})
    const refused = await receiver.askAt(stream.delivery.endpoint_url, 'POST', json)
    expect([refused.status, refused.body.err]).toEqual([400, 'invalid_request'])
  })

  test('for a verification that comes too soon after another is told to wait', async () => {
    const receiver = await SsfReceiver.of(await makeStore())
    const { stream_id, min_verification_interval: seconds } = await receiver.create({})
    expect((await receiver.ask('verification', 'POST', { stream_id })).status).toBe(204)
    const refused = await receiver.ask('verification', 'POST', { stream_id })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, String(seconds)])
  })

  test('of a path or a method that is not there is told in the same words', async () => {
    const receiver = await SsfReceiver.of(await makeStore())
    const [path, method] = [
      await receiver.askAt(`${receiver.issuer}/nowhere`, 'GET'),
      await receiver.ask('verification', 'DELETE'),
    ]
    expect([path.status, path.body.err, method.status]).toEqual([404, 'not_found', 405])
    expect(method.headers.get('allow')).toBe('POST')
  })
})

describe('a receiver', () => {
  /** Every request about a stream. */
  async function answers(receiver: SsfReceiver, stream_id: string): Promise<[string, number][]> {
    const query = `?stream_id=${stream_id}`
    const subject = { format: 'iss_sub', iss: receiver.issuer, sub: 'a' }
    const tries: [string, Promise<{ status: number }>][] = [
      ['read', receiver.ask('configuration', 'GET', undefined, query)],
      ['read status', receiver.ask('status', 'GET', undefined, query)],
      ['list', receiver.ask('configuration')],
      ['change', receiver.ask('configuration', 'PATCH', { stream_id, description: 'mine' })],
      ['replace', receiver.ask('configuration', 'PUT', { stream_id })],
      ['status', receiver.ask('status', 'POST', { stream_id, status: 'paused' })],
      ['add', receiver.ask('add_subject', 'POST', { stream_id, subject })],
      ['remove', receiver.ask('remove_subject', 'POST', { stream_id, subject })],
      ['verify', receiver.ask('verification', 'POST', { stream_id })],
      ['poll', receiver.askAt(`${receiver.issuer}/streams/${stream_id}/poll`, 'POST', { returnImmediately: true })],
      ['delete', receiver.ask('configuration', 'DELETE', undefined, query)],
    ]
    return Promise.all(tries.map(async ([what, asked]) => [what, (await asked).status] as [string, number]))
  }

  test('finds no stream of another, of its store or of another', async () => {
    const store = await makeStore()
    const [own, same, foreign] = [
      await SsfReceiver.of(store),
      await SsfReceiver.of(store),
      await SsfReceiver.of(await makeStore()),
    ]
    const stream = await own.create({ events_requested: [REVOKED] })
    for (const other of [same, foreign]) {
      const found = await answers(other, stream.stream_id)
      expect(found.filter(([what, status]) => status !== (what === 'list' ? 200 : 404))).toEqual([])
      expect((await other.ask('configuration')).body).toEqual([])
    }
    // A webhook is no stream.
    const json = { kind: 'webhook', url: 'https://hooks.example.com/' }
    const { body } = await operate(`/identity-stores/${store}/event-endpoints`, { json })
    expect((await answers(own, body.endpoint_id)).filter(([, status]) => status === 404)).toHaveLength(10)
    expect((await own.ask('configuration')).body).toEqual([stream])
  })

  test('with a credential of another store, none, another token or too few scopes is not let in', async () => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const { issuer } = await SsfReceiver.of(store)
    const path = `${issuer}/streams`
    const foreign = await makeBearer(await makeStore(), ['ssf.manage'])
    const session = await signIn(user)
    const tries: [string | undefined, number, RegExp][] = [
      [undefined, 401, /error="invalid_token"/],
      [foreign, 401, /error="invalid_token"/],
      [session.token, 401, /error="invalid_token"/],
      [await makeBearer(store, ['sessions:revoke']), 403, /error="insufficient_scope", scope="ssf.read"/],
    ]
    for (const [bearer, status, challenge] of tries) {
      const refused = await send(path, bearer === undefined ? {} : { bearer })
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        status,
        expect.stringMatching(challenge),
      ])
      expect(await refused.json()).toEqual({ err: expect.any(String), description: expect.any(String) })
    }
    // Not in the query (RFC 6750, section 2.3).
    const bearer = await makeBearer(store, ['ssf.manage'])
    expect((await send(`${path}?access_token=${bearer}`)).status).toBe(401)
  })

  test('with ssf.read reads, and does nothing else', async () => {
    const receiver = await SsfReceiver.of(await makeStore(), ['ssf.read'])
    const statuses = new Map(await answers(receiver, 'nobody'))
    const let_in = [...statuses].filter(([, status]) => status !== 403).map(([what]) => what)
    expect(let_in).toEqual(['read', 'read status', 'list'])
    expect((await receiver.ask('configuration', 'POST', {})).status).toBe(403)
  })
})

describe('an issuer', () => {
  test('is a store with a credential for it, and no other: not even that there is one is told', async () => {
    const [store, without] = [await makeStore(), await makeStore()]
    await makeBearer(store, ['ssf.manage'])
    await makeBearer(without, ['sessions:revoke'])
    const found = async (id: string) => {
      const paths = [`/.well-known/ssf-configuration/ssf/${id}`, `/ssf/${id}/jwks.json`]
      return Promise.all(paths.map(async (path) => (await send(path)).status))
    }
    expect(await found(store)).toEqual([200, 200])
    expect(await found(without)).toEqual([404, 404])
    expect(await found('nobody')).toEqual([404, 404])
  })

  test('has keys that say what they are, in a document for caches, and one key whoever asks first', async () => {
    const receiver = await SsfReceiver.of(await makeStore())
    const sets = await Promise.all([receiver.keys(), receiver.keys(), receiver.keys()])
    const response = await send(`${receiver.issuer}/jwks.json`)
    expect(response.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    const { keys } = (await response.json()) as { keys: Record<string, string>[] }
    for (const set of sets) expect(set).toEqual({ keys })
    expect(keys).toEqual([
      { kty: 'RSA', use: 'sig', alg: 'RS256', kid: expect.any(String), n: expect.any(String), e: 'AQAB' },
    ])
    expect(Uint8Array.fromBase64(keys[0]?.n ?? '', { alphabet: 'base64url' })).toHaveLength(256)
  })

  test('has at most ten streams and webhooks, of all receivers', async () => {
    const receiver = await SsfReceiver.of(await makeStore())
    for (let made = 0; made < 10; made += 1) await receiver.create({})
    const refused = await receiver.ask('configuration', 'POST', {})
    expect([refused.status, refused.body.err]).toEqual([403, 'access_denied'])
  })
})

test('an operator sees streams, pauses and tries them, and changes nothing else of them', async () => {
  const store = await makeStore()
  const receiver = await SsfReceiver.of(store)
  const stream = await receiver.create({ events_requested: [REVOKED] })
  const path = `/identity-stores/${store}/event-endpoints/${stream.stream_id}`
  expect((await operate(path)).body).toMatchObject({
    kind: 'ssf_poll',
    url: stream.delivery.endpoint_url,
    types: ['session.ended', 'user.disabled', 'user.deleted'],
  })
  for (const refused of [
    patch(path, { url: 'https://a.example.com/' }),
    patch(path, { types: ['*'], enabled: false }),
    operate(`${path}/rotate-secret`, { method: 'POST' }),
  ]) {
    expect((await refused).body.code).toBe('conflict')
  }
  const tried = await operate(`${path}/test`, { method: 'POST' })
  expect(tried.status).toBe(202)
  const { sets } = await receiver.poll(stream)
  expect(Object.keys(sets)).toEqual([tried.body.event_id])
  const json = { kind: 'ssf_push', url: 'https://a.example.com/' }
  expect((await operate(`/identity-stores/${store}/event-endpoints`, { json })).status).toBe(400)
})
