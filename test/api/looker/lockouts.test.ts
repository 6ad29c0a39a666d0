import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { auditEvents } from '../../../src/store/audit-schema.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { send } from '../../support/requests.ts'
import { db, freshAddress, makeUser, type TestUser } from '../../support/stores.ts'
import { logIn, looker } from './support.ts'

async function attempt(user: TestUser, password: string, address = user.address): Promise<number> {
  return (await send('/sessions', { address, json: { username: user.username, password } })).status
}

/** Five wrong passwords from an address. */
async function lock(user: TestUser, address = user.address): Promise<void> {
  for (let times = 0; times < 5; times += 1) expect(await attempt(user, 'wrong', address)).toBe(401)
}

async function people() {
  const admin = await logIn()
  const user = await makeUser({ identityStoreId: admin.user.identityStoreId })
  return { admin, user }
}

describe('a lockout', () => {
  test('comes with the fifth wrong password, is for that address alone, and is listed', async () => {
    const now = stopClock()
    const { admin, user } = await people()
    for (let times = 0; times < 4; times += 1) await attempt(user, 'wrong')
    expect((await looker('GET', '/user_login_lockouts', admin.token)).body).toEqual([])
    await attempt(user, 'wrong')
    expect(await attempt(user, user.password)).toBe(429)
    expect(await attempt(user, user.password, freshAddress())).toBe(201)
    const { status, body } = await looker('GET', '/user_login_lockouts', admin.token)
    expect([status, body]).toEqual([
      200,
      [
        {
          can: { show: true, delete: true },
          key: expect.stringMatching(/^[0-9a-f]{64}$/),
          auth_type: 'email',
          ip: user.address,
          user_id: user.userId,
          remote_id: null,
          full_name: 'Test User',
          email: user.username,
          fail_count: 5,
          lockout_at: new Date(now).toISOString(),
        },
      ],
    ])
  })

  test('ends by itself after 15 minutes, and is listed no longer', async () => {
    stopClock()
    const { admin, user } = await people()
    await lock(user)
    advanceClock(899)
    expect((await looker('GET', '/user_login_lockouts', admin.token)).body).toHaveLength(1)
    advanceClock(1)
    expect((await looker('GET', '/user_login_lockouts', admin.token)).body).toEqual([])
    expect(await attempt(user, user.password)).toBe(201)
  })

  test('is ended by deleting it: the user may try five times again; other lockouts stay', async () => {
    const { admin, user } = await people()
    const elsewhere = freshAddress()
    await lock(user)
    await lock(user, elsewhere)
    const { body } = await looker('GET', '/user_login_lockouts?fields=key,ip', admin.token)
    expect(body).toHaveLength(2)
    const { key } = body.find(({ ip }: { ip: string }) => ip === user.address)
    expect((await looker('DELETE', `/user_login_lockout/${key}`, admin.token)).status).toBe(204)
    expect(await attempt(user, user.password)).toBe(201)
    expect(await attempt(user, user.password, elsewhere)).toBe(429)
    expect((await looker('DELETE', `/user_login_lockout/${key}`, admin.token)).status).toBe(404)
    const events = await db.select().from(auditEvents).where(eq(auditEvents.identityStoreId, user.identityStoreId))
    expect(events).toMatchObject([
      { actor: `user:${admin.user.userId}`, action: 'user.unlocked', subject: `user:${user.userId}` },
    ])
    expect(JSON.parse(events[0]?.before ?? '')).toMatchObject({ address: user.address })
  })

  test('of somebody above is listed, and not ended', async () => {
    const { admin } = await people()
    const owner = await makeUser({ identityStoreId: admin.user.identityStoreId, role: 'owner' })
    await lock(owner)
    const [found] = (await looker('GET', '/user_login_lockouts', admin.token)).body
    expect(found).toMatchObject({ can: { show: true, delete: false }, user_id: owner.userId })
    expect((await looker('DELETE', `/user_login_lockout/${found.key}`, admin.token)).status).toBe(403)
    expect(await attempt(owner, owner.password)).toBe(429)
  })

  test("of another store's user is neither listed nor ended", async () => {
    const { admin } = await people()
    const other = await people()
    await lock(other.user)
    const [theirs] = (await looker('GET', '/user_login_lockouts', other.admin.token)).body
    expect((await looker('GET', '/user_login_lockouts', admin.token)).body).toEqual([])
    expect((await looker('GET', '/user_login_lockouts/search', admin.token)).body).toEqual([])
    expect((await looker('DELETE', `/user_login_lockout/${theirs.key}`, admin.token)).status).toBe(404)
    expect(await attempt(other.user, other.user.password)).toBe(429)
  })

  test('of a name that is nobody is not listed', async () => {
    const { admin } = await people()
    const address = freshAddress()
    const nobody = { ...admin.user, username: 'nobody@pie.example', password: 'x' }
    await lock(nobody, address)
    expect((await looker('GET', '/user_login_lockouts', admin.token)).body).toEqual([])
  })

  test('is for administrators: 403 for a member', async () => {
    const { token } = await logIn('member')
    for (const [method, path] of [
      ['GET', '/user_login_lockouts'],
      ['GET', '/user_login_lockouts/search'],
      ['DELETE', '/user_login_lockout/key'],
    ] as const) {
      expect((await looker(method, path, token)).status).toBe(403)
    }
  })
})

describe('the search', () => {
  test('filters, sorts and pages', async () => {
    const { admin, user } = await people()
    const second = await makeUser({ identityStoreId: user.identityStoreId })
    await lock(user)
    await lock(user, freshAddress())
    await lock(second)
    const find = async (query: string) => {
      const { status, body } = await looker('GET', `/user_login_lockouts/search?${query}&fields=email,ip`, admin.token)
      expect(status, query).toBe(200)
      return body.map(({ email }: { email: string }) => email)
    }
    const [a, b] = [user.username, second.username]
    expect((await find('sorts=email')).toSorted()).toEqual([a, a, b].toSorted())
    expect(await find(`email=${encodeURIComponent(b.toUpperCase())}`)).toEqual([b])
    expect(await find(`email=${encodeURIComponent(`%${second.userId}%`)}`)).toEqual([b])
    expect(await find(`email=${encodeURIComponent(`${second.userId}%example`)}`)).toEqual([b])
    expect(await find('email=%25nobody%25')).toEqual([])
    expect(await find('remote_id=x')).toEqual([])
    expect(await find('auth_type=email')).toHaveLength(3)
    expect(await find('auth_type=ldap')).toEqual([])
    expect(await find(`auth_type=ldap&email=${encodeURIComponent(b)}`)).toEqual([])
    expect(await find(`auth_type=ldap&email=${encodeURIComponent(b)}&filter_or=true`)).toEqual([b])
    const sorted = [a, a, b].toSorted()
    expect(await find('sorts=email%20asc')).toEqual(sorted)
    expect(await find('sorts=email%20desc')).toEqual(sorted.toReversed())
    expect(await find('sorts=email&limit=1&offset=1')).toEqual([sorted[1]])
    expect(await find('sorts=email&page=2&per_page=2')).toEqual([sorted[2]])
    expect(await find('limit=1&offset=9')).toEqual([])
  })

  test('refuses what makes no sense, field by field', async () => {
    const { admin } = await people()
    const answer = await looker('GET', '/user_login_lockouts/search?limit=x&offset=-1&filter_or=maybe', admin.token)
    expect(answer.status).toBe(422)
    expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(['limit', 'offset', 'filter_or'])
  })
})
