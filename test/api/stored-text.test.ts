/** Text that somebody makes up is kept as it came and shown as text, or refused; it is never anything but text. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { mirrored } from '../support/objects.ts'
import { send } from '../support/requests.ts'
import { makeBearer, makeUser, type TestUser } from '../support/stores.ts'
import { auditEvents, operate, patch, put } from './operator/operator.ts'

const ODD = [
  '\u202ecod.exe\u202c',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  "Robert'); DROP TABLE users; --",
  '"><script>alert(1)</script>',
  '__proto__',
  '=HYPERLINK("https://evil.example")',
  '%s%n%00',
  '\u200bx\ufeff\u2028y',
]
const CONTROLS = ['a\u0000b', 'a\r\nb', '\u001b[31mred', 'a\u007f', '\u0085b']

let user: TestUser
let store: string

beforeAll(async () => {
  user = await makeUser({ config: { trackSessionLocation: true } })
  store = `/identity-stores/${user.identityStoreId}`
  await put(`${store}/events`, { enabled: true })
})

interface Field {
  readonly write: (text: string) => Promise<{ status: number; body: Record<string, unknown> }>
  /** What is there afterwards, asked for anew. */
  readonly read: (written: Record<string, unknown>) => Promise<unknown>
}

const operated = async (path: string, method: string, json: unknown) => operate(path, { method, json })
// Nobody listens there.
const url = 'http://127.0.0.1:9/'

/** Fields that people read. */
const FOR_PEOPLE: Record<string, Field> = {
  'the name of a store': {
    write: (name) => patch(store, { name }),
    read: async () => (await operate(store)).body.name,
  },
  'the first name of a user': {
    write: (first_name) => patch(`${store}/users/${user.userId}`, { first_name }),
    read: async () => (await operate(`${store}/users/${user.userId}`)).body.first_name,
  },
  'the name of a credential': {
    write: (name) => operated(`${store}/credentials`, 'POST', { kind: 'bearer', name, scopes: ['sessions:open'] }),
    read: async ({ credential_id }) => (await operate(`${store}/credentials/${credential_id}`)).body.name,
  },
  'the description of an endpoint': {
    write: (description) => operated(`${store}/event-endpoints`, 'POST', { kind: 'webhook', url, description }),
    async read({ endpoint_id }) {
      const { description } = (await operate(`${store}/event-endpoints/${endpoint_id}`)).body
      await operated(`${store}/event-endpoints/${endpoint_id}`, 'DELETE', undefined)
      return description
    },
  },
}

/** Fields that a machine fills in: whatever it says. */
const FROM_MACHINES: Record<string, Field> = {
  'a user agent': {
    write: (text) => open({ user_agent: text }),
    read: async ({ id }) => (await record(id)).user_agent,
  },
  'a city': {
    write: (text) => open({}, { city: text }),
    read: async ({ id }) => (JSON.parse(String((await record(id)).location)) as { city: string }).city,
  },
}

async function open(client: object, location: object | null = null) {
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = { user_id: user.userId, client: { address: null, user_agent: 'x', ...client }, location }
  const response = await send('/sessions', { bearer, json })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function record(id: unknown): Promise<Record<string, unknown>> {
  await mirrored(user)
  const found = await env.DB.prepare('SELECT user_agent, location FROM sessions WHERE session_id = ?').bind(id).first()
  return found ?? {}
}

const counted = async () =>
  await env.DB.prepare(
    'SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM identity_stores) AS stores',
  ).first()

describe.each(Object.entries({ ...FOR_PEOPLE, ...FROM_MACHINES }))('%s', (_what, { write, read }) => {
  test.each(ODD)('is kept as it came, and is only text: %j', async (text) => {
    const before = await counted()
    const written = await write(text)
    expect(written.status, JSON.stringify(written.body)).toBeLessThan(300)
    expect(await read(written.body)).toBe(text)
    expect(await counted()).toEqual(before)
    expect(Object.prototype).not.toHaveProperty('polluted')
  })
})

describe.each(Object.entries(FOR_PEOPLE))('%s', (_what, { write }) => {
  test.each(CONTROLS)('has no control characters: %j', async (text) => {
    const { status, body } = await write(text)
    expect([status, body]).toMatchObject([400, { code: 'invalid_request', errors: [{ code: 'invalid' }] }])
  })
})

describe.each(Object.entries(FROM_MACHINES))('%s', (_what, { write, read }) => {
  test.each(CONTROLS)('is kept whole, whatever characters it has: %j', async (text) => {
    const written = await write(text)
    expect(written.status).toBe(201)
    expect(await read(written.body)).toBe(text)
  })
})

test('what was written stands in the audit log as text too', async () => {
  for (const text of ODD) await patch(store, { name: text })
  const told = JSON.stringify(await auditEvents(user.identityStoreId))
  for (const text of ODD) expect(told).toContain(JSON.stringify(text).slice(1, -1))
})
