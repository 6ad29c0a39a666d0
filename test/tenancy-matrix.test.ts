/**
 * Every route of the operator API, called by every kind of caller, about the own store and a foreign one. The routes come
 * from the list that serves them: a new one is in here without being written here.
 */
import { describe, expect, test } from 'vitest'
import type { OperatorRule } from '../src/api/operator/caller.ts'
import { ADMINISTRATOR_SCOPES } from '../src/api/operator/known-caller.ts'
import { operatorApi } from '../src/api/operator/routes.ts'
import type { Route } from '../src/api/route.ts'
import { OPERATOR_SCOPES, type OperatorScope } from '../src/auth/scopes.ts'
import { ROLES } from '../src/domain/authority.ts'
import { makeAccessKey, signed } from './support/access-keys.ts'
import { accessToken, byBasic, inConsole } from './support/carriers.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { type RequestOptions, send, signIn } from './support/requests.ts'
import { makeBearer, makeOperator, makeUser, type TestUser } from './support/stores.ts'

type Asking = Omit<Route, 'scope'> & Partial<OperatorRule>

/** They take a secret of the deployment, or a code, which stands for a credential. */
const BY_SECRET = ['bootstrap', 'recoverOperator', 'openConsoleSessionByCode']
/** How long a proof is good. */
const CONFIRMED_SECONDS = 300
const routes = operatorApi.routes.filter(({ operationId }) => !BY_SECRET.includes(operationId)) as readonly Asking[]

/** Whom a route lets in: by status, before it looks at what is asked. */
type Verdict = 'in' | 401 | 403 | 404

interface Caller {
  readonly options: RequestOptions
  readonly scopes: readonly OperatorScope[]
  /** Null: all. */
  readonly stores: readonly string[] | null
}

function namesStore({ path }: Asking): boolean {
  return path.includes(':identity_store_id')
}

/** What the rules say, told once more, and otherwise. */
function expected({ scope, about, ...route }: Asking, { scopes, stores }: Caller, storeId: string): Verdict {
  if (scopes.length === 0 || (scope != null && !scopes.includes(scope))) return 403
  if (stores === null || about === 'own' || about === 'console_session') return 'in'
  if (!namesStore(route as Asking) || about === 'all') return 403
  return stores.includes(storeId) ? 'in' : 404
}

/** What a route answers. Bodies are malformed on purpose, so that nothing is done. */
async function ask(route: Asking, options: RequestOptions, storeId: string) {
  const path = route.path
    .replace(':identity_store_id', storeId)
    .replace(/:version/, '0')
    .replace(/:\w+/g, 'nobody')
  const body = route.body === undefined ? {} : { body: '{"no":"such field"}' }
  const headers = { 'content-type': 'application/json', 'latchkey-console': '1', ...options.headers }
  const response = await send(`/operator${path}`, { method: route.method, ...options, ...body, headers })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const { code } = isJson ? (JSON.parse(text) as { code?: string }) : { code: '' }
  return { status: response.status, code, text }
}

/** What a route answered: what it could not do without an input, or found not to be there, it has let in. */
async function verdict(route: Asking, { options }: Caller, storeId: string): Promise<Verdict> {
  const { status, code, text } = await ask(route, options, storeId)
  if (code === 'identity_store_not_found') return 404
  if (code === 'forbidden') return 403
  // A token is what these take; who calls by a session has none.
  if (status === 401) return route.scope === null && code === 'unauthenticated' ? 'in' : 401
  expect([route.operationId, status < 500], text).toEqual([route.operationId, true])
  return 'in'
}

/** A store that cannot be deleted: it has a user. */
async function storeInUse(): Promise<string> {
  return (await makeUser()).identityStoreId
}

/** What a caller meets on every route, where it is not what the rules say. */
async function surprises(caller: Caller, own: string, foreign: string): Promise<string[]> {
  const found: string[] = []
  for (const route of routes) {
    // Ends the session that the others are called with.
    if (route.operationId === 'endCurrentConsoleSession') continue
    for (const storeId of namesStore(route) ? [own, foreign] : [own]) {
      const [is, should] = [await verdict(route, caller, storeId), expected(route, caller, storeId)]
      if (is !== should)
        found.push(`${route.operationId} of the ${storeId === own ? 'own' : 'foreign'} store: ${is}, not ${should}`)
    }
  }
  return found
}

test('each route says what its caller must be allowed', () => {
  expect(routes.length).toBeGreaterThan(40)
  expect(routes.filter(({ scope }) => scope === undefined).map(({ operationId }) => operationId)).toEqual([])
  // For whoever may do anything: asking who one is, and coming and going.
  const free = routes.filter(({ scope }) => scope === null).map(({ path }) => path)
  expect(new Set(free)).toEqual(
    new Set([
      '/console-sessions',
      '/console-sessions/codes',
      '/console-sessions/current',
      '/console-sessions/current/confirm',
    ]),
  )
  const reading = routes.filter(({ method, scope }) => method === 'GET' && scope !== null)
  expect(new Set(reading.map(({ scope }) => scope))).toEqual(new Set(['operator:read']))
  const writing = routes.filter(({ method, scope }) => method !== 'GET' && scope === 'operator:read')
  expect(writing.map(({ operationId }) => operationId)).toEqual(['openAuthorizationMessage'])
})

