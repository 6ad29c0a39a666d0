/** Operators who may not do everything: by scope, and by identity store. */
import { and, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { OPERATOR_SCOPES } from '../../../src/auth/scopes.ts'
import { NO_STORE } from '../../../src/domain/ids.ts'
import { credentials } from '../../../src/store/schema.ts'
import { db, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { operate } from './operator.ts'

/** A new operator's credential, made by another one. */
const make = async (json: object, bearer?: string) => operate('/credentials', { json, ...(bearer && { bearer }) })

describe('an operator with some scopes', () => {
  test('may do what they allow, and is told what is lacking', async () => {
    const store = `/identity-stores/${await makeStore()}`
    const made = await make({ name: 'reader', scopes: ['operator:read', 'operator:read'] })
    expect(made).toMatchObject({ status: 201, body: { scopes: ['operator:read'], limited_store_ids: null } })
    const bearer = made.body.token
    expect((await operate(store, { bearer })).status).toBe(200)
    expect(await operate(store, { bearer, method: 'PATCH', json: { name: 'x' } })).toMatchObject({
      status: 403,
      body: { code: 'forbidden', needed: ['operator:stores'], provided: ['operator:read'] },
    })
    const config = await operate(`${store}/session-config`, { bearer, method: 'PATCH', json: {} })
    expect(config.body).toMatchObject({ code: 'forbidden', needed: ['operator:policy'] })
  })

  test('makes nobody who may do more, and gets no secret of one', async () => {
    const bearer = await makeOperator({ scopes: ['operator:credentials', 'operator:read'] })
    const refused = { status: 403, body: { code: 'forbidden', provided: ['operator:read', 'operator:credentials'] } }
    expect(await make({ name: 'x' }, bearer)).toMatchObject(refused)
    expect(await make({ name: 'x', scopes: ['operator:read', 'operator:stores'] }, bearer)).toMatchObject(refused)
    const full = await make({ name: 'full' })
    const rotate = { bearer, json: { overlap_seconds: 0 } }
    expect(await operate(`/credentials/${full.body.credential_id}/rotate`, rotate)).toMatchObject(refused)
    expect((await operate('/identity-stores', { bearer: full.body.token })).status).toBe(200)
    const less = await make({ name: 'less', scopes: ['operator:read'] }, bearer)
    expect(less.status).toBe(201)
    expect((await operate(`/credentials/${less.body.credential_id}/rotate`, rotate)).status).toBe(200)
  })

  test('does not count as the last one who may do everything', async () => {
    await db.delete(credentials).where(eq(credentials.identityStoreId, NO_STORE))
    const bearer = await makeOperator()
    const key = and(eq(credentials.identityStoreId, NO_STORE), eq(credentials.scopes, '["operator"]'))
    const [full] = await db.select().from(credentials).where(key)
    const lesser = await make({ name: 'lesser', scopes: ['operator:read', 'operator:credentials'] }, bearer)
    const limited = await make({ name: 'limited', limited_store_ids: [await makeStore()] }, bearer)
    const revoke = (id: string) => operate(`/credentials/${id}`, { bearer, method: 'DELETE' })
    expect((await revoke(full?.credentialId ?? '')).status).toBe(409)
    for (const { body } of [lesser, limited]) expect((await revoke(body.credential_id)).status).toBe(204)
  })
})

describe('an operator limited to some identity stores', () => {
  test('sees these alone', async () => {
    const [own, other] = [await makeStore(), await makeStore()]
    const made = await make({ name: 'limited', limited_store_ids: [own] })
    expect(made).toMatchObject({ status: 201, body: { limited_store_ids: [own] } })
    // A version that knows of no limit must not take it for an operator.
    expect(made.body.scopes).toEqual(OPERATOR_SCOPES)
    const bearer = made.body.token
    const listed = await operate('/identity-stores', { bearer })
    expect(listed.body.identity_stores).toMatchObject([{ identity_store_id: own }])
    expect((await operate(`/identity-stores/${own}/jobs`, { bearer })).status).toBe(200)
    for (const foreign of [other, 'never-there']) {
      for (const rest of ['', '/users', '/audit-events', '/jobs', '/credentials', '/session-config']) {
        const answer = await operate(`/identity-stores/${foreign}${rest}`, { bearer })
        expect(answer, rest).toMatchObject({ status: 404, body: { code: 'identity_store_not_found' } })
      }
    }
  })

  test('does nothing that is about all stores or the operators', async () => {
    const own = await makeStore()
    const bearer = await makeOperator({ limitedStoreIds: [own] })
    const refused = { status: 403, body: { code: 'forbidden', detail: expect.stringContaining('limited') } }
    expect(await make({ name: 'x', limited_store_ids: [own] }, bearer)).toMatchObject(refused)
    for (const path of ['/credentials', '/audit-events']) expect(await operate(path, { bearer })).toMatchObject(refused)
    const put = { bearer, method: 'PUT', json: { name: 'x' } }
    for (const id of [own, await makeStore(), 'a-new-one']) {
      expect(await operate(`/identity-stores/${id}`, put)).toMatchObject(refused)
    }
  })

  test('gets no key that administers another store', async () => {
    const [owner, other] = [await makeUser(), await makeStore()]
    const own = owner.identityStoreId
    const bearer = await makeOperator({ limitedStoreIds: [own] })
    const scopes = ['IdentityCenter:user:listSessions']
    const made = await operate(`/identity-stores/${own}/credentials`, {
      json: { kind: 'access_key', name: 'x', scopes },
    })
    const path = `/identity-stores/${own}/credentials/${made.body.credential_id}`
    const delegate = (by?: string) => {
      const options = { method: 'PUT', json: { identity_store_ids: [own, other] } }
      return operate(`${path}/delegated-stores`, by === undefined ? options : { ...options, bearer: by })
    }
    expect(await delegate(bearer)).toMatchObject({ status: 404, body: { identity_store_ids: [other] } })
    expect((await operate(`${path}/rotate`, { bearer, json: {} })).status).toBe(200)
    expect((await delegate()).status).toBe(200)
    for (const rest of ['/rotate', '/temporary-keys']) {
      expect((await operate(path + rest, { bearer, json: {} })).status, rest).toBe(403)
    }
  })

  test('is limited to stores that are there', async () => {
    const made = await make({ name: 'x', limited_store_ids: [await makeStore(), 'never-there'] })
    expect(made).toMatchObject({ status: 404, body: { identity_store_ids: ['never-there'] } })
    expect((await make({ name: 'x', limited_store_ids: [] })).status).toBe(400)
  })
})
