/**
 * Every route that is served, but those of the two other matrices, called by every kind of caller, about a colleague, about
 * a user of a foreign store and about a user who is not there. The routes come from the lists that serve them.
 */
import { describe, expect, test } from 'vitest'
import { operatorApi } from '../src/api/operator/routes.ts'
import { apis } from '../src/app.ts'
import { type Scope, STORE_SCOPES } from '../src/auth/scopes.ts'
import { type Api as ApiOfMix, readAnswer } from './faults/mix/words.ts'
import { makeAccessKey, signed, type TestKey } from './support/access-keys.ts'
import { type About, ANYBODY, CALLERS, type Caller, type Input, RULES, type Rule, WORDS } from './support/api-rules.ts'
import { accessToken, inConsole } from './support/carriers.ts'
import { check, ORIGIN, type RequestOptions, send, signIn, type TestSession } from './support/requests.ts'
import { makeBearer, makeOperator, makeUser, type TestUser } from './support/stores.ts'

const routes = apis.flatMap(({ name, base, routes: some }) =>
  some.map((route) => ({ ...route, api: name, path: base + route.path })),
)
type Asked = (typeof routes)[number]

/** Those of `tenancy-matrix.test.ts` and `back-end-matrix.test.ts`. */
function isElsewhere({ api, security }: Asked): boolean {
  return api === operatorApi.name || (api === 'Sessions' && security.includes('credential'))
}

const here = routes.filter((route) => !isElsewhere(route))

type Carrier = Pick<RequestOptions, 'bearer' | 'cookie' | 'headers' | 'origin'> & { readonly key?: TestKey }

/** A store with its users: who calls, and who is called about. */
class World {
  private readonly carriers = new Map<string, Promise<Carrier>>()

  private constructor(
    readonly storeId: string,
    readonly member: TestUser,
    readonly administrator: TestUser,
    readonly colleague: TestUser,
    readonly stranger: TestSession,
  ) {}

  static async make(): Promise<World> {
    const member = await makeUser()
    const { identityStoreId } = member
    await makeBearer(identityStoreId, ['ssf.read'])
    const [administrator, colleague] = [
      await makeUser({ identityStoreId, role: 'admin' }),
      await makeUser({ identityStoreId }),
    ]
    return new World(identityStoreId, member, administrator, colleague, await signIn(await makeUser()))
  }

  /** What the caller sends along with a request. */
  carrier(caller: Caller, scope: Scope | undefined): Promise<Carrier> {
    const name = /scope/.test(caller) ? `${caller}: ${scope}` : caller
    const carrier = this.carriers.get(name) ?? this.makeCarrier(caller, scope)
    this.carriers.set(name, carrier)
    return carrier
  }

  private async makeCarrier(caller: Caller, scope: Scope | undefined): Promise<Carrier> {
    const { storeId } = this
    const user = caller.includes('member') ? this.member : this.administrator
    const others = STORE_SCOPES.filter((one) => one !== scope)
    const needed = scope === undefined ? others : [scope]
    const scopes = caller.endsWith('no scope') ? [] : caller.endsWith('other scopes') ? others : needed
    const owner = caller.startsWith('bearer of') ? { ownerUserId: user.userId } : {}
    if (caller === 'nobody') return {}
    if (caller === 'operator by cookie') return inConsole()
    if (caller === 'operator') return { bearer: await makeOperator() }
    if (caller.startsWith('bearer')) return { bearer: await makeBearer(storeId, scopes, owner) }
    if (caller.startsWith('access key')) return { key: await makeAccessKey(storeId, { scopes }) }
    if (caller.startsWith('access token')) return { bearer: await accessToken(user) }
    if (caller.endsWith('bearer')) return { bearer: (await signIn(user)).token }
    return { cookie: (await signIn(user, { transport: 'cookie' })).token }
  }

  forget(caller: Caller): void {
    this.carriers.delete(caller)
  }
}

interface Told {
  /** `in`, or the refusal in the words of the API. */
  readonly verdict: string
  /** All of the answer, without what is another's in each. */
  readonly whole: string
}