const ALONE: readonly (readonly OperatorScope[])[] = OPERATOR_SCOPES.map((scope) => [scope])
const ALL_BUT_ONE = OPERATOR_SCOPES.map((scope) => OPERATOR_SCOPES.filter((other) => other !== scope))

describe('an operator', () => {
  test.each([...ALONE, ...ALL_BUT_ONE].map((scopes) => ({ scopes })))(
    'with $scopes may do that, in every store',
    async ({ scopes }) => {
      const [own, foreign] = [await storeInUse(), await storeInUse()]
      const bearer = await makeOperator({ scopes })
      expect(await surprises({ options: { bearer }, scopes, stores: null }, own, foreign)).toEqual([])
    },
  )

  test.each([OPERATOR_SCOPES, ...ALONE].map((scopes) => ({ scopes })))(
    'with $scopes, limited to a store, finds no other',
    async ({ scopes }) => {
      const [own, foreign] = [await storeInUse(), await storeInUse()]
      const bearer = await makeOperator({ scopes, limitedStoreIds: [own] })
      expect(await surprises({ options: { bearer }, scopes, stores: [own] }, own, foreign)).toEqual([])
    },
  )

  test('in a console session may do the same, limited or not', async () => {
    const [own, foreign] = [await storeInUse(), await storeInUse()]
    for (const stores of [null, [own]]) {
      const scopes = ['operator:read', 'operator:policy'] as const
      const bearer = await makeOperator({ scopes, ...(stores === null ? {} : { limitedStoreIds: stores }) })
      expect(await surprises({ options: await inConsole(bearer), scopes, stores }, own, foreign)).toEqual([])
    }
  })

  test('in a console session hands out no power without a fresh proof, and needs none for anything else', async () => {
    stopClock()
    const [own, bearer] = [await storeInUse(), await makeOperator()]
    const options = await inConsole(bearer)
    advanceClock(CONFIRMED_SECONDS)
    const needing: string[] = []
    for (const route of routes) {
      if (route.operationId === 'endCurrentConsoleSession') continue
      if ((await ask(route, options, own)).code === 'confirmation_needed') needing.push(route.operationId)
      // Its token is a proof.
      expect((await ask(route, { bearer }, own)).code, route.operationId).not.toBe('confirmation_needed')
    }
    expect(needing.toSorted()).toEqual([
      'createCredential',
      'createEventEndpoint',
      'createOperatorCredential',
      'createTemporaryKey',
      'openAuthorizationMessage',
      'putDelegatedStores',
      'revokeCredential',
      'revokeOperatorCredential',
      'rotateCredential',
      'rotateEventEndpointSecret',
      'rotateOperatorCredential',
    ])
  })
})

describe('a user', () => {
  test.each(ROLES)('of role %s may do what administrators may, in the own store', async (role) => {
    const user = await makeUser({ role })
    const scopes = role === 'member' ? [] : ADMINISTRATOR_SCOPES
    const stores = [user.identityStoreId]
    const foreign = await storeInUse()
    const { token: bearer } = await signIn(user)
    expect(await surprises({ options: { bearer }, scopes, stores }, user.identityStoreId, foreign)).toEqual([])
    const { token: cookie } = await signIn(user, { transport: 'cookie' })
    expect(await surprises({ options: { cookie }, scopes, stores }, user.identityStoreId, foreign)).toEqual([])
  })
})

test('a credential of a store may do nothing, and nobody does nothing either', async () => {
  const [own, foreign] = [await storeInUse(), await storeInUse()]
  const bearer = await makeBearer(own, ['operator', ...OPERATOR_SCOPES, 'sessions:open'])
  expect(await surprises({ options: { bearer }, scopes: [], stores: null }, own, foreign)).toEqual([])
  for (const route of routes) {
    expect([
      route.operationId,
      (await send(`/operator${route.path.replace(/:\w+/g, own)}`, { method: route.method })).status,
    ]).toEqual([route.operationId, 401])
  }
})

describe('who is known to other APIs alone', () => {
  const callers: Record<string, (user: TestUser) => Promise<RequestOptions>> = {
    'an API client by Basic': ({ identityStoreId }) => byBasic(identityStoreId, ['operator', ...OPERATOR_SCOPES]),
    'an access token of an owner': async (user) => ({ bearer: await accessToken(user) }),
  }
  test.each(Object.entries(callers))('is nobody here: %s', async (_who, carry) => {
    const user = await makeUser({ role: 'owner' })
    const caller = await carry(user)
    for (const route of routes) {
      const { status, code } = await ask(route, caller, user.identityStoreId)
      expect([route.operationId, status, code]).toEqual([route.operationId, 401, expect.any(String)])
    }
  })

  test('is nobody here: who signs with an access key', async () => {
    const storeId = await storeInUse()
    const key = await makeAccessKey(storeId, { scopes: ['operator', ...OPERATOR_SCOPES] })
    for (const route of routes) {
      const path = `/operator${route.path.replace(/:\w+/g, storeId)}`
      const body = route.body === undefined ? {} : { body: '{}' }
      const response = await send(path, signed(key, path, { method: route.method, ...body }))
      expect([route.operationId, response.status]).toEqual([route.operationId, 401])
    }
  })
})
