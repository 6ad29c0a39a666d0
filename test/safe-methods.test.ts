/**
 * Every route for GET of every API, called by each kind of caller that may: none opens or ends a session, and nothing
 * changes but what says that somebody was there. The routes come from the lists that serve them.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { operatorApi } from '../src/api/operator/routes.ts'
import { apis } from '../src/app.ts'
import { STORE_SCOPES } from '../src/auth/scopes.ts'
import { NO_STORE } from '../src/domain/ids.ts'
import { operate, put } from './api/operator/operator.ts'
import { makeAccessKey, signed } from './support/access-keys.ts'
import { type Caller, RULES } from './support/api-rules.ts'
import { intercept } from './support/bindings.ts'
import { accessToken, inConsole } from './support/carriers.ts'
import { advanceClock, stopClock } from './support/clock.ts'
import { mirroredByAlarm } from './support/objects.ts'
import { type RequestOptions, send, signIn, tokenInCookie } from './support/requests.ts'
import { makeBearer, makeOperator, makeUser } from './support/stores.ts'

const routes = apis.flatMap(({ name, base, routes: some }) =>
  some.filter(({ method }) => method === 'GET').map((route) => ({ ...route, api: name, path: base + route.path })),
)

/** Who may read there. */
const OPERATORS = /^operator|^administrator by cookie/
const OPENID_PROVIDER = {
  issuer: 'https://id.pie.example',
  client_id: 'latchkey',
  client_secret: 'a secret of the provider',
  redirect_uri: 'https://app.pie.example/',
}

/** What may change: when, and from where, a session or a credential was last used; and calls are counted. */
const DECLARED = [
  'call_counters',
  'credentials.last_used_at',
  // `session.moved`
  'event_stores.last_number',
  'events',
  'sessions.last_seen_at',
  'sessions.recent_address',
  'sessions.recent_user_agent',
  'sessions.version',
]
/** What objects are asked, all of it reading; a check is activity. */
const ASKED = [
  'JOBS list',
  'JOBS results',
  'JOBS status',
  'USERS check',
  'USERS checkAgain',
  'USERS fetch',
  'USERS list',
  'USERS listOwn',
  'USERS stories',
]
/** Jobs that are over are gone. */
const NOT_THERE = ['getJob', 'getJobResults']

type Row = Readonly<Record<string, unknown>>
type Rows = Readonly<Record<string, readonly Row[]>>

/** All of D1 that is of a store, of none, or of the deployment. */
async function rowsOf(identityStoreId: string): Promise<Rows> {
  const { results } = await env.DB.prepare(
    `SELECT t.name AS in_table, group_concat(CASE c.pk WHEN 0 THEN NULL ELSE c.name END) AS key,
       max(c.name = 'identity_store_id') AS of_store
     FROM sqlite_schema t, pragma_table_info(t.name) c
     WHERE t.type = 'table' AND t.name NOT LIKE '\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' GROUP BY t.name`,
  ).all<{ in_table: string; key: string | null; of_store: number }>()
  const statements = results.map(({ in_table, key, of_store }) =>
    env.DB.prepare(
      `SELECT * FROM "${in_table}" ${of_store ? 'WHERE identity_store_id = ?1' : 'WHERE ?1 <> 0'} ORDER BY ${key ?? 1}`,
    ).bind(identityStoreId),
  )
  const found = await env.DB.batch<Row>(statements)
  return Object.fromEntries(results.map(({ in_table }, index) => [in_table, found[index]?.results ?? []]))
}

/** The columns that differ, and the tables that have other rows. */
function changes(before: Rows, after: Rows): string[] {
  return Object.entries(after).flatMap(([table, rows]) => {
    const was = before[table] ?? []
    if (was.length !== rows.length) return [table]
    const columns = rows.flatMap((row, index) => Object.keys(row).filter((name) => row[name] !== was[index]?.[name]))
    return [...new Set(columns)].map((column) => `${table}.${column}`)
  })
}

