import { eq } from 'drizzle-orm'
import { describe, expect, test, vi } from 'vitest'
import { auditEvents } from '../../../src/store/audit-schema.ts'
import { credentials } from '../../../src/store/schema.ts'
import { makeAccessKey, sendSigned, signed, type TestKey } from '../../support/access-keys.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { check, type RequestOptions, send, signIn } from '../../support/requests.ts'
import { db, makeBearer, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { workerWith } from '../../support/variants.ts'
import { type Answer, batchDelete, list, read, sessionsPath } from './client.ts'

const LIST = 'IdentityCenter:user:listSessions'
const DELETE = 'IdentityCenter:user:batchDeleteSession'
const FAILED = 'Incorrect IAM authentication information: verify aksk signature fail'

async function operate(path: string, options: RequestOptions = {}): Promise<Answer> {
  return read(await send(`/operator${path}`, { bearer: await makeOperator(), ...options }))
}

/** A temporary key that an operator issues. */
async function issue(identityStoreId: string, credentialId: string, seconds = 900): Promise<TestKey & Answer> {
  const path = `/identity-stores/${identityStoreId}/credentials/${credentialId}/temporary-keys`
  const answer = await operate(path, { json: { duration_seconds: seconds } })
  const { access_key: accessKey, secret_key: secretKey, security_token: securityToken } = answer.body
  return { ...answer, accessKey, secretKey, securityToken }
}

function delegate(identityStoreId: string, credentialId: string, ids: readonly string[]): Promise<Answer> {
  const path = `/identity-stores/${identityStoreId}/credentials/${credentialId}/delegated-stores`
  return operate(path, { method: 'PUT', json: { identity_store_ids: ids } })
}

async function openMessage(answer: Answer, bearer?: string): Promise<Answer> {
  const { encoded_authorization_message } = answer.body
  const options = { json: { encoded_authorization_message }, ...(bearer !== undefined && { bearer }) }
  return operate('/authorization-messages/open', options)
}

describe('an access key', () => {
  test('is refused with a wrong secret just as an unknown one is: in words, look-ups and work', async () => {
    const user = await makeUser()
    const key = await makeAccessKey(user.identityStoreId)
    const wrong = { ...key, secretKey: 'x'.repeat(40) }
    const unknown = { ...wrong, accessKey: 'A'.repeat(20) }
    await list(unknown, user) // what is made once per isolate is made
    const work = ['importKey', 'deriveKey', 'decrypt', 'encrypt', 'sign', 'verify', 'digest'] as const
    const seen = []
    for (const caller of [wrong, unknown, wrong, unknown]) {
      const spies = work.map((name) => vi.spyOn(crypto.subtle, name))
      const counts = countCalls()
      const answer = await list(caller, user)
      const { request_id: requestId, ...body } = answer.body
      expect(answer.headers.get('x-request-id')).toBe(requestId)
      const headers = [...answer.headers].filter(([name]) => name !== 'x-request-id')
      seen.push({
        status: answer.status,
        body,
        headers,
        work: spies.map((spy) => spy.mock.calls.length),
        d1: counts.d1Statements,
        objects: counts.objectCalls,
      })
      for (const spy of spies) spy.mockRestore()
    }
    expect(seen[0]).toMatchObject({
      status: 401,
      body: { error_code: 'APIGW.0301', error_msg: FAILED },
      d1: 1,
      objects: 0,
    })
    expect(seen[0]?.work).toEqual([1, 0, 1, 0, 0, 2, 3])
    expect(seen).toEqual(Array(4).fill(seen[0]))
  })

  test('of a wrong kind, of a deleted store or with a seal that does not open is unknown', async () => {
    const user = await makeUser()
    const key = await makeAccessKey(user.identityStoreId)
    await db.update(credentials).set({ sealedSecret: 'AAAA' }).where(eq(credentials.credentialId, key.credentialId))
    expect(await list(key, user)).toMatchObject({ status: 401, body: { error_msg: FAILED } })
    const bearer = await makeBearer(user.identityStoreId, [LIST])
    const asKey = { accessKey: bearer.slice(3, 19).toUpperCase().padEnd(20, 'A'), secretKey: bearer }
    expect(await list(asKey, user)).toMatchObject({ status: 401, body: { error_msg: FAILED } })
    const answer = await send(sessionsPath(user), { bearer })
    expect(answer.status).toBe(401)
  })

  test('that was revoked or has expired is told so, but only to whom has the secret', async () => {
    const user = await makeUser()
    const revoked = await makeAccessKey(user.identityStoreId, { revokedAt: 1 })
    const expired = await makeAccessKey(user.identityStoreId, { expiresAt: 1 })
    expect((await list(revoked, user)).body).toMatchObject({
      error_code: 'APIGW.0301',
      error_msg: 'Incorrect IAM authentication information: the access key was revoked',
    })
    expect((await list(expired, user)).body).toMatchObject({
      error_code: 'APIGW.0301',
      error_msg: 'Incorrect IAM authentication information: the access key has expired',
    })
    for (const key of [revoked, expired]) {
      expect((await list({ ...key, secretKey: 'x' }, user)).body.error_msg).toBe(FAILED)
    }
  })

  test('may be bound to addresses', async () => {
    const user = await makeUser()
    const key = await makeAccessKey(user.identityStoreId, { addressAllowList: ['192.0.2.0/24'] })
    expect((await list(key, user, { address: '192.0.2.9' })).status).toBe(200)
    const answer = await list(key, user, { address: '198.51.100.1' })
    expect(answer).toMatchObject({ status: 403, body: { error_code: 'APIGW.0302' } })
    expect((await openMessage(answer)).body).toMatchObject({
      missing: 'address',
      access_key: key.accessKey,
      caller: null,
    })
  })

  test('has two permissions, one for each operation', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const reader = await makeAccessKey(user.identityStoreId, { scopes: [LIST] })
    const writer = await makeAccessKey(user.identityStoreId, { scopes: [DELETE] })
    expect((await list(reader, user)).status).toBe(200)
    expect(await batchDelete(reader, user, [session.id])).toMatchObject({
      status: 403,
      body: { error_code: 'IIC.1000', error_msg: `No permission for action ${DELETE}.` },
    })
    expect((await check(session)).status).toBe(200)
    expect(await list(writer, user)).toMatchObject({
      status: 403,
      body: { error_code: 'IIC.1000', error_msg: `No permission for action ${LIST}.` },
    })
    expect((await batchDelete(writer, user, [session.id])).status).toBe(200)
    expect((await check(session)).status).toBe(401)
  })

  test('of another store is refused alike for a user, a store and an object that are there or not', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const stranger = await makeAccessKey(await makeStore())
    const targets = [user, { ...user, userId: 'nope' }, { identityStoreId: 'nope', userId: 'nope' }]
    for (const target of targets) {
      const counts = countCalls()
      for (const answer of [await list(stranger, target), await batchDelete(stranger, target, [session.id])]) {
        expect(answer).toMatchObject({ status: 403, body: { error_code: 'IIC.1000' } })
      }
      expect(counts).toMatchObject({ objectCalls: 0, d1Statements: 2 })
    }
    expect((await check(session)).status).toBe(200)
  })
})

