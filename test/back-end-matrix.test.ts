/**
 * Every route of the own API and of OAuth's that takes a credential, called by every kind of caller, about the own store and
 * a foreign one. The routes come from the lists that serve them.
 */
import { describe, expect, test } from 'vitest'
import { oauthApi, sessionsApi } from '../src/api/sessions/routes.ts'
import { SCOPE_KINDS, STORE_SCOPES } from '../src/auth/scopes.ts'
import { ROLES } from '../src/domain/authority.ts'
import { makeAccessKey, signed } from './support/access-keys.ts'
import { accessToken, byBasic, inConsole } from './support/carriers.ts'
import { check, type RequestOptions, send, signIn, type TestSession } from './support/requests.ts'
import { makeBearer, makeOperator, makeUser, type TestUser } from './support/stores.ts'

type StoreScope = (typeof STORE_SCOPES)[number]

interface Rule {
  readonly scope: StoreScope
  readonly ask: (about: TestSession) => RequestOptions
  /** What a caller with the scope is told of its own store, and of a foreign one. */
  readonly own: string
  readonly foreign: string
}

const routes = [sessionsApi, oauthApi].flatMap(({ base, routes: some }) =>
  some.map(({ path, ...route }) => ({ ...route, path: `${base}${path}` })),
)
const forBackEnds = routes.filter(({ security }) => security.includes('credential'))
const forSessions = routes.filter(({ security }) => security.includes('session'))

const client = { address: '198.51.100.7', user_agent: 'Device/1.0' }

const RULES: Readonly<Record<string, Rule>> = {
  checkSessionOfUser: {
    scope: 'sessions:introspect',
    ask: ({ token }) => ({ json: { token } }),
    own: '200 active',
    foreign: '200 unauthenticated',
  },
  listSessionsOfUser: {
    scope: 'sessions:introspect',
    ask: ({ token }) => ({ json: { token } }),
    own: '200 active',
    foreign: '200 unauthenticated',
  },
  openSession: {
    scope: 'sessions:open',
    ask: ({ user }) => ({ json: { user_id: user.userId, client } }),
    own: '201',
    foreign: '404 user_not_found',
  },
  introspect: {
    scope: 'sessions:introspect',
    ask: ({ token }) => ({ form: { token } }),
    own: '200 true',
    foreign: '200 false',
  },
  revoke: {
    scope: 'sessions:revoke',
    ask: ({ token }) => ({ form: { token } }),
    own: '200',
    foreign: '403 forbidden',
  },
}

/** Signs in with user name and password, which none of these gives. */
const BY_PASSWORD = '400 invalid_request'

async function told(response: Response): Promise<string> {
  const text = await response.text()
  const { code, state, active } = text === '' ? {} : JSON.parse(text)
  return [response.status, code ?? state ?? active].filter((word) => word !== undefined).join(' ')
}

/** What a caller sends along, also where that depends on the request. */
type Carried = RequestOptions | ((path: string, asked: RequestOptions) => RequestOptions)

/** What every route answers about a live session. */
async function answers(caller: Carried, user: TestUser): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  let session = await signIn(user)
  for (const { operationId, method, path } of forBackEnds) {
    const asked = RULES[operationId]?.ask(session) ?? {}
    const carried = typeof caller === 'function' ? caller(path, asked) : { ...asked, ...caller }
    found[operationId] = await told(await send(path, { method, ...carried }))
    // A refusal leaves the session alone.
    const ended = operationId === 'revoke' && found[operationId] === '200'
    expect([operationId, (await check(session)).status]).toEqual([operationId, ended ? 401 : 200])
    if (ended) session = await signIn(user)
  }
  return found
}

function expected(tell: (rule: Rule, operationId: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(RULES).map(([operationId, rule]) => [operationId, tell(rule, operationId)]))
}

/** None, each alone, and of those that a route asks for all but each. */
const SETS: readonly (readonly StoreScope[])[] = [
  [],
  ...STORE_SCOPES.map((scope) => [scope]),
  ...[...new Set(Object.values(RULES).map(({ scope }) => scope))].map((scope) =>
    STORE_SCOPES.filter((other) => other !== scope),
  ),
]

test('each route that takes a credential has its rule', () => {
  expect(forBackEnds.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(RULES).toSorted())
})

