/** `Idempotency-Key` in the operator API: nothing is made twice, and a secret is shown again. */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { type OpenApi, operationsOf, readDocuments } from '../../support/documents.ts'
import { send } from '../../support/requests.ts'
import { makeOperator, makeStore } from '../../support/stores.ts'

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
