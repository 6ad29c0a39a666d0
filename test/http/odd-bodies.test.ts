/** Bodies that clients and servers may read differently: compressed ones, and JSON that says a name twice. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { logIn } from '../api/looker/support.ts'
import { makeTeam } from '../api/slack/slack.ts'
import { makeAccessKey, signed, type TestKey } from '../support/access-keys.ts'
import { check, type RequestOptions, send, signIn, type TestSession } from '../support/requests.ts'
import { makeBearer, makeOperator, makeUser, type TestUser } from '../support/stores.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
/** Unpacks to ten million bytes, and must not be. */
const BOMB = gzipSync(new Uint8Array(10_000_000))

interface Sent {
  readonly path: string
  /** Default: JSON. */
  readonly type?: string
  readonly options?: RequestOptions
  readonly key?: TestKey
}

interface Call extends Sent {
  readonly body: string
  readonly ends?: TestSession
  /** What is answered to the body as it is, and to it compressed: a status, and a word of the API. */
  readonly plain: readonly [number, string]
  readonly packed: readonly [number, string]
}

const UNREADABLE = [400, 'The body is not UTF-8.'] as const

/** Calls of each API that do something where their body can be read. */
async function callsOf(user: TestUser): Promise<Call[]> {
  const { identityStoreId, userId, username, password } = user
  const [one, other] = [await signIn(user), await signIn(user)]
  const scopes = ['sessions:open', 'sessions:revoke', 'ssf.manage'] as const
  const own = { bearer: await makeBearer(identityStoreId, scopes) }
  const [team, looker] = [await makeTeam(), await logIn('admin')]
  const byPassword = JSON.stringify({ username, password })
  const form = (fields: Record<string, string>) => ({ type: FORM_TYPE, body: new URLSearchParams(fields).toString() })
  return [
    { path: '/sessions', body: byPassword, plain: [201, userId], packed: UNREADABLE },
    {
      path: '/sessions',
      body: JSON.stringify({ user_id: userId, client: { address: null, user_agent: null } }),
      options: own,
      plain: [201, userId],
      packed: UNREADABLE,
    },
    { path: '/sign-in', ...form({ username, password }), plain: [303, ''], packed: [400, 'Sign in'] },
    {
      path: `/operator/identity-stores/${identityStoreId}/session-config`,
      body: '{"overall_timeout_seconds":86400}',
      options: { bearer: await makeOperator(), method: 'PATCH' },
      plain: [200, '86400'],
      packed: UNREADABLE,
    },
    {
      path: '/api/admin.users.session.setSettings',
      body: JSON.stringify({ user_ids: [team.owner.userId], duration: 86_400 }),
      options: { bearer: team.token },
      plain: [200, '"ok":true'],
      packed: [200, 'invalid_json'],
    },
    {
      path: '/api/4.0/login',
      ...form({ client_id: looker.clientId, client_secret: looker.clientSecret }),
      plain: [200, 'access_token'],
      packed: [400, 'client_id and client_secret are required.'],
    },
    {
      path: '/api/4.0/session_config',
      body: '{"session_minutes":123}',
      options: { bearer: looker.token, method: 'PATCH' },
      plain: [200, '123'],
      packed: [400, 'The body is not a JSON object.'],
    },
    { path: '/api/v1/login/', body: byPassword, plain: [200, userId], packed: [416, 'The body must be a JSON object'] },
    {
      path: `/ssf/${identityStoreId}/streams`,
      body: '{"events_requested":[]}',
      options: own,
      plain: [201, 'stream_id'],
      packed: [400, ''],
    },
    {
      path: `/v1/identity-stores/${identityStoreId}/users/${userId}/sessions/batch-delete`,
      body: JSON.stringify({ session_ids: [one.id] }),
      ends: one,
      key: await makeAccessKey(identityStoreId),
      plain: [200, ''],
      packed: [400, 'the request body is not valid JSON.'],
    },
    {
      path: '/oauth2/revoke',
      ...form({ token: other.token }),
      options: own,
      ends: other,
      plain: [200, ''],
      packed: [400, 'invalid_request'],
    },
  ]
}

