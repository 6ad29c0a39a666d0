/** What must hold once all is well again, looked at from outside: by every API, and in D1. */
import { sdkAuthorization, sdkDate } from '../../support/sdk-signature.ts'
import type { Scene } from './act.ts'
import { numberOf } from './act.ts'
import type { Session } from './ledger.ts'
import { LIMIT } from './store.ts'
import type { Body } from './words.ts'

/** The other ways to look. */
export interface Outside {
  /** Rows of D1. */
  readonly rows: (sql: string, ...values: readonly string[]) => Promise<readonly Record<string, unknown>[]>
  /** Lets pass what the service does by itself. */
  readonly settle: () => Promise<void>
  /** How often it is looked again while something is wrong. */
  readonly tries: number
}

/** Answers what is wrong, and goes on being wrong. */
export async function audit(scene: Scene, outside: Outside): Promise<readonly string[]> {
  const { ledger } = scene
  for (const userId of new Set(Array.from(ledger.disabled, (sweep) => sweep.userId)))
    await must(scene, 'PATCH', `${storePath(scene)}/users/${userId}`, { active: true })
  for (let tries = 0; ; tries += 1) {
    await outside.settle()
    const left = await unfinished(scene)
    if (left.length === 0) ledger.settled()
    const wrong = left.length > 0 ? left : await contradictions(scene, outside)
    if (wrong.length === 0) ledger.audited()
    if (wrong.length === 0 || tries >= outside.tries) return wrong
  }
}

const storePath = ({ store }: Scene) => `/operator/identity-stores/${store.identityStoreId}`

/** Jobs that are not done. */
async function unfinished(scene: Scene): Promise<readonly string[]> {
  const { jobs } = await must(scene, 'GET', `${storePath(scene)}/jobs`)
  return jobs
    .filter(({ kind, state, failures }: Body) => state !== 'done' && (kind !== 'publish_config' || failures > 0))
    .map((job: Body) => `not done: ${JSON.stringify(job)}`)
}

async function contradictions(scene: Scene, outside: Outside): Promise<readonly string[]> {
  const { ledger, store } = scene
  const wrong: string[] = []
  const records = new Map(
    (
      await outside.rows(
        'SELECT session_id, user_id, kind, ended_at, end_reason FROM sessions WHERE identity_store_id = ?',
        store.identityStoreId,
      )
    ).map((row) => [String(row.session_id), row]),
  )
  for (const session of ledger.sessions.values()) {
    const alive = await isAlive(scene, session)
    const record = records.get(session.id)
    const say = (what: string) => wrong.push(`${session.id} of ${session.userId} (${session.note}): ${what}`)
    const before = session.state
    if (alive && before === 'unsure') session.state = 'open'
    const finding = ledger.saw(session, alive, before)
    if (finding !== null) say(finding)
    if (record === undefined) say('D1 has nothing of it')
    else if ((record.ended_at === null) !== alive) say(`is ${alive ? 'alive' : 'dead'}, and D1 has the opposite`)
    else if (
      !alive &&
      !session.reasons.has(String(record.end_reason)) &&
      !wasEvicted(session, record, [...records.values()])
    )
      say(`ended by ${record.end_reason}, for which nobody asked`)
  }
  for (const userId of store.memberIds) wrong.push(...(await ofUser(scene, userId, [...records.values()])))
  for (const [rule, values] of ledger.rules()) {
    const path = rule === 'config' ? '/session-config' : `/users/${rule}/session-settings`
    const body = await must(scene, 'GET', `${storePath(scene)}${path}`)
    const value = rule === 'config' ? body.overall_timeout_seconds / 60 : body.duration_seconds
    if (!values.has(String(value))) wrong.push(`${rule} is ${value}, and may be ${[...values].join()}`)
  }
  const chain = await answered(scene, {
    method: 'GET',
    path: `${storePath(scene)}/audit-events/verification`,
    headers: { authorization: `Bearer ${scene.operator}` },
  })
  // An earlier version has no such route.
  if (chain.status !== 404)
    wrong.push(...JSON.parse(chain.text).faults.map((fault: Body) => `the audit log: ${JSON.stringify(fault)}`))
  return wrong
}

