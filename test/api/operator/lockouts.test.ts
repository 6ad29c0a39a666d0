/** Lockouts in the operator API. test/api/looker/lockouts.test.ts says when there are any. */
import { expect, test } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { send, signIn } from '../../support/requests.ts'
import { freshAddress, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { auditEvents, operate, remove } from './operator.ts'

async function lock(user: TestUser, address: string): Promise<void> {
  const json = { username: user.username, password: 'wrong' }
  for (let times = 0; times < 5; times += 1) await send('/sessions', { address, json })
}

const path = (store: string, rest = '') => `/identity-stores/${store}/lockouts${rest}`

test('lists them newest first, page by page, and ends one on record', async () => {
  const start = stopClock()
  const user = await makeUser()
  const { identityStoreId: store, userId, username, password } = user
  const addresses = [freshAddress(), freshAddress(), freshAddress()]
  for (const address of addresses) {
    await lock(user, address)
    advanceClock(1)
  }
  const first = (await operate(path(store, '?limit=2'))).body
  expect(first.lockouts.map(({ address }: { address: string }) => address)).toEqual([addresses[2], addresses[1]])
  expect(first.lockouts[0]).toEqual({
    lockout_id: expect.stringMatching(/^[0-9a-f]{64}$/),
    user_id: userId,
    username,
    address: addresses[2],
    wrong_passwords: 5,
    locked_at: new Date(start + 2_000).toISOString(),
    locked_until: new Date(start + 902_000).toISOString(),
  })
  const second = (await operate(path(store, `?limit=2&cursor=${first.next_cursor}`))).body
  expect(second).toMatchObject({ lockouts: [{ address: addresses[0] }], next_cursor: null })

  const id = first.lockouts[0].lockout_id
  expect((await remove(path(store, `/${id}`))).status).toBe(204)
  expect((await send('/sessions', { address: addresses[2] ?? '', json: { username, password } })).status).toBe(201)
  expect(await remove(path(store, `/${id}`))).toMatchObject({ status: 404, body: { code: 'lockout_not_found' } })
  expect((await operate(path(store))).body.lockouts).toHaveLength(2)
  const [event] = await auditEvents(store)
  expect(event).toMatchObject({ action: 'user.unlocked', subject: `user:${userId}`, before: { address: addresses[2] } })
  advanceClock(900)
  expect((await operate(path(store))).body).toMatchObject({ lockouts: [], next_cursor: null })
})

test('shows and ends none of another store', async () => {
  const user = await makeUser()
  const address = freshAddress()
  await lock(user, address)
  const { lockout_id: id } = (await operate(path(user.identityStoreId))).body.lockouts[0]
  const other = await makeStore()
  expect((await operate(path(other))).body).toEqual({ lockouts: [], next_cursor: null, scanned: 0 })
  expect((await remove(path(other, `/${id}`))).body).toMatchObject({ code: 'lockout_not_found' })
  expect((await operate(path(user.identityStoreId))).body.lockouts).toHaveLength(1)
  expect((await operate(path('nowhere'))).body).toMatchObject({ code: 'identity_store_not_found' })
})

test.each(['cursor=x', 'cursor=1.2', 'limit=0', 'user=x'])('refuses %s', async (query) => {
  expect(await operate(path(await makeStore(), `?${query}`))).toMatchObject({
    status: 400,
    body: { code: 'invalid_request' },
  })
})

test('an administrator ends none of those above', async () => {
  const admin = await makeUser({ role: 'admin' })
  const { identityStoreId } = admin
  const [above, equal, below] = await Promise.all(
    (['owner', 'admin', 'member'] as const).map((role) => makeUser({ identityStoreId, role })),
  )
  const { token: bearer } = await signIn(admin)
  const statuses = []
  for (const user of [above, equal, below] as TestUser[]) {
    await lock(user, user.address)
    const { lockouts } = (await operate(path(identityStoreId), { bearer })).body
    const { lockout_id: id } = lockouts.find(({ user_id }: { user_id: string }) => user_id === user.userId)
    const ended = await operate(path(identityStoreId, `/${id}`), { method: 'DELETE', bearer })
    statuses.push(ended.status, ended.body?.code)
  }
  expect(statuses).toEqual([403, 'forbidden', 204, undefined, 204, undefined])
  const left = (await operate(path(identityStoreId))).body.lockouts
  expect(left).toMatchObject([{ user_id: above?.userId }])
  expect((await remove(path(identityStoreId, `/${left[0].lockout_id}`))).status).toBe(204)
})