async function ask(route: Asked, world: World, caller: Caller, about: About): Promise<Told> {
  const { method, body, api } = route
  const rule = RULES[route.operationId]
  const path = route.path
    .replace(':identity_store_id', about.storeId)
    .replace(':user_id', about.userId)
    .replace(/:session_id|:sessionId/, about.sessionId)
    .replace(/:\w+/g, 'nobody')
  const { query, json, form } = rule?.input?.(about, world.storeId) ?? malformed(body?.mediaTypes[0])
  const url = query === undefined || method === 'POST' ? path : `${path}?${new URLSearchParams(query)}`
  const sent = json ?? (method === 'POST' ? query : undefined)
  const { key, ...carrier } = await world.carrier(caller, rule?.scope)
  const options =
    key === undefined
      ? { method, ...(sent !== undefined && { json: sent }), ...(form && { form }), ...carrier }
      : signedInput(key, url, method, sent, form)
  const response = await send(url, { ...options, address: world.member.address })
  const isStream = response.headers.get('content-type') === 'text/event-stream'
  if (isStream) await response.body?.cancel()
  const text = isStream ? '' : await response.text()
  const verdict = verdictOf(api, response, text)
  const own = [...Object.values(about), response.headers.get('x-request-id') ?? '']
  const whole = own.reduce((rest, word) => rest.replaceAll(word, '…'), text)
  return { verdict, whole: whole.replace(/"encoded_authorization_message":"[^"]+"|<time .*?<\/time>/g, '') }
}

function malformed(mediaType: string | undefined): Input {
  if (mediaType === undefined) return {}
  return mediaType === 'application/x-www-form-urlencoded' ? { form: { no: 'such' } } : { json: { no: 'such field' } }
}

function signedInput(key: TestKey, url: string, method: string, json: unknown, form?: Record<string, string>) {
  const asForm = { 'content-type': 'application/x-www-form-urlencoded' }
  const body =
    form !== undefined ? new URLSearchParams(form).toString() : json === undefined ? '' : JSON.stringify(json)
  return { ...signed(key, url, { method, body, ...(form && { headers: asForm }) }), origin: ORIGIN }
}

const OF_MIX = new Set<string>(['Slack', 'Looker', 'Identity Center', 'APIO', 'Shared Signals', 'Pages'])

function verdictOf(api: string, { status, headers }: Response, text: string): string {
  // What the route could not do without an input, it has let in.
  if (api !== 'Slack' && (status < 400 || [400, 409, 415, 422].includes(status))) return 'in'
  if (OF_MIX.has(api)) {
    const said = readAnswer(api as ApiOfMix, { status, headers, text })
    if (said.how === 'nonsense' || said.how === 'not now') return `${said.how} ${status} ${text}`
  }
  const isJson = headers.get('content-type')?.includes('json') === true
  const { code, error, error_code, err, ok } = isJson ? JSON.parse(text) : {}
  if (api === 'Slack') return ok ? 'in' : error
  return [status, code ?? error_code ?? err].filter((word) => word !== undefined).join(' ')
}

/** What the rules say. */
function expected(api: string, rule: Rule, caller: Caller, who: Who): string {
  const { nobody, told } = WORDS[api] ?? { nobody: 'a rule' }
  const isIn = rule.may.includes(caller)
  if (who !== 'colleague' && rule.foreign !== undefined && (isIn || storeComesFirst(api, caller))) return rule.foreign
  if (isIn) return who === 'colleague' ? (rule.colleague ?? 'in') : 'in'
  return rule.others?.[caller] ?? told?.[caller] ?? nobody
}

/** Who belongs to another store learns no more of it than that, whatever else it may. */
function storeComesFirst(api: string, caller: Caller): boolean {
  return api === 'Shared Signals' && caller.startsWith('bearer')
}

const WHO = ['colleague', 'stranger', 'no one'] as const
type Who = (typeof WHO)[number]

/** About whom a caller asks. Who is nobody to the API is told so in the same words of whoever it is. */
function whoFor(api: string, rule: Rule, caller: Caller): readonly Who[] {
  if (rule.foreign === undefined) return ['colleague']
  return expected(api, rule, caller, 'stranger') === WORDS[api]?.nobody && !storeComesFirst(api, caller)
    ? ['colleague', 'stranger']
    : WHO
}

test('each route that is served has its rule, or is in another matrix', () => {
  expect(here.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(RULES).toSorted())
})

describe.each([...new Set(here.map(({ api }) => api))])('%s', (api) => {
  test('lets in who may, and tells the same of a user of a foreign store as of one who is not there', async () => {
    const world = await World.make()
    const stranger = aboutOf(world.stranger)
    const noOne = { storeId: 'no-store', userId: 'no-one', username: 'no@one.example', sessionId: crypto.randomUUID() }
    const surprises: string[] = []
    let colleague = await signIn(world.colleague)
    for (const route of here.filter((one) => one.api === api)) {
      const { operationId, method } = route
      const rule = RULES[operationId] ?? ANYBODY
      // Those who may come last: they end what others must have left alone.
      const callers = CALLERS.toSorted((one, other) => +rule.may.includes(one) - +rule.may.includes(other))
      for (const caller of callers) {
        if (rule.may.includes(caller) && rule.foreign !== undefined && method !== 'GET') {
          expect([operationId, (await check(colleague)).status]).toEqual([operationId, 200])
        }
        const answers: Told[] = []
        for (const who of whoFor(api, rule, caller)) {
          const about = { colleague: aboutOf(colleague), stranger, 'no one': noOne }[who]
          const told = await ask(route, world, caller, about)
          const should = expected(api, rule, caller, who)
          if (told.verdict !== should) {
            surprises.push(`${operationId}, ${caller}, about ${who}: ${told.verdict}, not ${should}`)
          }
          answers.push(told)
          if (rule.ends) world.forget(caller)
        }
        const [, ofStranger, ofNoOne] = answers.map(({ whole }) => whole.split('\n'))
        const other = ofNoOne === undefined ? [] : (ofStranger?.filter((line, index) => line !== ofNoOne[index]) ?? [])
        if (other.length > 0) surprises.push(`${operationId}, ${caller}, about a stranger alone: ${other.join('\n')}`)
      }
      expect([operationId, (await check(world.stranger)).status]).toEqual([operationId, 200])
      if (rule.foreign !== undefined && method !== 'GET') colleague = await signIn(world.colleague)
    }
    expect(surprises).toEqual([])
  })
})

function aboutOf({ id, user }: TestSession): About {
  return { storeId: user.identityStoreId, userId: user.userId, username: user.username, sessionId: id }
}