describe('the sealed reason of a refusal', () => {
  test('is opened for an operator, and says who lacked what', async () => {
    const now = stopClock()
    const user = await makeUser()
    const key = await makeAccessKey(user.identityStoreId, { scopes: [LIST] })
    const answer = await batchDelete(key, user, ['x'])
    expect(Object.keys(answer.body).sort()).toEqual([
      'encoded_authorization_message',
      'error_code',
      'error_msg',
      'request_id',
    ])
    expect(answer.body.encoded_authorization_message).toMatch(/^[\w-]+$/)
    expect(await openMessage(answer)).toMatchObject({
      status: 200,
      body: {
        request_id: answer.headers.get('x-request-id'),
        at: new Date(now).toISOString(),
        missing: 'permission',
        action: DELETE,
        identity_store_id: user.identityStoreId,
        user_id: user.userId,
        access_key: key.accessKey,
        caller: {
          identity_store_id: user.identityStoreId,
          credential_id: key.credentialId,
          scopes: [LIST],
          delegated_store_ids: [],
        },
      },
    })
    const stranger = await makeAccessKey(await makeStore())
    expect((await openMessage(await list(stranger, user))).body).toMatchObject({ missing: 'identity_store' })
  })

  test('is opened for nobody else, and not if it was altered', async () => {
    const user = await makeUser()
    const key = await makeAccessKey(user.identityStoreId, { scopes: [] })
    const answer = await list(key, user)
    expect((await openMessage(answer, await makeBearer(user.identityStoreId, [LIST]))).status).toBe(403)
    expect((await openMessage(answer, 'nobody')).status).toBe(401)
    const text: string = answer.body.encoded_authorization_message
    const altered = text.slice(0, 30) + (text[30] === 'A' ? 'B' : 'A') + text.slice(31)
    for (const one of [altered, text.slice(0, -8), 'x', 'ZGVuaWVk']) {
      const opened = await operate('/authorization-messages/open', { json: { encoded_authorization_message: one } })
      expect(opened).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    }
  })

  test('hides what it says', async () => {
    const user = await makeUser()
    const answer = await list(await makeAccessKey(user.identityStoreId, { scopes: [] }), user)
    const bytes = Buffer.from(answer.body.encoded_authorization_message, 'base64url').toString('latin1')
    expect(bytes).not.toContain(user.userId)
  })
})

