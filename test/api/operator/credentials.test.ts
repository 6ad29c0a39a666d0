import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, test } from 'vitest'
import { findAccessKey } from '../../../src/auth/credentials.ts'
import { Sealing } from '../../../src/auth/sealing.ts'
import { NO_STORE } from '../../../src/domain/ids.ts'
import { readSettings } from '../../../src/settings.ts'
import { auditEvents as auditTable } from '../../../src/store/audit-schema.ts'
import { credentials, spentSecrets } from '../../../src/store/schema.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { send } from '../../support/requests.ts'
import { SECRETS } from '../../support/secrets.ts'
import { db, makeBearer, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { auditEvents, operate, read, remove } from './operator.ts'

const BOOTSTRAP = SECRETS.OPERATOR_BOOTSTRAP_SECRET

/** As a service that was just deployed. */
async function forgetOperators(): Promise<void> {
  await db.delete(credentials).where(eq(credentials.identityStoreId, NO_STORE))
  await db.delete(spentSecrets)
}

function bootstrap(name = 'first', bearer = BOOTSTRAP) {
  return send('/operator/bootstrap', { bearer, json: { name } }).then(read)
}

function create(identityStoreId: string, json: unknown) {
  return operate(`/identity-stores/${identityStoreId}/credentials`, { json })
}

describe('the first operator', () => {
  beforeEach(forgetOperators)

  test('is made with the bootstrap secret, once', async () => {
    const first = await bootstrap()
    expect(first).toMatchObject({ status: 201, body: { kind: 'bearer', name: 'first', scopes: ['operator'] } })
    expect((await operate('/identity-stores', { bearer: first.body.token })).status).toBe(200)
    expect(await bootstrap('second')).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const { body } = await operate('/audit-events', { bearer: first.body.token })
    expect(body.audit_events[0]).toMatchObject({
      actor: 'bootstrap',
      action: 'credential.created',
      subject: `credential:${first.body.credential_id}`,
      before: null,
      after: { name: 'first', scopes: ['operator'] },
    })
    expect(JSON.stringify(body)).not.toContain(first.body.token.slice(19, 62))
  })

  test('is one of those who try at the same time', async () => {
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => bootstrap(name)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409])
    const rows = await db.select().from(credentials).where(eq(credentials.identityStoreId, NO_STORE))
    expect(rows).toHaveLength(1)
  })

  test('is never made again: not when the last one has expired, nor when every trace of them is removed', async () => {
    stopClock()
    const first = await bootstrap()
    await db.update(credentials).set({ expiresAt: 1 }).where(eq(credentials.publicId, first.body.public_id))
    expect(await bootstrap()).toMatchObject({ status: 409, body: { code: 'conflict' } })
    await db.delete(credentials).where(eq(credentials.identityStoreId, NO_STORE))
    expect((await bootstrap()).status).toBe(409)
  })

  test('is not made where an older version of the service has made one', async () => {
    await makeOperator({ expiresAt: 1 })
    expect((await bootstrap()).status).toBe(409)
  })

  test('is not made with another secret, and the secret is no credential', async () => {
    for (const wrong of [`${BOOTSTRAP}x`, BOOTSTRAP.slice(1), 'x']) {
      expect((await bootstrap('first', wrong)).status).toBe(401)
    }
    expect((await read(await send('/operator/bootstrap', { json: { name: 'x' } }))).status).toBe(401)
    expect((await operate('/identity-stores', { bearer: BOOTSTRAP })).status).toBe(401)
    expect(await bootstrap('')).toMatchObject({ status: 400, body: { errors: [{ field: 'name' }] } })
  })
})

