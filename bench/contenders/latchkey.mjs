// Latchkey, with a store, users and sessions made over its own API.
import { randomBytes, scryptSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { unstable_readConfig } from 'wrangler'
import { serveWorker } from '../workers.mjs'
import { mustBe } from './answers.mjs'
import { HASHED } from './hashed.mjs'

const MIGRATIONS = fileURLToPath(new URL('../../migrations/', import.meta.url))
const STORE = 'd-bench'
const PASSWORD = 'correct horse battery staple'
/** As a browser says it. */
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
const ADDRESS = '192.0.2.1'
const PUBLIC_ORIGIN = 'http://127.0.0.1:8787'
const CLIENT = { 'cf-connecting-ip': ADDRESS, 'user-agent': USER_AGENT }
const HASHED_USERS = 16
const USERS_PER_IMPORT = 1_000
const OPENINGS_AT_ONCE = 32
/** Without a statement for so long, D1 has done what followed from the last request. */
const QUIET_MILLISECONDS = 150

const CONFIG = unstable_readConfig({ config: fileURLToPath(new URL('../../wrangler.toml', import.meta.url)) })
/** What limits one address or user to what people do; the load comes from one address. */
const UNLIMITED = {
  SIGN_IN_FLOOR_MILLISECONDS: '0',
  SIGN_IN_TRIES_PER_USER_AND_ADDRESS: '1000000',
  SIGN_IN_TRIES_PER_ADDRESS: '1000000',
  SIGN_IN_TRIES_BEFORE_SLOWING: '1000000',
  SIGN_IN_TRIES_PER_USER: '1000000',
}
const UNGATED = { limit: 1_000_000, period: 60 }

/**
 * Serves Latchkey with an empty store and a credential for everything. `entry` may be another Worker around it,
 * `variables` take the place of the unlimited ones, and `gate` that of a gate which stands open; `beside` makes
 * another Worker of the same process, for the store with this id. `hashingElsewhere`: in a process of its own.
 */
export async function serveLatchkey({
  entry = 'src/index.ts',
  inspectorPort,
  variables = UNLIMITED,
  gate = UNGATED,
  beside,
  hashingElsewhere = false,
} = {}) {
  const secret = () => randomBytes(32).toString('base64url')
  const bootstrapSecret = secret()
  const hashers = hashingElsewhere
    ? await serveWorker({ name: 'hashers', entry: 'bench/workers/hashers.ts' })
    : undefined
  const worker = await serveWorker({
    name: 'latchkey',
    entry,
    instead: hashingElsewhere ? { './passwords.ts': 'bench/workers/passwords-elsewhere.ts' } : {},
    inspectorPort,
    beside: beside === undefined ? [] : [beside(STORE)],
    compatibilityDate: CONFIG.compatibility_date,
    compatibilityFlags: CONFIG.compatibility_flags,
    d1Databases: byBinding(CONFIG.d1_databases),
    kvNamespaces: byBinding(CONFIG.kv_namespaces),
    durableObjects: Object.fromEntries(
      CONFIG.durable_objects.bindings.map((object) => [object.name, { className: object.class_name, useSQLite: true }]),
    ),
    ratelimits: Object.fromEntries(
      CONFIG.ratelimits.map(({ name, namespace_id }) => [name, { namespace_id, simple: gate }]),
    ),
    bindings: {
      ...CONFIG.vars,
      ...variables,
      SESSION_TOKEN_KEYS: `1:${secret()}`,
      SEALING_KEYS: `1:${secret()}`,
      OPERATOR_BOOTSTRAP_SECRET: bootstrapSecret,
      ...(hashers && { HASHERS_URL: hashers.url }),
    },
  })
  const database = await worker.database()
  for (const file of readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    const statements = readFileSync(`${MIGRATIONS}${file}`, 'utf8').split('--> statement-breakpoint')
    await database.batch(statements.map((statement) => database.prepare(statement)))
  }
  const stop = () => Promise.all([worker.stop(), hashers?.stop()])
  const service = new Service({ ...worker, stop }, database)
  await service.start(bootstrapSecret)
  return service
}

function byBinding(list) {
  return Object.fromEntries(list.map(({ binding }) => [binding, binding]))
}

/** A running Latchkey, and what its operators and back ends do with it. */
class Service {
  constructor(worker, database) {
    this.url = worker.url
    this.pid = worker.pid
    this.stop = worker.stop
    this.urlOf = worker.urlOf
    this.database = database
    this.identityStoreId = STORE
  }

  async start(bootstrapSecret) {
    const { token } = await this.send('POST', '/operator/bootstrap', bootstrapSecret, 201, { name: 'bench' })
    this.operator = token
    const store = { name: 'Bench', default_login_mode: 'LOCAL_LOGIN_SHARED', state: 'active' }
    await this.operate('PUT', '', store)
    await this.importUsers([{ user_id: 'owner', role: 'primary_owner', user_level: 12 }])
    const scopes = ['sessions:open', 'admin.users:read', 'admin.users:write']
    const credential = { kind: 'bearer', name: 'back end', scopes, owner_user_id: 'owner' }
    this.backEnd = (await this.operate('POST', '/credentials', credential)).token
  }

  /** Calls the operator API of the store. Answers the body. */
  operate(method, path, body) {
    return this.send(method, `/operator/identity-stores/${STORE}${path}`, this.operator, null, body)
  }

  /** Sends JSON with a bearer. Answers the body; null: any status of success will do. */
  async send(method, path, bearer, status, body) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...CLIENT },
      body: JSON.stringify(body),
    })
    await mustBe(status ?? (response.ok ? response.status : 200), response)
    return response.json()
  }

  /** Makes users; each has at least a `user_id`. */
  async importUsers(users) {
    for (let at = 0; at < users.length; at += USERS_PER_IMPORT) {
      const some = users.slice(at, at + USERS_PER_IMPORT)
      const body = { users: some.map((user) => ({ username: `${user.user_id}@pie.example`, ...user })) }
      const { results } = await this.operate('POST', '/users', body)
      const refused = results.find((result) => result.status !== 201)
      if (refused !== undefined) throw new Error(`a user was refused: ${JSON.stringify(refused)}`)
    }
  }

  /** Makes users with ids `${prefix}0` and so on. Answers the ids. */
  async makeUsers(prefix, count, facts = {}) {
    const ids = Array.from({ length: count }, (_, index) => `${prefix}${index}`)
    await this.importUsers(ids.map((id) => ({ user_id: id, ...facts })))
    return ids
  }

  /** The request by which a back end opens a session. */
  opening(userId) {
    return {
      method: 'POST',
      path: '/sessions',
      headers: { authorization: `Bearer ${this.backEnd}`, 'content-type': 'application/json', ...CLIENT },
      body: JSON.stringify({ user_id: userId, client: { address: ADDRESS, user_agent: USER_AGENT } }),
    }
  }

  /** Opens one session for each user, some at once. Answers the tokens, in the order of the users. */
  async open(userIds) {
    const tokens = []
    for (let at = 0; at < userIds.length; at += OPENINGS_AT_ONCE) {
      const some = userIds.slice(at, at + OPENINGS_AT_ONCE).map(async (userId) => {
        const { path, ...request } = this.opening(userId)
        return (await (await mustBe(201, fetch(`${this.url}${path}`, request))).json()).token
      })
      tokens.push(...(await Promise.all(some)))
    }
    return tokens
  }

  /** Opens sessions for one user. Answers their ids. */
  async openMany(userId, count) {
    const ids = []
    while (ids.length < count) {
      const some = Array.from({ length: Math.min(OPENINGS_AT_ONCE, count - ids.length) }, async () => {
        const { path, ...request } = this.opening(userId)
        return (await (await mustBe(201, fetch(`${this.url}${path}`, request))).json()).id
      })
      ids.push(...(await Promise.all(some)))
    }
    return ids
  }

  /** What D1 has done so far; only where the entry has meters. */
  async meters() {
    return (await mustBe(200, fetch(`${this.url}/bench/meters`))).json()
  }

  /** Waits until D1 has nothing more to do, but no longer than this. */
  async quiet(milliseconds) {
    let last = -1
    for (const until = Date.now() + milliseconds; Date.now() < until; ) {
      const { statements } = await this.meters()
      if (statements === last) return
      last = statements
      await new Promise((go) => setTimeout(go, QUIET_MILLISECONDS))
    }
  }

  /** The check of a session, as a request. */
  check(token, headers = {}) {
    return { path: '/sessions/current', headers: { authorization: `Bearer ${token}`, ...CLIENT, ...headers } }
  }

  /** A sign-in with a password, the right one unless told otherwise, as a request. */
  signIn(userId, { password = PASSWORD, transport = 'bearer', headers = {} } = {}) {
    return {
      method: 'POST',
      path: '/sessions',
      headers: { 'content-type': 'application/json', origin: PUBLIC_ORIGIN, ...CLIENT, ...headers },
      body: JSON.stringify({ username: `${userId}@pie.example`, password, transport }),
    }
  }

  /** A scenario of this service. */
  scenario(requests, status = 200) {
    return { url: this.url, pid: this.pid, status, requests }
  }
}

