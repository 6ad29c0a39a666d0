/** Erasing a user, and places that nobody wants tracked: looked for in every table of every database there is. */
import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, expect, test, vi } from 'vitest'
import { PendingChanges } from '../../src/identity/pending-change.ts'
import { apio, sessionFor } from '../api/apio/requests.ts'
import { operate, patch, put, remove } from '../api/operator/operator.ts'
import { seal, verification } from '../support/audit-log.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import {
  fireJobAlarm,
  fireProfileAlarm,
  fireUserAlarm,
  mirrored,
  rowsOf,
  userObject,
  userProfiles,
} from '../support/objects.ts'
import { arrived, good, makeReceiver, receiveEvents } from '../support/receivers.ts'
import { check, send, signIn } from '../support/requests.ts'
import { makeUser } from '../support/stores.ts'

const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf%' AND name NOT LIKE 'sqlite_%'"

const BINDINGS = ['USERS', 'JOBS', 'PROFILES', 'ENDPOINTS'] as const
/** Objects of earlier files of tests: they are empty, and there are thousands. */
const earlier = new Set<string>()
beforeAll(async () => {
  for (const binding of BINDINGS) {
    for (const id of await listDurableObjectIds(env[binding] as DurableObjectNamespace)) earlier.add(`${id}`)
  }
})

/** All that D1, KV and every object keep, as text, by where it is. */
async function everything(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const { results } = await env.DB.prepare(TABLES).all<{ name: string }>()
  for (const { name } of results) {
    found.set(`D1 ${name}`, JSON.stringify((await env.DB.prepare(`SELECT * FROM ${name}`).all()).results))
  }
  for (const { name } of (await env.CONFIG.list()).keys) found.set(`KV ${name}`, (await env.CONFIG.get(name)) ?? '')
  for (const binding of BINDINGS) {
    const objects = env[binding] as DurableObjectNamespace
    for (const id of await listDurableObjectIds(objects)) {
      if (earlier.has(`${id}`)) continue
      const rows = await runInDurableObject(objects.get(id), (_object, { storage: { sql } }) =>
        sql
          .exec<{ name: string }>(TABLES)
          .toArray()
          .map(({ name }) => [name, sql.exec(`SELECT * FROM ${name}`).toArray()]),
      )
      found.set(`${binding} ${id}`, JSON.stringify(rows))
    }
  }
  return found
}

/** Where each of these stands. */
async function placesOf(traces: readonly string[]): Promise<Record<string, string[]>> {
  const all = [...(await everything())]
  const places = (trace: string) => all.flatMap(([where, rows]) => (rows.includes(trace) ? [where] : []))
  return Object.fromEntries(traces.map((trace) => [trace, places(trace)]))
}

function nowhere(traces: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(traces.map((trace) => [trace, []]))
}

