import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { sessions, users } from '../../../src/store/schema.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { mirrored } from '../../support/objects.ts'
import { check, send, signIn, USER_AGENT } from '../../support/requests.ts'
import { db, makeUser } from '../../support/stores.ts'
import { logIn, looker } from './support.ts'

const CF = { city: 'Turin', region: 'Piedmont', country: 'IT', timezone: 'Europe/Rome' } as const

async function people(config = {}) {
  const admin = await logIn('admin', { config })
  const member = await makeUser({ identityStoreId: admin.user.identityStoreId })
  return { admin, member }
}

describe("a user's sessions", () => {
  test('are listed with all the fields of a session', async () => {
    const now = stopClock()
    const { admin, member } = await people({ sessionMinutes: 60 })
    const session = await signIn(member, { cf: CF })
    const answer = await looker('GET', `/users/${member.userId}/sessions`, admin.token)
    const one = {
      can: { show: true, delete: true },
      id: session.id,
      ip_address: member.address,
      browser: 'Chrome 140.0.0.0',
      operating_system: expect.stringContaining('Windows'),
      city: null,
      state: null,
      country: null,
      credentials_type: 'email',
      extended_at: null,
      extended_count: 0,
      sudo_user_id: null,
      created_at: new Date(now).toISOString(),
      expires_at: new Date(now + 3_600_000).toISOString(),
      url: `http://127.0.0.1:8787/api/4.0/users/${member.userId}/sessions/${session.id}`,
    }
    expect(answer).toMatchObject({ status: 200, body: [one] })
    expect(Object.keys(answer.body[0]).toSorted()).toEqual(Object.keys(one).toSorted())
    expect(await looker('GET', `/users/${member.userId}/sessions/${session.id}`, admin.token)).toMatchObject({
      status: 200,
      body: one,
    })
  })

  test('show where they are from only if the store keeps that', async () => {
    const { admin, member } = await people({ trackSessionLocation: true })
    await signIn(member, { cf: CF })
    const { body } = await looker('GET', `/users/${member.userId}/sessions`, admin.token)
    expect(body).toMatchObject([{ city: 'Turin', state: 'Piedmont', country: 'IT' }])
  })

  test('expire at the earlier of both timeouts', async () => {
    const now = stopClock()
    const { admin, member } = await people({ sessionMinutes: 20, useInactivityBasedLogout: true })
    const session = await signIn(member)
    const expiry = async () =>
      Date.parse((await looker('GET', `/users/${member.userId}/sessions`, admin.token)).body[0].expires_at) - now
    expect(await expiry()).toBe(15 * 60_000)
    advanceClock(600)
    await check(session)
    expect(await expiry()).toBe(20 * 60_000)
  })

  test('are not touched by being looked at', async () => {
    stopClock()
    const { admin, member } = await people({ useInactivityBasedLogout: true })
    const session = await signIn(member)
    advanceClock(600)
    expect((await looker('GET', `/users/${member.userId}/sessions/${session.id}`, admin.token)).status).toBe(200)
    advanceClock(301)
    expect((await looker('GET', `/users/${member.userId}/sessions`, admin.token)).body).toEqual([])
    expect((await check(session)).status).toBe(401)
  })

  test('come with only the fields that were asked for', async () => {
    const { admin, member } = await people()
    const { id } = await signIn(member)
    const path = `/users/${member.userId}/sessions`
    const read = async (fields: string, rest = '') =>
      (await looker('GET', `${path}${rest}?fields=${encodeURIComponent(fields)}`, admin.token)).body
    expect(await read('id,ip_address')).toEqual([{ id, ip_address: member.address }])
    expect(await read(' id , nonsense,')).toEqual([{ id }])
    expect(await read('id', `/${id}`)).toEqual({ id })
    expect(Object.keys((await read(''))[0])).toHaveLength(15)
  })

  test('are listed oldest first, live ones alone, without API logins', async () => {
    const { admin, member } = await people()
    const [first, second, third] = [await signIn(member), await signIn(member), await signIn(member)]
    await looker('POST', `/login/${member.userId}`, admin.token)
    await looker('DELETE', `/users/${member.userId}/sessions/${second.id}`, admin.token)
    const { body } = await looker('GET', `/users/${member.userId}/sessions`, admin.token)
    expect(body.map(({ id }: { id: string }) => id)).toEqual([first.id, third.id])
  })

  test('cost two object calls, and none for another page of history', async () => {
    const { admin, member } = await people()
    const { address } = admin.user
    const path = `/users/${member.userId}/sessions`
    await signIn(member)
    await looker('GET', path, admin.token, { address })
    await Promise.all([mirrored(admin.user), mirrored(member)])
    const counts = countCalls()
    await looker('GET', path, admin.token, { address })
    expect(counts).toMatchObject({ objectCalls: 2, d1Statements: 2, kvReads: 0 })
  })
})

