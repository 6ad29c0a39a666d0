/** An application server for Latchkey: the contract of docs/application-server.md over a D1 database of its own. */
import { scryptSync, timingSafeEqual } from 'node:crypto'

/** Bindings and secrets. */
export interface Env {
  readonly DB: D1Database
  readonly APPLICATION_SERVER_SECRET: string
}

interface Row {
  readonly username: string
  readonly password_hash: string | null
  readonly first_name: string | null
  readonly last_name: string | null
  readonly email_address: string | null
  readonly version: number
}

const FIELDS = ['first_name', 'last_name', 'email_address'] as const
type Changes = { readonly [Field in (typeof FIELDS)[number]]?: string | null }

export default {
  async fetch(request, env) {
    if (!isAllowed(request, env)) return refuse(401, 'The shared secret is not this one.')
    const { pathname } = new URL(request.url)
    if (pathname === '/v1/authenticate' && request.method === 'POST') return authenticate(request, env)
    const username = /^\/v1\/users\/([^/]+)\/profile$/.exec(pathname)?.[1]
    if (username !== undefined && request.method === 'GET') return readProfile(decodeURIComponent(username), env)
    if (username !== undefined && request.method === 'PATCH') return update(decodeURIComponent(username), request, env)
    return refuse(404, 'There is no such thing.')
  },
} satisfies ExportedHandler<Env>

async function authenticate(request: Request, env: Env): Promise<Response> {
  const { username, password } = await members(request)
  if (typeof username !== 'string' || typeof password !== 'string')
    return refuse(400, 'username and password, as text.')
  const user = await find(username, env)
  return Response.json({ authenticated: user !== null && fits(password, user.password_hash) })
}

async function readProfile(username: string, env: Env): Promise<Response> {
  const user = await find(username, env)
  return user === null ? refuse(404, 'There is no such user.') : profile(user)
}

/** Applies an update once, and only to the version that it was made for. */
async function update(username: string, request: Request, env: Env): Promise<Response> {
  const key = request.headers.get('idempotency-key')
  const version = /^"(\d+)"$/.exec(request.headers.get('if-match') ?? '')?.[1]
  if (key === null || version === undefined) return refuse(400, 'Idempotency-Key and If-Match are needed.')
  const changes = changesIn(await members(request))
  if (changes === null) return refuse(422, 'first_name, last_name, email_address, as text or null.')
  const base = Number(version)

  // One transaction: the update is noted if the version fits, and applied if it was noted for this version.
  const columns = FIELDS.filter((field) => changes[field] !== undefined)
  const assignments = [...columns.map((field) => `${field} = ?`), 'version = version + 1'].join(', ')
  const [noted] = await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO updates SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM users WHERE username = ?2 AND version = ?3)
       ON CONFLICT DO NOTHING`,
    ).bind(key, username, base, Date.now()),
    env.DB.prepare(
      `UPDATE users SET ${assignments} WHERE username = ? AND version = ?
       AND EXISTS (SELECT 1 FROM updates WHERE idempotency_key = ? AND username = users.username AND base_version = users.version)`,
    ).bind(...columns.map((field) => changes[field]), username, base, key),
  ])
  const user = await find(username, env)
  if (user === null) return refuse(404, 'There is no such user.')
  if (noted?.meta.changes === 0 && !(await wasApplied(key, username, env))) {
    return refuse(412, `The profile has version ${user.version}.`)
  }
  return profile(user)
}

async function wasApplied(key: string, username: string, env: Env): Promise<boolean> {
  const row = await env.DB.prepare('SELECT 1 FROM updates WHERE idempotency_key = ? AND username = ?')
    .bind(key, username)
    .first()
  return row !== null
}

function find(username: string, env: Env): Promise<Row | null> {
  return env.DB.prepare('SELECT * FROM users WHERE username = ?').bind(username).first<Row>()
}

function profile({ first_name, last_name, email_address, version }: Row): Response {
  return Response.json({ first_name, last_name, email_address, version })
}

function refuse(status: number, detail: string): Response {
  return Response.json({ detail }, { status })
}

function isAllowed(request: Request, { APPLICATION_SERVER_SECRET: secret }: Env): boolean {
  const [given, expected] = [request.headers.get('authorization') ?? '', `Bearer ${secret}`].map((text) =>
    new TextEncoder().encode(text),
  ) as [Uint8Array, Uint8Array]
  return secret !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
}

/** Whether a password is that of an scrypt hash as a PHC string. */
function fits(password: string, hash: string | null): boolean {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash ?? '')
  if (match === null) return false
  const [ln, r, p] = match.slice(1, 4).map(Number) as [number, number, number]
  const [salt, expected] = match.slice(4).map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer]
  const options = { N: 2 ** ln, r, p, maxmem: 134_217_728 }
  return timingSafeEqual(scryptSync(password.normalize('NFKC'), salt, expected.length, options), expected)
}

function changesIn(body: Record<string, unknown>): Changes | null {
  const known = Object.entries(body).every(
    ([field, value]) => (FIELDS as readonly string[]).includes(field) && (typeof value === 'string' || value === null),
  )
  return known && Object.keys(body).length > 0 ? (body as Changes) : null
}

async function members(request: Request): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await request.json()
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
