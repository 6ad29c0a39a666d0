/** An identity store with users, sessions and every kind of credential, made by the operator API, as operators do. */
import { scryptSync } from 'node:crypto'

export interface OpenSession {
  readonly id: string
  readonly token: string
  readonly userId: string
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

export const PASSWORD = 'correct horse battery staple'
/** Live web sessions of a user, at most. */
export const LIMIT = 5
const USERS = [
  { name: 'owner', role: 'primary_owner', user_level: 12 },
  { name: 'admin', role: 'admin', user_level: 12 },
  { name: 'member', role: 'member' },
  { name: 'other', role: 'member', group_id: 'group' },
  { name: 'bot', role: 'member', bot: true },
]

export interface StoreOptions {
  /** Stands in every text of the store. */
  readonly name: string
  /** Members besides. Default: none. */
  readonly members?: number
  /** Whether a receiver of streams has a credential. Default: yes. */
  readonly streams?: boolean
  /** Of everybody. Default: one that takes no time. */
  readonly passwordHash?: string
}

export type FullStore = Awaited<ReturnType<typeof makeFullStore>>

export async function makeFullStore(call: Caller, operator: string, options: StoreOptions) {
  const { name, members = 0, streams = true, passwordHash = cheapHash() } = options
  const mark = `${name}-${crypto.randomUUID().slice(0, 13)}`
  const identityStoreId = `${name}-${crypto.randomUUID().slice(0, 13)}`
  const store = `/operator/identity-stores/${identityStoreId}`
  const operate = (method: string, path: string, json?: unknown) => call({ method, path, bearer: operator, json })
  const more = Array.from({ length: members }, (_, index) => ({ name: `member-${index}`, role: 'member' }))
  const users = [...USERS, ...more].map(({ name: who, ...rest }) => ({
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
  const receiver = streams ? await credential('bearer', ['ssf.manage']) : null
  const sessions: OpenSession[] = []
  for (const userId of [owner, admin, member, member, other]) {
    const json = { user_id: userId, client: { address: '192.0.2.1', user_agent: `Browser ${mark}` } }
    const { body } = await call({ method: 'POST', path: '/sessions', bearer: service.token, json })
    sessions.push({ id: body.id, token: body.token, userId })
  }
  // Of another client than the one that logs in again and again, whose oldest tokens make room for new ones.
  const steady = await credential('api_client', ['looker', 'sessions:introspect', 'sessions:revoke'], admin)
  const accessTokens: string[] = []
  for (let logins = 0; logins < 2; logins += 1) {
    const form = { client_id: steady.client_id, client_secret: steady.client_secret }
    accessTokens.push((await call({ method: 'POST', path: '/api/4.0/login', form })).body.access_token)
  }
  return {
    mark,
    identityStoreId,
    admin,
    userIds: users.map((user) => user.user_id),
    /** Those whom administrators may do anything to. */
    memberIds: users.filter((user) => user.role === 'member' && !('bot' in user)).map((user) => user.user_id),
    usernames: users.map((user) => user.username),
    sessions,
    accessTokens,
    service: service.token as string,
    slack: slack.token as string,
    looker: { clientId: looker.client_id as string, clientSecret: looker.client_secret as string },
    sdk: { accessKey: sdk.access_key as string, secretKey: sdk.secret_key as string },
    /** Empty where there is no receiver. */
    streams: (receiver?.token ?? '') as string,
    credentialIds: [service, slack, looker, sdk, ...(receiver === null ? [] : [receiver])].map(
      (one) => one.credential_id as string,
    ),
  }
}

/** A scrypt hash of the password that takes no time. */
function cheapHash(): string {
  return passwordHash(1, 1)
}

/** A scrypt hash of the password: memory as the exponent, and passes. */
export function passwordHash(ln: number, p: number, r = 1): string {
  const salt = Buffer.alloc(16, 7)
  const hash = scryptSync(PASSWORD, salt, 32, { N: 2 ** ln, r, p, maxmem: 134_217_728 })
  const [saltText, hashText] = [salt, hash].map((part) => part.toString('base64').replaceAll('=', ''))
  return `$scrypt$ln=${ln},r=${r},p=${p}$${saltText}$${hashText}`
}
