/** The feed of a store's events, and one of every type. */
import { describe, expect, test } from 'vitest'
import document from '../../../docs/events.md?raw'
import { EVENT_TYPES } from '../../../src/domain/events.ts'
import { mirrored } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { makeStore, makeUser } from '../../support/stores.ts'
import { auditEvents, operate, patch, put, remove } from './operator.ts'

interface Told {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

async function storeWithFeed(): Promise<string> {
  const store = `/identity-stores/${await makeStore()}`
  expect((await put(`${store}/events`, { enabled: true })).body).toEqual({ enabled: true, recording: true, next: null })
  return store
}

async function feed(store: string, query = ''): Promise<{ events: Told[]; next: string | null; missed: number }> {
  const answer = await operate(`${store}/events${query}`)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

/** The types in docs/events.md, and the body that stands beside each. */
const documented = new Map(
  Array.from(document.matchAll(/^\| `([a-z_.]+)` \|.*\| `(\{.*\})` \|$/gm), ([, type = '', body = '']) => [
    type,
    JSON.parse(body) as Readonly<Record<string, unknown>>,
  ]),
)

/** What a value looks like: null may be of any kind. */
function formOf(value: unknown): unknown {
  if (value === null) return 'any'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Expects an event to have what the document shows of its type, and nothing else. */
function expectDocumented({ type, data }: Told): void {
  const shown = documented.get(type)
  expect([type, Object.keys(data)]).toEqual([type, Object.keys(shown ?? {})])
  for (const [name, value] of Object.entries(data)) {
    const forms = new Set([formOf(value), formOf(shown?.[name])])
    forms.delete('any')
    expect([type, name, forms.size < 2]).toEqual([type, name, true])
  }
}

test('every type is told, as the document shows it, with nothing that names a person, a device or a place', async () => {
  const store = await storeWithFeed()
  const identityStoreId = store.split('/')[2] as string
  const user = await makeUser({ identityStoreId })
  const path = `${store}/users/${user.userId}`
  await patch(path, { role: 'admin', first_name: 'Zaphod' })
  await patch(path, { first_name: 'Zaphod' })
  const session = await signIn(user)
  await check(session, { address: '192.0.2.77', userAgent: 'Betelgeuse/5' })
  await mirrored(user)
  await send('/sessions/current', { method: 'DELETE', bearer: session.token })
  await mirrored(user)
  for (let tries = 0; tries < 5; tries += 1) {
    await send('/sessions', { json: { username: user.username, password: 'wrong' }, address: '192.0.2.78' })
  }
  await put(`${path}/session-settings`, {
    duration_seconds: 28_800,
    desktop_app_browser_quit: null,
  })
  await patch(`${store}/session-config`, { overall_timeout_seconds: 3_600 })
  await put(`${store}/groups/pilots/session-config`, { overall_timeout_seconds: 3_600 })
  await patch(path, { active: false })
  await patch(path, { active: true })
  await patch(path, { password: 'a whole new password' })
  const made = await operate(`${store}/credentials`, {
    json: { kind: 'bearer', name: 'c', scopes: ['sessions:open'] },
  })
  await remove(`${store}/credentials/${made.body.credential_id}`)
  await remove(path)

  const { events, missed } = await feed(store)
  for (const event of events) expectDocumented(event)
  expect(events.map(({ type }) => type)).toEqual([
    'user.created',
    'user.changed',
    'session.opened',
    'session.moved',
    'session.ended',
    'sign_in.locked_out',
    'session_settings.changed',
    'session_config.changed',
    'session_config.changed',
    'user.disabled',
    'user.enabled',
    'user.password_changed',
    'credential.created',
    'credential.revoked',
    'user.deleted',
  ])
  expect(missed).toBe(0)
  const told = (type: string) => events.findLast((event) => event.type === type)?.data
  expect(told('user.changed')).toEqual({ user_id: user.userId, fields: ['role', 'first_name'], version: 1 })
  expect(told('session.ended')).toMatchObject({
    session_id: session.id,
    reason: 'logout',
    ended_by: `session:${session.id}`,
  })
  expect(told('session_config.changed')).toEqual({ group_id: 'pilots', version: 1 })
  const text = JSON.stringify(events)
  expect(text).not.toMatch(/Zaphod|Betelgeuse|192\.0\.2|@pie\.example|new password/)
  expect(text).not.toContain(made.body.token)
  expect(events.every(({ timestamp }) => Math.abs(Date.parse(timestamp) - Date.now()) < 60_000)).toBe(true)
})

test('the document has every type', () => {
  expect([...documented.keys()]).toEqual(Object.keys(EVENT_TYPES))
})

describe('the feed', () => {
  test('is read on from where it was', async () => {
    const store = await storeWithFeed()
    const identityStoreId = store.split('/')[2] as string
    for (let users = 0; users < 5; users += 1) await makeUser({ identityStoreId })
    const first = await feed(store, '?limit=2')
    const second = await feed(store, `?limit=2&after=${first.next}`)
    const third = await feed(store, `?limit=2&after=${second.next}`)
    expect(third.events).toHaveLength(1)
    const rest = { events: [], next: third.next, missed: 0, last: third.next, enabled: true }
    expect(await feed(store, `?after=${third.next}`)).toEqual(rest)
    const ids = [first, second, third].flatMap(({ events }) => events.map(({ id }) => id))
    const tag = ids[0]?.split('_')[1]
    expect(ids).toEqual([1, 2, 3, 4, 5].map((number) => `evt_${tag}_${number}`))
  })

  test('is each store’s own', async () => {
    const [one, other] = [await storeWithFeed(), await storeWithFeed()]
    for (const store of [one, other]) await makeUser({ identityStoreId: store.split('/')[2] as string })
    const [{ next, events }, others] = [await feed(one), await feed(other)]
    expect([events.length, others.events.length]).toEqual([1, 1])
    expect(next).not.toBe(others.next)
    for (const after of [next, next?.replace(/\d+$/, '2'), 'evt_1', '7']) {
      const asked = after === next ? other : one
      const refused = await operate(`${asked}/events?after=${after}`)
      expect([after, refused.status, refused.body.errors?.[0]?.field]).toEqual([after, 400, 'after'])
    }
  })

  test('that is off writes nothing down, and says so; what was written stays', async () => {
    const store = `/identity-stores/${await makeStore()}`
    const identityStoreId = store.split('/')[2] as string
    await makeUser({ identityStoreId })
    expect(await operate(`${store}/events`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    await put(`${store}/events`, { enabled: true })
    await makeUser({ identityStoreId })
    expect((await put(`${store}/events`, { enabled: false })).body).toMatchObject({ enabled: false, recording: false })
    await makeUser({ identityStoreId })
    expect((await operate(`${store}/events`)).status).toBe(409)
    await put(`${store}/events`, { enabled: true })
    expect((await feed(store)).events).toHaveLength(1)
    const acts = (await auditEvents(identityStoreId)).filter(({ action }) => action === 'events.put')
    expect(acts.map(({ before, after }) => [before, after])).toEqual([
      [{ enabled: false }, { enabled: true }],
      [{ enabled: true }, { enabled: false }],
      [null, { enabled: true }],
    ])
  })

  test('of no store is not found', async () => {
    expect((await put('/identity-stores/nobody/events', { enabled: true })).body.code).toBe('identity_store_not_found')
    expect((await operate('/identity-stores/nobody/events')).body.code).toBe('identity_store_not_found')
  })
})