/** All APIs show the same sessions of a user as D1 has, as many as may be, and none that nobody opened. */
async function ofUser(
  scene: Scene,
  userId: string,
  records: readonly Record<string, unknown>[],
): Promise<readonly string[]> {
  const { ledger, store } = scene
  const inD1 = records
    .filter((row) => row.user_id === userId && row.kind === 'web' && row.ended_at === null)
    .map((row) => String(row.session_id))
    .sort()
  const operator = (await must(scene, 'GET', `${storePath(scene)}/users/${userId}/sessions`)).sessions
  const looker = await must(scene, 'GET', `/api/4.0/users/${userId}/sessions`, undefined, store.accessTokens[0])
  const signed = { host: new URL(scene.origin).host, 'x-sdk-date': sdkDate(Date.now()) }
  const path = `/v1/identity-stores/${store.identityStoreId}/users/${userId}/sessions`
  const authorization = sdkAuthorization(store.sdk, { method: 'GET', path, headers: signed, body: '' })
  const identityCenter = (await must(scene, 'GET', path, undefined, null, { ...signed, authorization })).session_list
  const slackPath = `/api/admin.users.session.list?team_id=${store.identityStoreId}&user_id=${userId}`
  const slack = (await must(scene, 'GET', slackPath, undefined, store.slack)).active_sessions
  const lists: Readonly<Record<string, readonly string[]>> = {
    'the operator API': operator.map((one: Body) => one.session_id),
    Looker: looker.map((one: Body) => one.id),
    'Identity Center': identityCenter.map((one: Body) => one.session_id),
  }
  const wrong = Object.entries(lists).flatMap(([api, ids]) =>
    String([...ids].sort()) === String(inD1) ? [] : [`${userId}: ${api} shows ${ids}, D1 has ${inD1}`],
  )
  if (String(slack.map((one: Body) => one.session_id).sort()) !== String(inD1.map(numberOf).sort()))
    wrong.push(`${userId}: Slack shows others than D1`)
  if (inD1.length > LIMIT) wrong.push(`${userId} has ${inD1.length} sessions, and may have ${LIMIT}`)
  const known = new Set([...ledger.sessions.keys(), ...ledger.past, ...store.sessions.map(({ id }) => id)])
  const strange = records.filter((row) => row.user_id === userId && !known.has(String(row.session_id))).length
  if (strange > (ledger.unansweredOpens.get(userId) ?? 0))
    wrong.push(`${userId} has ${strange} sessions that nobody opened`)
  return wrong
}

/** The limit ended it: as many as may be were opened after it. */
function wasEvicted(
  { id, userId, kind }: Session,
  record: Record<string, unknown>,
  all: readonly Record<string, unknown>[],
): boolean {
  const later = all.filter((row) => row.user_id === userId && row.kind === kind && String(row.session_id) > id)
  return record.end_reason === 'evicted' && later.length >= LIMIT
}

async function isAlive(scene: Scene, { token, kind }: Session): Promise<boolean> {
  const path = kind === 'web' ? '/sessions/current?touch=false' : '/api/4.0/session'
  const answer = await answered(scene, { method: 'GET', path, headers: { authorization: `Bearer ${token}` } })
  if (answer.status !== 200 && answer.status !== 401)
    throw new Error(`a check answers ${answer.status}: ${answer.text}`)
  return answer.status === 200
}

/** The body of an answer that must be a good one. */
async function must(
  scene: Scene,
  method: string,
  path: string,
  json?: object,
  bearer: string | null = scene.operator,
  headers: Readonly<Record<string, string>> = {},
): Promise<Body> {
  const answer = await answered(scene, {
    method,
    path,
    headers: {
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.text === '' ? null : JSON.parse(answer.text)
}

const TRIES = 20

async function answered({ send }: Scene, request: Parameters<Scene['send']>[0]) {
  for (let tries = 1; ; tries += 1) {
    const answer = await send({
      ...request,
      headers: { 'cf-connecting-ip': '2001:db8::1', 'user-agent': 'Audit/1.0', ...request.headers },
    })
    if (answer !== null && answer.status !== 503 && answer.status !== 429) return answer
    if (tries === TRIES)
      throw new Error(`${request.method} ${request.path}: no answer, though all is well: ${answer?.text}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
