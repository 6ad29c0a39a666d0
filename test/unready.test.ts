/** A service that is not set up yet says what to do, in every API. */
import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import journal from '../migrations/meta/_journal.json'
import { makeAccessKey, sendSigned } from './support/access-keys.ts'
import { type RequestOptions, send } from './support/requests.ts'
import { makeApiClient, makeBearer, makeOperator, makeStore } from './support/stores.ts'
import { workerWith } from './support/variants.ts'

const names = journal.entries.map(({ tag }) => `${tag}.sql`)
const last = names.at(-1) ?? ''

test('the migrations that this version needs are those that there are', () => {
  expect(names).toEqual(env.D1_MIGRATIONS.map(({ name }) => name))
})

test('without its secrets every path names them, and says how they are made', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const worker = workerWith({ SESSION_TOKEN_KEYS: undefined, SEALING_KEYS: undefined })
  for (const path of ['/', '/healthz', '/sessions/current', '/api/v1/login/', '/api/auth.test', '/api/4.0/login']) {
    const response = await worker.send(path)
    expect([path, response.status, await response.json()]).toMatchObject([
      path,
      503,
      {
        code: 'not_configured',
        detail: expect.stringMatching(/^Missing or malformed: SESSION_TOKEN_KEYS, SEALING_KEYS\. .*npm run dev/),
      },
    ])
  }
})

test('with a migration missing, what needs it names it and how it is applied, and /healthz is not well', async () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const store = await makeStore()
  const key = await makeAccessKey(store)
  const { clientId, clientSecret } = await makeApiClient(store, ['looker'])
  const operator = await makeOperator()
  const bearer = await makeBearer(store, ['admin.users:read', 'sessions:introspect'])
  const healthy = await workerWith({}).send('/healthz')
  expect([healthy.status, await healthy.json()]).toMatchObject([200, { status: 'ok' }])

  await env.DB.batch([
    env.DB.prepare('DELETE FROM d1_migrations WHERE name = ?').bind(last),
    ...['credentials', 'users'].map((table) => env.DB.prepare(`ALTER TABLE ${table} RENAME TO ${table}_before`)),
  ])
  const detail = expect.stringMatching(new RegExp(`^The database lacks ${last}\\. .*npm run dev .*npm run deploy`))
  const unwell = await workerWith({}).send('/healthz')
  expect([unwell.status, await unwell.json()]).toMatchObject([
    503,
    { status: 'degraded', bindings: { d1: true }, missing_migrations: [last], detail },
  ])

  const json = { username: 'a@b.example', password: 'whatever' }
  const requests: [string, RequestOptions][] = [
    ['/sessions', { json }],
    ['/oauth2/introspect', { bearer, form: { token: 'x' } }],
    ['/operator/identity-stores', { bearer: operator }],
    ['/api/v1/login/', { json }],
    ['/api/4.0/login', { form: { client_id: clientId, client_secret: clientSecret } }],
    ['/api/admin.users.session.list', { bearer, method: 'POST' }],
  ]
  const answers = [
    ...(await Promise.all(requests.map(([path, options]) => send(path, options)))),
    await sendSigned(key, `/v1/identity-stores/${store}/users/U1/sessions`),
  ]
  for (const [index, response] of answers.entries()) {
    const body = await response.json()
    expect([index, response.status, body]).toMatchObject([index, 503, { code: 'schema_behind', detail }])
  }
  expect(logged.mock.calls.every(([line]) => line.event === 'deployment.schema_behind')).toBe(true)
})
