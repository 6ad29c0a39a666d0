import { execFile } from 'node:child_process'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { watchedPage } from './support/console-page.ts'
import { type DevServer, runDev, startDev } from './support/dev-server.ts'
import { queryDatabaseWith } from './support/local-database.ts'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

/** Longer than any route waits for a body. */
const VAIN_MILLISECONDS = 30_000
const DEMO_SESSIONS = ['--demo-sessions', '50']
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

let project: ProjectCopy
let port: number
let server: DevServer
/** When all of this began. */
const begun = Date.now()

beforeAll(async () => {
  project = copyProject()
  port = await freePort()
  server = await startDev(project.directory, ['--port', String(port)])
})

afterAll(async () => {
  await server?.stop()
  project.remove()
})

/** With a demo store of some sessions. What was there is there afterwards. */
async function killAndStart(which: 'npm' | 'script', on: number): Promise<void> {
  const made = total()
  const { body } = await signIn('bearer', 'before the restart')
  await vi.waitFor(() => expect(total()).toBe(made + 1), 30_000)
  const before = server.credentials
  expect(await server.kill(which)).toEqual([])
  server = await startDev(project.directory, ['--port', String(on), ...DEMO_SESSIONS])
  expect(server.credentials).toEqual({ ...before, base_url: `http://127.0.0.1:${on}` })
  expect((await call('GET', '/sessions/current', bearer(body.token))).status).toBe(200)
}

/** One request; the body is JSON, or nothing. */
async function call(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: object | URLSearchParams,
) {
  const form = body instanceof URLSearchParams
  const response = await fetch(`${server.credentials.base_url}${path}`, {
    method,
    headers: body === undefined || form ? headers : { 'content-type': 'application/json', ...headers },
    body: body === undefined || form ? (body ?? null) : JSON.stringify(body),
  })
  const text = await response.text()
  const json: Record<string, unknown> = text === '' ? {} : JSON.parse(text)
  return { status: response.status, cookie: response.headers.get('set-cookie'), body: json }
}

function bearer(token: unknown): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

async function signIn(transport: 'cookie' | 'bearer', userAgent: string) {
  const { username, password } = server.credentials.users[0] ?? { username: '', password: '' }
  const answer = await call('POST', '/sessions', { 'user-agent': userAgent }, { username, password, transport })
  expect(answer).toMatchObject({ status: 201, body: { user_id: 'U0000000001' } })
  return answer
}

/** How many web sessions of the store there are by the reason of their end. */
function reasons(): Record<string, unknown> {
  const query = "SELECT coalesce(end_reason, 'live') AS reason, count(*) AS many FROM sessions GROUP BY reason"
  const rows = queryDatabaseWith('sessions', join(project.directory, '.wrangler/state'), query)
  return Object.fromEntries(rows.map(({ reason, many }) => [reason, many]))
}

const total = () => Object.values(reasons()).reduce<number>((sum, many) => sum + Number(many), 0)

describe('a user with two devices', () => {
  test('signs in by cookie and by bearer token, sees both, ends one, signs out of the other', async () => {
    const laptop = await signIn('cookie', FIREFOX)
    expect(laptop.body.token).toBeUndefined()
    expect(laptop.cookie).toMatch(/^sessionid=.*; HttpOnly/)
    const { base_url: origin } = server.credentials
    const onLaptop = { cookie: laptop.cookie?.split(';')[0] ?? '', 'user-agent': FIREFOX, origin }
    expect(await call('GET', '/sessions/current', onLaptop)).toMatchObject({
      status: 200,
      body: { id: laptop.body.id },
    })

    const phone = await signIn('bearer', 'phone app')
    expect(phone.cookie).toBeNull()
    const onPhone = bearer(phone.body.token)
    expect(await call('GET', '/sessions/current', onPhone)).toMatchObject({ status: 200, body: { id: phone.body.id } })

    const list = await call('GET', '/sessions', onLaptop)
    expect(list.body.sessions).toMatchObject([
      { id: phone.body.id, current: false },
      { id: laptop.body.id, current: true, browser: expect.stringContaining('Firefox') },
    ])

    expect((await call('DELETE', `/sessions/${phone.body.id}`, onLaptop)).status).toBe(204)
    const revoked = await call('GET', '/sessions/current', onPhone)
    expect(revoked).toMatchObject({ status: 401, body: { code: 'session_ended', reason: 'revoked' } })

    expect((await call('DELETE', '/sessions/current', onLaptop)).status).toBe(204)
    expect((await call('DELETE', '/sessions/current', onLaptop)).status).toBe(204)
    const signedOut = await call('GET', '/sessions/current', onLaptop)
    expect(signedOut).toMatchObject({ status: 401, body: { code: 'session_ended', reason: 'logout' } })
  })

  test('is refused with a wrong password', async () => {
    const username = server.credentials.users[3]?.username
    const answer = await call('POST', '/sessions', {}, { username, password: 'wrong' })
    expect(answer).toMatchObject({ status: 401, cookie: null, body: { code: 'invalid_credentials' } })
  })
})

