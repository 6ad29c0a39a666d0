import { and, eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { sessionSettings, users } from '../../../src/store/schema.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1Statements, breakUserObjects } from '../../support/faults.ts'
import { userObject } from '../../support/objects.ts'
import { check, send, signIn } from '../../support/requests.ts'
import { db, makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { type Answer, auditEvents, operate, patch, put, remove } from './operator.ts'

const PASSWORD = 'correct horse battery staple'
const HASH = '$scrypt$ln=1,r=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

function pathOf(user: Pick<TestUser, 'identityStoreId' | 'userId'>): string {
  return `/identity-stores/${user.identityStoreId}/users/${user.userId}`
}

async function rowOf({ identityStoreId, userId }: Pick<TestUser, 'identityStoreId' | 'userId'>) {
  const rows = await db
    .select()
    .from(users)
    .where(and(eq(users.identityStoreId, identityStoreId), eq(users.userId, userId)))
  const row = rows[0]
  if (row === undefined) throw new Error('no such user')
  return row
}

async function why(response: Promise<Response>): Promise<unknown> {
  const answer = await response
  const body = (await answer.json()) as { reason?: string }
  return answer.status === 200 ? 'live' : body.reason
}

describe('a user', () => {
  test('is created with defaults, and signs in', async () => {
    const identityStoreId = await makeStore()
    const username = `John.Doe@${identityStoreId}.Example`
    const counts = countCalls()
    const created = await put(pathOf({ identityStoreId, userId: 'u' }), {
      username: ` ${username} `,
      password: PASSWORD,
    })
    expect(created).toMatchObject({ status: 201 })
    expect(created.body).toMatchObject({
      identity_store_id: identityStoreId,
      user_id: 'u',
      username: username.toLowerCase(),
      group_id: null,
      role: 'member',
      user_level: 0,
      login_mode: null,
      bot: false,
      active: true,
      first_name: null,
      last_name: null,
      email_address: null,
      has_password: true,
    })
    // A hasher was asked; nobody's sessions had to be told.
    expect(counts).toMatchObject({ objectCalls: 1, jobCalls: 0 })
    const signedIn = await send('/sessions', { json: { username, password: PASSWORD, transport: 'bearer' } })
    expect(signedIn.status).toBe(201)
  })

  test('never shows its password or the hash of it', async () => {
    const identityStoreId = await makeStore()
    const path = pathOf({ identityStoreId, userId: 'u' })
    const answers = [
      await put(path, { username: `a@${identityStoreId}`, password: PASSWORD }),
      await put(path, { username: `a@${identityStoreId}`, password_hash: HASH }),
      await patch(path, { password: PASSWORD }),
      await operate(path),
      await operate(`/identity-stores/${identityStoreId}/users`),
      await operate(`/identity-stores/${identityStoreId}/audit-events`),
    ]
    for (const { status, text } of answers) {
      expect(status).toBeLessThan(300)
      expect(text).not.toContain(PASSWORD)
      expect(text).not.toContain('$scrypt')
      expect(text).toContain('"has_password":true')
    }
  })

  test('keeps its password when it is replaced without one, and loses it to null', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const body = { username: user.username, first_name: 'Ada', user_level: 8 }
    expect(await put(pathOf(user), body)).toMatchObject({
      status: 200,
      body: { first_name: 'Ada', last_name: null, user_level: 8, has_password: true },
    })
    expect(await why(check(session))).toBe('live')
    await signIn(user)
    expect(await put(pathOf(user), { ...body, password_hash: null })).toMatchObject({
      status: 200,
      body: { has_password: false },
    })
    expect((await send('/sessions', { json: { username: user.username, password: user.password } })).status).toBe(401)
  })

  test('is changed only where the change says so, and its sessions go on', async () => {
    const user = await makeUser({ groupId: 'g1', role: 'admin' })
    const session = await signIn(user)
    const counts = countCalls()
    const changed = await patch(pathOf(user), { first_name: 'Ada', group_id: 'g1', login_mode: 'SERVER_LOGIN' })
    expect(changed).toMatchObject({
      status: 200,
      body: { first_name: 'Ada', group_id: 'g1', login_mode: 'SERVER_LOGIN', role: 'admin', username: user.username },
    })
    expect(counts).toMatchObject({ objectCalls: 0, jobCalls: 0 })
    expect((await rowOf(user)).statusVersion).toBe(1)
    expect(await why(check(session))).toBe('live')
  })

  test('that is not there is not found, and wakes no object', async () => {
    const identityStoreId = await makeStore()
    const counts = countCalls()
    for (const answer of [
      await operate(pathOf({ identityStoreId, userId: 'nobody' })),
      await patch(pathOf({ identityStoreId, userId: 'nobody' }), { active: false }),
      await remove(pathOf({ identityStoreId, userId: 'nobody' })),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'user_not_found' } })
    }
    expect(await put('/identity-stores/nowhere/users/u', { username: 'u@nowhere' })).toMatchObject({
      status: 404,
      body: { code: 'identity_store_not_found' },
    })
    expect(await patch('/identity-stores/nowhere/users/u', { active: false })).toMatchObject({ status: 404 })
    expect(counts).toMatchObject({ objectCalls: 0, jobCalls: 0 })
  })

  test('of one store is no user of another with the same id', async () => {
    const user = await makeUser()
    const other = { identityStoreId: await makeStore(), userId: user.userId }
    expect((await operate(pathOf(other))).status).toBe(404)
    expect((await patch(pathOf(other), { active: false })).status).toBe(404)
    await put(pathOf(other), { username: `x@${other.identityStoreId}`, first_name: 'Other' })
    await patch(pathOf(other), { active: false, password: PASSWORD })
    await remove(pathOf(other))
    expect(await rowOf(user)).toMatchObject({ active: true, statusVersion: 1, firstName: 'Test', deletedAt: null })
  })

  test('is found on exactly one page, unless deleted', async () => {
    const identityStoreId = await makeStore()
    for (const userId of ['a', 'b', 'c', 'd', 'e']) {
      await put(pathOf({ identityStoreId, userId }), { username: `${userId}@${identityStoreId}` })
    }
    await remove(pathOf({ identityStoreId, userId: 'c' }))
    const first = await operate(`/identity-stores/${identityStoreId}/users?limit=2`)
    const second = await operate(`/identity-stores/${identityStoreId}/users?limit=2&cursor=${first.body.next_cursor}`)
    const ids = [first, second].map(({ body }) => body.users.map((user: { user_id: string }) => user.user_id))
    expect(ids).toEqual([
      ['a', 'b'],
      ['d', 'e'],
    ])
    expect(second.body.next_cursor).toBeNull()
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=%00', 'page=2', 'limit=1&limit=2']) {
      expect((await operate(`/identity-stores/${identityStoreId}/users?${query}`)).status, query).toBe(400)
    }
  })
})

