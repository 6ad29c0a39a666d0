/** A credential does nothing while its owner is disabled, and nothing for good once its owner or store is deleted. */
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { credentials } from '../../src/store/schema.ts'
import { BOTH, makeAccessKey, sendSigned } from '../support/access-keys.ts'
import { check, send, signIn } from '../support/requests.ts'
import { db, makeApiClient, makeBearer, makeUser, type TestUser } from '../support/stores.ts'
import { looker } from './looker/support.ts'
import { operate, patch, put, remove } from './operator/operator.ts'
import { call, SCOPES } from './slack/slack.ts'

interface Owned {
  readonly owner: TestUser
  readonly other: TestUser
}

/** Ways to use a credential of an owner; each answers what it came to in its API's words. */
const USES: Record<
  string,
  { make: (owned: Owned) => Promise<() => Promise<unknown>>; good: unknown; words: unknown[] }
> = {
  'sessions:open': {
    async make({ owner, other }) {
      const bearer = await makeBearer(owner.identityStoreId, ['sessions:open'], { ownerUserId: owner.userId })
      const json = { user_id: other.userId, client: { address: '192.0.2.1', user_agent: 'x' } }
      return async () => {
        const response = await send('/sessions', { bearer, json })
        return response.status === 201 ? 201 : ((await response.json()) as { code: string }).code
      }
    },
    good: 201,
    words: ['credential_owner_disabled', 'credential_revoked'],
  },
  introspection: {
    async make({ owner, other }) {
      const options = { ownerUserId: owner.userId }
      const { clientId, clientSecret } = await makeApiClient(owner.identityStoreId, ['sessions:introspect'], options)
      const { token } = await signIn(other)
      const headers = { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` }
      return async () => {
        const response = await send('/oauth2/introspect', { headers, form: { token } })
        const body = (await response.json()) as { active?: boolean; code?: string }
        return body.active ?? body.code
      }
    },
    good: true,
    words: ['credential_owner_disabled', 'credential_revoked'],
  },
  Slack: {
    async make({ owner }) {
      const bearer = await makeBearer(owner.identityStoreId, SCOPES, { ownerUserId: owner.userId })
      return async () => {
        const { body } = await call('session.list', { bearer, form: {} })
        return body.ok || body.error
      }
    },
    good: true,
    words: ['account_inactive', 'token_revoked'],
  },
  'a Looker login': {
    async make({ owner }) {
      const options = { ownerUserId: owner.userId }
      const { clientId, clientSecret } = await makeApiClient(owner.identityStoreId, ['looker'], options)
      const form = { client_id: clientId, client_secret: clientSecret }
      return async () => (await looker('POST', '/login', null, { form })).status
    },
    good: 200,
    words: [404, 404],
  },
  'an access key': {
    make: async ({ owner, other }) => signedUse(other, await makeAccessKey(owner.identityStoreId, owned(owner))),
    good: 200,
    words: [401, 401],
  },
  'a temporary key': {
    make: async ({ owner, other }) =>
      signedUse(other, await makeAccessKey(owner.identityStoreId, { ...owned(owner), securityToken: 'token' })),
    good: 200,
    words: [401, 401],
  },
}

const owned = ({ userId }: TestUser) => ({ scopes: BOTH, ownerUserId: userId })

function signedUse(other: TestUser, key: Parameters<typeof sendSigned>[0]): () => Promise<unknown> {
  const path = `/v1/identity-stores/${other.identityStoreId}/users/${other.userId}/sessions/batch-delete`
  const body = JSON.stringify({ session_ids: ['x'] })
  return async () => (await sendSigned(key, path, { body })).status
}

async function people(): Promise<Owned & { readonly path: string }> {
  const owner = await makeUser({ role: 'admin' })
  const other = await makeUser({ identityStoreId: owner.identityStoreId })
  return { owner, other, path: `/identity-stores/${owner.identityStoreId}/users/${owner.userId}` }
}

describe.each(Object.entries(USES))('%s', (_name, { make, good, words: [whileDisabled, afterwards] }) => {
  test('rests while the owner is disabled', async () => {
    const given = await people()
    const use = await make(given)
    expect(await use()).toBe(good)
    expect((await patch(given.path, { active: false })).status).toBe(200)
    expect(await use()).toBe(whileDisabled)
    expect((await patch(given.path, { active: true })).status).toBe(200)
    expect(await use()).toBe(good)
  })

  test('ends with the owner, and does not act for the next user of the id', async () => {
    const given = await people()
    const use = await make(given)
    expect((await remove(given.path)).status).toBe(204)
    expect(await use()).toBe(afterwards)
    const next = { username: given.owner.username, role: 'primary_owner' }
    expect((await put(given.path, next)).status).toBe(201)
    expect(await use()).toBe(afterwards)
  })

  test('that an older version of the service left unrevoked ends when the user comes back', async () => {
    const given = await people()
    const use = await make(given)
    expect((await remove(given.path)).status).toBe(204)
    const whose = eq(credentials.identityStoreId, given.owner.identityStoreId)
    await db.update(credentials).set({ revokedAt: null }).where(whose)
    expect(await use()).toBe(afterwards)
    expect((await put(given.path, { username: given.owner.username })).status).toBe(201)
    expect(await use()).toBe(afterwards)
  })
})

test("the owner's credentials are revoked; those of others, and the store's own, stay", async () => {
  const { owner, other, path } = await people()
  const [theirs, ours] = [
    await makeBearer(owner.identityStoreId, SCOPES, { ownerUserId: other.userId }),
    await makeBearer(owner.identityStoreId, SCOPES),
  ]
  const gone = await makeBearer(owner.identityStoreId, SCOPES, { ownerUserId: owner.userId })
  await remove(path)
  const rows = await db.select().from(credentials).where(eq(credentials.identityStoreId, owner.identityStoreId))
  const revoked = rows.filter(({ revokedAt }) => revokedAt !== null)
  expect(revoked.map(({ publicId }) => publicId)).toEqual([gone.slice(3, 19)])
  for (const bearer of [theirs, ours]) expect((await call('auth.test', { bearer })).body.ok).toBe(true)
})

test('the credentials of a deleted store are revoked', async () => {
  const { owner, other, path } = await people()
  const bearer = await makeBearer(owner.identityStoreId, SCOPES, { ownerUserId: owner.userId })
  const ownerless = await makeBearer(owner.identityStoreId, SCOPES)
  const store = `/identity-stores/${owner.identityStoreId}`
  expect((await remove(store)).status).toBe(409)
  expect((await call('auth.test', { bearer: ownerless })).body.ok).toBe(true)
  for (const one of [path, `${store}/users/${other.userId}`, store]) expect((await remove(one)).status).toBe(204)
  for (const token of [bearer, ownerless]) {
    expect((await call('auth.test', { bearer: token })).body).toMatchObject({ error: 'token_revoked' })
  }
  const rows = await db.select().from(credentials).where(eq(credentials.identityStoreId, owner.identityStoreId))
  expect(rows.map(({ revokedAt }) => revokedAt)).not.toContain(null)
})

test('a bot gets no session from a back end', async () => {
  const bot = await makeUser({ bot: true })
  const bearer = await makeBearer(bot.identityStoreId, ['sessions:open'])
  const json = { user_id: bot.userId, client: { address: '192.0.2.1', user_agent: 'x' } }
  const refused = await send('/sessions', { bearer, json })
  expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'conflict' }])
  expect((await operate(`/identity-stores/${bot.identityStoreId}/users/${bot.userId}`)).status).toBe(200)
})

test.each(['PATCH', 'PUT'])('a user who is made a bot by %s keeps no session', async (method) => {
  const user = await makeUser()
  const session = await signIn(user)
  const path = `/identity-stores/${user.identityStoreId}/users/${user.userId}`
  const json = method === 'PUT' ? { username: user.username, bot: true } : { bot: true }
  const changed = await operate(path, { method, json })
  expect(changed.status, changed.text).toBe(200)
  const checked = await check(session)
  expect([checked.status, await checked.json()]).toMatchObject([401, { code: 'session_ended', reason: 'revoked' }])
})
