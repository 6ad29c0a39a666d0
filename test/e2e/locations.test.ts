/** Where users are: what a local server keeps of it in its files, byte for byte, when nobody wants it tracked. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { queryDatabaseWith } from './support/local-database.ts'
import { type OpenIdProvider, startOpenIdProvider } from './support/openid-provider.ts'
import { type Served, serve } from './support/served.ts'
import { copyOf, found } from './support/stored-bytes.ts'

/** As the edge says it with each request, and as a back end says it of its user. */
const EDGE = { city: 'Öberhofen-E', region: 'Thun-E', country: 'CH', timezone: 'Europe/Thun-E' }
const EDGE_COORDINATES = { latitude: '46.73124', longitude: '7.66123' }
const BACK_END = { city: 'Sigriswil-E', region: 'Bern-E', country: 'CH', time_zone: 'Europe/Bern-E' }
const BACK_END_COORDINATES = { latitude: '46.71717', longitude: '7.71313' }
const TRACES = [EDGE, EDGE_COORDINATES, BACK_END, BACK_END_COORDINATES]
  .flatMap((place) => Object.values(place))
  .filter((text) => text !== 'CH')

let server: Served
let provider: OpenIdProvider
const copies: string[] = []

beforeAll(async () => {
  server = await serve({}, { ...EDGE, ...EDGE_COORDINATES })
  const account = { sub: 'subject of sol', email: 'sol.single@pie.example', email_verified: true }
  provider = await startOpenIdProvider(await freePort(), account)
  const { issuer, clientId, clientSecret, redirectUri } = provider
  const client = { issuer, client_id: clientId, client_secret: clientSecret, redirect_uri: redirectUri }
  await operate('PUT', '/openid-provider', client)
})

afterAll(async () => {
  await server?.stop()
  await provider?.stop()
  for (const copy of copies) rmSync(copy, { recursive: true, force: true })
})

type Request = RequestInit & { readonly json?: object; readonly bearer?: string }

async function call(path: string, { json, bearer, headers, ...init }: Request): Promise<Response> {
  const all = {
    ...(json !== undefined && { 'content-type': 'application/json' }),
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    ...headers,
  }
  const body = json === undefined ? {} : { body: JSON.stringify(json) }
  const url = `${server.credentials.base_url}${path}`
  const answer = await fetch(url, { method: 'POST', redirect: 'manual', ...body, ...init, headers: all })
  expect(answer.status, `${path} answered ${answer.status}`).toBeLessThan(400)
  return answer
}

function operate(method: string, path: string, json: object): Promise<Response> {
  const { identity_store_id: id, operator_token: bearer } = server.credentials
  return call(`/operator/identity-stores/${id}${path}`, { method, bearer, json })
}

/** Sessions by each API that opens any. Answers how many there are of a kind that may have a place. */
async function openByEachApi(): Promise<number> {
  const { users, service, looker, base_url: origin, operator_token: operator } = server.credentials
  const { username, password } =
    users.find(({ role, login_mode }) => role === 'member' && login_mode === 'LOCAL_LOGIN_SHARED') ?? {}
  const sign = { username, password }
  await call('/sessions', { json: { ...sign, transport: 'bearer' } })
  await call('/sessions', { json: sign, headers: { origin } })
  const client = { address: '192.0.2.7', user_agent: 'till' }
  const location = { ...BACK_END, ...BACK_END_COORDINATES }
  await call('/sessions', { json: { user_id: 'U0000000004', client, location }, bearer: service.token })
  await call('/sign-in', { body: new URLSearchParams(sign as Record<string, string>), headers: { origin } })
  const login = await call('/api/v1/login/', { json: sign })
  const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? ''
  const token = await call('/api/v1/auth_token/generate/', { json: { username }, headers: { cookie, origin } })
  await call('/api/v1/auth_token/login/', { json: (await token.json()) as object })
  const code = await provider.code('a nonce')
  const vouched = { authorization_code: code, nonce: 'a nonce', redirect_uri: provider.redirectUri }
  await call('/api/v1/openid/login/', { json: vouched })
  const withPlace = 7
  const form = new URLSearchParams({ client_id: looker.client_id, client_secret: looker.client_secret })
  const { access_token: bearer } = (await (await call('/api/4.0/login', { body: form })).json()) as {
    access_token: string
  }
  await call('/api/4.0/login/U0000000004', { bearer })
  await call('/operator/console-sessions', { bearer: operator, headers: { origin } })
  return withPlace
}

function records(where: string): number {
  return queryDatabaseWith('sessions', server.persistTo, `SELECT 1 FROM sessions WHERE ${where}`).length
}

/** A copy of the files, when D1 has all sessions. */
async function whenMirrored(sessions: number): Promise<string> {
  await expect.poll(() => records("kind = 'web'")).toBe(sessions)
  const copy = copyOf(server.persistTo)
  copies.push(copy)
  return copy
}

test('with tracking off from the start no byte of a place is in any file, also not in what SQLite has freed', async () => {
  const before = records("kind = 'web'")
  const opened = await openByEachApi()
  expect(found(await whenMirrored(before + opened), TRACES, { freed: true })).toEqual([])
})

test('turned off again, it leaves none in any table or index, of no session, live or ended', async () => {
  const before = records("kind = 'web'")
  await operate('PATCH', '/session-config', { track_location: true })
  const opened = await openByEachApi()
  const on = await whenMirrored(before + opened)
  expect(records('location IS NOT NULL')).toBe(opened)
  const there = found(on, TRACES).join('\n')
  for (const trace of TRACES) expect(there).toContain(trace)
  await operate('POST', '/users/U0000000004/sessions/end', { all: true })
  await expect.poll(() => records('location IS NOT NULL AND ended_at IS NOT NULL')).toBeGreaterThan(0)
  await operate('PATCH', '/session-config', { track_location: false })
  await expect.poll(() => records('location IS NOT NULL')).toBe(0)
  const off = await whenMirrored(before + opened)
  expect(found(off, TRACES)).toEqual([])
  // What SQLite has freed nobody can clear (docs/storage.md): it is where they were, and nowhere else.
  const elsewhere = found(off, TRACES, { freed: true }).filter(
    (one) => !/ in (d1|do\/latchkey-UserSessions)\//.test(one),
  )
  expect(elsewhere).toEqual([])
})