describe('a temporary key', () => {
  test('does what its access key may, with its token, until it expires', async () => {
    const now = stopClock()
    const user = await makeUser()
    const parent = await makeAccessKey(user.identityStoreId, { scopes: [LIST] })
    const key = await issue(user.identityStoreId, parent.credentialId)
    expect(key).toMatchObject({
      status: 201,
      body: {
        kind: 'access_key',
        parent_credential_id: parent.credentialId,
        scopes: [LIST],
        expires_at: new Date(now + 900_000).toISOString(),
      },
    })
    expect((await list(key, user)).status).toBe(200)
    expect((await batchDelete(key, user, ['x'])).status).toBe(403)
    advanceClock(899)
    expect((await list(key, user)).status).toBe(200)
    advanceClock(1)
    expect((await list(key, user)).body.error_msg).toContain('expired')
    expect((await list(parent, user)).status).toBe(200)
  })

  test('is refused without its token, and with another one; it may be added after signing where the service is not strict', async () => {
    const user = await makeUser()
    const parent = await makeAccessKey(user.identityStoreId)
    const { accessKey, secretKey, securityToken = '' } = await issue(user.identityStoreId, parent.credentialId)
    const other = await issue(user.identityStoreId, parent.credentialId)
    const bare = { accessKey, secretKey }
    const tries = [
      await list(bare, user),
      await list({ ...bare, securityToken: '' }, user),
      await list({ ...bare, securityToken: `${securityToken}x` }, user),
      await list({ ...bare, securityToken: other.securityToken ?? '' }, user),
    ]
    for (const answer of tries) expect(answer).toMatchObject({ status: 401, body: { error_msg: FAILED } })
    expect((await list({ ...bare, securityToken }, user)).status).toBe(200)
    const added = { headers: { 'x-security-token': securityToken }, unsigned: ['x-security-token'] }
    expect((await list(bare, user, added)).status).toBe(200)
    const strict = workerWith({ ACCESS_KEY_SIGNATURES: 'strict' })
    expect((await strict.send(sessionsPath(user), signed(bare, sessionsPath(user), added))).status).toBe(401)
  })

  test('keeps neither its secret nor its token where they could be read', async () => {
    const user = await makeUser()
    const parent = await makeAccessKey(user.identityStoreId)
    const key = await issue(user.identityStoreId, parent.credentialId)
    const kept = JSON.stringify([
      await db.select().from(credentials).where(eq(credentials.publicId, key.accessKey)),
      await db.select().from(auditEvents).where(eq(auditEvents.identityStoreId, user.identityStoreId)),
      (await operate(`/identity-stores/${user.identityStoreId}/credentials`)).body,
    ])
    expect(kept).toContain(key.accessKey)
    expect(kept).not.toContain(key.secretKey)
    expect(kept).not.toContain(key.securityToken)
  })

  test('ends with the key it was issued from, and cannot outlive it', async () => {
    const now = stopClock()
    const user = await makeUser()
    const parent = await makeAccessKey(user.identityStoreId, { expiresAt: now + 600_000 })
    const key = await issue(user.identityStoreId, parent.credentialId, 86_400)
    expect(key.body.expires_at).toBe(new Date(now + 600_000).toISOString())
    const path = `/identity-stores/${user.identityStoreId}/credentials/${parent.credentialId}`
    expect((await operate(path, { method: 'DELETE' })).status).toBe(204)
    expect((await list(key, user)).body.error_msg).toContain('revoked')
  })

  test('is issued from a live, permanent access key of the store alone', async () => {
    const user = await makeUser()
    const live = await makeAccessKey(user.identityStoreId)
    const revoked = await makeAccessKey(user.identityStoreId, { revokedAt: 1 })
    const expired = await makeAccessKey(user.identityStoreId, { expiresAt: 1 })
    const temporary = await issue(user.identityStoreId, live.credentialId)
    await makeBearer(user.identityStoreId, [LIST])
    const { body } = await operate(`/identity-stores/${user.identityStoreId}/credentials`)
    const made: { kind: string; credential_id: string }[] = body.credentials
    const bearer = made.find(({ kind }) => kind === 'bearer')?.credential_id ?? ''
    for (const id of [revoked.credentialId, expired.credentialId, temporary.body.credential_id]) {
      expect(await issue(user.identityStoreId, id)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect((await issue(user.identityStoreId, bearer)).status).toBe(409)
    expect((await issue(await makeStore(), live.credentialId)).status).toBe(404)
    expect((await issue('nope', live.credentialId)).status).toBe(404)
    for (const seconds of [899, 86_401, 900.5]) {
      expect((await issue(user.identityStoreId, live.credentialId, seconds)).status).toBe(400)
    }
  })
})

describe('a delegated administrator', () => {
  test('is told of a store that is gone, also if its list names it already', async () => {
    const [home, gone] = [await makeStore(), await makeStore()]
    const key = await makeAccessKey(home)
    expect((await delegate(home, key.credentialId, [gone])).status).toBe(200)
    expect((await operate(`/identity-stores/${gone}`, { method: 'DELETE' })).status).toBe(204)
    expect(await delegate(home, key.credentialId, [gone])).toMatchObject({
      status: 404,
      body: { identity_store_ids: [gone] },
    })
  })

  test('may what its permissions say in the named stores, and is on record there', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const home = await makeStore()
    const key = await makeAccessKey(home)
    expect((await list(key, user)).status).toBe(403)
    expect(await delegate(home, key.credentialId, [user.identityStoreId])).toMatchObject({
      status: 200,
      body: { delegated_store_ids: [user.identityStoreId] },
    })
    expect((await list(key, user)).body.session_list).toHaveLength(1)
    expect((await list(key, await makeUser({ identityStoreId: home }))).status).toBe(200)
    expect((await list(key, await makeUser())).status).toBe(403)
    expect((await batchDelete(key, user, [session.id])).status).toBe(200)
    expect((await check(session)).status).toBe(401)
    const events = await db.select().from(auditEvents).where(eq(auditEvents.identityStoreId, user.identityStoreId))
    expect(events).toMatchObject([{ action: 'sessions.batch_delete', actor: `credential:${key.credentialId}` }])
    expect(JSON.parse(events[0]?.after ?? '')).toMatchObject({ caller_identity_store_id: home })
  })

  test('needs the permission too', async () => {
    const user = await makeUser()
    const home = await makeStore()
    const key = await makeAccessKey(home, { scopes: [LIST], delegatedStoreIds: [user.identityStoreId] })
    expect((await list(key, user)).status).toBe(200)
    expect((await batchDelete(key, user, ['x'])).status).toBe(403)
  })

  test('is made and unmade by operators, with what was issued from it, and each time on record', async () => {
    const user = await makeUser()
    const home = await makeStore()
    const parent = await makeAccessKey(home)
    const before = await issue(home, parent.credentialId)
    await delegate(home, parent.credentialId, [user.identityStoreId, user.identityStoreId])
    const after = await issue(home, parent.credentialId)
    expect(after.body.delegated_store_ids).toEqual([user.identityStoreId])
    for (const key of [parent, before, after]) expect((await list(key, user)).status).toBe(200)
    await delegate(home, parent.credentialId, [])
    for (const key of [parent, before, after]) expect((await list(key, user)).status).toBe(403)
    const events = await db.select().from(auditEvents).where(eq(auditEvents.action, 'credential.delegated'))
    const mine = events.filter(({ subject }) => subject === `credential:${parent.credentialId}`)
    expect(mine.map(({ before, after }) => [JSON.parse(before ?? ''), JSON.parse(after ?? '')])).toEqual([
      [{ delegated_store_ids: [] }, { delegated_store_ids: [user.identityStoreId] }],
      [{ delegated_store_ids: [user.identityStoreId] }, { delegated_store_ids: [] }],
    ])
  })

  test('is an access key that is not temporary, and the stores are there', async () => {
    const home = await makeStore()
    const other = await makeStore()
    const key = await makeAccessKey(home)
    const temporary = await issue(home, key.credentialId)
    expect((await delegate(home, temporary.body.credential_id, [other])).status).toBe(409)
    expect(await delegate(home, key.credentialId, ['nix', other, 'nope'])).toMatchObject({
      status: 404,
      body: { code: 'identity_store_not_found', identity_store_ids: ['nix', 'nope'] },
    })
    expect((await delegate(other, key.credentialId, [home])).status).toBe(404)
    expect((await delegate(home, key.credentialId, Array(101).fill(other))).status).toBe(400)
    const made = await db.select().from(credentials).where(eq(credentials.credentialId, key.credentialId))
    expect(made).toMatchObject([{ delegatedStoreIds: '[]' }])
    const events = await db.select().from(auditEvents).where(eq(auditEvents.action, 'credential.delegated'))
    expect(events.filter(({ identityStoreId }) => identityStoreId === home)).toEqual([])
  })

  test('is made by nobody else', async () => {
    const home = await makeStore()
    const key = await makeAccessKey(home)
    const base = `/operator/identity-stores/${home}/credentials/${key.credentialId}`
    const bearer = await makeBearer(home, [LIST, DELETE])
    const put = await send(`${base}/delegated-stores`, { method: 'PUT', bearer, json: { identity_store_ids: [home] } })
    expect(put.status).toBe(403)
    expect((await send(`${base}/temporary-keys`, { bearer, json: {} })).status).toBe(403)
    expect((await sendSigned(key, `${base}/temporary-keys`, { method: 'POST', body: '{}' })).status).toBe(401)
  })
})

test('a signature is good for the request it was made for, for 15 minutes, as often as it is sent', async () => {
  const now = stopClock(Math.ceil(Date.now() / 1000) * 1000)
  const user = await makeUser()
  const key = await makeAccessKey(user.identityStoreId)
  const request = signed(key, sessionsPath(user), { at: now })
  expect((await send(sessionsPath(user), request)).status).toBe(200)
  expect((await send(sessionsPath(user), request)).status).toBe(200)
  expect((await send(sessionsPath({ ...user, userId: 'nope' }), request)).status).toBe(401)
  advanceClock(900)
  expect((await send(sessionsPath(user), request)).status).toBe(200)
  advanceClock(1)
  expect((await read(await send(sessionsPath(user), request))).body.error_msg).toContain('15 minutes')
})