test('a deleted user is found nowhere any more, its sessions are over, and the chain stands', async () => {
  const user = await makeUser({ password: 'trillian loves mice', config: { trackSessionLocation: true } })
  const { identityStoreId, userId } = user
  const store = `/identity-stores/${identityStoreId}`
  const path = `${store}/users/${userId}`
  await put(`${store}/events`, { enabled: true })
  await patch(path, { first_name: 'Zäphod-E', last_name: 'Beeblebrox-E', email_address: 'zaphod-e@gold.example' })
  const subject = env.DB.prepare('UPDATE users SET openid_subject = ? WHERE user_id = ?')
  await subject.bind('subject-E-42', userId).run()
  const credential = {
    kind: 'bearer',
    name: 'laptop of Zäphod-E',
    scopes: ['sessions:introspect'],
    owner_user_id: userId,
    address_allow_list: ['198.51.100.77'],
  }
  const made = await operate(`${store}/credentials`, { method: 'POST', json: credential })
  expect(made.status).toBe(201)
  const gone = await operate(`${store}/credentials`, { method: 'POST', json: { ...credential, name: 'tablet-E' } })
  await seal()
  // As the hourly run removes it: what was done to it stays in the log.
  await env.DB.prepare('DELETE FROM credentials WHERE credential_id = ?').bind(gone.body.credential_id).run()
  // This event is not sealed yet.
  await patch(`${store}/credentials/${made.body.credential_id}`, { name: 'phone of Zäphod-E' })
  const cf = {
    city: 'Magrathea-E',
    country: 'CH' as const,
    region: 'Bern-E',
    latitude: '46.73123',
    longitude: '7.66123',
  }
  const session = await signIn(user, { address: '203.0.113.91', userAgent: 'Vogon-E/42', cf })
  await check(session, { address: '203.0.113.92', userAgent: 'Marvin-E/1' })
  await operate(`${path}/sessions/end`, { method: 'POST', json: { all: true } })
  const again = await signIn(user, { address: '203.0.113.93' })
  const { status } = await apio('/api/v1/auth_token/generate/', {
    cookie: await sessionFor(user),
    json: { username: user.username },
  })
  expect(status).toBe(201)
  // One that somebody else made for it.
  await env.DB.prepare(
    "INSERT INTO login_tokens (token_hash, identity_store_id, user_id, created_at, expires_at) VALUES ('E', ?, ?, 0, 0)",
  )
    .bind(identityStoreId, userId)
    .run()
  for (let tries = 0; tries < 12; tries += 1) {
    const json = { username: user.username, password: 'wrong' }
    await send('/sessions', { method: 'POST', address: '203.0.113.94', json })
  }
  // One that locks nobody.
  await send('/sessions', {
    method: 'POST',
    address: '203.0.113.95',
    json: { username: user.username, password: 'wrong' },
  })
  // A change of its profile of which nobody knows yet whether the application server has it.
  await runInDurableObject(userProfiles(user), async (_object, { storage }) => {
    const pending = new PendingChanges(storage.sql)
    const request = { firstName: 'Zarniwoop-E', actor: `user:${userId}` }
    const common = { username: user.username, idempotencyKey: 'key', requestId: 'request' }
    pending.begin({ owner: user, ...common, request, baseVersion: null, failures: 0, refusedAt: null })
    pending.sending(request, 1, `user:${userId}`, { firstName: 'Zäphod-E', lastName: '', emailAddress: '' })
    await storage.setAlarm(Date.now() + 60_000)
  })
  await mirrored(user)

  const traces = [
    ...[user.username, 'Zäphod-E', 'Beeblebrox-E', 'zaphod-e@gold.example', 'Zarniwoop-E', 'subject-E-42', 'tablet-E'],
    ...['198.51.100.77', '203.0.113.91', '203.0.113.92', '203.0.113.93', '203.0.113.94'],
    ...['Vogon-E/42', 'Marvin-E/1', 'Magrathea-E', 'Bern-E', '46.73123'],
  ]
  const before = await placesOf(traces)
  expect(Object.entries(before).filter(([, places]) => places.length === 0)).toEqual([])
  const kept = new Set(Object.values(before).flatMap((places) => places.map((place) => place.split(' ')[0])))
  expect([...kept].sort()).toEqual(['D1', 'PROFILES', 'USERS'])

  expect((await remove(path)).status).toBe(204)
  expect((await check(again)).status).toBe(401)
  await fireJobAlarm(identityStoreId)
  expect(await fireProfileAlarm(user)).toBe(true)
  await mirrored(user)
  // Its object is emptied once D1 has what is to be kept, an hour after the deletion.
  await vi.waitFor(
    async () => {
      await fireUserAlarm(user)
      expect(await rowsOf(user, 'SELECT id FROM sessions')).toEqual([])
    },
    { timeout: 30_000 },
  )
  expect(await placesOf([...traces, '203.0.113.95'])).toEqual(nowhere([...traces, '203.0.113.95']))
  const loginTokens = env.DB.prepare('SELECT count(*) AS count FROM login_tokens WHERE user_id = ?').bind(userId)
  expect(await loginTokens.first('count')).toBe(0)
  await seal()
  expect((await verification(identityStoreId)).faults).toEqual([])
})