/** A hash of the password: as costly as the service makes them, or next to free. */
export function passwordHash(ln, p) {
  const salt = randomBytes(16)
  const hash = scryptSync(PASSWORD, salt, 32, { N: 2 ** ln, r: 8, p, maxmem: 134_217_728 })
  const text = (bytes) => bytes.toString('base64').replaceAll('=', '')
  return `$scrypt$ln=${ln},r=8,p=${p}$${text(salt)}$${text(hash)}`
}

/** Starts the contender for checks of one user. Answers its scenarios, itself and how to stop it. */
export async function startLatchkey() {
  const service = await serveLatchkey()
  const [token] = await service.open(await service.makeUsers('one', 1))
  const [lister] = await service.makeUsers('lister', 1)
  const [listing] = await service.open(Array.from({ length: 10 }, () => lister))
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
  const list = { ...service.check(listing), path: '/sessions' }
  const body = await (await mustBe(200, fetch(`${service.url}/sessions`, list))).json()
  if (body.sessions.length !== 10) throw new Error('the list is not complete')
  return {
    service,
    scenarios: {
      check: service.scenario([service.check(token)]),
      check_max_age: service.scenario([service.check(token, { 'cache-control': 'max-age=5' })]),
      check_forged: service.scenario([service.check(forged)], 401),
      list: service.scenario([list]),
    },
    stop: service.stop,
  }
}

