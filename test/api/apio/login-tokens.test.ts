/** Login tokens: for whom, how often, how long. */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { generateLoginToken } from '../../../src/identity/login-tokens.ts'
import { updateUser } from '../../../src/store/user-changes.ts'
import { findUser } from '../../../src/store/users.ts'
import { intercept } from '../../support/bindings.ts'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { type RequestOptions, send, tokenInCookie } from '../../support/requests.ts'
import { db, makeOperator, makeStore, makeUser, type TestUser } from '../../support/stores.ts'
import { apio, readInfo, sessionFor, signedIn } from './requests.ts'

const generate = (cookie: string, username: string) =>
  apio('/api/v1/auth_token/generate/', { cookie, json: { username } })
const redeem = (loginToken: unknown, cookie?: string) =>
  apio('/api/v1/auth_token/login/', { json: { loginToken }, ...(cookie === undefined ? {} : { cookie }) })

async function tokenFor(user: TestUser): Promise<string> {
  const { status, body } = await generate(await sessionFor(user), user.username)
  expect(status).toBe(201)
  return String(body.loginToken)
}

test('a token for oneself opens one session, once', async () => {
  const user = await makeUser({ loginMode: 'SSO_LOGIN_DEDICATED' })
  const token = await tokenFor(user)
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  const answer = await redeem(token)
  expect([answer.status, answer.body]).toEqual([
    200,
    expect.objectContaining({ profile: expect.objectContaining({ is_first_login: true }) }),
  ])
  expect((await readInfo(tokenInCookie(answer.response) ?? '')).body).toMatchObject({ username: user.username })
  expect((await redeem(token)).status).toBe(401)
})

test('of many at once one gets in', async () => {
  const token = await tokenFor(await makeUser())
  const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(token)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(9)
})

test('it is good for 60 seconds', async () => {
  stopClock()
  const user = await makeUser()
  const [soon, late] = [await tokenFor(user), await tokenFor(user)]
  advanceClock(59)
  expect((await redeem(soon)).status).toBe(200)
  advanceClock(1)
  expect((await redeem(late)).status).toBe(401)
})

test('a session that the client came with is replaced', async () => {
  const user = await makeUser()
  const before = await signedIn(user)
  expect((await redeem(await tokenFor(user), before)).status).toBe(200)
  expect((await readInfo(before)).status).toBe(401)
})

test('owners make tokens for users of their store with a lower role; for nobody else, and nobody else does', async () => {
  const identityStoreId = await makeStore()
  const make = (role: 'primary_owner' | 'owner' | 'admin' | 'member', rest = {}) =>
    makeUser({ identityStoreId, role, ...rest })
  const [primary, owner, otherOwner, admin, member] = [
    await make('primary_owner'),
    await make('owner'),
    await make('owner'),
    await make('admin'),
    await make('member'),
  ]
  const bot = await make('member', { bot: true })
  const disabled = await make('member', { active: false })
  const stranger = await makeUser()
  const may: readonly (readonly [TestUser, TestUser | string, boolean])[] = [
    [primary, owner, true],
    [owner, member, true],
    [owner, admin, true],
    [owner, otherOwner, false],
    [owner, primary, false],
    [owner, bot, false],
    [owner, disabled, false],
    [owner, stranger, false],
    [owner, 'nobody@pie.example', false],
    [admin, member, false],
    [member, admin, false],
  ]
  for (const [caller, target, allowed] of may) {
    const username = typeof target === 'string' ? target : target.username
    const { status, body } = await generate(await sessionFor(caller), username)
    expect([username, status]).toEqual([username, allowed ? 201 : 403])
    if (!allowed) expect(body).toEqual({ details: 'Not allowed.' })
  }
})

test('who is disabled or gets a new password meanwhile does not get in', async () => {
  const [disabled, changed] = [await makeUser(), await makeUser()]
  const tokens = [await tokenFor(disabled), await tokenFor(changed)]
  await env.DB.prepare('UPDATE users SET active = 0 WHERE user_id = ?').bind(disabled.userId).run()
  await env.DB.prepare('UPDATE users SET status_version = status_version + 1 WHERE user_id = ?')
    .bind(changed.userId)
    .run()
  for (const token of tokens) expect((await redeem(token)).status).toBe(401)
})

