import { and, eq, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/domain/authority.ts'
import { auditEvents } from '../../../src/store/audit-schema.ts'
import { sessions, users } from '../../../src/store/schema.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1Statements, breakUserObjects } from '../../support/faults.ts'
import { mirrored, userObject } from '../../support/objects.ts'
import { send } from '../../support/requests.ts'
import { db, makeOperator, makeUser, type TestUser } from '../../support/stores.ts'
import { type LoggedIn, logIn, looker, sudo } from './support.ts'

async function target(caller: LoggedIn, options: Parameters<typeof makeUser>[0] = {}): Promise<TestUser> {
  return makeUser({ identityStoreId: caller.user.identityStoreId, ...options })
}

async function disable(user: TestUser): Promise<void> {
  const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
  const done = await send(path, { method: 'PATCH', bearer: await makeOperator(), json: { active: false } })
  expect(done.status).toBe(200)
}

function events(user: TestUser) {
  return db.select().from(auditEvents).where(eq(auditEvents.identityStoreId, user.identityStoreId))
}

describe('sudo', () => {
  test('logs in on behalf of a user of a lower role, says who really acts, and may do what that user may', async () => {
    const admin = await logIn('admin')
    const member = await target(admin)
    const answer = await looker('POST', `/login/${member.userId}`, admin.token, {
      headers: { 'content-type': 'application/json' },
    })
    expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3600, refresh_token: null } })
    const token = answer.body.access_token
    expect((await looker('GET', '/user', token)).body.id).toBe(member.userId)
    expect((await looker('GET', '/session', token)).body.sudo_user_id).toBe(admin.user.userId)
    expect((await looker('GET', '/session', admin.token)).body.sudo_user_id).toBeNull()
    expect((await looker('GET', '/session_config', token)).body.can).toEqual({ show: true, update: false })
    expect((await looker('PATCH', '/session_config', token, { json: { session_minutes: 60 } })).status).toBe(403)
    expect((await looker('GET', `/users/${admin.user.userId}/sessions`, token)).status).toBe(403)
  })

  const roles: Role[] = ['primary_owner', 'owner', 'admin', 'member']
  for (const [rank, role] of roles.entries()) {
    test(`as ${role} is only for roles below`, async () => {
      const caller = await logIn(role)
      for (const [otherRank, other] of roles.entries()) {
        const { userId } = await target(caller, { role: other })
        const answer = await looker('POST', `/login/${userId}`, caller.token)
        expect(answer.status, other).toBe(rank < otherRank ? 200 : 403)
      }
    })
  }

  test('is refused for oneself, a bot, a disabled and a deleted user, a user of another store, and nobody', async () => {
    const owner = await logIn('primary_owner')
    const bot = await target(owner, { bot: true })
    const disabled = await target(owner, { active: false })
    const deleted = await target(owner)
    await db.update(users).set({ deletedAt: 1 }).where(eq(users.userId, deleted.userId))
    const elsewhere = await makeUser()
    const status = async (userId: string) => (await looker('POST', `/login/${userId}`, owner.token)).status
    expect(await status(owner.user.userId)).toBe(403)
    expect(await status(bot.userId)).toBe(403)
    expect(await status(disabled.userId)).toBe(403)
    expect(await status(deleted.userId)).toBe(404)
    expect(await status(elsewhere.userId)).toBe(404)
    expect(await status('nobody')).toBe(404)
    expect(await status('no%20id')).toBe(404)
    for (const user of [bot, disabled, elsewhere]) {
      expect(await db.select().from(sessions).where(eq(sessions.userId, user.userId))).toEqual([])
    }
  })

  test('tells a member nothing of who is there', async () => {
    const member = await logIn('member')
    const other = await target(member)
    const answers = [other.userId, 'nobody'].map((id) => looker('POST', `/login/${id}`, member.token))
    const [there, nobody] = await Promise.all(answers)
    expect(there).toMatchObject({ status: 403, body: nobody?.body })
    expect(nobody?.status).toBe(403)
  })

  test('is refused from a session that was itself opened by sudo', async () => {
    const owner = await logIn('owner')
    const [admin, member] = [await target(owner, { role: 'admin' }), await target(owner)]
    const asAdmin = await sudo(owner.token, admin)
    expect((await looker('GET', `/users/${member.userId}/sessions`, asAdmin)).status).toBe(200)
    expect((await looker('POST', `/login/${member.userId}`, asAdmin)).status).toBe(403)
  })
})