describe('a trusted back end', () => {
  test('opens a session for a user, introspects and revokes it', async () => {
    const service = bearer(server.credentials.service.token)
    const client = { address: '192.0.2.1', user_agent: 'till' }
    const opened = await call('POST', '/sessions', service, { user_id: 'U0000000004', client })
    expect(opened).toMatchObject({ status: 201, cookie: null, body: { user_id: 'U0000000004', address: '192.0.2.1' } })
    const token = new URLSearchParams({ token: String(opened.body.token) })
    const live = await call('POST', '/oauth2/introspect', service, token)
    expect(live).toMatchObject({ status: 200, body: { active: true, sub: 'U0000000004', sid: opened.body.id } })
    expect((await call('POST', '/oauth2/revoke', service, token)).status).toBe(200)
    expect((await call('POST', '/oauth2/introspect', service, token)).body).toEqual({ active: false })
  })
})

test.concurrent.each([
  'GET /nothing',
  'GET /sessions/current',
  'DELETE /sessions/current',
  'PUT /sessions',
  'POST /oauth2/revoke',
  'POST /operator/credentials',
  'DELETE /api/4.0/logout',
  'POST /api/chat.postMessage',
  'POST /api/v1/nothing/',
  'POST /v1/identity-stores/d-0/users/u-0/sessions/nothing',
  'POST /sessions',
])('%s with a body that does not come is answered, and the connection ends', async (start) => {
  // It claims more bytes than any route takes, so that nobody waits for it to come.
  const answer = await new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(server.credentials.base_url)
    const socket = connect({ host: hostname, port: Number(port) })
    const head = [`${start} HTTP/1.1`, `Host: ${hostname}:${port}`, 'Content-Type: application/json']
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('error', reject)
    socket.setTimeout(VAIN_MILLISECONDS, () => socket.destroy(new Error('nothing more comes')))
    socket.on('close', () => resolve(received))
    socket.write([...head, 'Content-Length: 10000000', '', '{"a":'].join('\r\n'))
  })
  expect(answer).toMatch(/^HTTP\/1\.1 [24]\d\d /)
})