test('who is disabled and enabled again, or deleted and made anew, meanwhile does not get in', async () => {
  const operator = await makeOperator()
  const ways: ((user: TestUser) => RequestOptions[])[] = [
    () => [false, true].map((active) => ({ method: 'PATCH', json: { active } })),
    ({ username }) => [{ method: 'DELETE' }, { method: 'PUT', json: { username, first_name: 'Another' } }],
  ]
  for (const way of ways) {
    const user = await makeUser()
    const token = await tokenFor(user)
    const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
    for (const change of way(user)) expect((await send(path, { bearer: operator, ...change })).ok).toBe(true)
    expect((await redeem(token)).status).toBe(401)
  }
})

test('one that a version without epochs made is good unless the password was changed since', async () => {
  const [kept, changed] = [await makeUser(), await makeUser()]
  for (const [user, validFrom, status] of [
    [kept, 0, 200],
    [changed, Date.now() + 60_000, 401],
  ] as const) {
    const token = await tokenFor(user)
    await env.DB.batch([
      env.DB.prepare('UPDATE login_tokens SET epoch = NULL WHERE user_id = ?').bind(user.userId),
      env.DB.prepare('UPDATE users SET sessions_valid_from = ? WHERE user_id = ?').bind(validFrom, user.userId),
    ])
    expect((await redeem(token)).status).toBe(status)
  }
})

test('the maker is looked at again when the token is used: an owner who may no longer make it opens nothing', async () => {
  const identityStoreId = await makeStore()
  const member = await makeUser({ identityStoreId, role: 'member' })
  const madeBy = async (owner: TestUser) =>
    String((await generate(await sessionFor(owner), member.username)).body.loginToken)
  const change = (owner: TestUser, assignment: string) =>
    env.DB.prepare(`UPDATE users SET ${assignment} WHERE user_id = ?`).bind(owner.userId).run()
  for (const assignment of ['active = 0', "role = 'admin'", 'deleted_at = 1']) {
    const owner = await makeUser({ identityStoreId, role: 'owner' })
    const token = await madeBy(owner)
    await change(owner, assignment)
    expect([assignment, (await redeem(token)).status]).toEqual([assignment, 401])
  }
  // Nor one for somebody who has risen above the maker; and nothing else stands in the way.
  const owner = await makeUser({ identityStoreId, role: 'owner' })
  const tokens = [await madeBy(owner), await madeBy(owner)]
  await change(member, "role = 'primary_owner'")
  expect((await redeem(tokens[0])).status).toBe(401)
  await change(member, "role = 'member'")
  expect((await redeem(tokens[1])).status).toBe(200)
})

test('a new password, a disable, or a deletion of its maker voids what was made for others before', async () => {
  const operator = await makeOperator()
  const identityStoreId = await makeStore()
  const member = await makeUser({ identityStoreId, role: 'member' })
  const statusOnce = [false, true].map((active) => ({ method: 'PATCH', json: { active } }))
  const password = 'another long enough password'
  const whole = ({ username }: TestUser) => ({ username, role: 'owner' })
  const ways: (readonly [string, number, (owner: TestUser) => RequestOptions[]])[] = [
    ['new password', 401, () => [{ method: 'PATCH', json: { password } }]],
    ['put with a new password', 401, (owner) => [{ method: 'PUT', json: { ...whole(owner), password } }]],
    ['disabled for a moment', 401, () => statusOnce],
    [
      'disabled for a moment by put',
      401,
      (owner) => [false, true].map((active) => ({ method: 'PUT', json: { ...whole(owner), active } })),
    ],
    ['deleted, another one of the id', 401, (owner) => [{ method: 'DELETE' }, { method: 'PUT', json: whole(owner) }]],
    ['another name', 200, () => [{ method: 'PATCH', json: { first_name: 'Another' } }]],
    ['the same again', 200, (owner) => [{ method: 'PUT', json: whole(owner) }]],
  ]
  for (const [way, status, changes] of ways) {
    const owner = await makeUser({ identityStoreId, role: 'owner' })
    const token = String((await generate(await sessionFor(owner), member.username)).body.loginToken)
    const path = `/operator/identity-stores/${identityStoreId}/users/${owner.userId}`
    for (const change of changes(owner)) expect((await send(path, { bearer: operator, ...change })).ok).toBe(true)
    expect([way, (await redeem(token)).status]).toEqual([way, status])
  }
})

