/** Streams of security events, from the change to a receiver that verifies with jose. */

import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { decodeProtectedHeader } from 'jose'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import document from '../../docs/events.md?raw'
import { DELIVERY_RETRY_MILLISECONDS, FAILING_MILLISECONDS } from '../../src/limits.ts'
import { operate, patch } from '../api/operator/operator.ts'
import { uncountedStub } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import type { Json } from '../support/json.ts'
import { mirrored } from '../support/objects.ts'
import { idsOf, receiveEvents } from '../support/receivers.ts'
import { send, signIn } from '../support/requests.ts'
import {
  CREDENTIAL_CHANGE,
  ESTABLISHED,
  keyIdOf,
  REVOKED,
  refusing,
  SsfReceiver,
  type Told,
  UPDATED,
  VERIFICATION,
} from '../support/ssf-receiver.ts'
import { makeStore, makeUser, type TestUser } from '../support/stores.ts'

beforeEach(() => receiveEvents())

/** A user signs in and out. */
async function comeAndGo(user: TestUser) {
  const session = await signIn(user)
  await send('/sessions/current', { method: 'DELETE', bearer: session.token })
  await mirrored(user)
  return session
}

const pathOf = (store: string, { stream_id: id }: Json) => `/identity-stores/${store}/event-endpoints/${id}`

function fire(store: string, { stream_id: id }: Json): Promise<boolean> {
  return runDurableObjectAlarm(uncountedStub(env.ENDPOINTS, `${store}/${id}`))
}

const kinds = (told: readonly Told[]) => told.map(({ events }) => Object.keys(events)[0] ?? '')

async function deliveries(store: string, stream: Json): Promise<Json> {
  return (await operate(`${pathOf(store, stream)}/deliveries`)).body
}

test('a receiver finds the issuer, makes a stream, verifies it, and is pushed what happens to sessions', async () => {
  const store = await makeStore()
  const user = await makeUser({ identityStoreId: store })
  const receiver = await SsfReceiver.of(store)
  const configuration = await receiver.discover()
  expect(configuration).toMatchObject({ spec_version: '1_0', default_subjects: 'ALL' })
  expect(configuration.authorization_schemes).toContainEqual({ spec_urn: 'urn:ietf:rfc:6749' })
  const pushed = await receiver.pushed([REVOKED, ESTABLISHED], undefined, { authorization_header: 'Bearer s3cret' })
  const { stream } = pushed
  expect(stream.events_delivered).toEqual([REVOKED, ESTABLISHED])

  const asked = await receiver.ask('verification', 'POST', { stream_id: stream.stream_id, state: 'VGhpcw' })
  expect([asked.status, asked.body]).toEqual([204, ''])
  await pushed.arrived(1)
  const [verification] = await pushed.told()
  expect(verification).toMatchObject({
    sub_id: { format: 'opaque', id: stream.stream_id },
    events: { [VERIFICATION]: { state: 'VGhpcw' } },
  })

  const session = await comeAndGo(user)
  await pushed.arrived(3)
  const [, established, revoked] = await pushed.told()
  const subject = {
    format: 'complex',
    user: { format: 'iss_sub', iss: receiver.issuer, sub: user.userId },
    session: { format: 'opaque', id: session.id },
    tenant: { format: 'opaque', id: store },
  }
  expect(established).toMatchObject({ sub_id: subject, events: { [ESTABLISHED]: { amr: ['pwd'] } } })
  expect(revoked?.sub_id).toEqual(subject)
  expect(revoked?.events).toEqual({
    [REVOKED]: {
      event_timestamp: expect.any(Number),
      initiating_entity: 'user',
      reason_admin: { en: 'The user signed out.' },
    },
  })
  // The outbox' own ids.
  expect([established?.jti, revoked?.jti]).toEqual(await idsOf(`/identity-stores/${store}`, /^session\./))
  for (const { headers, token } of pushed.requests) {
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: 'Bearer s3cret',
    })
    expect(decodeProtectedHeader(token)).toEqual({ typ: 'secevent+jwt', alg: 'RS256', kid: keyIdOf(token) })
  }
})