/** The same for checks of many users, who all live in its memory. */
export async function startLatchkeyOfMany({ users }) {
  const service = await serveLatchkey()
  const tokens = await service.open(await service.makeUsers('many', users))
  const checks = service.scenario(tokens.map((token) => service.check(token)))
  return { scenarios: { check_many: { ...checks, wakes: tokens.length } }, stop: service.stop }
}

/** The same for openings: what they leave to be done must not fall on checks. Their hashing is next to nothing. */
export async function startLatchkeyThatOpens({ known, newUsers }) {
  const service = await serveLatchkey({ variables: { ...UNLIMITED, PASSWORD_HASH_COST: 'ln=1,r=8,p=1' } })
  const openers = await service.makeUsers('known', known, { password_hash: passwordHash(1, 1) })
  await service.open(openers)
  const fresh = await service.makeUsers('new', newUsers)
  let opened = 0
  const nextUsers = (count) => {
    opened += count
    if (opened > fresh.length) throw new Error('there are no new users left')
    return fresh.slice(opened - count, opened)
  }
  const openings = (users) => users.map((userId) => service.opening(userId))
  const signIns = openers.map((userId) => service.signIn(userId))
  return {
    scenarios: {
      open_known: { ...service.scenario(openings(openers), 201), writes: true },
      open_new: { ...service.scenario((amount) => openings(nextUsers(amount)), 201), writes: true },
      sign_in: { ...service.scenario(signIns, 201), writes: true },
    },
    stop: service.stop,
  }
}

/** The same for sign-ins that hash at full cost. */
export async function startLatchkeyThatHashes() {
  const service = await serveLatchkey()
  const users = await service.makeUsers('hashed', HASHED_USERS, { password_hash: passwordHash(14, 5) })
  const signIns = users.map((userId) => service.signIn(userId))
  return { scenarios: { sign_in_hashed: { ...service.scenario(signIns, 201), ...HASHED } }, stop: service.stop }
}