test('one that is made while its maker gets a new password is not made', async () => {
  const identityStoreId = await makeStore()
  const [owner, member] = [await makeUser({ identityStoreId, role: 'owner' }), await makeUser({ identityStoreId })]
  const read = await findUser(db, owner)
  if (!read.ok || read.value === null) throw new Error('no such user')
  const entry = {
    identityStoreId,
    eventId: 'event',
    at: 1,
    actor: 'a',
    action: 'user.updated',
    subject: 's',
    requestId: 'r',
  }
  await updateUser(db, owner.userId, { passwordHash: 'another' }, entry)
  const made = await generateLoginToken(db, read.value, member.username, 'request', Date.now())
  expect(made).toEqual({ ok: false, error: { code: 'unauthenticated' } })
  const { results } = await env.DB.prepare('SELECT action FROM audit_events WHERE identity_store_id = ?')
    .bind(identityStoreId)
    .all()
  expect(results).toEqual([{ action: 'user.updated' }])
})

test('by a session that was checked before its maker got a new password, none is made', async () => {
  const identityStoreId = await makeStore()
  const [owner, member] = [await makeUser({ identityStoreId, role: 'owner' }), await makeUser({ identityStoreId })]
  const cookie = await sessionFor(owner)
  const leave = intercept(async (call, goOn) => {
    const answer = await goOn()
    if (call.to === 'USERS') {
      leave()
      await env.DB.prepare('UPDATE users SET status_version = status_version + 1 WHERE user_id = ?')
        .bind(owner.userId)
        .run()
    }
    return answer
  })
  expect((await generate(cookie, member.username)).status).toBe(401)
  const made = env.DB.prepare('SELECT count(*) AS tokens FROM login_tokens WHERE maker_user_id = ?').bind(owner.userId)
  expect(await made.first()).toEqual({ tokens: 0 })
})

test('a token of a version that did not note its maker is good for its user', async () => {
  const user = await makeUser()
  const token = await tokenFor(user)
  await env.DB.prepare('UPDATE login_tokens SET maker_user_id = NULL WHERE user_id = ?').bind(user.userId).run()
  expect((await redeem(token)).status).toBe(200)
})

test('what is no token is refused as such', async () => {
  expect((await redeem('0'.repeat(64))).status).toBe(401)
  expect((await redeem('../x')).status).toBe(401)
  expect((await redeem(7)).status).toBe(400)
  expect((await generate('no session', 'x@y')).status).toBe(401)
})

test('only hashes are kept, and who made a token for whom is in the audit log', async () => {
  const user = await makeUser()
  const token = await tokenFor(user)
  const dump = await env.DB.prepare('SELECT * FROM login_tokens WHERE user_id = ?').bind(user.userId).all()
  expect(dump.results).toHaveLength(1)
  expect(JSON.stringify(dump.results)).not.toContain(token)
  const events = await env.DB.prepare('SELECT actor, action, subject FROM audit_events WHERE identity_store_id = ?')
    .bind(user.identityStoreId)
    .all()
  const who = `user:${user.userId}`
  expect(events.results).toEqual([{ actor: who, action: 'login_token.generated', subject: who }])
})

test('a user makes at most 120 changes a minute: each is in the audit log', async () => {
  stopClock()
  const [user, other] = [await makeUser(), await makeUser()]
  const session = await sessionFor(user)
  const statuses: number[] = []
  for (let nth = 0; nth < 121; nth += 1) statuses.push((await generate(session, user.username)).status)
  expect(statuses).toEqual([...Array.from({ length: 120 }, () => 201), 429])
  expect((await generate(await sessionFor(other), other.username)).status).toBe(201)
  advanceClock(60)
  expect((await generate(session, user.username)).status).toBe(201)
})