test('a receiver that polls is told the same, until it has acknowledged it', async () => {
  const store = await makeStore()
  const user = await makeUser({ identityStoreId: store })
  const receiver = await SsfReceiver.of(store)
  const stream = await receiver.create({ events_requested: [REVOKED] })
  expect(stream.delivery).toEqual({
    method: 'urn:ietf:rfc:8936',
    endpoint_url: `${receiver.issuer}/streams/${stream.stream_id}/poll`,
  })
  expect(await receiver.poll(stream)).toEqual({ sets: {} })
  for (let times = 0; times < 3; times += 1) await comeAndGo(user)
  const first = await receiver.poll(stream, { maxEvents: 2, ack: [], setErrs: {} })
  expect([Object.keys(first.sets).length, first.moreAvailable]).toEqual([2, true])
  const ids = await idsOf(`/identity-stores/${store}`, /^session.ended/)
  expect(Object.keys(first.sets)).toEqual(ids.slice(0, 2))
  for (const [id, token] of Object.entries(first.sets)) expect((await receiver.verify(token, stream)).jti).toBe(id)
  // Not acknowledged, they come again: the very same.
  expect((await receiver.poll(stream, { maxEvents: 2 })).sets).toEqual(first.sets)
  const [taken, refused] = Object.keys(first.sets)
  const ack = { ack: [taken], setErrs: { [refused ?? '']: { err: 'invalid_request', description: 'odd' } } }
  expect(await receiver.poll(stream, { maxEvents: 0, ...ack })).toEqual({ sets: {}, moreAvailable: true })
  const rest = await receiver.poll(stream)
  expect([Object.keys(rest.sets), rest.moreAvailable]).toEqual([ids.slice(2), undefined])
  expect(await receiver.poll(stream, { ack: ids.slice(2) })).toEqual({ sets: {} })
  const kept = (await deliveries(store, stream)).deliveries.toReversed()
  expect(kept.map((one: Json) => [one.event_id, one.state, one.answer])).toEqual([
    [taken, 'delivered', 'acknowledged'],
    [refused, 'given_up', 'invalid_request: odd'],
    [ids[2], 'delivered', 'acknowledged'],
  ])
})

test('a poll that may wait is answered when there is something', async () => {
  const store = await makeStore()
  const user = await makeUser({ identityStoreId: store })
  const receiver = await SsfReceiver.of(store)
  const stream = await receiver.create({ events_requested: [REVOKED] })
  await receiver.poll(stream)
  const waiting = receiver.poll(stream, { returnImmediately: false })
  await comeAndGo(user)
  expect(Object.keys((await waiting).sets)).toHaveLength(1)
})

test('a new password and a disabled user are told of the user', async () => {
  const store = await makeStore()
  const user = await makeUser({ identityStoreId: store })
  const receiver = await SsfReceiver.of(store)
  const stream = await receiver.create({ events_requested: [REVOKED, CREDENTIAL_CHANGE] })
  const path = `/identity-stores/${store}/users/${user.userId}`
  expect((await patch(path, { password: 'another long password' })).status).toBe(200)
  expect((await patch(path, { active: false })).status).toBe(200)
  const { sets } = await receiver.poll(stream)
  const told = await Promise.all(Object.values(sets).map((token) => receiver.verify(token, stream)))
  expect(kinds(told)).toEqual([CREDENTIAL_CHANGE, REVOKED])
  const subject = { format: 'iss_sub', iss: receiver.issuer, sub: user.userId }
  expect(told.map(({ sub_id }) => sub_id)).toEqual([subject, subject])
  expect(told[0]?.events[CREDENTIAL_CHANGE]).toMatchObject({
    credential_type: 'password',
    change_type: 'update',
    reason_admin: { en: expect.stringMatching(/./) },
  })
  expect(told[1]?.events[REVOKED]).toMatchObject({ initiating_entity: 'admin' })
})

