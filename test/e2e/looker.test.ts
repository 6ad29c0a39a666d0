/** Looker's own clients, unmodified, against the running service over plain http. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { IWriteSessionConfig, Looker40SDK } from '@looker/sdk'
import { LookerNodeSDK, NodeSession, NodeSettings } from '@looker/sdk-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCapture } from './support/looker-capture.ts'
import { RawConnection } from './support/raw-http.ts'
import { type Served, serve } from './support/served.ts'

const ADMIN = 'U0000000001'
const MEMBER = 'U0000000004'
/** The service's promise for work that a crash interrupted. */
const DONE_WITHIN_MILLISECONDS = 60_000

let server: Served

beforeAll(async () => {
  server = await serve()
  process.env.LOOKERSDK_BASE_URL = server.credentials.base_url
  process.env.LOOKERSDK_CLIENT_ID = server.credentials.looker.client_id
  process.env.LOOKERSDK_CLIENT_SECRET = server.credentials.looker.client_secret
  process.env.LOOKERSDK_VERIFY_SSL = 'false'
})

afterAll(async () => {
  await server.stop()
})

/** A client as Looker's documentation makes it: from the environment. */
function client(): { sdk: Looker40SDK; session: NodeSession } {
  const session = new NodeSession(new NodeSettings('LOOKERSDK'))
  return { sdk: LookerNodeSDK.init40(session.settings, undefined, session), session }
}

