/**
 * Two identity stores: one whose credentials the requests are made with, and one that nobody is authorised for, whose
 * ids are known all the same. Made by the operator API, as operators do.
 */
import { scryptSync } from 'node:crypto'
import type { Header } from './requests.ts'
import type { Known } from './schemas.ts'

/** Who a request says it comes from. */
export interface Carrier {
  readonly headers: readonly Header[]
  readonly accessKey?: { readonly accessKey: string; readonly secretKey: string }
}

export interface World {
  /** The service's own. */
  readonly origin: string
  readonly identityStoreId: string
  readonly known: Known
  /** By the names of OpenAPI's security schemes. */
  readonly carriers: Readonly<Record<string, readonly Carrier[]>>
  readonly sessions: readonly OpenSession[]
}

export interface OpenSession {
  readonly id: string
  readonly token: string
  readonly userId: string
}

/** The store that nobody is authorised for. */
export interface Bystander {
  readonly identityStoreId: string
  readonly userIds: readonly string[]
  readonly sessions: readonly OpenSession[]
  /** Words of its records that stand in no request: in no answer either, then. */
  readonly marks: readonly string[]
  /** What is no secret, for requests to name. */
  readonly known: Known
}

/** A call of the setting up, which must succeed. */
export interface Call {
  readonly method: string
  readonly path: string
  readonly bearer?: string
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of every form are read.
export type Caller = (call: Call) => Promise<{ readonly body: any; readonly cookies: readonly string[] }>

const PASSWORD = 'correct horse battery staple'
const USERS = [
  { name: 'owner', role: 'primary_owner', user_level: 12 },
  { name: 'admin', role: 'admin', user_level: 12 },
  { name: 'member', role: 'member' },
  { name: 'other', role: 'member', group_id: 'group' },
  { name: 'bot', role: 'member', bot: true },
]
const LIMIT = 5

/** Makes the store that nobody is authorised for. */
export async function makeBystander(call: Caller, operator: string): Promise<Bystander> {
  const made = await makeStore(call, operator, 'mark')
  return {
    identityStoreId: made.identityStoreId,
    userIds: made.userIds,
    sessions: made.sessions,
    marks: [made.mark, made.service, made.slack, made.sdk.secretKey, made.looker.clientSecret, ...made.accessTokens],
    known: {
      identity_store_id: [made.identityStoreId],
      user_id: made.userIds,
      session_id: made.sessions.map(({ id }) => id),
      credential_id: made.credentialIds,
      client_id: [made.looker.clientId],
    },
  }
}

/** Makes a store with users, sessions and every kind of credential. */
export async function makeWorld(call: Caller, operator: string, origin: string, bystander: Bystander): Promise<World> {
  const made = await makeStore(call, operator, 'own')
  const { identityStoreId, sessions } = made
  const limited = await call({
    method: 'POST',
    path: '/operator/credentials',
    bearer: operator,
    json: { name: 'Limited', scopes: ['operator'], limited_store_ids: [identityStoreId] },
  })
  const token: string = limited.body.token
  const opened = await call({ method: 'POST', path: '/operator/console-sessions', bearer: token })
  const inConsole: Header[] = [
    ['cookie', opened.cookies[0]?.split(';')[0] ?? ''],
    ['latchkey-console', '1'],
  ]
  const bearer = (value: string): Carrier => ({ headers: [['authorization', `Bearer ${value}`]] })
  const tokens = sessions.map((session) => session.token)
  const basic = btoa(`${made.looker.clientId}:${made.looker.clientSecret}`)
  const web = tokens.map((one): Carrier => ({ headers: [['cookie', `sessionid=${one}`]] }))
  return {
    origin,
    identityStoreId,
    sessions,
    known: together(bystander.known, {
      identity_store_id: [identityStoreId, identityStoreId, identityStoreId],
      identity_store_ids: [identityStoreId],
      limited_store_ids: [identityStoreId],
      team_id: [identityStoreId],
      user_id: [...made.userIds, ...made.userIds],
      owner_user_id: made.userIds,
      username: made.usernames,
      password: [PASSWORD],
      session_id: [...sessions.map(({ id }) => id), 1, 2, 3],
      end_session: sessions.map(({ id }) => id),
      except: sessions.map(({ id }) => id),
      before: sessions.map(({ id }) => id),
      cursor: [...sessions.map(({ id }) => id), ...made.userIds],
      credential_id: made.credentialIds,
      client_id: [made.looker.clientId],
      client_secret: [made.looker.clientSecret],
      group_id: ['group', 'nobody'],
      version: [1, '1', '2', '0'],
      job_id: ['end_sessions', 'publish_config'],
      token: [...tokens, made.service],
      url: ['http://127.0.0.1:9/hook'],
      issuer: ['http://127.0.0.1:9'],
      address: ['192.0.2.1', '2001:db8::1'],
      sorts: ['lockout_at desc', 'email,fail_count'],
      fields: ['id,url', 'can', ''],
    }),
    carriers: {
      session: web,
      session_bearer: tokens.map(bearer),
      session_cookie: web,
      credential: [bearer(made.service)],
      slack: [bearer(made.slack)],
      operator: [bearer(token)],
      console_session: [{ headers: inConsole }],
      api_client: [{ headers: [['authorization', `Basic ${basic}`]] }],
      access_token: made.accessTokens.map(bearer),
      access_key: [{ headers: [], accessKey: made.sdk }],
    },
  }
}

async function makeStore(call: Caller, operator: string, name: string) {
  const mark = `${name}-${crypto.randomUUID().slice(0, 13)}`
  const identityStoreId = `fuzz-${crypto.randomUUID().slice(0, 13)}`
  const store = `/operator/identity-stores/${identityStoreId}`
  const operate = (method: string, path: string, json?: unknown) => call({ method, path, bearer: operator, json })
  const passwordHash = cheapHash()
  const users = USERS.map(({ name: who, ...rest }) => ({
    user_id: `${who}-${identityStoreId}`,
    username: `${who}@${identityStoreId}.example`,
    first_name: mark,
    password_hash: passwordHash,
    ...rest,
  }))
  const [owner = '', admin = '', member = '', other = ''] = users.map((user) => user.user_id)
  await operate('PUT', store, { name: `Store ${mark}`, default_login_mode: 'LOCAL_LOGIN_SHARED', state: 'active' })
  await operate('POST', `${store}/users`, { users })
  const rules = { concurrent_sessions: { limit: LIMIT }, inactivity_timeout_seconds: null }
  await operate('PATCH', `${store}/session-config`, rules)
  await operate('PUT', `${store}/events`, { enabled: true })
  const credential = async (kind: string, scopes: readonly string[], ownerUserId: string | null = null) =>
    (await operate('POST', `${store}/credentials`, { kind, name: mark, scopes, owner_user_id: ownerUserId })).body
  const service = await credential('bearer', ['sessions:open', 'sessions:introspect', 'sessions:revoke'])
  const slack = await credential('bearer', ['admin.users:read', 'admin.users:write'], owner)
  const looker = await credential('api_client', ['looker', 'sessions:introspect', 'sessions:revoke'], admin)
  const sdk = await credential('access_key', [
    'IdentityCenter:user:listSessions',
    'IdentityCenter:user:batchDeleteSession',
  ])
  const sessions: OpenSession[] = []
  for (const userId of [owner, admin, member, member, other]) {
    const json = { user_id: userId, client: { address: '192.0.2.1', user_agent: `Browser ${mark}` } }
    const { body } = await call({ method: 'POST', path: '/sessions', bearer: service.token, json })
    sessions.push({ id: body.id, token: body.token, userId })
  }
  const accessTokens: string[] = []
  for (let logins = 0; logins < 2; logins += 1) {
    const form = { client_id: looker.client_id, client_secret: looker.client_secret }
    accessTokens.push((await call({ method: 'POST', path: '/api/4.0/login', form })).body.access_token)
  }
  return {
    mark,
    identityStoreId,
    userIds: users.map((user) => user.user_id),
    usernames: users.map((user) => user.username),
    sessions,
    accessTokens,
    service: service.token as string,
    slack: slack.token as string,
    looker: { clientId: looker.client_id as string, clientSecret: looker.client_secret as string },
    sdk: { accessKey: sdk.access_key as string, secretKey: sdk.secret_key as string },
    credentialIds: [service, slack, looker, sdk].map((one) => one.credential_id as string),
  }
}

function together(one: Known, other: Known): Known {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return Object.fromEntries(Array.from(names, (name) => [name, [...(other[name] ?? []), ...(one[name] ?? [])]]))
}

/** A scrypt hash that takes no time. */
function cheapHash(): string {
  const salt = Buffer.alloc(16, 7)
  const hash = scryptSync(PASSWORD, salt, 32, { N: 2, r: 1, p: 1 })
  const [saltText, hashText] = [salt, hash].map((part) => part.toString('base64').replaceAll('=', ''))
  return `$scrypt$ln=1,r=1,p=1$${saltText}$${hashText}`
}