describe('a receiver that does not take a token', () => {
  test.each([
    ['fails', () => new Response('busy', { status: 503 })],
    ['does not know us yet', refusing('authentication_failed')],
    ['has not the key yet', refusing('invalid_key')],
  ])('since it %s is sent it again, the same', async (_, answer) => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const receiver = await SsfReceiver.of(store)
    const pushed = await receiver.pushed([REVOKED], answer)
    stopClock()
    await comeAndGo(user)
    await pushed.arrived(1)
    await vi.waitFor(async () => expect((await deliveries(store, pushed.stream)).deliveries).toHaveLength(1))
    pushed.answer = () => new Response(null, { status: 202 })
    stopClock(Date.now() + 1.2 * DELIVERY_RETRY_MILLISECONDS[0])
    await fire(store, pushed.stream)
    await pushed.arrived(2)
    const [one, two] = pushed.requests
    expect(two?.token).toBe(one?.token)
    await vi.waitFor(async () => expect((await deliveries(store, pushed.stream)).pending).toBe(0))
  })

  test.each(['invalid_request', 'invalid_audience', 'invalid_issuer'])('as %s is not sent it again', async (err) => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const receiver = await SsfReceiver.of(store)
    const pushed = await receiver.pushed([REVOKED], refusing(err))
    await comeAndGo(user)
    await pushed.arrived(1)
    await vi.waitFor(async () => {
      const { deliveries: kept, pending } = await deliveries(store, pushed.stream)
      expect([kept[0]?.state, kept[0]?.status, pending]).toEqual(['given_up', 400, 0])
      expect(kept[0].answer).toContain(err)
    })
  })

  test('for three days is paused, told so, and loses nothing', async () => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const receiver = await SsfReceiver.of(store)
    const start = stopClock()
    const pushed = await receiver.pushed([REVOKED], () => new Response(null, { status: 500 }))
    const { stream_id: id } = pushed.stream
    await comeAndGo(user)
    await pushed.arrived(1)
    await vi.waitFor(async () => expect((await deliveries(store, pushed.stream)).failing_since).not.toBeNull())
    stopClock(start + FAILING_MILLISECONDS + 60_000)
    await fire(store, pushed.stream)
    await vi.waitFor(async () =>
      expect((await receiver.ask('status', 'GET', undefined, `?stream_id=${id}`)).body.status).toBe('paused'),
    )
    await pushed.arrived(3)
    const told = await pushed.told()
    expect(told.at(-1)).toMatchObject({
      sub_id: { format: 'opaque', id },
      events: { [UPDATED]: { status: 'paused', reason: expect.stringContaining('three days') } },
    })
    pushed.answer = () => new Response(null, { status: 202 })
    const before = pushed.requests.length
    await receiver.ask('status', 'POST', { stream_id: id, status: 'enabled' })
    advanceClock(86_400 * 1.2)
    await fire(store, pushed.stream)
    await pushed.arrived(before + 1)
    expect(kinds(await pushed.told()).slice(before)).toContain(REVOKED)
  })
})