describe('a username', () => {
  test('is unique among all stores, in any case; a clash changes nothing', async () => {
    const [one, two] = [await makeUser(), await makeUser()]
    const taken = one.username.toUpperCase()
    for (const answer of [
      await patch(pathOf(two), { username: taken, first_name: 'Changed' }),
      await put(pathOf(two), { username: taken, first_name: 'Changed' }),
      await put(pathOf({ ...two, userId: 'new' }), { username: taken }),
      await patch(pathOf(two), { username: taken, active: false }),
    ]) {
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringMatching(/^username/) },
      })
    }
    expect(await rowOf(two)).toMatchObject({
      username: two.username,
      firstName: 'Test',
      active: true,
      statusVersion: 1,
    })
    expect(await auditEvents(two.identityStoreId)).toEqual([])
    expect(await operate(`/identity-stores/${two.identityStoreId}/jobs`)).toMatchObject({ body: { jobs: [] } })
  })

  test('is free again once its user is deleted', async () => {
    const [one, two] = [await makeUser(), await makeUser()]
    await remove(pathOf(one))
    expect((await patch(pathOf(two), { username: one.username })).status).toBe(200)
  })

  test('goes to one of two who want it at once', async () => {
    const identityStoreId = await makeStore()
    const wanted = { username: `wanted@${identityStoreId}` }
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((userId) => put(pathOf({ identityStoreId, userId }), wanted)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409])
  })
})

test('two who put one user at once do not both create it, and each that was done is audited', async () => {
  const key = { identityStoreId: await makeStore(), userId: 'u' }
  const names = ['a', 'b', 'c']
  const answers = await Promise.all(
    names.map((name) => put(pathOf(key), { username: `u@${key.identityStoreId}`, first_name: name, active: false })),
  )
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 201)).toHaveLength(1)
  expect(statuses.every((status) => [200, 201, 409].includes(status))).toBe(true)
  expect(await auditEvents(key.identityStoreId)).toHaveLength(statuses.filter((status) => status < 300).length)
})

