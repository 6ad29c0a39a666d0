/** Webhooks, from the change to whoever is told, with the verifiers that receivers use. */
import { runInDurableObject } from 'cloudflare:test'
import { Webhook } from 'standardwebhooks'
import { Webhook as Svix } from 'svix'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DELIVERY_RETRY_MILLISECONDS, FAILING_MILLISECONDS } from '../../src/limits.ts'
import { auditEvents, operate, patch, put, remove } from '../api/operator/operator.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { Gate } from '../support/gate.ts'
import { fireUserAlarm, mirrored } from '../support/objects.ts'
import { alarmOf, arrived, good, idsOf, makeReceiver, type Receiver, receiveEvents } from '../support/receivers.ts'
import { send, signIn } from '../support/requests.ts'
import { makeStore, makeUser } from '../support/stores.ts'

beforeEach(() => receiveEvents())

async function newStore(): Promise<string> {
  return `/identity-stores/${await makeStore()}`
}

const idOf = (store: string) => store.split('/')[2] as string

/** Makes something happen in a store that is an event. */
async function happen(store: string): Promise<void> {
  expect((await patch(`${store}/session-config`, { overall_timeout_seconds: 3_600 })).status).toBe(200)
}

/** Its memory is gone, and whatever it was doing is not done. */
async function killed({ object }: Receiver): Promise<void> {
  const kill = runInDurableObject(object, (_object, state) => state.abort('killed'))
  await expect(kill).rejects.toThrow('killed')
}