describe('a stream', () => {
  test('that is paused is told afterwards what happened, in its order; one that is disabled is not', async () => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const receiver = await SsfReceiver.of(store)
    const pushed = await receiver.pushed([REVOKED, ESTABLISHED])
    const { stream_id: id } = pushed.stream
    const status = async (now: string, reason?: string) => {
      const changed = await receiver.ask('status', 'POST', { stream_id: id, status: now, reason })
      expect([changed.status, changed.body]).toEqual([200, { stream_id: id, status: now, ...(reason && { reason }) }])
      expect((await receiver.ask('status', 'GET', undefined, `?stream_id=${id}`)).body).toEqual(changed.body)
    }
    await status('paused', 'maintenance')
    for (let times = 0; times < 6; times += 1) await comeAndGo(user)
    await fire(store, pushed.stream)
    expect(pushed.requests).toEqual([])
    let [underWay, most] = [0, 0]
    pushed.answer = async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await scheduler.wait(10)
      underWay -= 1
      return new Response(null, { status: 202 })
    }
    await status('enabled')
    await pushed.arrived(12)
    expect(most).toBe(1)
    const ids = await idsOf(`/identity-stores/${store}`, /^session\./)
    expect((await pushed.told()).map(({ jti }) => jti)).toEqual(ids)
    await vi.waitFor(async () => expect((await deliveries(store, pushed.stream)).pending).toBe(0))

    await status('disabled')
    await comeAndGo(user)
    expect((await receiver.ask('verification', 'POST', { stream_id: id })).status).toBe(400)
    await status('enabled')
    await comeAndGo(user)
    await pushed.arrived(14)
    expect((await pushed.told()).slice(12).map(({ jti }) => jti)).toEqual(
      (await idsOf(`/identity-stores/${store}`, /^session\./)).slice(14),
    )
  })

  test('that an operator pauses and enables is told so, and its receiver cannot undo it', async () => {
    const store = await makeStore()
    const receiver = await SsfReceiver.of(store)
    const pushed = await receiver.pushed()
    const polled = await receiver.create({ events_requested: [REVOKED] })
    await comeAndGo(await makeUser({ identityStoreId: store }))
    await pushed.arrived(2)
    for (const stream of [pushed.stream, polled]) {
      expect((await patch(pathOf(store, stream), { enabled: false })).body).toMatchObject({
        enabled: false,
        disabled_reason: 'operator',
      })
      const undone = await receiver.ask('status', 'POST', { stream_id: stream.stream_id, status: 'enabled' })
      expect([undone.status, undone.body.err]).toEqual([403, 'access_denied'])
    }
    await pushed.arrived(3)
    const { sets } = await receiver.poll(polled)
    expect(Object.keys(sets)).toHaveLength(1)
    const [token = ''] = Object.values(sets)
    const told = (await pushed.told())[2]
    for (const one of [told, await receiver.verify(token, polled)]) {
      expect(one?.events).toEqual({ [UPDATED]: { status: 'paused', reason: 'An operator has paused the stream.' } })
    }
    await patch(pathOf(store, pushed.stream), { enabled: true })
    await pushed.arrived(4)
    expect((await pushed.told())[3]?.events).toEqual({ [UPDATED]: { status: 'enabled' } })
  })

  test('leaves out whom its receiver does not want to hear of', async () => {
    const store = await makeStore()
    const [one, two] = [await makeUser({ identityStoreId: store }), await makeUser({ identityStoreId: store })]
    const receiver = await SsfReceiver.of(store)
    const stream = await receiver.create({ events_requested: [REVOKED] })
    const { stream_id } = stream
    const subject = { format: 'iss_sub', iss: receiver.issuer, sub: one.userId }
    const heard = async () => {
      await comeAndGo(one)
      await comeAndGo(two)
      const { sets } = await receiver.poll(stream)
      const told = await Promise.all(Object.values(sets).map((token) => receiver.verify(token, stream)))
      await receiver.poll(stream, { maxEvents: 0, ack: Object.keys(sets) })
      return told.map(({ sub_id }) => sub_id.user.sub)
    }
    expect((await receiver.ask('remove_subject', 'POST', { stream_id, subject })).status).toBe(204)
    expect(await heard()).toEqual([two.userId])
    const complex = { format: 'complex', user: subject, tenant: { format: 'opaque', id: store } }
    const added = await receiver.ask('add_subject', 'POST', { stream_id, subject: complex, verified: true })
    expect([added.status, added.body]).toEqual([200, ''])
    expect(await heard()).toEqual([one.userId, two.userId])
    // Of whom nobody knows, and the stream itself: nothing is found out, and nothing is done.
    for (const nobody of [
      { format: 'email', email: one.username },
      { format: 'opaque', id: stream_id },
      { format: 'complex', user: subject, device: { format: 'opaque', id: 'd' } },
      { format: 'complex', user: subject, org_unit: { format: 'opaque', id: store } },
      { format: 'complex', application: subject },
      { format: 'complex' },
      { format: 'catalog_item', catalog_id: 'c' },
    ]) {
      expect((await receiver.ask('remove_subject', 'POST', { stream_id, subject: nobody })).status).toBe(204)
    }
    expect(await heard()).toEqual([one.userId, two.userId])
    const audited = (await operate(`/identity-stores/${store}/audit-events`)).body.audit_events
    expect(audited.map(({ action }: Json) => action)).toContain('event_endpoint.subject_removed')
  })

  test('is told nothing any more when the credential of its receiver is revoked', async () => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const receiver = await SsfReceiver.of(store)
    const pushed = await receiver.pushed([REVOKED])
    await comeAndGo(user)
    await pushed.arrived(1)
    const { aud } = pushed.stream
    const revoked = await operate(`/identity-stores/${store}/credentials/${aud}`, { method: 'DELETE' })
    expect(revoked.status).toBe(204)
    await comeAndGo(user)
    await fire(store, pushed.stream)
    expect(pushed.requests).toHaveLength(1)
  })

  test('is told by a new key before and after it signs, and each token is verified', async () => {
    const store = await makeStore()
    const user = await makeUser({ identityStoreId: store })
    const receiver = await SsfReceiver.of(store)
    const stream = await receiver.create({ events_requested: [REVOKED] })
    stopClock()
    const heard = async () => {
      await comeAndGo(user)
      const [token = ''] = Object.values((await receiver.poll(stream)).sets).slice(-1)
      await receiver.verify(token, stream)
      return keyIdOf(token)
    }
    const first = await heard()
    const published = async () => (await receiver.keys()).keys.map(({ kid }) => kid)
    expect(await published()).toEqual([first])
    // The next one is published for a day before it signs.
    advanceClock(90 * 86_400)
    expect(await heard()).toBe(first)
    const [, next] = await published()
    expect(next).toBeDefined()
    advanceClock(86_400)
    expect(await heard()).toBe(next)
    expect(await published()).toEqual([first, next])
    advanceClock(7 * 86_400)
    expect(await heard()).toBe(next)
    expect(await published()).toEqual([next])
    // What has got into other hands is good no more, at once.
    const rotated = await operate(`/identity-stores/${store}/ssf-keys/rotate`, { json: { compromised: true } })
    expect(rotated.status, rotated.text).toBe(200)
    const after = await heard()
    expect([rotated.body.keys.map((key: Json) => key.key_id), await published()]).toEqual([[after], [after]])
    expect([first, next]).not.toContain(after)
    const actions = (await operate(`/identity-stores/${store}/audit-events`)).body.audit_events as Json[]
    expect(actions.filter(({ action }) => action === 'ssf_key.created')).toHaveLength(3)
    // The object identifier rsaEncryption, as it stands in every RSA key in PKCS #8 in base64.
    const kept = JSON.stringify((await env.DB.prepare('SELECT * FROM ssf_keys').all()).results)
    expect(kept).not.toContain('BgkqhkiG9w0BAQEF')
  })
})

