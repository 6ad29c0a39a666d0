/** A profile in two databases, changed in one of them alone: nobody's change is taken back in silence. */
import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { identityStores, type LoginMode } from '../../../src/store/schema.ts'
import {
  applicationServer,
  makeTheirUser,
  ourProfile,
  theirProfile,
  useApplicationServer,
} from '../../support/application-server.ts'
import { intercept } from '../../support/bindings.ts'
import { fireProfileAlarm } from '../../support/objects.ts'
import { send } from '../../support/requests.ts'
import { db, makeOperator, makeUser, type TestUser } from '../../support/stores.ts'
import { putInfo, sessionFor } from './requests.ts'

useApplicationServer()

async function userOf(loginMode: LoginMode): Promise<TestUser> {
  const made = await makeUser({ loginMode })
  await makeTheirUser(made)
  return made
}

/** What an operator does to a user. */
async function operate(user: TestUser, method: 'PATCH' | 'PUT', json: Record<string, unknown>) {
  const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
  const response = await send(path, { method, bearer: await makeOperator(), json })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function switchSso(user: TestUser, on: boolean): Promise<void> {
  await db
    .update(identityStores)
    .set({ updateProfileToBsDbSso: on })
    .where(eq(identityStores.identityStoreId, user.identityStoreId))
}

async function changeThere(user: TestUser, assignment: string): Promise<void> {
  await env.APPLICATION_SERVER_DB.prepare(`UPDATE users SET ${assignment}, version = version + 1 WHERE username = ?`)
    .bind(user.username)
    .run()
}

async function change(cookie: string, json: Record<string, string>): Promise<void> {
  expect((await putInfo(cookie, json)).status).toBe(200)
}

/** Both databases have this, and the same of everything else. */
async function expectBoth(user: TestUser, expected: Record<string, unknown>): Promise<void> {
  const [ours, theirs] = [await ourProfile(user), await theirProfile(user)]
  expect(ours).toEqual(theirs)
  expect(ours).toMatchObject(expected)
}

test('SSO: what was changed while the setting was off goes to the other with the next change', async () => {
  const user = await userOf('SSO_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  await change(cookie, { last_name: 'Changed' })
  expect((await theirProfile(user))?.last_name).toBe('User')
  await switchSso(user, true)
  await change(cookie, { first_name: 'Next' })
  await expectBoth(user, { first_name: 'Next', last_name: 'Changed' })
  // On, off and on again: now the two have agreed before.
  await switchSso(user, false)
  await change(cookie, { last_name: 'Again' })
  await changeThere(user, "email_address = 'there@pie.example'")
  await switchSso(user, true)
  await change(cookie, { first_name: 'Last' })
  await expectBoth(user, { first_name: 'Last', last_name: 'Again', email_address: 'there@pie.example' })
})

test('what was changed in both is as it is there, and the audit log has what was here', async () => {
  const user = await userOf('SSO_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  await switchSso(user, true)
  await change(cookie, { first_name: 'Agreed' })
  await switchSso(user, false)
  await change(cookie, { last_name: 'Here' })
  await changeThere(user, "last_name = 'There'")
  await switchSso(user, true)
  await change(cookie, { first_name: 'Next' })
  await expectBoth(user, { first_name: 'Next', last_name: 'There' })
  const { results } = await env.DB.prepare(
    "SELECT before FROM audit_events WHERE identity_store_id = ? AND after LIKE '%There%'",
  )
    .bind(user.identityStoreId)
    .all<{ before: string }>()
  expect(results.map(({ before }) => JSON.parse(before).last_name)).toEqual(['Here'])
})

test.each(['PATCH', 'PUT'] as const)(
  "an operator's %s of the profile goes where the login mode says",
  async (method) => {
    const user = await userOf('LOCAL_LOGIN_DEDICATED')
    const cookie = await sessionFor(user)
    const rest = { username: user.username, login_mode: 'LOCAL_LOGIN_DEDICATED', email_address: user.username }
    const json = method === 'PUT' ? { ...rest, first_name: 'Test', last_name: 'Operator' } : { last_name: 'Operator' }
    const answer = await operate(user, method, json)
    expect([answer.status, answer.body]).toMatchObject([200, { last_name: 'Operator', first_name: 'Test' }])
    expect(answer.body).not.toHaveProperty('profile_here_alone')
    await expectBoth(user, { last_name: 'Operator', version: 2 })
    await change(cookie, { first_name: 'User' })
    await expectBoth(user, { first_name: 'User', last_name: 'Operator' })
    // None is none in both.
    expect((await operate(user, 'PATCH', { email_address: null })).status).toBe(200)
    await expectBoth(user, { email_address: null })
  },
)

test("an operator's change that the application server does not get holds here, and the answer says so", async () => {
  const user = await userOf('LOCAL_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  const said = []
  for (const mishap of ['down', 'refused', 'slow'] as const) {
    applicationServer.decide = ({ method }) => (method === 'GET' ? mishap : 'none')
    const { status, body } = await operate(user, 'PATCH', { last_name: 'Operator', active: true })
    expect([status, body.last_name]).toEqual([200, 'Operator'])
    said.push(body.profile_here_alone)
  }
  expect(said).toEqual([
    'The application server was not reached, or had no room.',
    'The application server refuses it: Not today.',
    'The application server did not answer in time. It may have the change, or get it within a minute.',
  ])
  applicationServer.decide = () => 'none'
  expect((await theirProfile(user))?.last_name).toBe('User')
  await change(cookie, { first_name: 'User' })
  await expectBoth(user, { first_name: 'User', last_name: 'Operator' })
})

test("an operator's change that did not get there goes there when it is repeated, or with anything else of the user", async () => {
  const [repeated, other] = [await userOf('LOCAL_LOGIN_DEDICATED'), await userOf('LOCAL_LOGIN_DEDICATED')]
  applicationServer.decide = () => 'down'
  for (const user of [repeated, other]) await operate(user, 'PATCH', { last_name: 'Operator' })
  applicationServer.decide = () => 'none'
  expect((await operate(repeated, 'PATCH', { last_name: 'Operator' })).body).not.toHaveProperty('profile_here_alone')
  expect((await operate(other, 'PATCH', { group_id: 'g' })).body).not.toHaveProperty('profile_here_alone')
  for (const user of [repeated, other]) await expectBoth(user, { last_name: 'Operator' })
})

test('an operator who writes nothing of a profile that both have, or one that is ours alone, calls nobody', async () => {
  const [both, ours] = [await userOf('LOCAL_LOGIN_DEDICATED'), await userOf('LOCAL_LOGIN_SHARED')]
  const { username } = both
  const profile = { first_name: 'Test', last_name: 'User', email_address: username }
  expect((await operate(both, 'PUT', { username, login_mode: 'LOCAL_LOGIN_DEDICATED', ...profile })).status).toBe(200)
  expect((await operate(both, 'PATCH', { group_id: 'g' })).status).toBe(200)
  const { body } = await operate(ours, 'PATCH', { last_name: 'Operator' })
  expect(body).not.toHaveProperty('profile_here_alone')
  expect(applicationServer.calls).toEqual([])
})

test('a new user whose login mode writes both is here alone, and the answer says so', async () => {
  const { identityStoreId } = await makeUser()
  const made = { identityStoreId, userId: `new-${identityStoreId}` } as TestUser
  const json = { username: `${made.userId}@pie.example`, login_mode: 'SERVER_LOGIN', first_name: 'New' }
  const { status, body } = await operate(made, 'PUT', json)
  expect([status, body.profile_here_alone]).toEqual([201, 'The application server is not told of new users.'])
})

test("an operator's change is not lost to a change of the user that was under way", async () => {
  const user = await userOf('LOCAL_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  applicationServer.decide = ({ method }) => (method === 'PATCH' ? 'answer_lost' : 'none')
  expect((await putInfo(cookie, { first_name: 'User' })).status).toBe(504)
  applicationServer.decide = () => 'down'
  const { body } = await operate(user, 'PATCH', { last_name: 'Operator' })
  expect(body).toHaveProperty('profile_here_alone')
  applicationServer.decide = () => 'none'
  expect(await fireProfileAlarm(user)).toBe(true)
  expect(await ourProfile(user)).toMatchObject({ first_name: 'User', last_name: 'Operator', version: 2 })
  await change(cookie, { first_name: 'Next' })
  await expectBoth(user, { first_name: 'Next', last_name: 'Operator' })
})

test('what an operator writes between their answer and our write stays', async () => {
  const user = await userOf('LOCAL_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  let moved = false
  const leave = intercept(async (call, goOn) => {
    if (call.to === 'D1' && !moved && call.statements.some((text) => /update "users" set/i.test(text))) {
      moved = true
      await env.DB.prepare("UPDATE users SET last_name = 'Operator' WHERE user_id = ?").bind(user.userId).run()
    }
    return goOn()
  })
  expect((await putInfo(cookie, { first_name: 'User' })).status).toBe(504)
  leave()
  expect(await fireProfileAlarm(user)).toBe(true)
  expect(await ourProfile(user)).toMatchObject({ first_name: 'User', last_name: 'Operator', version: 2 })
})

test('a change of mind back to what there is there is kept too', async () => {
  const user = await userOf('SSO_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  await change(cookie, { last_name: 'Changed' })
  await switchSso(user, true)
  applicationServer.decide = ({ method }) => (method === 'PATCH' ? 'answer_lost' : 'none')
  expect((await putInfo(cookie, { last_name: 'User', first_name: 'Next' })).status).toBe(504)
  applicationServer.decide = () => 'none'
  expect(await fireProfileAlarm(user)).toBe(true)
  await expectBoth(user, { first_name: 'Next', last_name: 'User' })
})

test('a renamed user has another profile there, of other versions', async () => {
  const user = await userOf('LOCAL_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  for (const first_name of ['One', 'Two', 'Three']) await change(cookie, { first_name })
  const renamed = { ...user, username: `renamed-${user.username}` }
  await makeTheirUser(renamed)
  expect((await operate(user, 'PATCH', { username: renamed.username })).status).toBe(200)
  await change(cookie, { last_name: 'Renamed' })
  await expectBoth(renamed, { first_name: 'Test', last_name: 'Renamed', version: 2 })
})

test('a base that an older version did not keep up is not used', async () => {
  const user = await userOf('LOCAL_LOGIN_DEDICATED')
  const cookie = await sessionFor(user)
  await change(cookie, { first_name: 'Agreed' })
  // It took over what was changed there, and nothing else.
  await changeThere(user, "last_name = 'There'")
  await env.DB.prepare("UPDATE users SET last_name = 'There', profile_version = 3 WHERE user_id = ?")
    .bind(user.userId)
    .run()
  await changeThere(user, "last_name = 'User'")
  await change(cookie, { first_name: 'Next' })
  await expectBoth(user, { first_name: 'Next', last_name: 'User' })
})

test('a deleted user leaves no base behind', async () => {
  const user = await userOf('LOCAL_LOGIN_DEDICATED')
  await change(await sessionFor(user), { first_name: 'Agreed' })
  const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
  expect((await send(path, { method: 'DELETE', bearer: await makeOperator() })).status).toBe(204)
  const row = await env.DB.prepare('SELECT profile_base FROM users WHERE user_id = ?').bind(user.userId).first()
  expect(row).toEqual({ profile_base: null })
})