describe('an operator', () => {
  test('may make another, who may do the same, until revoked', async () => {
    const bearer = await makeOperator()
    const made = await operate('/credentials', { bearer, json: { name: 'second' } })
    expect(made).toMatchObject({ status: 201, body: { kind: 'bearer', scopes: ['operator'], owner_user_id: null } })
    const { token, credential_id: id } = made.body
    expect((await operate('/identity-stores', { bearer: token })).status).toBe(200)
    expect((await operate(`/credentials/${id}`, { bearer, method: 'DELETE' })).status).toBe(204)
    expect((await operate(`/credentials/${id}`, { bearer, method: 'DELETE' })).status).toBe(204)
    expect(await operate('/identity-stores', { bearer: token })).toMatchObject({
      status: 401,
      body: { code: 'credential_revoked' },
    })
    const listed = await operate('/credentials?limit=1000', { bearer })
    expect(listed.body.credentials).toContainEqual(
      expect.objectContaining({ credential_id: id, revoked_at: expect.any(String) }),
    )
    expect(listed.text).not.toContain(token.slice(19, 62))
    const events = await db
      .select()
      .from(auditTable)
      .where(eq(auditTable.subject, `credential:${id}`))
    expect(events.map(({ action }) => action).sort()).toEqual(['credential.created', 'credential.revoked'])
  })

  test('who is the last cannot be revoked', async () => {
    await forgetOperators()
    const { body } = await bootstrap('last')
    await makeOperator({ revokedAt: 1 })
    await makeOperator({ expiresAt: 1 })
    const bearer = body.token
    const last = await operate(`/credentials/${body.credential_id}`, { bearer, method: 'DELETE' })
    expect(last).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await operate('/identity-stores', { bearer })).status).toBe(200)
    const other = await operate('/credentials', { bearer, json: { name: 'other' } })
    const revoke = (id: string, by: string) => operate(`/credentials/${id}`, { bearer: by, method: 'DELETE' })
    const both = await Promise.all([
      revoke(body.credential_id, other.body.token),
      revoke(other.body.credential_id, bearer),
    ])
    expect(both.map(({ status }) => status)).toContain(204)
    expect((await bootstrap()).status).toBe(409)
  })

  test('cannot be made by, nor be, a credential of an identity store', async () => {
    const identityStoreId = await makeStore()
    const forged = await makeBearer(identityStoreId, ['operator'])
    const paths = ['/identity-stores', `/identity-stores/${identityStoreId}`, '/credentials', '/audit-events']
    for (const path of paths) {
      expect(await operate(path, { bearer: forged }), path).toMatchObject({
        status: 403,
        body: { code: 'forbidden', needed: ['operator:read'] },
      })
    }
    const body = { kind: 'bearer', name: 'x', scopes: ['operator'] }
    expect(await create(identityStoreId, body)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'scopes.0' }] },
    })
    const weak = await makeBearer(NO_STORE, ['sessions:open'])
    expect((await operate('/identity-stores', { bearer: weak })).status).toBe(403)
    expect((await operate('/credentials', { json: { name: 'x', kind: 'api_client' } })).status).toBe(400)
  })

  test('is refused without a credential, on every path', async () => {
    for (const path of ['/identity-stores', '/identity-stores/a/users/b', '/credentials', '/audit-events']) {
      const answer = await send(`/operator${path}`)
      expect(answer.status, path).toBe(401)
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
  })
})

