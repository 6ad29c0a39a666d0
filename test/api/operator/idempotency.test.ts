/** `Idempotency-Key` in the operator API: nothing is made twice, and a secret is shown again. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { intercept } from '../../support/bindings.ts'
import { type OpenApi, operationsOf, readDocuments } from '../../support/documents.ts'
import { Gate } from '../../support/gate.ts'
import { fireJobAlarm, mirrored, userObject } from '../../support/objects.ts'
import { send, signIn } from '../../support/requests.ts'
import { makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { auditEvents, operate } from './operator.ts'

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly $ref?: string }[]
}

type Body = Record<string, unknown>

async function answerOf(response: Response) {
  const replayed = response.headers.get('idempotent-replayed')
  return { status: response.status, replayed, body: (await response.json()) as Body }
}

describe('an operator', () => {
  test('makes one credential by one key, whose token is shown again', async () => {
    const [operator, store] = [await makeOperator(), await makeStore()]
    const path = `/operator/identity-stores/${store}/credentials`
    const json = { kind: 'bearer', name: 'shop', scopes: ['sessions:open'] }
    const make = (bearer: string, headers = { 'idempotency-key': 'shop' }) => send(path, { bearer, json, headers })
    const first = await answerOf(await make(operator))
    expect(first.status).toBe(201)
    expect(await answerOf(await make(operator))).toEqual({ ...first, replayed: 'true' })
    // Also of another operator's.
    const other = await answerOf(await make(await makeOperator()))
    expect([other.status, other.body.token === first.body.token]).toEqual([201, false])
    const list = await answerOf(await send(path, { bearer: operator }))
    expect(list.body.credentials).toHaveLength(2)
    await env.DB.prepare('UPDATE credentials SET revoked_at = 1 WHERE public_id = ?').bind(operator.slice(3, 19)).run()
    expect((await make(operator)).status).toBe(401)
  })

  test('imports users once by one key: their results are those of the first time', async () => {
    const [bearer, store] = [await makeOperator(), await makeStore()]
    // More than an ordinary body may have.
    const users = Array.from({ length: 700 }, (_, nth) => ({
      user_id: `u-${nth}`,
      username: `${store}-${nth}@pie.example`,
      first_name: 'x'.repeat(60),
    }))
    const headers = { 'idempotency-key': '"import 1"' }
    const send1 = () => send(`/operator/identity-stores/${store}/users`, { bearer, json: { users }, headers })
    const first = await answerOf(await send1())
    expect([first.status, (first.body.results as Body[])[699]]).toEqual([
      200,
      { user_id: 'u-699', status: 201, code: 'created' },
    ])
    expect(await answerOf(await send1())).toEqual({ ...first, replayed: 'true' })
  })
})

/** Both ways to end all the sessions that there are: how it is asked, through what it goes, and what it leaves. */
const ENDS = [
  {
    whose: 'of a store',
    path: () => '/sessions/end',
    json: { filter: {}, expected: 2 },
    object: 'JOBS',
    status: 202,
    action: 'sessions.end_requested',
    jobs: 1,
  },
  {
    whose: 'of a user',
    path: ({ userId }: TestUser) => `/users/${userId}/sessions/end`,
    json: { all: true },
    object: 'USERS',
    status: 200,
    action: 'sessions.ended',
    jobs: 0,
  },
]

describe.each(ENDS)('an end of the sessions $whose', ({ path, json, object, status, action, jobs }) => {
  const other = { session_ids: [crypto.randomUUID()] }

  async function setUp() {
    const user = await makeUser()
    for (let opened = 0; opened < 2; opened += 1) await signIn(user)
    await mirrored(user)
    const [store, bearer] = [`/identity-stores/${user.identityStoreId}`, await makeOperator()]
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const ask = (body: object = json) => send(`/operator${store}${path(user)}`, { bearer, json: body, headers })
    const end = async (body?: object) => {
      const answer = await ask(body)
      return { ...(await answerOf(answer)), location: answer.headers.get('location') }
    }
    const live = async () => (await userObject(user).list({})).map(({ session }) => session.id)
    /** What there is of it, once all of it is done. */
    const done = async () => {
      const all = async () => (await operate(`${store}/jobs`)).body.jobs as { kind: string; state: string }[]
      const ofEnds = async () => (await all()).filter(({ kind }) => kind === 'end_sessions')
      while ((await ofEnds()).some(({ state }) => state !== 'done')) await fireJobAlarm(user.identityStoreId)
      const acts = (await auditEvents(user.identityStoreId)).filter((event) => event.action === action)
      return { jobs: (await ofEnds()).length, acts: acts.length }
    }
    return { user, ask, end, live, done }
  }

  test('that is asked for by twenty requests at once is one, and all are told the same', async () => {
    const { end, live, done } = await setUp()
    const answers = await Promise.all(Array.from({ length: 20 }, () => end()))
    const told = answers.filter((answer) => answer.status === status)
    const first = told.find(({ replayed }) => replayed === null)
    expect(told.filter(({ replayed }) => replayed === null)).toHaveLength(1)
    for (const answer of told) expect({ ...answer, replayed: null }).toEqual(first)
    for (const answer of answers.filter((one) => !told.includes(one))) {
      expect([answer.status, answer.body.code]).toEqual([409, 'idempotent_request_running'])
    }
    expect(await done()).toEqual({ jobs, acts: 1 })
    expect(await live()).toEqual([])
    expect(await end()).toEqual({ ...first, replayed: 'true' })
  })

  test('that is asked for again ends nothing that was opened since, and nothing else by its key', async () => {
    const { user, end, live, done } = await setUp()
    const first = await end()
    expect([first.status, first.replayed]).toEqual([status, null])
    await done()
    const later = await signIn(user)
    await mirrored(user)
    expect(await end()).toEqual({ ...first, replayed: 'true' })
    expect(await end(other)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect(await done()).toEqual({ jobs, acts: 1 })
    expect(await live()).toEqual([later.id])
  })

  test('that is being asked for is not asked for a second time', async () => {
    const { ask, end, done } = await setUp()
    const gate = new Gate()
    intercept(async (call, goOn) => {
      if (call.to === object) await gate.pass()
      return goOn()
    })
    const first = ask()
    await gate.reached()
    const [second, another] = [await ask(), await ask(other)]
    expect([second.status, second.headers.get('retry-after'), another.status]).toEqual([409, '1', 422])
    gate.open()
    expect((await first).status).toBe(status)
    expect(await end()).toMatchObject({ status, replayed: 'true' })
    expect(await done()).toEqual({ jobs, acts: 1 })
  })
})

test('the documents name the header where it is taken', async () => {
  const documents = await readDocuments<OpenApi<Operation> & { components: { parameters: object } }>()
  expect(documents[0]?.components.parameters).toMatchObject({
    'Idempotency-Key': { name: 'Idempotency-Key', in: 'header' },
  })
  const taking = operationsOf(...documents).filter(({ parameters = [] }) =>
    parameters.some(({ $ref }) => $ref === '#/components/parameters/Idempotency-Key'),
  )
  expect(taking.map(({ operationId }) => operationId)).toEqual(
    expect.arrayContaining([
      'openSession',
      'importUsers',
      'createCredential',
      'createOperatorCredential',
      'createTemporaryKey',
      'endStoreSessions',
      'endUserSessions',
    ]),
  )
})