/** Opens a web session of a user and answers its token. */
async function openWebSession(userId: string): Promise<{ id: string; token: string }> {
  const response = await fetch(`${server.credentials.base_url}/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.credentials.service.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: userId, client: { address: '192.0.2.7', user_agent: 'till' } }),
  })
  expect(response.status).toBe(201)
  return response.json() as Promise<{ id: string; token: string }>
}

async function isLive(token: string): Promise<boolean> {
  const response = await fetch(`${server.credentials.base_url}/sessions/current?touch=false`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return response.status === 200
}

describe('@looker/sdk-node', () => {
  test('reads and changes the session config', async () => {
    const { sdk } = client()
    const before = await sdk.ok(sdk.session_config())
    expect(before).toEqual({
      can: { show: true, update: true },
      allow_persistent_sessions: true,
      session_minutes: 43_200,
      unlimited_sessions_per_user: true,
      use_inactivity_based_logout: false,
      track_session_location: false,
    })
    const changes: IWriteSessionConfig[] = [
      { session_minutes: 60 },
      { allow_persistent_sessions: false, track_session_location: true },
      {},
      { allow_persistent_sessions: true, session_minutes: 43_200, track_session_location: false },
    ]
    let expected = before
    for (const change of changes) {
      expected = { ...expected, ...change }
      expect(await sdk.ok(sdk.update_session_config(change))).toEqual(expected)
      expect(await sdk.ok(sdk.session_config())).toEqual(expected)
    }
    expect(expected).toEqual(before)
  })

  const bad: [string, unknown][] = [
    ...[4, 43_201, 1.5, null, '60'].map((value): [string, unknown] => ['session_minutes', value]),
    ['allow_persistent_sessions', 'yes'],
    ['unlimited_sessions_per_user', null],
    ['use_inactivity_based_logout', 1],
    ['track_session_location', []],
  ]
  for (const [field, value] of bad) {
    test(`is told what is wrong with ${field}: ${JSON.stringify(value)}`, async () => {
      const { sdk } = client()
      await expect(sdk.ok(sdk.update_session_config({ [field]: value }))).rejects.toMatchObject({
        message: 'Validation Failed',
        errors: [{ field, code: 'invalid', message: expect.any(String), documentation_url: expect.any(String) }],
        documentation_url: expect.stringContaining('/docs/problems#'),
      })
    })
  }

  test('logs in once, keeps the token, and logs out', async () => {
    const { sdk, session } = client()
    expect(session.isAuthenticated()).toBe(false)
    expect(await sdk.ok(sdk.me('id,email'))).toEqual({ id: ADMIN, email: 'john.doe@pie.example' })
    const token = session.activeToken.access_token
    expect(session.activeToken).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    await sdk.ok(sdk.session())
    expect(session.activeToken.access_token).toBe(token)
    expect(await session.logout()).toBe(true)
    const answer = await fetch(`${server.credentials.base_url}/api/4.0/user`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(answer.status).toBe(401)
    expect(await sdk.ok(sdk.me('id'))).toEqual({ id: ADMIN })
    expect(session.activeToken.access_token).not.toBe(token)
    await sdk.ok(sdk.logout())
    await expect(sdk.ok(sdk.me())).rejects.toMatchObject({ message: 'Requires authentication.' })
  })

  test('may call login by hand, also with a session', async () => {
    const { sdk } = client()
    await sdk.ok(sdk.me('id'))
    const { client_id, client_secret } = server.credentials.looker
    expect(await sdk.ok(sdk.login({ client_id, client_secret }))).toMatchObject({
      expires_in: 3600,
      refresh_token: null,
    })
    await expect(sdk.ok(sdk.login({ client_id, client_secret: 'wrong' }))).rejects.toMatchObject({
      message: 'Not found',
    })
  })

  test('acts for a member by sudo, comes back, and never for an equal', async () => {
    const { sdk, session } = client()
    await session.login()
    const own = session.activeToken.access_token
    await session.login(MEMBER)
    expect(session.isSudo()).toBe(true)
    expect(await sdk.ok(sdk.me('id'))).toEqual({ id: MEMBER })
    expect(await sdk.ok(sdk.session())).toEqual({
      can: { view: true, update: true },
      workspace_id: 'production',
      sudo_user_id: ADMIN,
    })
    await expect(sdk.ok(sdk.update_session_config({ session_minutes: 60 }))).rejects.toMatchObject({
      message: expect.stringContaining('permission'),
    })
    expect(await session.logout()).toBe(true)
    expect(session.activeToken.access_token).toBe(own)
    expect(await sdk.ok(sdk.me('id'))).toEqual({ id: ADMIN })
    for (const equal of ['U0000000003', 'U0000000002', ADMIN, 'U0000000009', 'U0000000010']) {
      await expect(sdk.ok(sdk.login_user(equal)), equal).rejects.toMatchObject({
        message: expect.stringContaining('permission'),
      })
    }
    await expect(sdk.ok(sdk.login_user('nobody'))).rejects.toMatchObject({ message: 'Not found' })
  })

  test('chooses the workspace of its session', async () => {
    const { sdk } = client()
    expect((await sdk.ok(sdk.update_session({ workspace_id: 'dev' }))).workspace_id).toBe('dev')
    expect((await sdk.ok(sdk.session())).workspace_id).toBe('dev')
  })

  test("lists, reads and deletes a user's sessions", async () => {
    const { sdk } = client()
    const [gone, kept] = [await openWebSession(MEMBER), await openWebSession(MEMBER)]
    const list = await sdk.ok(sdk.all_user_sessions(MEMBER))
    expect(list.map(({ id }) => id)).toEqual([gone.id, kept.id])
    expect(list[0]).toMatchObject({ ip_address: '192.0.2.7', credentials_type: 'trusted_back_end', sudo_user_id: null })
    expect(await sdk.ok(sdk.all_user_sessions(MEMBER, 'id'))).toEqual([{ id: gone.id }, { id: kept.id }])
    expect(await sdk.ok(sdk.user_session(MEMBER, gone.id))).toEqual(list[0])
    expect(await sdk.ok(sdk.delete_user_session(MEMBER, gone.id))).toBe('')
    expect([await isLive(gone.token), await isLive(kept.token)]).toEqual([false, true])
    await expect(sdk.ok(sdk.user_session(MEMBER, gone.id))).rejects.toMatchObject({ message: 'Not found' })
    await expect(sdk.ok(sdk.delete_user_session(MEMBER, 'a b/c'))).rejects.toMatchObject({ message: 'Not found' })
    await sdk.ok(sdk.delete_user_session(MEMBER, kept.id))
  })

  test('sees a lockout, finds it, and ends it', async () => {
    const { sdk } = client()
    const { username, password } = server.credentials.users.find(({ id }) => id === MEMBER) ?? {}
    const signIn = async (text: string | undefined) => {
      const response = await fetch(`${server.credentials.base_url}/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'cf-connecting-ip': '192.0.2.66' },
        body: JSON.stringify({ username, password: text, transport: 'bearer' }),
      })
      return response.status
    }
    for (let times = 0; times < 5; times += 1) expect(await signIn('wrong')).toBe(401)
    expect(await signIn(password)).toBe(429)
    const [lockout, ...others] = await sdk.ok(sdk.all_user_login_lockouts())
    expect(others).toEqual([])
    expect(lockout).toMatchObject({ user_id: MEMBER, ip: '192.0.2.66', full_name: 'Max Member', auth_type: 'email' })
    expect(await sdk.ok(sdk.search_user_login_lockouts({ email: '%max%', fields: 'key' }))).toEqual([
      { key: lockout?.key },
    ])
    await sdk.ok(sdk.delete_user_login_lockout(lockout?.key ?? ''))
    expect(await signIn(password)).toBe(201)
    expect(await sdk.ok(sdk.all_user_login_lockouts())).toEqual([])
  })

  test('tries again where it is told to, as often as it may', async () => {
    const { sdk } = client()
    await sdk.ok(sdk.me('id'))
    const { client_id, client_secret } = server.credentials.looker
    const headers = { 'cf-connecting-ip': '192.0.2.99' }
    const form = () => new URLSearchParams({ client_id: 'x', client_secret: 'y' })
    const login = async () => {
      const url = `${server.credentials.base_url}/api/4.0/login`
      const response = await fetch(url, { method: 'POST', headers, body: form() })
      return response.status
    }
    let refused = false
    for (let round = 0; round < 40 && !refused; round += 1) {
      refused = (await Promise.all(Array.from({ length: 20 }, login))).includes(429)
    }
    expect(refused).toBe(true)
    const waits: (string | undefined)[] = []
    const options = {
      headers,
      maxTries: 3,
      waitHandler: async ({ response }: { response: { headers: Record<string, string> } }) => {
        waits.push(response.headers['retry-after'])
        return { response: 'retry' as const }
      },
    }
    await expect(sdk.ok(sdk.login({ client_id, client_secret }, options))).rejects.toMatchObject({
      message: 'Too many requests',
    })
    expect(waits).toEqual(['60', '60'])
  })
})

