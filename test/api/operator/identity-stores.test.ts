import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { sessionConfigs } from '../../../src/store/schema.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1 } from '../../support/faults.ts'
import { mirrored } from '../../support/objects.ts'
import { signIn } from '../../support/requests.ts'
import { db, makeOperator, makeStore, makeUser } from '../../support/stores.ts'
import { manyUsers } from '../slack/many.ts'
import { type Answer, auditEvents, operate, patch, put, remove } from './operator.ts'

describe('an identity store', () => {
  test('is created with defaults and its session config, then replaced', async () => {
    const created = await put('/identity-stores/d-0000000001', { name: ' One ' })
    expect(created).toMatchObject({
      status: 201,
      body: {
        identity_store_id: 'd-0000000001',
        name: 'One',
        default_login_mode: 'LOCAL_LOGIN_SHARED',
        state: 'active',
      },
    })
    const configs = () => db.select().from(sessionConfigs).where(eq(sessionConfigs.identityStoreId, 'd-0000000001'))
    expect(await configs()).toMatchObject([{ version: 1, sessionMinutes: 43_200 }])

    const replaced = await put('/identity-stores/d-0000000001', { name: 'Two', default_login_mode: 'DJANGO_ONLY' })
    expect(replaced).toMatchObject({ status: 200, body: { name: 'Two', default_login_mode: 'DJANGO_ONLY' } })
    expect(replaced.body.created_at).toBe(created.body.created_at)
    expect(await configs()).toHaveLength(1)
    expect((await operate('/identity-stores/d-0000000001')).body).toEqual(replaced.body)
  })

  test('is changed only where the change says so', async () => {
    const id = await makeStore()
    const changed = await patch(`/identity-stores/${id}`, { state: 'migrating' })
    expect(changed).toMatchObject({ status: 200, body: { name: id, state: 'migrating' } })
    expect((await patch(`/identity-stores/${id}`, {})).status).toBe(400)
  })

  test('cannot be deleted while it has users; afterwards its id is never used again', async () => {
    const user = await makeUser()
    const path = `/identity-stores/${user.identityStoreId}`
    expect(await remove(path)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await operate(path)).status).toBe(200)

    expect((await remove(`${path}/users/${user.userId}`)).status).toBe(204)
    expect((await remove(path)).status).toBe(204)
    expect(await operate(path)).toMatchObject({ status: 404, body: { code: 'identity_store_not_found' } })
    expect((await remove(path)).status).toBe(404)
    expect((await patch(path, { name: 'x' })).status).toBe(404)
    expect((await put(path, { name: 'x' })).status).toBe(409)
    expect((await put(`${path}/users/u`, { username: 'u@x.example' })).status).toBe(404)
    const { body } = await operate('/identity-stores?limit=1000')
    expect(body.identity_stores.map((store: { identity_store_id: string }) => store.identity_store_id)).not.toContain(
      user.identityStoreId,
    )
  })

  test('is found on exactly one page', async () => {
    const ids = (await Promise.all([makeStore(), makeStore(), makeStore()])).sort()
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const { body } = await operate(`/identity-stores?limit=2${cursor}`)
      expect(body.identity_stores.length).toBeLessThanOrEqual(2)
      seen.push(...body.identity_stores.map((store: { identity_store_id: string }) => store.identity_store_id))
      if (body.next_cursor === null) break
      cursor = `&cursor=${body.next_cursor}`
    }
    expect(seen).toEqual([...new Set(seen)].sort())
    expect(seen).toEqual(expect.arrayContaining(ids))
  })
})

test('a list of stores says how large they are, if that is asked for', async () => {
  const user = await makeUser()
  const { identityStoreId } = user
  await makeUser({ identityStoreId })
  const deleted = await makeUser({ identityStoreId })
  await operate(`/identity-stores/${identityStoreId}/users/${deleted.userId}`, { method: 'DELETE' })
  await signIn(user)
  await mirrored(user)
  const empty = await makeStore()
  const bearer = await makeOperator({ limitedStoreIds: [identityStoreId, empty] })
  const listed = async (query: string) => {
    const { status, body } = await operate(`/identity-stores${query}`, { bearer })
    expect(status).toBe(200)
    return Object.fromEntries(
      body.identity_stores.map(({ identity_store_id: id, users, live_sessions: live }: Answer['body']) => [
        id,
        { users, live },
      ]),
    )
  }
  expect(await listed('?counts=true')).toEqual({
    [identityStoreId]: { users: { count: 2, exact: true }, live: 1 },
    [empty]: { users: { count: 0, exact: true }, live: 0 },
  })
  expect(await listed('')).toEqual({ [identityStoreId]: {}, [empty]: {} })
  await manyUsers(empty, 1_500)
  const counts = countCalls()
  expect((await listed('?counts=true'))[empty]).toEqual({ users: { count: 1_000, exact: false }, live: 0 })
  expect(counts.d1RowsRead).toBeLessThan(1_100)
})

