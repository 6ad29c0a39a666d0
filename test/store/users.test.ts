import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { identityStores, users } from '../../src/store/schema.ts'
import { findUser, findUserByUsername } from '../../src/store/users.ts'
import { countCalls } from '../support/counts.ts'
import { db, makeStore, makeUser } from '../support/stores.ts'

test('a user is found by username or id with the rules that hold, in one statement', async () => {
  const user = await makeUser({
    config: { sessionMinutes: 60, concurrentSessionLimit: 3 },
    settings: { durationSeconds: 28_800 },
    groupId: 'g1',
  })
  const counts = countCalls()
  const found = await findUserByUsername(db, user.username)
  expect(counts.d1Statements).toBe(1)
  expect(found).toMatchObject({
    ok: true,
    value: {
      user: { userId: user.userId, identityStoreId: user.identityStoreId, groupId: 'g1', active: true, bot: false },
      rules: {
        status: { version: 1, value: { active: true, sessionsValidFrom: 0 } },
        settings: { version: 1, value: { durationSeconds: 28_800, desktopAppBrowserQuit: null } },
        config: { version: 1, value: { sessionMinutes: 60, concurrentSessionLimit: 3 } },
      },
      storeState: 'active',
    },
  })
  expect(await findUser(db, user)).toEqual(found)
})

test("a user's own login mode beats the store's", async () => {
  const identityStoreId = await makeStore({ defaultLoginMode: 'DJANGO_ONLY', state: 'migrating' })
  const [plain, own] = [
    await makeUser({ identityStoreId }),
    await makeUser({ identityStoreId, loginMode: 'SERVER_LOGIN' }),
  ]
  expect(await findUser(db, plain)).toMatchObject({ value: { loginMode: 'DJANGO_ONLY', storeState: 'migrating' } })
  expect(await findUser(db, own)).toMatchObject({ value: { loginMode: 'SERVER_LOGIN' } })
})

test('nobody is found who is deleted, in a deleted store, in another store, or was never there', async () => {
  const nobody = { ok: true, value: null }
  const [deleted, orphan, user] = [await makeUser(), await makeUser(), await makeUser()]
  await db.update(users).set({ deletedAt: 1 }).where(eq(users.userId, deleted.userId))
  await db
    .update(identityStores)
    .set({ deletedAt: 1 })
    .where(eq(identityStores.identityStoreId, orphan.identityStoreId))
  for (const { identityStoreId, userId, username } of [deleted, orphan]) {
    expect(await findUser(db, { identityStoreId, userId })).toEqual(nobody)
    expect(await findUserByUsername(db, username)).toEqual(nobody)
  }
  expect(await findUser(db, { ...user, identityStoreId: deleted.identityStoreId })).toEqual(nobody)
  expect(await findUserByUsername(db, 'nobody@pie.example')).toEqual(nobody)
})