async function answer({ path, type = JSON_TYPE, options, key }: Sent, body: Uint8Array, encoding?: string) {
  const headers = { 'content-type': type, ...(encoding !== undefined && { 'content-encoding': encoding }) }
  const payload = createHash('sha256').update(body).digest('hex')
  const sent = key === undefined ? { headers, ...options } : signed(key, path, { method: 'POST', headers, payload })
  const response = await send(path, { method: 'POST', ...sent, body })
  return [response.status, await response.text()] as const
}

test('a compressed body is read by no API, never unpacked, and changes nothing', async () => {
  for (const call of await callsOf(await makeUser())) {
    const { path, plain, packed, ends } = call
    for (const body of [gzipSync(call.body), BOMB]) {
      const [status, text] = await answer(call, body, 'gzip')
      expect([path, status, text]).toEqual([path, packed[0], expect.stringContaining(packed[1])])
    }
    if (ends !== undefined) expect((await check(ends)).status).toBe(200)
    const [status, text] = await answer(call, Buffer.from(call.body))
    expect([path, status, text]).toEqual([path, plain[0], expect.stringContaining(plain[1])])
    if (ends !== undefined) expect((await check(ends)).status).toBe(401)
  }
})

test('of a name that JSON says twice the last counts, and __proto__ is a name like any other', async () => {
  const user = await makeUser()
  const { identityStoreId, userId } = user
  const [team, looker] = [await makeTeam(), await logIn('admin')]
  const client = '"client":{"address":null,"user_agent":null}'
  const open = { path: '/sessions', options: { bearer: await makeBearer(identityStoreId, ['sessions:open']) } }
  const config = {
    path: `/operator/identity-stores/${identityStoreId}/session-config`,
    options: { bearer: await makeOperator(), method: 'PATCH' },
  }
  const settings = { path: '/api/admin.users.session.setSettings', options: { bearer: team.token } }
  const lookerConfig = { path: '/api/4.0/session_config', options: { bearer: looker.token, method: 'PATCH' } }
  const ids = `["${team.owner.userId}"]`
  const told: [Sent, string, number, string][] = [
    [open, `{"user_id":"nobody","user_id":"${userId}",${client}}`, 201, userId],
    [open, `{"user_id":"${userId}","user_id":"nobody",${client}}`, 404, 'user_not_found'],
    [open, `{"__proto__":{"user_id":"${userId}"},${client}}`, 400, '"field":"user_id","code":"missing"'],
    [open, `{"user_id":"${userId}","__proto__":{},${client}}`, 400, '"field":"__proto__","code":"unknown"'],
    [config, '{"overall_timeout_seconds":86400,"overall_timeout_seconds":7200}', 200, '"overall_timeout_seconds":7200'],
    [config, '{"__proto__":{"overall_timeout_seconds":3600}}', 400, '"field":"__proto__","code":"unknown"'],
    [settings, `{"user_ids":${ids},"duration":1,"duration":86400}`, 200, '"ok":true'],
    [settings, `{"user_ids":${ids},"duration":86400,"duration":1}`, 200, 'invalid_arguments'],
    [settings, `{"__proto__":{"user_ids":${ids}},"duration":86400}`, 200, 'missing required field: user_ids'],
    [lookerConfig, '{"session_minutes":5,"session_minutes":77}', 200, '"session_minutes":77'],
    // Fields that it does not know are ignored.
    [lookerConfig, '{"__proto__":{"session_minutes":88}}', 200, '"session_minutes":77'],
  ]
  for (const [call, body, status, word] of told) {
    const [is, text] = await answer(call, Buffer.from(body))
    expect([body, is, text]).toEqual([body, status, expect.stringContaining(word)])
  }
})