test('messages that wait for an endpoint that is down say nothing of a user who is deleted meanwhile', async () => {
  receiveEvents()
  const user = await makeUser({ config: { trackSessionLocation: true } })
  const { identityStoreId, userId } = user
  const store = `/identity-stores/${identityStoreId}`
  const receiver = await makeReceiver(store, {}, () => new Response('not now', { status: 500 }))
  await patch(`${store}/users/${userId}`, { first_name: 'Zäphod-W', email_address: 'zaphod-w@gold.example' })
  const session = await signIn(user, { address: '203.0.113.96', userAgent: 'Vogon-W/42', cf: { city: 'Magrathea-W' } })
  await send('/sessions/current', { method: 'DELETE', bearer: session.token })
  for (let tries = 0; tries < 5; tries += 1) {
    const json = { username: user.username, password: 'wrong' }
    await send('/sessions', { method: 'POST', address: '203.0.113.97', json })
  }
  await mirrored(user)
  await arrived(receiver, 1)
  const traces = [
    ...[user.username, 'Zäphod-W', 'zaphod-w@gold.example'],
    ...['203.0.113.96', '203.0.113.97', 'Vogon-W/42', 'Magrathea-W'],
  ]
  expect(Object.entries(await placesOf(traces)).filter(([, places]) => places.length === 0)).toEqual([])

  expect((await remove(`${store}/users/${userId}`)).status).toBe(204)
  await fireJobAlarm(identityStoreId)
  await mirrored(user)
  const places = await placesOf(traces)
  // The user's own object is emptied an hour later.
  const left = Object.values(places).flat()
  expect(left.filter((place) => !place.startsWith('USERS '))).toEqual([])
  const waiting = await runInDurableObject(receiver.object, (_object, { storage: { sql } }) =>
    sql.exec('SELECT * FROM pending').toArray(),
  )
  expect(waiting).not.toEqual([])

  // What waited is told, and names nobody either.
  receiver.answer = good
  stopClock()
  const before = receiver.messages.length
  await vi.waitFor(async () => {
    advanceClock(3_600)
    await receiver.fire()
    expect(receiver.messages.slice(before).map(({ body }) => JSON.parse(body).type)).toContain('user.deleted')
  })
  const told = JSON.stringify(receiver.messages)
  expect(traces.filter((trace) => told.includes(trace))).toEqual([])
})

test('where locations are not tracked no byte of one is kept; where they are no longer, none is left', async () => {
  const traces = ['Oberhofen-E', '46.73124', 'Thun-E']
  const place = { city: 'Oberhofen-E', country: 'CH' as const, latitude: '46.73124', longitude: '7.66123' }
  const request = { cf: { ...place, region: 'Thun-E', timezone: 'Europe/Zurich' } }
  const never = await makeUser({ config: { trackSessionLocation: false } })
  await signIn(never, request)
  await mirrored(never)
  expect(await placesOf(traces)).toEqual(nowhere(traces))

  const once = await makeUser({ config: { trackSessionLocation: true } })
  const session = await signIn(once, request)
  await mirrored(once)
  const places = ['D1 sessions', `USERS ${userObject(once).id}`]
  expect(await placesOf(traces)).toEqual(Object.fromEntries(traces.map((trace) => [trace, places])))
  await patch(`/identity-stores/${once.identityStoreId}/session-config`, { track_location: false })
  await vi.waitFor(
    async () => {
      await fireJobAlarm(once.identityStoreId)
      expect(await rowsOf(once, 'SELECT id FROM sessions WHERE location IS NOT NULL')).toEqual([])
      const located = env.DB.prepare('SELECT count(*) AS count FROM sessions WHERE location IS NOT NULL')
      expect(await located.first('count')).toBe(0)
    },
    { timeout: 30_000 },
  )
  expect(await placesOf(traces)).toEqual(nowhere(traces))
  expect((await check(session)).status).toBe(200)
})
