/** Two stores whose users have the same ids: no route of one shows or changes anything of the other. */
import { env } from 'cloudflare:workers'
import { and, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { users } from '../src/store/schema.ts'
import { mirrored } from './support/objects.ts'
import { check, type RequestOptions, send, signIn } from './support/requests.ts'
import { db, makeBearer, makeUser, type TestUser } from './support/stores.ts'

const SCOPES = ['sessions:open', 'sessions:introspect', 'sessions:revoke'] as const
const client = { address: '198.51.100.7', user_agent: 'Device/1.0' }

/** Two users of one id, each in a store of its own. */
async function namesakes(): Promise<[TestUser, TestUser]> {
  const [one, two] = [await makeUser(), await makeUser()]
  const row = and(eq(users.identityStoreId, two.identityStoreId), eq(users.userId, two.userId))
  await db.update(users).set({ userId: one.userId }).where(row)
  return [one, { ...two, userId: one.userId }]
}

const records = async (user: TestUser) => {
  await mirrored(user)
  const all = env.DB.prepare('SELECT * FROM sessions WHERE identity_store_id = ? AND user_id = ? ORDER BY session_id')
  return (await all.bind(user.identityStoreId, user.userId).all()).results
}

describe('two users with the same id in two stores', () => {
  test('have sessions, lists and limits of their own', async () => {
    const [ours, theirs] = await namesakes()
    const [mine, other] = [await signIn(ours), await signIn(theirs)]
    const list = async (bearer: string) => {
      const body = (await (await send('/sessions', { bearer })).json()) as { sessions: Record<string, unknown>[] }
      return body.sessions.map(({ id, identity_store_id }) => [id, identity_store_id])
    }
    expect(await list(mine.token)).toEqual([[mine.id, ours.identityStoreId]])
    expect(await list(other.token)).toEqual([[other.id, theirs.identityStoreId]])
  })

  test('end none of the other’s sessions, by any route', async () => {
    const [ours, theirs] = await namesakes()
    const [mine, other] = [await signIn(ours, { transport: 'cookie' }), await signIn(theirs)]
    const bearer = await makeBearer(ours.identityStoreId, SCOPES)
    const before = await records(theirs)
    const acts: [string, RequestOptions, number][] = [
      [`/sessions/${other.id}`, { method: 'DELETE', bearer: mine.token }, 404],
      ['/sessions?except=current', { method: 'DELETE', bearer: mine.token }, 200],
      ['/oauth2/revoke', { bearer, form: { token: other.token } }, 403],
      ['/sessions', { bearer, json: { user_id: theirs.userId, client } }, 201],
      ['/sessions', { json: { username: ours.username, password: ours.password }, cookie: mine.token }, 201],
      ['/sessions/current', { method: 'DELETE', bearer: mine.token }, 204],
    ]
    for (const [path, options, status] of acts) {
      const response = await send(path, { address: ours.address, ...options })
      expect([path, response.status]).toEqual([path, status])
      if (status === 201) expect(await response.json()).toMatchObject({ identity_store_id: ours.identityStoreId })
    }
    expect(await records(theirs)).toEqual(before)
    expect((await check(other)).status).toBe(200)
  })

  test('are told apart by introspection', async () => {
    const [ours, theirs] = await namesakes()
    const [mine, other] = [await signIn(ours), await signIn(theirs)]
    const bearer = await makeBearer(ours.identityStoreId, SCOPES)
    const about = async (token: string) => (await send('/oauth2/introspect', { bearer, form: { token } })).json()
    expect(await about(mine.token)).toMatchObject({ active: true, identity_store_id: ours.identityStoreId })
    expect(await about(other.token)).toEqual({ active: false })
    const state = async (token: string) => (await send('/sessions/check', { bearer, json: { token } })).json()
    expect(await state(mine.token)).toMatchObject({ session: { identity_store_id: ours.identityStoreId } })
    expect(await state(other.token)).toEqual({ state: 'unauthenticated' })
  })

  test('are locked out, limited and remembered apart', async () => {
    const [ours, theirs] = await namesakes()
    const wrong = { username: ours.username, password: 'wrong', transport: 'bearer' }
    for (let guess = 0; guess < 6; guess += 1) await send('/sessions', { json: wrong, address: ours.address })
    expect(
      (await send('/sessions', { json: { ...wrong, password: ours.password }, address: ours.address })).status,
    ).toBe(429)
    await signIn(theirs, { address: ours.address })
  })

  test('keep their own place in memory', async () => {
    const [ours, theirs] = await namesakes()
    const [mine, other] = [await signIn(ours), await signIn(theirs)]
    const warm: RequestOptions = { headers: { 'cache-control': 'max-age=60' } }
    await Promise.all([check(mine, warm), check(other, warm)])
    await send('/sessions/current', { method: 'DELETE', bearer: mine.token })
    expect([(await check(mine, warm)).status, (await check(other, warm)).status]).toEqual([401, 200])
    expect(await (await check(other, warm)).json()).toMatchObject({ identity_store_id: theirs.identityStoreId })
  })
})