test('a store without a stream pays nothing, though it may have some', async () => {
  const store = await makeStore()
  const receiver = await SsfReceiver.of(store)
  await receiver.keys()
  await comeAndGo(await makeUser({ identityStoreId: store }))
  const kept = env.DB.prepare(
    'SELECT (SELECT count(*) FROM event_stores WHERE identity_store_id = ?1) + (SELECT count(*) FROM events WHERE identity_store_id = ?1) AS rows',
  )
  expect(await kept.bind(store).first('rows')).toBe(0)
})

test('every security event is told as the document shows it', async () => {
  const store = await makeStore()
  const user = await makeUser({ identityStoreId: store })
  const receiver = await SsfReceiver.of(store)
  const stream = await receiver.create({ events_requested: [REVOKED, ESTABLISHED, CREDENTIAL_CHANGE] })
  await comeAndGo(user)
  const path = `/identity-stores/${store}/users/${user.userId}`
  await patch(path, { password: 'another long password' })
  await patch(path, { active: false })
  await patch(path, { active: true })
  await receiver.ask('verification', 'POST', { stream_id: stream.stream_id, state: 'abc' })
  const { sets } = await receiver.poll(stream)
  await patch(pathOf(store, stream), { enabled: false })
  const tokens = [...Object.values(sets), ...Object.values((await receiver.poll(stream)).sets)]
  const told = await Promise.all(tokens.map((token) => receiver.verify(token, stream)))
  const documented = new Map(
    Array.from(document.matchAll(/^\| ([a-z-]+) \|.*\| `(\{"iss".*\})` \|$/gm), ([, name = '', body = '']) => [
      name,
      JSON.parse(body) as Told,
    ]),
  )
  const names = new Set(kinds(told).map((uri) => uri.split('/').at(-1)))
  expect(names).toEqual(new Set(documented.keys()))
  const shape = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]))
      : typeof value
  for (const [name, shown] of documented) {
    const shapes = told.filter(({ events }) => Object.keys(events)[0]?.endsWith(`/${name}`)).map(shape)
    expect([name, shapes]).toEqual([name, expect.arrayContaining([shape(shown)])])
  }
})