describe("a store's credential", () => {
  test.each([
    ['bearer', ['token'], ['sessions:open', 'admin.users:read']],
    ['api_client', ['client_id', 'client_secret'], ['looker', 'sessions:revoke']],
    [
      'access_key',
      ['access_key', 'secret_key'],
      ['IdentityCenter:user:listSessions', 'IdentityCenter:user:batchDeleteSession'],
    ],
  ] as const)('of kind %s is shown once', async (kind, shown, scopes) => {
    const user = await makeUser()
    const { identityStoreId } = user
    const made = await create(identityStoreId, {
      kind,
      name: 'back end',
      scopes: [scopes[0], ...scopes],
      owner_user_id: user.userId,
      expires_at: '2100-01-01T00:00:00+01:00',
      address_allow_list: ['192.0.2.0/24'],
    })
    const described = {
      kind,
      name: 'back end',
      scopes: [...scopes],
      owner_user_id: user.userId,
      expires_at: '2099-12-31T23:00:00.000Z',
      address_allow_list: ['192.0.2.0/24'],
      revoked_at: null,
    }
    expect(made).toMatchObject({ status: 201, body: described })
    const secrets = ['token', 'client_secret', 'secret_key'].flatMap((name) => made.body[name] ?? [])
    expect(Object.keys(made.body)).toEqual(expect.arrayContaining([...shown]))
    expect(secrets).toHaveLength(1)

    const list = await operate(`/identity-stores/${identityStoreId}/credentials`)
    expect(list.body.credentials).toMatchObject([{ ...described, credential_id: made.body.credential_id }])
    const rows = await db.select().from(credentials).where(eq(credentials.identityStoreId, identityStoreId))
    const events = await auditEvents(identityStoreId)
    expect(events).toMatchObject([{ action: 'credential.created', after: { kind, name: 'back end' } }])
    const secret = kind === 'bearer' ? secrets[0].slice(19, 62) : secrets[0]
    for (const text of [list.text, JSON.stringify(rows), JSON.stringify(events)]) expect(text).not.toContain(secret)
    for (const text of [list.text, JSON.stringify(events)]) {
      expect(text).not.toContain(rows[0]?.secretHash ?? rows[0]?.sealedSecret)
    }
  })

  test('works at its APIs, with its scopes, from its addresses', async () => {
    const user = await makeUser()
    const made = await create(user.identityStoreId, {
      kind: 'bearer',
      name: 'x',
      scopes: ['sessions:open'],
      address_allow_list: ['2001:db8:5::/48'],
    })
    const bearer = made.body.token
    const json = { user_id: user.userId, client: { address: '192.0.2.1', user_agent: 'x' } }
    expect((await send('/sessions', { bearer, json, address: '2001:db8:5::1' })).status).toBe(201)
    expect((await send('/sessions', { bearer, json, address: '2001:db8:6::1' })).status).toBe(403)
    const form = { token: 'x' }
    expect((await send('/oauth2/introspect', { bearer, form, address: '2001:db8:5::1' })).status).toBe(403)
  })

  test('that is an access key has its secret sealed for it alone', async () => {
    const identityStoreId = await makeStore()
    const { body } = await create(identityStoreId, { kind: 'access_key', name: 'x', scopes: [] })
    const settings = readSettings(env)
    const found = await findAccessKey(db, body.access_key)
    if (!settings.ok || !found.ok || found.value === null) throw new Error('not found')
    const sealing = new Sealing(settings.value.sealingKeys)
    const { credentialId, sealedSecret } = found.value
    expect(await sealing.open('access_key', identityStoreId, credentialId, sealedSecret ?? '')).toBe(body.secret_key)
    expect(await sealing.open('access_key', 'other', credentialId, sealedSecret ?? '')).toBeNull()
  })

  test('ends by revocation, which can be said twice, or by its expiry', async () => {
    const identityStoreId = await makeStore()
    const path = `/identity-stores/${identityStoreId}/credentials`
    const now = stopClock()
    const expiresAt = new Date(now + 60_000).toISOString()
    const input = { kind: 'bearer', name: 'x', scopes: ['sessions:introspect'] }
    const [revoked, expiring] = [
      await create(identityStoreId, input),
      await create(identityStoreId, { ...input, expires_at: expiresAt }),
    ]
    const ask = async (bearer: string) =>
      (await read(await send('/oauth2/introspect', { bearer, form: { token: 'x' } }))).body
    expect(await ask(revoked.body.token)).toEqual({ active: false })
    expect((await remove(`${path}/${revoked.body.credential_id}`)).status).toBe(204)
    expect((await remove(`${path}/${revoked.body.credential_id}`)).status).toBe(204)
    expect(await ask(revoked.body.token)).toMatchObject({ code: 'credential_revoked' })
    expect(await ask(expiring.body.token)).toEqual({ active: false })
    advanceClock(60)
    expect(await ask(expiring.body.token)).toMatchObject({ code: 'credential_expired' })
    const actions = (await auditEvents(identityStoreId)).map(({ action }) => action)
    expect(actions).toEqual(['credential.revoked', 'credential.created', 'credential.created'])
  })

  test('cannot be revoked through another store, nor as an operator', async () => {
    const [one, two] = [await makeStore(), await makeStore()]
    const { body } = await create(one, { kind: 'bearer', name: 'x', scopes: [] })
    expect(await remove(`/identity-stores/${two}/credentials/${body.credential_id}`)).toMatchObject({
      status: 404,
      body: { code: 'credential_not_found' },
    })
    expect((await remove(`/credentials/${body.credential_id}`)).status).toBe(404)
    expect((await operate(`/identity-stores/${two}/credentials`)).body.credentials).toEqual([])
    const list = await operate(`/identity-stores/${one}/credentials`)
    expect(list.body.credentials).toMatchObject([{ revoked_at: null }])
  })

  test('needs a store and an owner that are there', async () => {
    const [user, stranger] = [await makeUser(), await makeUser()]
    const input = { kind: 'bearer', name: 'x', scopes: [] }
    const owned = { ...input, owner_user_id: stranger.userId }
    expect(await create('nowhere', input)).toMatchObject({ status: 404, body: { code: 'identity_store_not_found' } })
    expect(await create(user.identityStoreId, owned)).toMatchObject({ status: 404, body: { code: 'user_not_found' } })
    expect(await auditEvents(user.identityStoreId)).toEqual([])
    expect((await operate('/identity-stores/nowhere/credentials')).status).toBe(404)
  })

  test.each([
    [{ kind: 'password' }, 'kind'],
    [{ scopes: ['everything'] }, 'scopes.0'],
    [{ expires_at: '2001-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: 'tomorrow' }, 'expires_at'],
    [{ address_allow_list: [] }, 'address_allow_list'],
    [{ address_allow_list: ['192.0.2.0/40'] }, 'address_allow_list.0'],
    [{ secret: 'mine' }, 'secret'],
  ])('is refused with every bad field named: %j', async (bad, field) => {
    const identityStoreId = await makeStore()
    const answer = await create(identityStoreId, { kind: 'bearer', name: 'x', scopes: [], ...bad })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } })
    expect((await operate(`/identity-stores/${identityStoreId}/credentials`)).body.credentials).toEqual([])
  })
})

test("two stores' audit events are never mixed, and pages hold each once", async () => {
  const [one, two] = [await makeStore(), await makeStore()]
  for (let nth = 0; nth < 5; nth += 1) await create(one, { kind: 'bearer', name: `one-${nth}`, scopes: [] })
  await create(two, { kind: 'bearer', name: 'two', scopes: [] })
  const names: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await operate(`/identity-stores/${one}/audit-events?limit=2${cursor}`)
    names.push(...body.audit_events.map((event: { after: { name: string } }) => event.after.name))
    if (body.next_cursor === null) break
    cursor = `&cursor=${body.next_cursor}`
  }
  expect(names).toEqual(['one-4', 'one-3', 'one-2', 'one-1', 'one-0'])
})