describe('npm run dev', () => {
  test('prints lines that work as they are, and no secret', async () => {
    const lines = server.output().match(/^ *(?:curl|ACCESS_KEY=).*$/gm) ?? []
    expect(lines.length).toBeGreaterThanOrEqual(8)
    const { users, service, slack, looker, huawei, operator_token } = server.credentials
    const tokens = [operator_token, service.token, slack.token, slack.read_only_token]
    const secrets = [...users.map(({ password }) => password), ...tokens, looker.client_secret, huawei.sk]
    expect(secrets.filter((secret) => server.output().includes(secret))).toEqual([])
    for (const line of lines) {
      const { stdout } = await promisify(execFile)('sh', ['-c', `${line} -w '\\n%{http_code}'`])
      expect(stdout, line).toMatch(/\n2\d\d$/)
    }
  })

  test.skipIf(noBrowser)('signs in to the console once; it is sent to nobody and leaves the address', async () => {
    const link = /\S+\/console#sign-in=[\w-]{43}/.exec(server.output())?.[0] ?? ''
    const code = link.split('=')[1] ?? ''
    const { base_url: baseUrl } = server.credentials
    const browser = await sharedChromium()
    try {
      const { page } = await watchedPage(browser, baseUrl, {})
      const asked: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      await page.goto(link)
      await page.getByRole('heading', { name: 'Stores' }).waitFor()
      expect([page.url(), ...asked].filter((url) => url.includes(code))).toEqual([])

      const { page: another } = await watchedPage(browser, baseUrl, {})
      await another.goto(link)
      await another.getByRole('alert').getByText('was used already').waitFor()
      expect(another.url()).toBe(`${baseUrl}/console`)
      await another.getByLabel('Operator token').waitFor()
      expect(server.output().split(code)).toHaveLength(2)
    } finally {
      await browser.close()
    }
  })

  test('keeps its secrets from other users of the machine', () => {
    for (const path of ['.dev.vars', '.wrangler/state/dev-credentials.json', '.wrangler/state/dev-seed.json']) {
      expect(statSync(join(project.directory, path)).mode & 0o777, path).toBe(0o600)
    }
    for (const path of ['.wrangler/state', '.wrangler/state/v3', '.wrangler/state/dev']) {
      expect(statSync(join(project.directory, path)).mode & 0o777, path).toBe(0o700)
    }
  })

  test('gives no local explorer to whoever reaches the port, and keeps no traces', async () => {
    const explorer = await fetch(`${server.credentials.base_url}/cdn-cgi/local/explorer/api/d1/database`)
    expect([explorer.status, await explorer.json()]).toMatchObject([404, { code: 'path_not_found' }])
    const kept = readdirSync(join(project.directory, '.wrangler'), { recursive: true, encoding: 'utf8' })
    expect(kept.filter((path) => path.includes('observability'))).toEqual([])
  })

  test('refuses a port that is taken', async () => {
    const second = await runDev(project.directory, ['--port', String(port)])
    expect(second).toMatchObject({ code: 1, output: expect.stringContaining('something listens there already') })
  })

  test('leaves no process behind and keeps the data if npm is killed', async () => {
    await killAndStart('npm', port)
  })

  test('has filled the demo store with a day of sessions that end in many ways', async () => {
    // A session's record is in the database soon after its end.
    const ended = ['expired', 'logout', 'replaced', 'revoked', 'user_disabled']
    await vi.waitFor(() => expect(Object.keys(reasons())).toEqual(expect.arrayContaining(ended)), 30_000)
    expect(server.output()).toContain('Filling')
    expect(total()).toBeGreaterThanOrEqual(50)
    const [day] = queryDatabaseWith(
      'sessions',
      join(project.directory, '.wrangler/state'),
      `SELECT count(DISTINCT opened_at / 3600000) AS hours, min(opened_at) AS first, max(ended_at) AS last FROM sessions`,
    )
    expect(day?.hours).toBeGreaterThan(16)
    expect(day?.first).toBeGreaterThan(begun - 86_400_000)
    expect(day?.last).toBeLessThan(Date.now())
  })

  test('nor if the script is killed, and can be started on another port, where it fills nothing again', async () => {
    const made = total()
    await killAndStart('script', await freePort())
    expect(total()).toBe(made + 1)
    expect(server.output()).not.toContain('Filling')
    expect((await signIn('cookie', 'on the other port')).cookie).not.toContain('Secure')
  })

  test('leaves no process behind after Ctrl-C; says that keys do not fit the data, and begins anew with --reset', async () => {
    const before = server.credentials
    expect(await server.stop()).toEqual([])
    rmSync(join(project.directory, '.dev.vars'))
    const refused = await runDev(project.directory, ['--port', String(port)])
    expect(refused.code).toBe(1)
    expect(refused.output).toContain('.dev.vars has lost some of SESSION_TOKEN_KEYS and SEALING_KEYS')
    expect(refused.output).toContain(`npm run dev -- --port ${port} --reset`)
    server = await startDev(project.directory, ['--port', String(port), '--reset'])
    expect(server.credentials.operator_token).not.toBe(before.operator_token)
    await signIn('bearer', 'after the reset')
  })
})
