/** What every API does alike with what enters: names, text, unknown fields, tokens of the wrong kind. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PathParameters } from '../../src/api/operator/schemas.ts'
import { parseValue } from '../../src/api/parse.ts'
import * as bindingSchemas from '../../src/api/sessions/binding-schemas.ts'
import { apis } from '../../src/app.ts'
import { cutText, normalizeUsername } from '../../src/domain/text.ts'
import { send, signIn } from '../support/requests.ts'
import { makeBearer, makeStore, makeUser } from '../support/stores.ts'
import { workerWith } from '../support/variants.ts'
import { operate, put } from './operator/operator.ts'
import { makeTeam } from './slack/slack.ts'

const NFC = 'andr\u00e9'
const NFD = 'andre\u0301'

describe('one form of a user name', () => {
  const password = 'correct horse battery staple'
  const attempt = async (username: string) => (await send('/sessions', { json: { username, password } })).status

  test('is made of every spelling', () => {
    expect(normalizeUsername(' A.B@C ')).toBe('a.b@c')
    for (const name of [NFD, NFC.toUpperCase(), '\u{1d400}ndr\u00e9', 'A\uff4edr\u00e9'])
      expect(normalizeUsername(name)).toBe(NFC)
    expect(normalizeUsername(normalizeUsername('\u0130X'))).toBe(normalizeUsername('\u0130X'))
  })

  test('signs in the user however it is typed, and nobody else can have it', async () => {
    const store = await makeStore()
    const domain = `@${crypto.randomUUID()}.example`
    const made = await put(`/identity-stores/${store}/users/one`, { username: NFD + domain, password })
    expect([made.status, made.body.username]).toEqual([201, NFC + domain])
    for (const spelling of [NFC, NFD, NFC.toUpperCase()]) expect(await attempt(spelling + domain)).toBe(201)
    for (const spelling of [NFC, NFD]) {
      expect((await put(`/identity-stores/${store}/users/two`, { username: spelling + domain })).status).toBe(409)
    }
  })

  test('finds the user whose name was kept decomposed before there was one form, and keeps others from it', async () => {
    const user = await makeUser()
    const domain = `@${crypto.randomUUID()}.example`
    await env.DB.prepare('UPDATE users SET username = ? WHERE identity_store_id = ? AND user_id = ?')
      .bind(NFD + domain, user.identityStoreId, user.userId)
      .run()
    for (const spelling of [NFC, NFD]) expect(await attempt(spelling + domain)).toBe(201)
    const path = `/identity-stores/${user.identityStoreId}/users`
    expect((await put(`${path}/two`, { username: NFC + domain })).status).toBe(409)
    const bulk = await operate(path, { method: 'POST', json: { users: [{ user_id: 'two', username: NFC + domain }] } })
    expect(bulk.body.results).toMatchObject([{ status: 409 }])
  })
})

describe('half a character', () => {
  test('is refused in every API, and changes nothing', async () => {
    const json = { headers: { 'content-type': 'application/json' } }
    const own = await send('/sessions', { ...json, body: '{"username":"a\\ud800","password":"b"}' })
    expect([own.status, await own.json()]).toMatchObject([400, { errors: [{ field: 'username', code: 'invalid' }] }])
    const apio = await send('/api/v1/login/', { ...json, body: '{"username":"a","password":"\\udc00"}' })
    expect(apio.status).toBe(400)
    const slack = await send('/api/api.test', { ...json, body: '{"a":["\\ud800"]}' })
    expect(await slack.json()).toMatchObject({ ok: false, error: 'invalid_arguments' })
    const store = await makeStore()
    const name = await operate(`/identity-stores/${store}`, { method: 'PATCH', ...json, body: '{"name":"\\ud83d"}' })
    expect(name.status).toBe(400)
  })

  test('is not what cutting leaves', () => {
    expect(cutText('ab\u{1f600}', 3)).toBe('ab')
    expect(cutText('ab\u{1f600}', 4)).toBe('ab\u{1f600}')
    expect(cutText('abc', 3)).toBe('abc')
  })
})

describe('ten of many issues are named', () => {
  test('and the number of the others', () => {
    const many = Object.fromEntries(Array.from({ length: 16_000 }, (_, index) => [`x${index}`, 1]))
    const checked = parseValue(many, z.strictObject({}))
    if (checked.ok || checked.error.code !== 'invalid_request') throw new Error('taken')
    expect(checked.error.issues).toHaveLength(11)
    expect(checked.error.issues.at(-1)?.message).toBe('And 15 990 more.')
  })

  test('also of a query, before authentication', async () => {
    const query = Array.from({ length: 5_000 }, (_, index) => `a${index}=1&a${index}=2`).join('&')
    const response = await send(`/sessions/current?${query}`)
    expect((await response.text()).length).toBeLessThan(2_000)
  })
})

describe('in our own words', () => {
  const VALUES = [
    undefined,
    null,
    1,
    -1,
    1.5,
    Number.POSITIVE_INFINITY,
    '',
    'x',
    '\u0000',
    'x'.repeat(5_000),
    true,
    [],
    [1],
    {},
    { x: 1 },
  ]
  const ZOD = /expected|received|Invalid|Too (big|small)|Unrecognized|>=|<=/
  const schemas = [
    ...apis.flatMap(({ routes }) => routes.flatMap(({ body, query }) => [body?.schema, query])),
    PathParameters,
    ...Object.values(bindingSchemas),
    bindingSchemas.OpenInput.shape.client,
    bindingSchemas.OpenInput.shape.location.unwrap().unwrap(),
  ]

  test('every schema of every route, of paths and of the service binding says what is wrong with any value of any field', () => {
    let said = 0
    for (const schema of schemas) {
      const fields = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
      const bad = [...VALUES, ...VALUES.map((value) => Object.fromEntries(fields.map((field) => [field, value])))]
      for (const value of bad) {
        const checked = schema === undefined ? null : parseValue(value, schema)
        if (checked === null || checked.ok || checked.error.code !== 'invalid_request') continue
        for (const { message } of checked.error.issues) {
          said += 1
          expect(message).not.toMatch(ZOD)
        }
      }
    }
    expect(said).toBeGreaterThan(500)
  })
})

describe('a genuine token of the wrong kind', () => {
  test('is told so', async () => {
    const { token, user } = await signIn(await makeUser())
    const credential = await makeBearer(user.identityStoreId, ['sessions:introspect'])
    const tries = [
      await send('/oauth2/introspect', { bearer: token, form: { token } }),
      await send('/sessions/current', { bearer: credential }),
      await send('/sessions/current', { cookie: credential }),
      await send('/sessions', { headers: { cookie: `sessionid=of-another; __Host-sessionid=${credential}` } }),
    ]
    for (const response of tries) {
      expect([response.status, await response.json()]).toMatchObject([401, { code: 'wrong_token_kind' }])
    }
    const looker = await send('/api/4.0/user', { bearer: token })
    expect([looker.status, await looker.json()]).toMatchObject([
      401,
      { message: expect.stringContaining('web session') },
    ])
    const apio = await send('/api/v1/session/user_login_info/', { cookie: credential })
    expect([apio.status, await apio.json()]).toMatchObject([401, { details: expect.stringContaining('credential') }])
  })
})

describe('what is not there', () => {
  test('an unknown store is 404 everywhere, a provider that is not set has a code of its own', async () => {
    for (const path of ['', '/users', '/credentials', '/audit-events', '/jobs', '/openid-provider']) {
      expect((await operate(`/identity-stores/d-none${path}`)).body, path).toMatchObject({
        status: 404,
        code: 'identity_store_not_found',
      })
    }
    const path = `/identity-stores/${await makeStore()}/openid-provider`
    for (const method of ['GET', 'DELETE']) {
      expect((await operate(path, { method })).body).toMatchObject({ status: 404, code: 'openid_provider_not_found' })
    }
  })
})

test('a back end need not know the client, and may say where it is', async () => {
  const user = await makeUser({ config: { trackSessionLocation: true } })
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const json = {
    user_id: user.userId,
    client: { address: null, user_agent: null },
    location: { city: 'Ghent', country: 'BE' },
  }
  const response = await send('/sessions', { bearer, json })
  expect([response.status, await response.json()]).toMatchObject([
    201,
    { address: null, location: { city: 'Ghent', country: 'BE', region: null } },
  ])
})

describe('arguments in the URL of a POST', () => {
  test('count beside those of the body; a name may not say two things, and a token is not taken', async () => {
    const team = await makeTeam()
    const other = await team.user()
    await signIn(team.owner)
    await signIn(other)
    const call = (query: string, form: Record<string, string> = {}) => team.call(`session.list?${query}`, form)
    const { body } = await call(`team_id=${team.id}&user_id=${other.userId}`)
    expect(body.active_sessions.map(({ user_id }: { user_id: string }) => user_id)).toEqual([other.userId])
    expect((await call(`team_id=${team.id}`, { user_id: other.userId })).body.active_sessions).toHaveLength(1)
    expect((await call(`user_id=${other.userId}`, { team_id: team.id, user_id: other.userId })).body.ok).toBe(true)
    expect((await call('limit=1', { limit: '2' })).body.error).toBe('invalid_arguments')
    const byUrl = await send(`/api/auth.test?token=${team.token}`, { method: 'POST' })
    expect(await byUrl.json()).toMatchObject({ ok: false, error: 'not_authed' })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const broken = await team.call('session.reset', {}, { headers: form, body: '{"user_id":"x"}' })
    expect(broken.body.error).toBe('invalid_form_data')
  })
})

describe('Looker', () => {
  test('the Ruby client logs in and out at paths with an empty segment', async () => {
    const login = await send('/api/4.0//login', { form: { client_id: 'x', client_secret: 'y' } })
    expect([login.status, await login.json()]).toMatchObject([
      404,
      { documentation_url: expect.stringContaining('credential_not_found') },
    ])
    expect((await send('/api/4.0//logout', { method: 'DELETE' })).status).toBe(401)
  })

  test('tools are told that the service is there, and which versions it speaks', async () => {
    for (const base of ['', '/api/4.0']) {
      expect((await send(`${base}/alive`)).status).toBe(200)
      expect(await (await send(`${base}/versions`)).json()).toMatchObject({ current_version: { version: '4.0' } })
    }
  })

  test('changes of the session config are limited', async () => {
    const worker = workerWith({ LOOKER_CONFIG_CHANGES_PER_MINUTE: '2' })
    const owner = await makeUser({ role: 'admin' })
    const { client_id, client_secret } = (
      await operate(`/identity-stores/${owner.identityStoreId}/credentials`, {
        json: { kind: 'api_client', name: 'x', scopes: ['looker'], owner_user_id: owner.userId },
      })
    ).body
    const login = await worker.send('/api/4.0/login', { form: { client_id, client_secret } })
    const { access_token: bearer } = (await login.json()) as { access_token: string }
    const patch = async () =>
      (await worker.send('/api/4.0/session_config', { method: 'PATCH', bearer, json: { session_minutes: 60 } })).status
    expect([await patch(), await patch(), await patch()]).toEqual([200, 200, 429])
  })
})
