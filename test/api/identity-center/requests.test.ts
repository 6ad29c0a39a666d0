import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { identityStores, sessionConfigs, users } from '../../../src/store/schema.ts'
import { makeAccessKey, sendSigned, signed, type TestKey } from '../../support/access-keys.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { RECORDED_STORE, RECORDED_USER, RECORDINGS, type Recording, SIGN_LESS } from '../../support/recordings.ts'
import { send } from '../../support/requests.ts'
import { db, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'
import { list, post, read, sessionsPath } from './client.ts'

const ERROR = { error_code: expect.any(String), error_msg: expect.any(String), request_id: expect.any(String) }

/** Where host, body and security token must be signed. */
const STRICT = workerWith({ ACCESS_KEY_SIGNATURES: 'strict' })

describe('requests of the official clients', () => {
  const keys = new Map<string, TestKey>()

  /** The store that they name is made anew from one of ours. */
  beforeAll(async () => {
    const { identityStoreId, userId } = await makeUser({ identityStoreId: await makeStore() })
    await db.update(identityStores).set({ identityStoreId: RECORDED_STORE })
    await db.update(sessionConfigs).set({ identityStoreId: RECORDED_STORE })
    await db.update(users).set({ identityStoreId: RECORDED_STORE, userId: RECORDED_USER })
    expect([identityStoreId, userId]).not.toContain(RECORDED_STORE)
    keys.set('SKTEST', await makeAccessKey(RECORDED_STORE, { secretKey: 'SKTEST' }))
    keys.set('SKDENY', await makeAccessKey(RECORDED_STORE, { secretKey: 'SKDENY', scopes: [] }))
  })

  /** What each comes to: by its key, its path and its body. */
  function expected({ secretKey, path, method, body }: Recording) {
    if (secretKey === 'another') return { status: 401, code: 'APIGW.0301' }
    if (secretKey === 'SKDENY') return { status: 403, code: 'IIC.1000' }
    if (!path.includes(RECORDED_USER)) return { status: 404, code: 'IIC.404' }
    if (method === 'POST' && body.length <= 2) return { status: 400, code: 'IIC.400' }
    return { status: 200, code: undefined }
  }

  /** The name of an access key is not signed, and ours has another: everything else goes as it was recorded. */
  function sent({ secretKey, headers, method, body }: Recording) {
    const { accessKey } = keys.get(secretKey) ?? keys.get('SKTEST') ?? { accessKey: '' }
    const named = headers.map(([name, value]) => [
      name.toLowerCase(),
      value.replace(/Access=\w+/, `Access=${accessKey}`),
    ])
    return { method, headers: Object.fromEntries(named), origin: null, ...(body.length > 0 && { body }) }
  }

  test.each([...RECORDINGS, ...SIGN_LESS])('$name', async (recording) => {
    stopClock(recording.at)
    const answer = await read(await send(recording.path, sent(recording)))
    expect({ status: answer.status, code: answer.body?.error_code }).toEqual(expected(recording))
    advanceClock(901)
    expect((await send(recording.path, sent(recording))).status).toBe(401)
  })

  test.each(SIGN_LESS)('$name is refused where the service is strict, and told why', async (recording) => {
    stopClock(recording.at)
    const answer = await read(await STRICT.send(recording.path, sent(recording)))
    const error_msg = expect.stringContaining('SignedHeaders must name')
    expect(answer).toMatchObject({ status: 401, body: { error_code: 'APIGW.0301', error_msg } })
  })
})

describe('a request', () => {
  async function userWithKey(): Promise<{ user: TestUser; key: TestKey }> {
    const user = await makeUser()
    return { user, key: await makeAccessKey(user.identityStoreId) }
  }

  test('that is not signed is told how it must be', async () => {
    const { user } = await userWithKey()
    for (const authorization of [undefined, 'Bearer x', 'SDK-HMAC-SHA256', 'V11-HMAC-SHA256 Credential=x']) {
      const answer = await read(await send(sessionsPath(user), { headers: authorization ? { authorization } : {} }))
      expect(answer).toMatchObject({ status: 401, body: { ...ERROR, error_code: 'APIGW.0301' } })
      expect(answer.headers.get('x-request-id')).toBe(answer.body.request_id)
    }
  })

  test('must have the date among what is signed; the Host only where the service is strict', async () => {
    const { user, key } = await userWithKey()
    expect(await list(key, user, { unsigned: ['x-sdk-date'] })).toMatchObject({
      status: 401,
      body: { error_msg: expect.stringContaining('SignedHeaders must name x-sdk-date') },
    })
    const path = sessionsPath(user)
    const unsigned = signed(key, path, { unsigned: ['host'] })
    expect((await send(path, unsigned)).status).toBe(200)
    expect((await STRICT.send(path, unsigned)).status).toBe(401)
    expect((await STRICT.send(path, signed(key, path))).status).toBe(200)
  })

  test('may be signed for the Host it goes to or a public one, and for no other', async () => {
    const { user, key } = await userWithKey()
    const status = async (host: string, sentHost = host) => {
      const options = signed(key, sessionsPath(user), { host })
      return (await send(sessionsPath(user), { ...options, headers: { ...options.headers, host: sentHost } })).status
    }
    expect(await status('127.0.0.1:8787')).toBe(200)
    expect(await status('elsewhere.example')).toBe(200)
    expect(await status('localhost:8787', 'internal.example')).toBe(200)
    expect(await status('elsewhere.example', 'internal.example')).toBe(401)
    expect(await status('elsewhere.example', '127.0.0.1:8787')).toBe(401)
  })

  test('may leave its body unsigned, as the PHP client does; where the service is strict only if it has none', async () => {
    const { user, key } = await userWithKey()
    const payload = 'UNSIGNED-PAYLOAD'
    expect((await list(key, user, { payload })).status).toBe(200)
    expect((await post(key, user, '{"session_ids":["x"]}', { payload })).status).toBe(200)
    const path = `${sessionsPath(user)}/batch-delete`
    const options = signed(key, path, { method: 'POST', body: '{"session_ids":["x"]}', payload })
    expect(await read(await STRICT.send(path, options))).toMatchObject({
      status: 401,
      body: { error_code: 'APIGW.0301', error_msg: expect.stringContaining('leaves it unsigned') },
    })
    const wrong = { ...options, headers: { ...options.headers, 'x-sdk-content-sha256': '00' } }
    expect((await send(path, wrong)).status).toBe(401)
  })

  test('is refused with any one part of it altered', async () => {
    const { user, key } = await userWithKey()
    const path = `${sessionsPath(user)}/batch-delete`
    const body = '{"session_ids":["x"]}'
    const good = signed(key, path, { method: 'POST', body, headers: { 'x-other': 'a' } })
    const other = await makeUser({ identityStoreId: user.identityStoreId })
    const withHeader = (name: string, value: string) => ({ ...good, headers: { ...good.headers, [name]: value } })
    expect((await send(path, good)).status).toBe(200)
    const altered: [string, typeof good][] = [
      [`${path}?a=1`, good],
      [`${sessionsPath(other)}/batch-delete`, good],
      [path, { ...good, body: '{"session_ids":["y"]}' }],
      [path, { ...good, body: `${body} ` }],
      [path, withHeader('x-other', 'b')],
      [path, withHeader('content-type', 'text/plain')],
      [path, withHeader('x-sdk-date', '20200101T000000Z')],
      [path, withHeader('authorization', String(good.headers.authorization).replace(/Access=.{4}/, 'Access=AAAA'))],
    ]
    for (const [at, request] of altered) {
      expect(await read(await send(at, request))).toMatchObject({ status: 401, body: { error_code: 'APIGW.0301' } })
    }
    const get = signed(key, sessionsPath(user))
    for (const method of ['POST', 'HEAD', 'PUT']) {
      expect((await send(sessionsPath(user), { ...get, method })).status, method).toBe(404)
    }
  })

  test('whatever its Authorization says, is refused in the same form', async () => {
    const { user, key } = await userWithKey()
    const good = signed(key, sessionsPath(user)).headers
    const authorization = String(good.authorization)
    const piece = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom(';', ', ', '=', 'host', '%', '0'))
    const edit = fc.tuple(fc.nat(authorization.length - 1), fc.nat(6), piece)
    const mutated = edit.map(([at, gone, put]) => authorization.slice(0, at) + put + authorization.slice(at + gone))
    const same = (text: string) => text.replaceAll(' ', '') === authorization.replaceAll(' ', '')
    const address = '198.51.100.77'
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.string()), async (text) => {
        fc.pre(/^[\x20-\x7e]*$/.test(text) && !same(text))
        const headers = { ...good, authorization: text }
        const answer = await read(await send(sessionsPath(user), { headers, address }))
        expect(answer).toMatchObject({ status: 401, body: { ...ERROR, error_code: 'APIGW.0301' } })
      }),
      { numRuns: 150 },
    )
  })

  test("to a path that cannot be decoded, or that does not exist, is answered in the gateway's words", async () => {
    const { user, key } = await userWithKey()
    const path = sessionsPath(user)
    const others = [
      path.replace('/users/', '/users/%zz'),
      path.replace('/users/', '/users/%ff'),
      `${path}/`,
      path.replace('/users', '//users'),
      `${path}/batch-delete`,
      `${path}/x`,
      '/v1',
      '/v1/',
      '/v1/identity-stores',
    ]
    for (const other of others) {
      const answer = await read(await sendSigned(key, other))
      expect(answer.status, other).toBe(404)
      expect(answer.body, other).toEqual({ ...ERROR, error_code: 'APIGW.0101' })
    }
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const answer = await read(await send(path, { method }))
      expect(answer, method).toMatchObject({ status: 404, body: { error_code: 'APIGW.0101' } })
    }
    expect(await list(key, { ...user, userId: 'a%20b' })).toMatchObject({ body: { error_code: 'IIC.404' } })
  })

  test('with too large a body is refused before anything is looked up', async () => {
    const { user, key } = await userWithKey()
    const answer = await post(key, user, JSON.stringify({ session_ids: ['x'.repeat(70_000)] }))
    expect(answer).toMatchObject({ status: 413, body: { ...ERROR, error_code: 'APIGW.0201' } })
  })

  test('is throttled, with the time to wait', async () => {
    const { user, key } = await userWithKey()
    const gate = vi.spyOn(env.ACCESS_KEY_GATE, 'limit').mockResolvedValue({ success: false })
    const answer = await list(key, user, { address: '192.0.2.55' })
    expect(answer).toMatchObject({ status: 429, body: { ...ERROR, error_code: 'APIGW.0308' } })
    expect(answer.headers.get('retry-after')).toBe('60')
    expect(gate).toHaveBeenCalledWith({ key: 'access-key:192.0.2.55' })
  })

  test('that meets a bug is answered without a word of it', async () => {
    const { user, key } = await userWithKey()
    const path = sessionsPath(user)
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const prepare = vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
      throw new TypeError('secret detail')
    })
    const answer = await read(await sendSigned(key, path))
    prepare.mockRestore()
    expect(answer).toMatchObject({ status: 500, body: { ...ERROR, error_code: 'IIC.500' } })
    expect(answer.text).not.toContain('secret')
    expect(log).toHaveBeenCalledWith(
      expect.objectContaining({ event: 'request.bug', requestId: answer.body.request_id }),
    )
  })
})

test('both operations are in the vendors’ document', async () => {
  const { body } = await read(await send('/openapi/vendors.json'))
  const path = '/v1/identity-stores/{identity_store_id}/users/{user_id}/sessions'
  expect(body.paths[path].get).toMatchObject({ tags: ['Identity Center'], security: [{ access_key: [] }] })
  const { requestBody, responses } = body.paths[`${path}/batch-delete`].post
  expect(requestBody.content['application/json'].schema.$ref).toBe('#/components/schemas/IdentityCenterBatchDelete')
  expect(body.components.schemas.IdentityCenterBatchDelete.properties.session_ids).toMatchObject({ maxItems: 1_000 })
  expect(responses.default.description).toBe('Fails with 400, 401, 403, 404, 413, 429, 503.')
})