describe('a change of an identity store', () => {
  test('is in its audit events with who, what, from what, to what', async () => {
    await put('/identity-stores/audited', { name: 'One' })
    await put('/identity-stores/audited', { name: 'Two' })
    await patch('/identity-stores/audited', { state: 'without_plan' })
    await remove('/identity-stores/audited')
    const events = await auditEvents('audited')
    const one = {
      name: 'One',
      default_login_mode: 'LOCAL_LOGIN_SHARED',
      state: 'active',
      update_profile_to_bs_db_sso: false,
    }
    const two = { ...one, name: 'Two' }
    const three = { ...two, state: 'without_plan' }
    expect(events.map(({ action, before, after }) => ({ action, before, after })).reverse()).toEqual([
      { action: 'identity_store.put', before: null, after: one },
      { action: 'identity_store.put', before: one, after: two },
      { action: 'identity_store.updated', before: two, after: three },
      { action: 'identity_store.deleted', before: three, after: null },
    ])
    for (const event of events) {
      expect(event.actor).toMatch(/^credential:/)
      expect(event.subject).toBe('identity_store:audited')
      expect(event.request_id).toMatch(/^[0-9a-f-]{36}$/)
    }
    expect(new Set(events.map(({ request_id }) => request_id)).size).toBe(4)
  })

  test('that is refused leaves no audit event', async () => {
    const user = await makeUser()
    await remove(`/identity-stores/${user.identityStoreId}`)
    await patch(`/identity-stores/${user.identityStoreId}`, { name: '' })
    expect(await auditEvents(user.identityStoreId)).toEqual([])
  })

  test('is not made while D1 is down', async () => {
    const bearer = await makeOperator()
    const fault = breakD1()
    const answer = await operate('/identity-stores/never', { method: 'PUT', bearer, json: { name: 'x' } })
    expect(answer.status).toBe(503)
    fault.repair()
    expect((await operate('/identity-stores/never')).status).toBe(404)
  })
})

describe('bad input', () => {
  test.each([
    ['a missing field', { default_login_mode: 'DJANGO_ONLY' }, [{ field: 'name', code: 'missing' }]],
    [
      'wrong values and unknown fields',
      { name: 1, state: 'gone', version: 2 },
      [
        { field: 'name', code: 'invalid' },
        { field: 'state', code: 'invalid' },
        { field: 'version', code: 'unknown' },
      ],
    ],
    ['no object', [], [{ field: '', code: 'invalid' }]],
  ])('is refused with every bad field named: %s', async (_what, json, errors) => {
    const answer = await put('/identity-stores/bad', json)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(answer.body.errors).toHaveLength(errors.length)
    expect(answer.body.errors).toEqual(expect.arrayContaining(errors.map((error) => expect.objectContaining(error))))
    expect((await operate('/identity-stores/bad')).status).toBe(404)
  })

  test.each(['-x', 'a%2Fb', '%2A', 'a'.repeat(65), 'a%20b'])('is refused as an id: %s', async (id) => {
    const counts = countCalls()
    expect(await put(`/identity-stores/${id}`, { name: 'x' })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'identity_store_id', code: 'invalid' }] },
    })
    expect(counts.jobCalls + counts.objectCalls).toBe(0)
  })

  test('of another type or size is refused', async () => {
    const body = { method: 'PUT', body: '{"name":"x"}' }
    const text = await operate('/identity-stores/bad', { ...body, headers: { 'content-type': 'text/plain' } })
    expect(text.status).toBe(415)
    expect((await put('/identity-stores/bad', { name: 'x'.repeat(70_000) })).status).toBe(413)
    expect((await operate('/identity-stores/bad', { method: 'POST', json: {} })).status).toBe(405)
    expect((await operate('/identity-stores/bad/')).status).toBe(404)
  })
})

test("a store's jobs can be looked at, of a store that is there", async () => {
  const id = await makeStore()
  expect(await operate(`/identity-stores/${id}/jobs`)).toMatchObject({ status: 200, body: { jobs: [] } })
  const counts = countCalls()
  expect((await operate('/identity-stores/nowhere/jobs')).status).toBe(404)
  expect(counts.jobCalls).toBe(0)
})