test('no route for GET or HEAD opens a session, or changes more than when something was last used', async () => {
  stopClock()
  const administrator = await makeUser({ role: 'owner' })
  const { identityStoreId, userId, username, address } = administrator
  const store = `/identity-stores/${identityStoreId}`
  await put(`${store}/groups/group/session-config`, { overall_timeout_seconds: 86_400 })
  await put(`${store}/openid-provider`, OPENID_PROVIDER)
  const { body: operator } = await operate('/credentials', { json: { name: 'Somebody', scopes: ['operator:read'] } })
  const [byBearer, byCookie] = [await signIn(administrator), await signIn(administrator, { transport: 'cookie' })]
  const unused = { ownerUserId: userId, lastUsedAt: null }
  const bearer = await makeBearer(identityStoreId, STORE_SCOPES, unused)
  const key = await makeAccessKey(identityStoreId)
  const stream = await send(`/ssf/${identityStoreId}/streams`, { json: { events_requested: [] }, bearer })
  const { stream_id } = (await stream.json()) as { stream_id: string }
  const carriers: Partial<Record<Caller, RequestOptions>> = {
    nobody: {},
    operator: { bearer: await makeOperator({ lastUsedAt: null }) },
    'operator by cookie': await inConsole(),
    'administrator by cookie': { cookie: byCookie.token },
    'administrator by bearer': { bearer: byBearer.token },
    'bearer of an administrator, the scope': { bearer },
    'access token of an administrator': { bearer: await accessToken(administrator) },
    'access key, the scope': {},
  }
  const parameters: Record<string, string> = {
    identity_store_id: identityStoreId,
    user_id: userId,
    session_id: byBearer.id,
    group_id: 'group',
    credential_id: key.credentialId,
    endpoint_id: stream_id,
  }
  const queries: Record<string, Record<string, string>> = {
    listUserSummaries: { user_ids: userId },
    readSsfStatus: { stream_id },
  }
  const about = { storeId: identityStoreId, userId, username, sessionId: byBearer.id }
  // Makes the deployment's key, if nobody has sealed anything before.
  await operate('/audit-events/verification')
  await mirroredByAlarm(administrator)
  // Longer than anything goes unnoted, and shorter than a console session idles.
  advanceClock(1_500)
  const asked = new Set<string>()
  intercept((call, goOn) => {
    if (call.to === 'USERS' || call.to === 'JOBS') asked.add(`${call.to} ${call.method}`)
    if (call.to === 'KV' && call.method !== 'get') asked.add(`KV ${call.method}`)
    return goOn()
  })
  const [before, beforeOfNone] = [await rowsOf(identityStoreId), await rowsOf(NO_STORE)]
  const unserved: string[] = []
  const surprises: string[] = []
  let last = before
  for (const { api, operationId, path } of routes) {
    const query = queries[operationId] ?? RULES[operationId]?.input?.(about, identityStoreId).query
    const ids: Record<string, string> =
      operationId === 'getOperatorCredential' ? { ...parameters, credential_id: operator.credential_id } : parameters
    const plain = path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? crypto.randomUUID())
    const url = query === undefined ? plain : `${plain}?${new URLSearchParams(query)}`
    const statuses = new Set<number>()
    for (const [caller, carrier] of Object.entries(carriers)) {
      const may = api === operatorApi.name ? OPERATORS.test(caller) : RULES[operationId]?.may.includes(caller as Caller)
      for (const method of may ? (statuses.size === 0 ? ['HEAD', 'GET'] : ['GET']) : []) {
        const options = caller.startsWith('access key') ? signed(key, url, { method }) : { ...carrier, method }
        const response = await send(url, { address, ...options })
        await response.body?.cancel()
        statuses.add(response.status)
        // A cookie is renewed, and stays what it was.
        const token = tokenInCookie(response)
        if (token !== null) expect([operationId, token]).toEqual([operationId, carrier.cookie])
      }
    }
    if (!statuses.has(200)) unserved.push(operationId)
    const now = await rowsOf(identityStoreId)
    surprises.push(...undeclared(last, now).map((one) => `${one} by ${operationId}, or just before`))
    last = now
  }
  await mirroredByAlarm(administrator)
  const after = await rowsOf(identityStoreId)
  expect(surprises).toEqual([])
  expect(undeclared(before, after)).toEqual([])
  expect(undeclared(beforeOfNone, await rowsOf(NO_STORE))).toEqual([])
  const types = after.events?.slice(before.events?.length).map(({ type }) => type)
  expect(new Set(types)).toEqual(new Set(['session.moved']))
  expect([...asked].toSorted()).toEqual(ASKED)
  expect(unserved).toEqual(NOT_THERE)
})

function undeclared(before: Rows, after: Rows): string[] {
  return changes(before, after).filter((one) => !DECLARED.includes(one))
}