test('a change that D1 does not make, or makes without saying so, is audited exactly if it was made', async () => {
  const user = await makeUser()
  const bearer = await makeOperator()
  const rename = (name: string) =>
    operate(pathOf(user), { method: 'PATCH', bearer, json: { first_name: name } }).then(({ status }) => status)
  const lost = breakD1Statements(/update "users"/)
  expect(await rename('Lost')).toBe(503)
  lost.repair()
  const unsaid = breakD1Statements(/update "users"/, { when: 'after' })
  expect(await rename('Unsaid')).toBe(503)
  unsaid.repair()
  expect((await rowOf(user)).firstName).toBe('Unsaid')
  const events = await auditEvents(user.identityStoreId)
  expect(events).toMatchObject([{ before: { first_name: 'Test' }, after: { first_name: 'Unsaid' } }])
})

describe('a disabled user', () => {
  test('has no session from then on, and opens none until enabled', async () => {
    const user = await makeUser()
    const sessions = [await signIn(user), await signIn(user)]
    expect((await patch(pathOf(user), { active: false })).status).toBe(200)
    for (const session of sessions) expect(await why(check(session))).toBe('user_disabled')
    expect((await send('/sessions', { json: { username: user.username, password: user.password } })).status).toBe(401)
    expect((await rowOf(user)).statusVersion).toBe(2)

    expect((await patch(pathOf(user), { active: true })).status).toBe(200)
    for (const session of sessions) expect(await why(check(session))).toBe('user_disabled')
    await signIn(user)
    expect((await rowOf(user)).statusVersion).toBe(3)
  })

  test('is disabled by a replacement too', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    await put(pathOf(user), { username: user.username, active: false })
    expect(await why(check(session))).toBe('user_disabled')
  })

  test('is disabled only once: saying it again is no new status', async () => {
    const user = await makeUser()
    await patch(pathOf(user), { active: false })
    await patch(pathOf(user), { active: false })
    expect((await rowOf(user)).statusVersion).toBe(2)
  })

  test('is told of by a job if the object cannot be reached, and the change stands', async () => {
    const user = await makeUser()
    const fault = breakUserObjects()
    expect((await patch(pathOf(user), { active: false })).status).toBe(503)
    fault.repair()
    expect((await rowOf(user)).active).toBe(false)
    const { body } = await operate(`/identity-stores/${user.identityStoreId}/jobs`)
    expect(body.jobs).toMatchObject([{ kind: 'apply_rules', failures: 1 }])
  })
})

describe('a new password', () => {
  test('ends the sessions of the old one', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const password = 'a wholly different one'
    expect((await patch(pathOf(user), { password })).status).toBe(200)
    expect(await why(check(session))).toBe('password_changed')
    expect((await send('/sessions', { json: { username: user.username, password: user.password } })).status).toBe(401)
    await signIn({ ...user, password })
    expect(await rowOf(user)).toMatchObject({ statusVersion: 2, active: true })
  })

  test('may come as a hash; the hash that is there already is no new password', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    const { passwordHash } = await rowOf(user)
    expect((await patch(pathOf(user), { password_hash: passwordHash })).status).toBe(200)
    expect(await why(check(session))).toBe('live')
    expect((await patch(pathOf(user), { password_hash: HASH })).status).toBe(200)
    expect(await why(check(session))).toBe('password_changed')
  })

  test.each([
    [{ password: 'short' }, 'password'],
    [{ password: PASSWORD, password_hash: HASH }, 'password_hash'],
    [{ password_hash: 'md5' }, 'password_hash'],
    [{ password_hash: HASH.replace('ln=1', 'ln=30') }, 'password_hash'],
    [{ password_hash: HASH.replace('ln=1', 'ln=16') }, 'password_hash'],
  ])('is refused: %j', async (json, field) => {
    const user = await makeUser()
    expect(await patch(pathOf(user), json)).toMatchObject({ status: 400, body: { errors: [{ field }] } })
    expect((await rowOf(user)).statusVersion).toBe(1)
  })
})