describe('a sudo session ends', () => {
  async function pair() {
    const admin = await logIn('admin')
    const member = await target(admin)
    return { admin, member, token: await sudo(admin.token, member) }
  }
  const alive = async (token: string) => (await looker('GET', '/session', token)).status === 200
  const reasons = async (user: TestUser) => {
    await mirrored(user)
    const ofUser = eq(sessions.userId, user.userId)
    const rows = await db.select().from(sessions).where(ofUser).orderBy(sessions.sessionId)
    return rows.map(({ endReason }) => endReason)
  }

  test('by its own logout, and the one it came from goes on', async () => {
    const { admin, member, token } = await pair()
    expect((await looker('DELETE', '/logout', token)).status).toBe(204)
    expect(await alive(token)).toBe(false)
    expect(await alive(admin.token)).toBe(true)
    expect(await reasons(member)).toEqual(['logout'])
  })

  test('when the one it came from logs out, and no other of the same people', async () => {
    const { admin, member, token } = await pair()
    const sibling = await sudo(admin.token, member)
    const other = await logIn('admin', { identityStoreId: admin.user.identityStoreId })
    const unrelated = await sudo(other.token, member)
    expect((await looker('DELETE', '/logout', admin.token)).status).toBe(204)
    expect([await alive(token), await alive(sibling), await alive(unrelated)]).toEqual([false, false, true])
    expect(await reasons(member)).toEqual(['parent_ended', 'parent_ended', null])
  })

  test('when the one who acts is disabled', async () => {
    const { admin, member, token } = await pair()
    await disable(admin.user)
    expect(await alive(token)).toBe(false)
    expect(await reasons(member)).toEqual(['parent_ended'])
  })

  test('when the user is disabled', async () => {
    const { admin, member, token } = await pair()
    await disable(member)
    expect(await alive(token)).toBe(false)
    expect(await alive(admin.token)).toBe(true)
  })

  test('for both at once, though their objects have not been told yet', async () => {
    for (const which of ['admin', 'member'] as const) {
      const people = await pair()
      const user = which === 'admin' ? people.admin.user : people.member
      const ofUser = and(eq(users.identityStoreId, user.identityStoreId), eq(users.userId, user.userId))
      await db.update(users).set({ active: false }).where(ofUser)
      expect(await alive(people.token), which).toBe(false)
      expect(await alive(people.admin.token), which).toBe(which === 'member')
    }
  })

  test('to be of any use when the one who acts is no longer above', async () => {
    const { admin, token } = await pair()
    const mine = and(eq(users.identityStoreId, admin.user.identityStoreId), eq(users.userId, admin.user.userId))
    await db.update(users).set({ role: 'member' }).where(mine)
    expect((await looker('GET', '/session', token)).status).toBe(403)
  })

  test('never on doubt, but is not taken for alive either: 503', async () => {
    const { token } = await pair()
    let calls = 0
    const fault = breakUserObjects({ only: () => ++calls === 2 })
    expect((await looker('GET', '/session', token)).status).toBe(503)
    fault.repair()
    expect(await alive(token)).toBe(true)
  })

  test('is checked with two object calls; an ordinary session with one', async () => {
    const { admin, member, token } = await pair()
    const { address } = admin.user
    const read = async (one: string) => (await looker('GET', '/session', one, { address })).status
    await Promise.all([read(admin.token), read(token)])
    await Promise.all([mirrored(admin.user), mirrored(member)])
    const counts = countCalls()
    expect(await read(admin.token)).toBe(200)
    expect(counts).toMatchObject({ objectCalls: 1, d1Statements: 1, kvReads: 0 })
    expect(await read(token)).toBe(200)
    expect(counts).toMatchObject({ objectCalls: 3, d1Statements: 3, kvReads: 0 })
  })
})

describe('the audit log', () => {
  test('has each sudo from its beginning to its end, under the name of who really acts', async () => {
    const admin = await logIn('admin')
    const member = await target(admin)
    const token = await sudo(admin.token, member)
    const [opened] = await events(member)
    expect(opened).toMatchObject({
      action: 'sudo.opened',
      actor: `user:${admin.user.userId}`,
      subject: `user:${member.userId}`,
      before: null,
    })
    const [parent] = await db.select().from(sessions).where(eq(sessions.userId, admin.user.userId))
    expect(JSON.parse(opened?.after ?? '')).toMatchObject({ from_session_id: parent?.sessionId })
    await looker('DELETE', '/logout', token)
    await expect.poll(async () => (await events(member)).map(({ action }) => action)).toContain('sudo.ended')
  })

  test('has the end by the logout of the one it came from too, once it is noticed', async () => {
    const admin = await logIn('admin')
    const member = await target(admin)
    const token = await sudo(admin.token, member)
    await looker('DELETE', '/logout', admin.token)
    await looker('GET', '/session', token)
    await expect.poll(async () => (await events(member)).map(({ action }) => action)).toContain('sudo.ended')
  })

  test('that cannot be written makes sudo fail, and leaves no session', async () => {
    const admin = await logIn('admin')
    const member = await target(admin)
    const fault = breakD1Statements(/insert into "audit_events"/i)
    expect((await looker('POST', `/login/${member.userId}`, admin.token)).status).toBe(503)
    fault.repair()
    await mirrored(member)
    const rows = await db
      .select({ endReason: sessions.endReason, live: sql<number>`${sessions.endedAt} IS NULL` })
      .from(sessions)
      .where(eq(sessions.userId, member.userId))
    expect(rows).toEqual([{ endReason: 'revoked', live: 0 }])
    expect(await userObject(member).list({})).toEqual([])
  })

  test('names both where a sudo session changes anything', async () => {
    const owner = await logIn('owner')
    const admin = await target(owner, { role: 'admin' })
    const token = await sudo(owner.token, admin)
    expect((await looker('PATCH', '/session_config', token, { json: { session_minutes: 60 } })).status).toBe(200)
    const changed = (await events(admin)).find(({ action }) => action === 'session_config.updated')
    expect(changed?.actor).toBe(`user:${owner.user.userId} as user:${admin.userId}`)
  })
})