async function deliveries({ path }: Receiver) {
  const answer = await operate(`${path}/deliveries`)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

test('the end of a session is told at once, signed so that the libraries of receivers verify it', async () => {
  const store = await newStore()
  const receiver = await makeReceiver(store, { types: ['session.*'], v1a: true })
  const user = await makeUser({ identityStoreId: idOf(store) })
  const session = await signIn(user)
  await send('/sessions/current', { method: 'DELETE', bearer: session.token })
  await mirrored(user)
  await arrived(receiver, 2)
  const ended = receiver.messages.find(({ body }) => body.includes('session.ended'))
  if (ended === undefined) throw new Error('not told')
  const [standard, svix] = [new Webhook(receiver.secret), new Svix(receiver.secret)]
  expect(standard.verify(ended.body, { ...ended.headers })).toMatchObject({
    type: 'session.ended',
    data: { session_id: session.id, reason: 'logout' },
  })
  svix.verify(ended.body, { ...ended.headers })
  for (const verifier of [standard, svix]) {
    expect(() => verifier.verify(ended.body.replace('logout', 'revoked'), { ...ended.headers })).toThrow()
  }
  // `v1a`, which no library verifies: Ed25519 over the same text.
  const raw = Uint8Array.fromBase64((receiver.publicKey ?? '').replace('whpk_', ''))
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
  const signature = /v1a,(\S+)/.exec(ended.headers['webhook-signature'] ?? '')?.[1] ?? ''
  const content = `${ended.id}.${ended.headers['webhook-timestamp']}.${ended.body}`
  const signed = [Uint8Array.fromBase64(signature), new TextEncoder().encode(content)] as const
  expect(await crypto.subtle.verify('Ed25519', key, ...signed)).toBe(true)
  expect(ended.headers).toMatchObject({ 'content-type': 'application/json' })
  expect(await idsOf(store, /^session\./)).toEqual(receiver.messages.map(({ id }) => id).toSorted())
  expect(receiver.messages.map(({ id }) => id).every((id) => !id.includes('.'))).toBe(true)
})

test('a session that idles out while nobody looks is told', async () => {
  stopClock()
  const store = await newStore()
  expect((await patch(`${store}/session-config`, { inactivity_timeout_seconds: 900 })).status).toBe(200)
  const receiver = await makeReceiver(store, { types: ['session.ended'] })
  const user = await makeUser({ identityStoreId: idOf(store) })
  const { id } = await signIn(user)
  await mirrored(user)
  advanceClock(900)
  await fireUserAlarm(user)
  await arrived(receiver, 1)
  expect(JSON.parse(receiver.messages[0]?.body ?? '').data).toMatchObject({
    session_id: id,
    reason: 'idle',
    ended_by: null,
  })
})

test('new and changed users and credentials are told at once, and by no look of the endpoint’s own', async () => {
  stopClock()
  const store = await newStore()
  const receiver = await makeReceiver(store)
  await put(`${store}/users/jo`, { username: `jo@${idOf(store)}.example` })
  await arrived(receiver, 1)
  await patch(`${store}/users/jo`, { first_name: 'Jo' })
  await arrived(receiver, 2)
  const credential = { kind: 'bearer', name: 'back end', scopes: ['sessions:open'] }
  const made = await operate(`${store}/credentials`, { json: credential })
  await arrived(receiver, 3)
  await remove(`${store}/credentials/${made.body.credential_id}`)
  await arrived(receiver, 4)
  expect(receiver.messages.map(({ body }) => JSON.parse(body).type)).toEqual([
    'user.created',
    'user.changed',
    'credential.created',
    'credential.revoked',
  ])
})

test('a lockout is told at once, and whoever is refused does not wait for it', async () => {
  stopClock()
  const store = await newStore()
  const receiver = await makeReceiver(store, { types: ['sign_in.locked_out'] })
  const { username, userId } = await makeUser({ identityStoreId: idOf(store) })
  const wrong = { json: { username, password: 'wrong' }, address: '192.0.2.91' }
  const answered = new Gate()
  let looks = 0
  intercept(async (call, goOn) => {
    if (call.to !== 'D1' || !/from "event_stores"/i.test(call.statements[0] ?? '')) return goOn()
    looks += 1
    await answered.pass()
    return goOn()
  })
  for (let tries = 0; tries < 5; tries += 1) {
    expect(looks).toBe(0)
    expect((await send('/sessions', wrong)).status).toBe(401)
  }
  answered.open()
  await arrived(receiver, 1)
  expect(JSON.parse(receiver.messages[0]?.body ?? '')).toMatchObject({ data: { user_id: userId, from: 'one_place' } })
  expect((await send('/sessions', wrong)).status).toBe(429)
  expect(looks).toBe(1)
})

test('three endpoints are each told everything, one of them slowly, one failing half the time', async () => {
  const store = await newStore()
  const gate = new Gate()
  const fine = await makeReceiver(store)
  const slow = await makeReceiver(store, {}, () => gate.pass().then(() => new Response()))
  const failing = await makeReceiver(store, {}, (_, nth) => new Response(null, { status: nth % 2 === 1 ? 500 : 204 }))
  const users = await Promise.all(Array.from({ length: 4 }, () => makeUser({ identityStoreId: idOf(store) })))
  const sessions = await Promise.all(users.map((user) => signIn(user)))
  await Promise.all(sessions.map(({ token }) => send('/sessions/current', { method: 'DELETE', bearer: token })))
  await Promise.all(users.map(mirrored))
  await happen(store)
  const ids = await idsOf(store)
  expect(ids).toHaveLength(13)
  // The others do not wait for the slow one.
  await arrived(fine, ids.length)
  gate.open()
  await arrived(slow, ids.length)
  await vi.waitFor(
    async () => {
      stopClock(Date.now() + DELIVERY_RETRY_MILLISECONDS[1])
      await failing.fire()
      expect((await deliveries(failing)).pending).toBe(0)
    },
    { timeout: 20_000, interval: 50 },
  )
  for (const { messages } of [fine, slow, failing]) {
    expect([...new Set(messages.map(({ id }) => id))].toSorted()).toEqual(ids.toSorted())
    const bodies = new Map(messages.map(({ id, body }) => [id, body]))
    expect(messages.every(({ id, body }) => bodies.get(id) === body)).toBe(true)
  }
  const { deliveries: tries } = await deliveries(failing)
  const states = new Set(tries.map((one: { state: string; status: number }) => `${one.status} ${one.state}`))
  expect(states).toEqual(new Set(['500 waiting', '204 delivered']))
})

test('an object that dies with a message on its way sends it again, and nothing is lost or invented', async () => {
  const store = await newStore()
  const never = new Promise<Response>(() => {})
  const receiver = await makeReceiver(store, {}, () => never)
  await happen(store)
  await arrived(receiver, 1)
  await killed(receiver)
  receiver.answer = good
  expect(await alarmOf(receiver)).not.toBeNull()
  advanceClock(31)
  await receiver.fire()
  await arrived(receiver, 2)
  const [first, second] = receiver.messages
  expect([first?.id, first?.body]).toEqual([second?.id, second?.body])
  expect(await idsOf(store)).toEqual([first?.id])
})

describe('an endpoint that does not take an event', () => {
  test('is sent it again by the published schedule, and then no more', async () => {
    const store = await newStore()
    const start = stopClock()
    const receiver = await makeReceiver(store, {}, () => new Response('busy', { status: 503 }))
    await happen(store)
    await arrived(receiver, 1)
    for (const [index, wait] of DELIVERY_RETRY_MILLISECONDS.entries()) {
      await vi.waitFor(async () => expect((await deliveries(receiver)).deliveries).toHaveLength(index + 1))
      const [last] = (await deliveries(receiver)).deliveries
      expect(last).toMatchObject({ attempt: index + 1, status: 503, answer: 'busy', state: 'waiting' })
      const until = Date.parse(last.next_at) - Date.now()
      expect([until >= wait * 0.9, until <= wait * 1.1]).toEqual([true, true])
      // Not before its time.
      stopClock(Date.parse(last.next_at) - 1)
      await receiver.fire()
      expect(receiver.messages).toHaveLength(index + 1)
      stopClock(Date.parse(last.next_at))
      await receiver.fire()
      await arrived(receiver, index + 2)
    }
    expect(Date.now() - start).toBeGreaterThan(60 * 3_600_000)
    await vi.waitFor(async () => {
      const { deliveries: all, pending } = await deliveries(receiver)
      expect([all[0].state, all[0].attempt, pending]).toEqual(['given_up', 10, 0])
    })
  }, 120_000)

  test('and says when it wants it, is heard', async () => {
    const store = await newStore()
    stopClock()
    const headers = { 'retry-after': '120' }
    const receiver = await makeReceiver(store, {}, () => new Response(null, { status: 429, headers }))
    await happen(store)
    await vi.waitFor(async () => {
      const [last] = (await deliveries(receiver)).deliveries
      expect(Date.parse(last.next_at) - Date.parse(last.at)).toBe(120_000)
    })
  })

  test('and is gone, is disabled: on record, and told the others', async () => {
    const store = await newStore()
    const receiver = await makeReceiver(store, {}, () => new Response(null, { status: 410 }))
    const other = await makeReceiver(store, { types: ['event_endpoint.*'] })
    await happen(store)
    await vi.waitFor(async () =>
      expect((await operate(receiver.path)).body).toMatchObject({ enabled: false, disabled_reason: 'gone' }),
    )
    await happen(store)
    await other.fire()
    await arrived(other, 1)
    expect(JSON.parse(other.messages[0]?.body ?? '')).toMatchObject({
      type: 'event_endpoint.disabled',
      data: { endpoint_id: receiver.endpointId, reason: 'gone' },
    })
    expect(receiver.messages).toHaveLength(1)
    const [entry] = (await auditEvents(idOf(store))).filter(({ action }) => action === 'event_endpoint.disabled')
    expect(entry).toMatchObject({ actor: `event_endpoint:${receiver.endpointId}`, after: { enabled: false } })
    expect((await operate(`${receiver.path}/test`, { method: 'POST' })).status).toBe(409)

    // What happened meanwhile is sent once an operator has enabled it.
    receiver.answer = good
    await patch(receiver.path, { enabled: true })
    await arrived(receiver, 3)
    expect(
      receiver.messages
        .slice(1)
        .map(({ body }) => JSON.parse(body).type)
        .toSorted(),
    ).toEqual(['event_endpoint.disabled', 'session_config.changed'])
  })

  test('for three days, nor anything else, is disabled', async () => {
    const store = await newStore()
    stopClock()
    const receiver = await makeReceiver(store, {}, () => new Response(null, { status: 500 }))
    await happen(store)
    await vi.waitFor(async () => expect((await deliveries(receiver)).failing_since).not.toBeNull())
    const since = Date.parse((await deliveries(receiver)).failing_since)
    stopClock(since + FAILING_MILLISECONDS - 1)
    await receiver.fire()
    await arrived(receiver, 2)
    expect((await operate(receiver.path)).body.enabled).toBe(true)
    stopClock(since + FAILING_MILLISECONDS)
    await happen(store)
    await arrived(receiver, 3)
    await vi.waitFor(async () =>
      expect((await operate(receiver.path)).body).toMatchObject({ enabled: false, disabled_reason: 'failing' }),
    )
  })

  test('because it redirects, is not followed', async () => {
    const store = await newStore()
    const location = 'https://elsewhere.example/'
    const receiver = await makeReceiver(store, {}, () => new Response(null, { status: 307, headers: { location } }))
    await happen(store)
    await vi.waitFor(async () =>
      expect((await deliveries(receiver)).deliveries[0]).toMatchObject({ status: 307, state: 'waiting' }),
    )
    const asked = vi.mocked(fetch).mock.calls.filter(([, init]) => init?.method === 'POST')
    expect(asked.every(([, init]) => init?.redirect === 'manual')).toBe(true)
  })

  test('and answers at length, has the beginning kept', async () => {
    const store = await newStore()
    const receiver = await makeReceiver(store, {}, () => new Response('x'.repeat(100_000), { status: 500 }))
    await happen(store)
    await vi.waitFor(async () => expect((await deliveries(receiver)).deliveries[0].answer).toBe('x'.repeat(500)))
  })
})

test('after an outage all that waits is sent at once', async () => {
  const store = await newStore()
  stopClock()
  const receiver = await makeReceiver(store, {}, () => new Response(null, { status: 500 }))
  for (let times = 0; times < 6; times += 1) await happen(store)
  await vi.waitFor(async () => expect((await deliveries(receiver)).pending).toBe(6))
  await arrived(receiver, 6)
  receiver.answer = good
  await happen(store)
  await vi.waitFor(async () => expect((await deliveries(receiver)).pending).toBe(0), { timeout: 10_000 })
  expect(new Set(receiver.messages.map(({ id }) => id)).size).toBe(7)
})

test('both secrets sign for a day, then the new one alone', async () => {
  const store = await newStore()
  stopClock()
  const receiver = await makeReceiver(store)
  const rotated = await operate(`${receiver.path}/rotate-secret`, { method: 'POST' })
  expect(rotated.body.secret).toMatch(/^whsec_/)
  expect(rotated.body.secret).not.toBe(receiver.secret)
  await happen(store)
  await arrived(receiver, 1)
  const verifies = (secret: string, nth: number) => {
    const { body, headers } = receiver.messages[nth] ?? { body: '', headers: {} }
    try {
      return new Webhook(secret).verify(body, { ...headers }) !== null
    } catch {
      return false
    }
  }
  expect([verifies(receiver.secret, 0), verifies(rotated.body.secret, 0)]).toEqual([true, true])
  advanceClock(86_400)
  await happen(store)
  await arrived(receiver, 2)
  expect([verifies(receiver.secret, 1), verifies(rotated.body.secret, 1)]).toEqual([false, true])
  expect((await operate(receiver.path)).body).toMatchObject({ old_secret_valid_until: null })
})

test('a test event, one event, a stretch and all of them are sent when asked for', async () => {
  const store = await newStore()
  const receiver = await makeReceiver(store, { types: ['session_config.*'] })
  for (let times = 0; times < 4; times += 1) await happen(store)
  await makeUser({ identityStoreId: idOf(store) })
  await arrived(receiver, 4)
  const ids = await idsOf(store, /config/)
  const again = async (json: object, expected: readonly string[]) => {
    await vi.waitFor(async () => expect((await deliveries(receiver)).pending).toBe(0))
    const before = receiver.messages.length
    const asked = await operate(`${receiver.path}/replay`, { json })
    expect(asked.status, asked.text).toBe(202)
    await arrived(receiver, before + expected.length)
    expect(
      receiver.messages
        .slice(before)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(expected.toSorted())
  }
  await again({ event_id: ids[1] }, [ids[1] ?? ''])
  await again({ after: ids[0], before: ids[3] }, [ids[1] ?? '', ids[2] ?? ''])
  await again({}, ids)
  const tested = await operate(`${receiver.path}/test`, { method: 'POST' })
  expect(tested.status).toBe(202)
  await arrived(receiver, 12)
  expect(receiver.messages.at(-1)).toMatchObject({ id: tested.body.event_id })
  expect(JSON.parse(receiver.messages.at(-1)?.body ?? '')).toMatchObject({ type: 'event_endpoint.test' })
  for (const json of [{ event_id: 'evt_nobody_1' }, { after: `${ids[0]}000` }, { from: ids[0] }]) {
    expect((await operate(`${receiver.path}/replay`, { json })).status).toBe(400)
  }
})

describe('an endpoint', () => {
  test('is made, listed, changed and removed, on record and without its secret', async () => {
    const store = await newStore()
    const receiver = await makeReceiver(store, { description: 'Warehouse' })
    const { body: list } = await operate(`${store}/event-endpoints`)
    expect(list.endpoints).toMatchObject([
      { endpoint_id: receiver.endpointId, kind: 'webhook', types: ['*'], description: 'Warehouse', enabled: true },
    ])
    const changed = await patch(receiver.path, { types: ['user.*'], v1a: true, enabled: false })
    expect(changed.body).toMatchObject({ types: ['user.*'], enabled: false, disabled_reason: 'operator' })
    expect(changed.body.public_key).toMatch(/^whpk_/)
    expect((await remove(receiver.path)).status).toBe(204)
    for (const request of [operate(receiver.path), remove(receiver.path), operate(`${receiver.path}/deliveries`)]) {
      expect((await request).body.code).toBe('event_endpoint_not_found')
    }
    expect(await alarmOf(receiver)).toBeNull()
    const acts = (await auditEvents(idOf(store))).toReversed()
    expect(acts.map(({ action, subject }) => [action, subject])).toEqual(
      ['created', 'updated', 'deleted'].map((act) => [
        `event_endpoint.${act}`,
        `event_endpoint:${receiver.endpointId}`,
      ]),
    )
    expect(acts[1]).toMatchObject({
      before: { types: ['*'], enabled: true },
      after: { types: ['user.*'], enabled: false },
    })
    const rest = JSON.stringify([list, changed.body, acts])
    expect(rest).not.toContain(receiver.secret)
    expect(rest).not.toContain('sealed')
    // Nothing is written down for nobody.
    expect((await operate(`${store}/events`)).status).toBe(409)
  })

  test('is told of what comes after it was made', async () => {
    const store = await newStore()
    await put(`${store}/events`, { enabled: true })
    await happen(store)
    const receiver = await makeReceiver(store)
    await happen(store)
    await arrived(receiver, 1)
    expect(receiver.messages.map(({ id }) => id)).toEqual((await idsOf(store)).slice(1))
  })

  test('is one of ten at most', async () => {
    const store = await newStore()
    for (let made = 0; made < 10; made += 1) await makeReceiver(store)
    const json = { kind: 'webhook', url: 'https://one.too.many.example/' }
    expect(await operate(`${store}/event-endpoints`, { json })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
  })

  test.each([
    ['kind', { kind: 'pigeon', url: 'https://a.example/' }],
    ['types.0', { kind: 'webhook', url: 'https://a.example/', types: ['weather.*'] }],
    ['url', { kind: 'webhook', url: 'http://a.example/' }],
    ['url', { kind: 'webhook', url: 'https://10.0.0.1/' }],
  ])('with a bad %s is not made', async (field, json) => {
    const refused = await operate(`${await newStore()}/event-endpoints`, { json })
    expect([refused.status, refused.body.errors?.[0]?.field]).toEqual([400, field])
  })

  test('of another store is not found', async () => {
    const [own, foreign] = [await newStore(), await newStore()]
    const receiver = await makeReceiver(foreign)
    const path = receiver.path.replace(foreign, own)
    const tries = [
      operate(path),
      patch(path, { description: 'mine' }),
      remove(path),
      operate(`${path}/deliveries`),
      operate(`${path}/replay`, { json: {} }),
      operate(`${path}/test`, { method: 'POST' }),
      operate(`${path}/rotate-secret`, { method: 'POST' }),
    ]
    for (const one of tries) expect((await one).body.code).toBe('event_endpoint_not_found')
    expect((await operate(receiver.path)).body).toMatchObject({ description: '', enabled: true })
  })
})