describe('a back end', () => {
  test.each(SETS.map((scopes) => ({ scopes })))('with $scopes may do that, in its own store', async ({ scopes }) => {
    const [ours, theirs] = [await makeUser(), await makeUser()]
    const caller = { bearer: await makeBearer(ours.identityStoreId, scopes) }
    for (const [user, side] of [
      [ours, 'own'],
      [theirs, 'foreign'],
    ] as const) {
      const should = expected((rule) => (scopes.includes(rule.scope) ? rule[side] : '403 forbidden'))
      expect([side, await answers(caller, user)]).toEqual([side, should])
    }
  })

  test.each(SETS.map((scopes) => ({ scopes })))('that is an API client, with $scopes, too', async ({ scopes }) => {
    const [ours, theirs] = [await makeUser(), await makeUser()]
    const caller = await byBasic(ours.identityStoreId, scopes)
    for (const [user, side] of [
      [ours, 'own'],
      [theirs, 'foreign'],
    ] as const) {
      const should = expected(({ scope, ...rule }) => {
        if (!SCOPE_KINDS[scope].includes('api_client')) return BY_PASSWORD
        return scopes.includes(scope) ? rule[side] : '403 forbidden'
      })
      expect([side, await answers(caller, user)]).toEqual([side, should])
    }
  })

  test('that has been revoked, or has expired, may do nothing', async () => {
    const user = await makeUser()
    const past = Date.now() - 1
    for (const [gone, code] of [
      [{ revokedAt: past }, 'credential_revoked'],
      [{ expiresAt: past }, 'credential_expired'],
    ] as const) {
      const bearer = await makeBearer(user.identityStoreId, STORE_SCOPES, gone)
      expect(await answers({ bearer }, user)).toEqual(expected(() => `401 ${code}`))
    }
  })

  test('has no session: the routes of users refuse it, and end nothing', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const bearer = await makeBearer(user.identityStoreId, STORE_SCOPES)
    for (const { operationId, method, path, security } of forSessions) {
      const { status } = await send(path.replace(':sessionId', session.id), { method, bearer })
      // Signing out without a session is no error.
      expect([operationId, status]).toEqual([operationId, security.includes('none') ? 204 : 401])
    }
    expect((await check(session)).status).toBe(200)
  })
})

const refused = (code: string) =>
  expected((_rule, operationId) => (operationId === 'openSession' ? BY_PASSWORD : `401 ${code}`))

describe('nobody else', () => {
  test('not an operator, limited to the store or not', async () => {
    const user = await makeUser()
    for (const limits of [{}, { limitedStoreIds: [user.identityStoreId] }]) {
      const bearer = await makeOperator(limits)
      expect(await answers({ bearer }, user)).toEqual(expected(() => '403 forbidden'))
    }
  })

  test.each(ROLES)('not a user of role %s, by any session', async (role) => {
    const user = await makeUser({ role })
    const { token: bearer } = await signIn(user)
    const { token: cookie } = await signIn(user, { transport: 'cookie' })
    const [byBearer, byCookie] = [await answers({ bearer }, user), await answers({ cookie }, user)]
    expect(byBearer).toEqual(refused('wrong_token_kind'))
    expect(byCookie).toEqual(refused('unauthenticated'))
  })

  test('not an operator in the console', async () => {
    expect(await answers(await inConsole(), await makeUser())).toEqual(refused('unauthenticated'))
  })

  test('not an access token, of whomever', async () => {
    const user = await makeUser({ role: 'owner' })
    const bearer = await accessToken(user)
    for (const one of [user, await makeUser()]) {
      expect(await answers({ bearer }, one)).toEqual(expected(() => '401 wrong_token_kind'))
    }
  })

  test('not who signs with an access key', async () => {
    const user = await makeUser()
    const key = await makeAccessKey(user.identityStoreId, { scopes: STORE_SCOPES })
    const caller = (path: string, { json, form }: RequestOptions) => {
      const body = form === undefined ? JSON.stringify(json) : new URLSearchParams(form).toString()
      const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
      return signed(key, path, { body, headers: { 'content-type': type } })
    }
    expect(await answers(caller, user)).toEqual(refused('unauthenticated'))
  })

  test('not one who shows nothing', async () => {
    expect(await answers({}, await makeUser())).toEqual(refused('unauthenticated'))
  })
})