describe('deleting a session', () => {
  test('ends it at once and for good, and says who did it', async () => {
    const { admin, member } = await people()
    const [gone, kept] = [await signIn(member), await signIn(member)]
    const path = `/users/${member.userId}/sessions/${gone.id}`
    const options = { headers: { 'content-type': 'application/json' } }
    expect((await looker('DELETE', path, admin.token, options)).status).toBe(204)
    const refused = await check(gone)
    expect([refused.status, await refused.json()]).toMatchObject([401, { reason: 'revoked' }])
    expect((await check(kept)).status).toBe(200)
    expect((await looker('DELETE', path, admin.token)).status).toBe(404)
    expect((await looker('GET', path, admin.token)).status).toBe(404)
    await mirrored(member)
    const rows = await db.select().from(sessions).where(eq(sessions.sessionId, gone.id))
    expect(rows).toMatchObject([{ endReason: 'revoked', endedBy: `user:${admin.user.userId}` }])
    expect(rows[0]?.endRequestId).toBeTruthy()
  })

  test('does not reach an API login, nor a session of another user', async () => {
    const { admin, member } = await people()
    await mirrored(admin.user)
    const [api] = await db.select().from(sessions).where(eq(sessions.userId, admin.user.userId))
    const theirs = await signIn(member)
    for (const id of [api?.sessionId, theirs.id, 'nope', 'a%20b%2Fc']) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await looker(method, `/users/${admin.user.userId}/sessions/${id}`, admin.token)
        expect(answer).toMatchObject({ status: 404, body: { message: 'Not found' } })
      }
    }
    expect((await looker('GET', '/user', admin.token)).status).toBe(200)
    expect((await check(theirs)).status).toBe(200)
  })
})

describe('who may see and end which', () => {
  test("a member: one's own, and of others not even whether they are there", async () => {
    const member = await logIn('member')
    const other = await makeUser({ identityStoreId: member.user.identityStoreId })
    const [own, theirs] = [await signIn(member.user), await signIn(other)]
    const status = async (method: string, path: string) => (await looker(method, path, member.token)).status
    expect(await status('GET', `/users/${member.user.userId}/sessions`)).toBe(200)
    expect(await status('GET', `/users/${member.user.userId}/sessions/${own.id}`)).toBe(200)
    expect(await status('DELETE', `/users/${member.user.userId}/sessions/${own.id}`)).toBe(204)
    for (const userId of [other.userId, 'nobody']) {
      expect(await status('GET', `/users/${userId}/sessions`)).toBe(403)
      expect(await status('GET', `/users/${userId}/sessions/${theirs.id}`)).toBe(403)
      expect(await status('DELETE', `/users/${userId}/sessions/${theirs.id}`)).toBe(403)
    }
    expect((await check(theirs)).status).toBe(200)
  })

  test('an administrator: everybody of the own store, nobody of another', async () => {
    const { admin } = await people()
    const elsewhere = await makeUser()
    const theirs = await signIn(elsewhere)
    for (const userId of [elsewhere.userId, 'nobody', 'no%20id', '%2e%2e']) {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', `/${theirs.id}`],
        ['DELETE', `/${theirs.id}`],
      ] as const) {
        const answer = await looker(method, `/users/${userId}/sessions${path}`, admin.token)
        expect(answer.status, `${method} ${userId}`).toBe(404)
      }
    }
    expect((await check(theirs)).status).toBe(200)
  })

  test('the role holds as it is now, not as it was at the login', async () => {
    const { admin, member } = await people()
    expect((await looker('GET', `/users/${member.userId}/sessions`, admin.token)).status).toBe(200)
    await db.update(users).set({ role: 'member' }).where(eq(users.userId, admin.user.userId))
    expect((await looker('GET', `/users/${member.userId}/sessions`, admin.token)).status).toBe(403)
  })
})

test('a user agent that nobody knows is no browser', async () => {
  const { admin, member } = await people()
  await signIn(member, { userAgent: 'x' })
  await signIn(member, { userAgent: USER_AGENT })
  const { body } = await looker('GET', `/users/${member.userId}/sessions?fields=browser,operating_system`, admin.token)
  expect(body[0]).toEqual({ browser: null, operating_system: null })
  expect(body[1].browser).toContain('Chrome')
})

test.each([
  ['admin', 'primary_owner', 403],
  ['admin', 'owner', 403],
  ['owner', 'primary_owner', 403],
  ['admin', 'admin', 204],
  ['primary_owner', 'primary_owner', 204],
] as const)('an %s asks to end a session of an %s: %i, as the session says before', async (role, above, status) => {
  const { user, token } = await logIn(role)
  const session = await signIn(await makeUser({ identityStoreId: user.identityStoreId, role: above }))
  const path = `/users/${session.user.userId}/sessions/${session.id}`
  expect((await looker('GET', path, token)).body.can).toEqual({ show: true, delete: status === 204 })
  expect((await looker('DELETE', path, token)).status).toBe(status)
  expect((await send('/sessions/current?touch=false', { bearer: session.token })).status).toBe(
    status === 403 ? 200 : 401,
  )
})