describe('the python client', () => {
  test('gets the answers that it got when it was captured, byte by byte as it asked', async () => {
    const { sdk } = client()
    await sdk.ok(sdk.update_session_config({ track_session_location: true }))
    const { client_id, client_secret } = server.credentials.looker
    const tokens = new Map<string, string>()
    const ours = (text: string) =>
      [...tokens]
        .reduce((replaced, [theirs, mine]) => replaced.replaceAll(theirs, mine), text)
        .replace('/users/1/', `/users/${ADMIN}/`)
        .replace('/login/2 ', `/login/${MEMBER} `)
        .replace('127.0.0.1:8787', new URL(server.credentials.base_url).host)
    const exchanges = readCapture()
    expect(exchanges.length).toBeGreaterThan(12)

    const connection = new RawConnection(server.credentials.base_url)
    for (const { head, body, apart, status, answer } of exchanges) {
      const isLogin = body.startsWith('client_id=')
      const sent = isLogin ? `client_id=${client_id}&client_secret=${client_secret}` : body
      const lines = head
        .map(ours)
        .map((line) => (isLogin ? line.replace(/^(Content-Length: ).*/, `$1${sent.length}`) : line))
      const text = `${lines.join('\r\n')}\r\n\r\n`
      const response = await connection.send(apart ? [text, sent] : [text + sent])
      const name = head[0]
      expect(response.status, `${name}: ${response.body}`).toBe(status)
      if (status === 204) {
        expect(response.body, name).toBe('')
        continue
      }
      expect(response.headers.get('content-type'), name).toBe('application/json')
      const got = JSON.parse(response.body)
      const theirs = answer as Record<string, unknown>
      if (typeof theirs.access_token === 'string') tokens.set(theirs.access_token, got.access_token)
      expect(got, name).toEqual(like(theirs))
    }
    connection.close()
    await sdk.ok(
      sdk.update_session_config({
        session_minutes: 43_200,
        use_inactivity_based_logout: false,
        track_session_location: false,
      }),
    )
  })

  /** What is our own in an answer: tokens, ids and the words of errors. */
  function like(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(like)
    if (typeof value !== 'object' || value === null) return value
    const own: Record<string, unknown> = {
      access_token: expect.stringMatching(/^[A-Za-z0-9_-]{148}$/),
      documentation_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/docs\/problems#/),
      sudo_user_id: ADMIN,
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        if (name === 'message' && 'field' in value) return [name, expect.stringContaining('5 to 43200')]
        return [name, own[name] ?? like(one)]
      }),
    )
  }
})

test('a change is enforced though everything is killed right after it, and nobody asks', async () => {
  const { sdk } = client()
  const [old, young] = [await openWebSession(MEMBER), await openWebSession(MEMBER)]
  await sdk.ok(sdk.update_session_config({ unlimited_sessions_per_user: false }))
  await server.kill()
  await server.restart()
  const ended = await untilEnded(server.persistTo, [old.id])
  expect(ended).toEqual(['evicted'])
  expect([await isLive(old.token), await isLive(young.token)]).toEqual([false, true])
  expect((await sdk.ok(sdk.session_config())).unlimited_sessions_per_user).toBe(false)
})

/** Why sessions ended as D1's file says, once it says so of all of them. */
async function untilEnded(directory: string, ids: readonly string[]): Promise<unknown[]> {
  const folder = join(directory, 'v3/d1/miniflare-D1DatabaseObject')
  const file = readdirSync(folder).find((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite') ?? ''
  const database = new DatabaseSync(join(folder, file), { readOnly: true })
  try {
    const reasons = () =>
      ids.map((id) => database.prepare('SELECT end_reason FROM sessions WHERE session_id = ?').get(id)?.end_reason)
    await expect.poll(reasons, { timeout: DONE_WITHIN_MILLISECONDS, interval: 200 }).not.toContain(null)
    return reasons()
  } finally {
    database.close()
  }
}