describe('a deleted user', () => {
  test('is gone at once, but for its row and its versions', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    expect((await remove(pathOf(user))).status).toBe(204)
    expect(await why(check(session))).toBe('user_disabled')
    expect((await operate(pathOf(user))).status).toBe(404)
    expect((await remove(pathOf(user))).status).toBe(404)
    expect((await patch(pathOf(user), { active: true })).status).toBe(404)
    expect(await rowOf(user)).toMatchObject({ username: null, passwordHash: null, active: false, statusVersion: 2 })
  })

  test('comes back afresh: with no session, no password and no settings of before', async () => {
    const user = await makeUser({ settings: { durationSeconds: 28_800, desktopAppBrowserQuit: true } })
    const session = await signIn(user)
    await remove(pathOf(user))
    const before = await rowOf(user)
    const revived = await put(pathOf(user), { username: user.username })
    expect(revived).toMatchObject({ status: 201, body: { has_password: false, active: true, first_name: null } })
    expect(await rowOf(user)).toMatchObject({ statusVersion: before.statusVersion + 1, deletedAt: null })
    expect((await rowOf(user)).sessionsValidFrom).toBeGreaterThanOrEqual(before.updatedAt)
    expect(await why(check(session))).toBe('user_disabled')
    expect(await db.select().from(sessionSettings).where(eq(sessionSettings.userId, user.userId))).toMatchObject([
      { version: 2, durationSeconds: null, desktopAppBrowserQuit: null },
    ])
    expect(await userObject(user).list({})).toEqual([])

    await patch(pathOf(user), { password: PASSWORD })
    await signIn({ ...user, password: PASSWORD })
    const { body } = await operate(pathOf(user))
    expect(body.has_password).toBe(true)
  })

  test('keeps the settings of others: a replacement clears nothing', async () => {
    const user = await makeUser({ settings: { durationSeconds: 28_800 } })
    await put(pathOf(user), { username: user.username, active: false })
    expect(await db.select().from(sessionSettings).where(eq(sessionSettings.userId, user.userId))).toMatchObject([
      { version: 1, durationSeconds: 28_800 },
    ])
  })
})

describe('bad input', () => {
  test.each([
    [{}, ['username']],
    [{ username: 'no-domain' }, ['username']],
    [{ username: 'two words@x' }, ['username']],
    [{ username: `${'a'.repeat(254)}@x` }, ['username']],
    [{ username: 'a@x', user_level: 5, role: 'king', bot: 'no' }, ['bot', 'role', 'user_level']],
    [
      { username: 'a@x', first_name: 'a\u0000b', email_address: 'nobody', group_id: '' },
      ['email_address', 'first_name', 'group_id'],
    ],
    [{ username: 'a@x', status_version: 9, deleted_at: null }, ['deleted_at', 'status_version']],
  ])('is refused with every bad field named: %j', async (json, fields) => {
    const identityStoreId = await makeStore()
    const answer = await put(pathOf({ identityStoreId, userId: 'u' }), json)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(answer.body.errors.map((error: { field: string }) => error.field).sort()).toEqual(fields)
    expect((await operate(pathOf({ identityStoreId, userId: 'u' }))).status).toBe(404)
  })
})

test('a change of a user is in the audit events with who, what, from what, to what', async () => {
  const identityStoreId = await makeStore()
  const path = pathOf({ identityStoreId, userId: 'u' })
  const username = `u@${identityStoreId}`
  await put(path, { username, password_hash: HASH })
  await put(path, { username, first_name: 'Ada', role: 'owner' })
  await patch(path, { active: false, password_hash: null })
  const known = (await auditEvents(identityStoreId)).reverse()
  await remove(path)
  await put(path, { username })
  const events = (await auditEvents(identityStoreId)).reverse()
  const fresh = {
    username,
    group_id: null,
    role: 'member',
    user_level: 0,
    login_mode: null,
    bot: false,
    active: true,
    first_name: null,
    last_name: null,
    email_address: null,
    has_password: true,
    openid_subject: null,
  }
  const told = (some: Answer['body'][]) => some.map(({ action, before, after }) => ({ action, before, after }))
  const replaced = { ...fresh, first_name: 'Ada', role: 'owner' }
  const disabled = { ...replaced, active: false, has_password: false }
  expect(told(known)).toEqual([
    { action: 'user.created', before: null, after: fresh },
    { action: 'user.replaced', before: fresh, after: replaced },
    { action: 'user.updated', before: replaced, after: disabled },
  ])
  // The deletion takes the bodies of what was written before it.
  expect(told(events)).toEqual([
    ...['created', 'replaced', 'updated', 'deleted'].map((what) => ({
      action: `user.${what}`,
      before: null,
      after: null,
    })),
    { action: 'user.created', before: null, after: { ...fresh, has_password: false } },
  ])
  for (const event of events) {
    expect(event.subject).toBe('user:u')
    expect(event.actor).toMatch(/^credential:/)
    expect(event.request_id).toMatch(/^[0-9a-f-]{36}$/)
  }
})
