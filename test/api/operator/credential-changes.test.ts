/** One credential: read, renamed, rotated, its use noted; and an operator recovered. */
import { and, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { credentials, spentSecrets } from '../../../src/store/schema.ts'
import { makeAccessKey, sendSigned } from '../../support/access-keys.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { send } from '../../support/requests.ts'
import { SECRETS } from '../../support/secrets.ts'
import { db, makeBearer, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { auditEvents, operate, patch, read } from './operator.ts'

const introspects = async (bearer: string) =>
  (await send('/oauth2/introspect', { bearer, form: { token: 'x' } })).status === 200

async function made(kind = 'bearer', scopes = ['sessions:introspect'], owner: string | null = null) {
  const { identityStoreId, userId } = await makeUser()
  const json = { kind, name: 'one', scopes, owner_user_id: owner === null ? null : userId }
  const { body, status } = await operate(`/identity-stores/${identityStoreId}/credentials`, { json })
  expect([status, body]).toMatchObject([201, { kind }])
  return {
    identityStoreId,
    userId,
    body,
    path: `/identity-stores/${identityStoreId}/credentials/${body.credential_id}`,
  }
}

const rotate = (path: string, json: object) => operate(`${path}/rotate`, { json })

test('is read and renamed, also an operator’s', async () => {
  const { path, body, identityStoreId } = await made()
  expect(await operate(path)).toMatchObject({ status: 200, body: { name: 'one', old_secret_valid_until: null } })
  expect((await operate(path)).text).not.toContain(body.token)
  expect(await patch(path, { name: 'two' })).toMatchObject({ status: 200, body: { name: 'two' } })
  expect(await patch(path, { scopes: [] })).toMatchObject({ status: 400 })
  expect(await operate(path)).toMatchObject({ body: { name: 'two' } })
  expect((await auditEvents(identityStoreId))[0]).toMatchObject({
    action: 'credential.renamed',
    before: { name: 'one' },
    after: { name: 'two' },
  })
  expect(await introspects(body.token)).toBe(true)
  const operator = (await operate('/credentials', { json: { name: 'op' } })).body
  expect(await operate(`/credentials/${operator.credential_id}`)).toMatchObject({ body: { name: 'op' } })
  expect(await patch(`/credentials/${operator.credential_id}`, { name: 'opa' })).toMatchObject({
    body: { name: 'opa' },
  })
  for (const wrong of [
    `/identity-stores/${await makeStore()}/credentials/${body.credential_id}`,
    '/credentials/none',
  ]) {
    expect(await operate(wrong), wrong).toMatchObject({ status: 404, body: { code: 'credential_not_found' } })
    expect((await patch(wrong, { name: 'x' })).status).toBe(404)
    expect((await rotate(wrong, {})).status).toBe(404)
  }
})

describe('a rotation', () => {
  test('keeps the old token good for the time that was asked for', async () => {
    const now = stopClock()
    const { path, body, identityStoreId } = await made()
    const rotated = await rotate(path, { overlap_seconds: 60 })
    const until = new Date(now + 60_000).toISOString()
    expect(rotated).toMatchObject({ status: 200, body: { public_id: body.public_id, old_secret_valid_until: until } })
    expect(rotated.body.token).not.toBe(body.token)
    advanceClock(59.999)
    expect([await introspects(body.token), await introspects(rotated.body.token)]).toEqual([true, true])
    advanceClock(0.001)
    expect([await introspects(body.token), await introspects(rotated.body.token)]).toEqual([false, true])
    const [event] = await auditEvents(identityStoreId)
    expect(event).toMatchObject({ action: 'credential.rotated', after: { old_secret_valid_until: until } })
    expect(JSON.stringify(event)).not.toContain(rotated.body.token.slice(19, 62))
  })

  test('said again, for a lost answer, keeps what is in use; with 0 every old one ends', async () => {
    const { path, body } = await made()
    const tokens = [body.token]
    for (let nth = 0; nth < 5; nth += 1) tokens.push((await rotate(path, {})).body.token)
    for (const token of tokens) expect(await introspects(token)).toBe(true)
    expect(await rotate(path, {})).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const last = await rotate(path, { overlap_seconds: 0 })
    expect(last).toMatchObject({ status: 200, body: { old_secret_valid_until: null } })
    for (const token of tokens) expect(await introspects(token)).toBe(false)
    expect(await introspects(last.body.token)).toBe(true)
  })

  test('holds for API clients and access keys as well', async () => {
    const client = await made('api_client', ['sessions:introspect'])
    const next = (await rotate(client.path, {})).body
    expect(next.client_id).toBe(client.body.client_id)
    for (const secret of [client.body.client_secret, next.client_secret]) {
      const headers = { authorization: `Basic ${btoa(`${next.client_id}:${secret}`)}` }
      expect((await send('/oauth2/introspect', { headers, form: { token: 'x' } })).status).toBe(200)
    }
    const { path, body, identityStoreId, userId } = await made('access_key', ['IdentityCenter:user:listSessions'])
    const [old, fresh] = [body, (await rotate(path, {})).body].map(({ access_key, secret_key }) => ({
      accessKey: access_key,
      secretKey: secret_key,
    }))
    if (old === undefined || fresh === undefined) throw new Error('not made')
    expect(fresh.accessKey).toBe(old.accessKey)
    const list = `/v1/identity-stores/${identityStoreId}/users/${userId}/sessions`
    for (const key of [old, fresh]) expect((await sendSigned(key, list)).status).toBe(200)
    await rotate(path, { overlap_seconds: 0 })
    for (const key of [old, fresh]) expect((await sendSigned(key, list)).status).toBe(401)
    expect((await sendSigned({ ...old, secretKey: 'x'.repeat(40) }, list)).status).toBe(401)
  })

  test('is refused of what is revoked, expired or temporary', async () => {
    const { path } = await made()
    await operate(path, { method: 'DELETE' })
    expect(await rotate(path, {})).toMatchObject({ status: 409 })
    const store = await makeStore()
    const { credentialId } = await makeAccessKey(store, { expiresAt: 1 })
    expect((await rotate(`/identity-stores/${store}/credentials/${credentialId}`, {})).status).toBe(409)
    const key = await made('access_key', ['IdentityCenter:user:listSessions'])
    const temporary = (await operate(`${key.path}/temporary-keys`, { json: {} })).body.credential_id
    expect((await rotate(`/identity-stores/${key.identityStoreId}/credentials/${temporary}`, {})).status).toBe(409)
    expect((await rotate(key.path, { overlap_seconds: 2_592_001 })).status).toBe(400)
  })
})

test('shows its last use, which is written once an hour, after the answer', async () => {
  const now = stopClock()
  const identityStoreId = await makeStore()
  const bearer = await makeBearer(identityStoreId, ['sessions:introspect'], { lastUsedAt: null })
  const lastUse = async () => {
    const { body } = await operate(`/identity-stores/${identityStoreId}/credentials`)
    return body.credentials[0].last_used_at
  }
  const statements = async () => {
    const counts = countCalls()
    expect(await introspects(bearer)).toBe(true)
    return counts.d1Statements
  }
  expect(await lastUse()).toBeNull()
  expect([await statements(), await statements()]).toEqual([2, 1])
  expect(await lastUse()).toBe(new Date(now).toISOString())
  advanceClock(3_599)
  expect(await statements()).toBe(1)
  advanceClock(1)
  expect(await statements()).toBe(2)
  expect(await lastUse()).toBe(new Date(now + 3_600_000).toISOString())
})

test.each([
  ['access_key', ['looker'], true, 'scopes.0'],
  ['access_key', ['IdentityCenter:user:listSessions', 'sessions:open'], false, 'scopes.1'],
  ['bearer', ['IdentityCenter:user:listSessions'], false, 'scopes.0'],
  ['bearer', ['looker'], true, 'scopes.0'],
  ['api_client', ['sessions:open'], true, 'scopes.0'],
  ['api_client', ['looker'], false, 'owner_user_id'],
  ['api_client', [], false, 'owner_user_id'],
  ['bearer', ['admin.users:read'], false, 'owner_user_id'],
] as const)('is not made as %s with %j, owner %s: it would be of no use', async (kind, scopes, hasOwner, field) => {
  const { identityStoreId, userId } = await makeUser()
  const json = { kind, name: 'x', scopes, owner_user_id: hasOwner ? userId : null }
  const answer = await operate(`/identity-stores/${identityStoreId}/credentials`, { json })
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } })
})

describe('an operator whose token is lost', () => {
  const recover = (bearer: string) => send('/operator/recovery', { bearer, json: { name: 'recovered' } }).then(read)

  test('is recovered with the recovery secret, once', async () => {
    await db.delete(spentSecrets)
    await makeOperator({ expiresAt: 1 })
    expect((await recover('wrong')).status).toBe(401)
    expect((await recover(SECRETS.OPERATOR_BOOTSTRAP_SECRET)).status).toBe(401)
    const answers = await Promise.all([1, 2, 3].map(() => recover(SECRETS.OPERATOR_RECOVERY_SECRET)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    const token = answers.find(({ status }) => status === 201)?.body.token
    expect((await operate('/identity-stores', { bearer: token })).status).toBe(200)
    const { body } = await operate('/audit-events', { bearer: token })
    expect(body.audit_events[0]).toMatchObject({ actor: 'recovery', action: 'credential.created' })
    const [row] = await db
      .select()
      .from(credentials)
      .where(and(eq(credentials.name, 'recovered')))
    await db.delete(credentials).where(eq(credentials.credentialId, row?.credentialId ?? ''))
    expect((await recover(SECRETS.OPERATOR_RECOVERY_SECRET)).status).toBe(409)
  })
})
