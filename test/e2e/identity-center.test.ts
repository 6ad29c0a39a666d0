/** Huawei's official client, unmodified, over plain http, against `npm run dev`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core'
import {
  BatchDeleteSessionsReqBody,
  BatchDeleteSessionsRequest,
  IdentityCenterStoreClient,
  ListSessionsRequest,
} from '@huaweicloud/huaweicloud-sdk-identitycenterstore/v1/public-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Served, serve } from './support/served.ts'

const USER = 'U0000000004'
const UNKNOWN = '0198c0de-0000-7000-8000-000000000000'

let server: Served
let home: string
const realHome = process.env.HOME

beforeAll(async () => {
  // The client keeps a file in the home directory.
  home = mkdtempSync(join(tmpdir(), 'latchkey-home-'))
  process.env.HOME = home
  server = await serve()
})

afterAll(async () => {
  await server.stop()
  rmSync(home, { recursive: true })
  if (realHome === undefined) delete process.env.HOME
  else process.env.HOME = realHome
})

interface Listed {
  readonly session_id: string
  readonly creation_time: number
}

interface Key {
  readonly ak: string
  readonly sk: string
  readonly token?: string
}

function clientOf({ ak, sk, token }: Key) {
  const credential = new BasicCredentials().withAk(ak).withSk(sk)
  if (token !== undefined) credential.withSecurityToken(token)
  return IdentityCenterStoreClient.newBuilder()
    .withCredential(credential)
    .withEndpoint(server.credentials.base_url)
    .build()
}

/** The sessions of a user as the client lists them. */
async function list(key: Key, userId = USER, storeId = server.credentials.identity_store_id) {
  const answer = await clientOf(key).listSessions(new ListSessionsRequest(storeId, userId))
  // The client hands over what was parsed; its types call the fields of the wire private.
  const { session_list: sessions } = JSON.parse(JSON.stringify(answer)) as { session_list: Listed[] }
  return { status: answer.httpStatusCode, sessions }
}

async function batchDelete(key: Key, ids: string[], userId = USER) {
  const request = new BatchDeleteSessionsRequest(server.credentials.identity_store_id, userId)
  return clientOf(key).batchDeleteSessions(request.withBody(new BatchDeleteSessionsReqBody(ids)))
}

/** What the client throws. */
async function refusal(call: Promise<unknown>): Promise<Record<string, unknown>> {
  return call.then(
    () => ({}),
    (error: Record<string, unknown>) => error,
  )
}

async function operate(path: string, body: object, method = 'POST'): Promise<Record<string, string>> {
  const response = await fetch(`${server.credentials.base_url}/operator${path}`, {
    method,
    headers: { authorization: `Bearer ${server.credentials.operator_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.ok, path).toBe(true)
  return (await response.json()) as Record<string, string>
}

async function signIn(): Promise<{ id: string; status: () => Promise<number> }> {
  const { base_url: base, service } = server.credentials
  const response = await fetch(`${base}/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: USER, client: { address: '192.0.2.1', user_agent: 'Till/2.0' } }),
  })
  const { id, token } = (await response.json()) as { id: string; token: string }
  const headers = { authorization: `Bearer ${token}` }
  return { id, status: async () => (await fetch(`${base}/sessions/current`, { headers })).status }
}

describe('the official client', () => {
  test('lists sessions and deletes some of them; they are dead at the next check', async () => {
    const { huawei } = server.credentials
    const [first, second] = [await signIn(), await signIn()]
    const { status, sessions } = await list(huawei)
    expect(status).toBe(200)
    expect(sessions).toEqual([
      expect.objectContaining({ session_id: second.id }),
      {
        creation_time: expect.any(Number),
        ip_address: '192.0.2.1',
        session_id: first.id,
        session_not_valid_after: expect.any(Number),
        user_agent: 'Till/2.0',
        user_id: USER,
      },
    ])
    expect(Math.abs(Date.now() - (sessions[0]?.creation_time ?? 0))).toBeLessThan(60_000)

    expect(await batchDelete(huawei, [first.id, UNKNOWN])).toEqual({ httpStatusCode: 200 })
    expect(await batchDelete(huawei, [first.id])).toEqual({ httpStatusCode: 200 })
    expect(await first.status()).toBe(401)
    expect(await second.status()).toBe(200)
    expect((await list(huawei)).sessions).toMatchObject([{ session_id: second.id }])
    await batchDelete(huawei, [second.id])
    expect((await list(huawei)).sessions).toEqual([])
  })

  test('is told what is wrong, with the id of its request', async () => {
    const { huawei } = server.credentials
    const cases: [() => Promise<unknown>, number, string][] = [
      [() => batchDelete(huawei, []), 400, 'IIC.400'],
      [() => list(huawei, 'nope'), 404, 'IIC.404'],
      [() => list(huawei, 'a b+cé'), 404, 'IIC.404'],
      [() => list(huawei, 'a%20b+c%2Fé'), 404, 'IIC.404'],
      [() => list(huawei, USER, 'd-other'), 403, 'IIC.1000'],
      [() => list({ ...huawei, sk: 'another' }), 401, 'APIGW.0301'],
      [() => list({ ...huawei, ak: 'A'.repeat(20) }), 401, 'APIGW.0301'],
    ]
    for (const [call, httpStatusCode, errorCode] of cases) {
      expect(await refusal(call())).toMatchObject({
        httpStatusCode,
        errorCode,
        errorMsg: expect.stringMatching(/./),
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
    }
  })

  test('without the permission is given a sealed reason that an operator can open', async () => {
    const { denied_ak: ak, denied_sk: sk } = server.credentials.huawei
    const error = await refusal(list({ ak, sk }))
    expect(error).toMatchObject({ httpStatusCode: 403, errorCode: 'IIC.1000' })
    const sealed = error.encodedAuthorizationMessage
    const opened = await operate('/authorization-messages/open', { encoded_authorization_message: sealed })
    expect(opened).toMatchObject({ request_id: error.requestId, missing: 'permission', access_key: ak })
  })

  test('works with a temporary key and its token', async () => {
    const store = `/identity-stores/${server.credentials.identity_store_id}`
    const scopes = ['IdentityCenter:user:listSessions']
    const made = await operate(`${store}/credentials`, { kind: 'access_key', name: 'temporary', scopes })
    const issued = await operate(`${store}/credentials/${made.credential_id}/temporary-keys`, {})
    const key = { ak: issued.access_key ?? '', sk: issued.secret_key ?? '' }
    expect((await list({ ...key, token: issued.security_token ?? '' })).status).toBe(200)
    expect(await refusal(list(key))).toMatchObject({ httpStatusCode: 401, errorCode: 'APIGW.0301' })
  })
})
