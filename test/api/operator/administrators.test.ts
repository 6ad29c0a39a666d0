/** Administrators of a store: its users, who look after it by the same routes as operators, with their own session. */
import { eq, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/domain/authority.ts'
import { users } from '../../../src/store/schema.ts'
import { type RequestOptions, send, signIn } from '../../support/requests.ts'
import { db, makeStore, makeUser } from '../../support/stores.ts'
import { type Answer, auditEvents, operate, read } from './operator.ts'

const CONSOLE = { 'latchkey-console': '1' }
/** A page that does not belong to the service. */
const FOREIGN = 'https://evil.example'

/** A signed-in user of a role, and what the user asks of the operator API with the cookie, or by bearer. */
async function signedIn(role: Role, identityStoreId?: string) {
  const user = await makeUser({ role, ...(identityStoreId === undefined ? {} : { identityStoreId }) })
  const [byCookie, byBearer] = [await signIn(user, { transport: 'cookie' }), await signIn(user)]
  const ask = async (path: string, options: RequestOptions = {}) =>
    read(await send(`/operator${path}`, { cookie: byCookie.token, headers: CONSOLE, ...options }))
  return { user, store: `/identity-stores/${user.identityStoreId}`, ask, bearer: byBearer.token }
}

const settings = { method: 'PUT', json: { duration_seconds: 86_400, desktop_app_browser_quit: null } }

describe('an administrator of a store', () => {
  test.each(['admin', 'owner', 'primary_owner'] as const)('of role %s looks after the own store', async (role) => {
    const { user, store, ask, bearer } = await signedIn(role)
    expect((await ask(store)).status).toBe(200)
    expect(await read(await send(`/operator${store}/users`, { bearer }))).toMatchObject({ status: 200 })
    const listed = await ask('/identity-stores')
    expect(listed.body.identity_stores).toMatchObject([{ identity_store_id: user.identityStoreId }])
    const change = { method: 'PATCH', json: { overall_timeout_seconds: 3_600 } }
    expect((await ask(`${store}/session-config`, change)).status).toBe(200)
    expect((await auditEvents(user.identityStoreId))[0]).toMatchObject({ actor: `user:${user.userId}` })
  })

  test('finds no other store', async () => {
    const { ask } = await signedIn('primary_owner')
    const other = `/identity-stores/${await makeStore()}`
    for (const path of [other, `${other}/users`, '/identity-stores/never-there']) {
      expect(await ask(path)).toMatchObject({ status: 404, body: { code: 'identity_store_not_found' } })
    }
  })

  test('does not do what only operators may', async () => {
    const { user, store, ask } = await signedIn('primary_owner')
    const acts: [string, RequestOptions, string][] = [
      [store, { method: 'PATCH', json: { name: 'mine' } }, 'operator:stores'],
      [`${store}/users/${user.userId}`, { method: 'PATCH', json: { role: 'owner' } }, 'operator:stores'],
      [`${store}/credentials`, { json: { kind: 'bearer', name: 'x', scopes: [] } }, 'operator:credentials'],
      ['/credentials', {}, 'operator:read'],
    ]
    for (const [path, options, needed] of acts) {
      expect(await ask(path, options), path).toMatchObject({
        status: 403,
        body: { code: 'forbidden', needed: [needed] },
      })
    }
  })

  test('changes nothing of those above', async () => {
    const { user, store, ask } = await signedIn('admin')
    const { identityStoreId } = user
    const [above, below] = [
      await makeUser({ identityStoreId, role: 'owner' }),
      await makeUser({ identityStoreId, role: 'member' }),
    ]
    const path = ({ userId }: { userId: string }) => `${store}/users/${userId}/session-settings`
    expect(await ask(path(above), settings)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect((await ask(path(above), { method: 'DELETE' })).status).toBe(403)
    expect((await ask(path(above))).body.duration_seconds).toBeNull()
    expect((await ask(path(below), settings)).status).toBe(200)
  })

  test('may do no more than the role that the user has now', async () => {
    const { user, store, ask, bearer } = await signedIn('admin')
    await db.update(users).set({ role: 'member' }).where(eq(users.userId, user.userId))
    expect((await ask(store)).status).toBe(403)
    await db.update(users).set({ active: false, role: 'owner' }).where(eq(users.userId, user.userId))
    expect((await send(`/operator${store}`, { bearer })).status).toBe(401)
  })

  test('is out once a new password is in D1, though the own object has not been told yet', async () => {
    const { user, store, ask, bearer } = await signedIn('admin')
    const newPassword = { statusVersion: sql`${users.statusVersion} + 1` }
    await db.update(users).set(newPassword).where(eq(users.userId, user.userId))
    expect((await ask(store)).status).toBe(401)
    expect((await send(`/operator${store}`, { bearer })).status).toBe(401)
  })

  test('gives up no job that somebody else asked for', async () => {
    const { user, store, ask } = await signedIn('admin')
    const json = { filter: { user_id: user.userId, client_kind: 'mobile' }, expected: 0, over_seconds: 60 }
    const accepted = async (answer: Promise<Answer>) => {
      const { status, body } = await answer
      expect(status).toBe(202)
      return `${store}/jobs/${body.job_id}`
    }
    const theirs = await accepted(operate(`${store}/sessions/end`, { json }))
    const mine = await accepted(ask(`${store}/sessions/end`, { json }))
    const remove = { method: 'DELETE' }
    expect(await ask(theirs, remove)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect((await ask(theirs)).status).toBe(200)
    expect((await ask(mine, remove)).status).toBe(204)
    expect((await operate(theirs, remove)).status).toBe(204)
  })
})

describe('a member', () => {
  test('may do nothing, in any store', async () => {
    const { store, ask, bearer } = await signedIn('member')
    for (const path of [store, '/identity-stores', `/identity-stores/${await makeStore()}`]) {
      expect(await ask(path), path).toMatchObject({ status: 403, body: { code: 'forbidden', provided: [] } })
      expect((await send(`/operator${path}`, { bearer })).status).toBe(403)
    }
  })
})

describe('an unsafe request with the session cookie', () => {
  test.each([
    ['from a foreign page', { origin: FOREIGN }],
    ['from a sandboxed page', { origin: 'null' }],
    ['without an origin', { origin: null }],
    ['without the header', { headers: {} }],
    ['with another value of it', { headers: { 'latchkey-console': 'true' } }],
    ['of a form', { headers: {}, json: undefined, form: { overall_timeout_seconds: '300' } }],
  ] as const)('%s is refused', async (_what, options) => {
    const { store, ask } = await signedIn('owner')
    const change = { method: 'PATCH', json: { overall_timeout_seconds: 300 } }
    expect(await ask(`${store}/session-config`, { ...change, ...options })).toMatchObject({
      status: 403,
      body: { code: 'origin_not_allowed' },
    })
    expect((await ask(`${store}/session-config`)).body.version).toBe(1)
  })

  test('needs neither by bearer: no page can send that', async () => {
    const { store, bearer } = await signedIn('owner')
    const change = { method: 'PATCH', json: { overall_timeout_seconds: 300 }, origin: null, bearer }
    expect((await send(`/operator${store}/session-config`, change)).status).toBe(200)
  })
})
