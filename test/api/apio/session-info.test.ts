/** The login profile: what may be written, how it is checked, and the deprecated URL. */
import { expect, test } from 'vitest'
import { advanceClock, stopClock } from '../../support/clock.ts'
import { countCalls } from '../../support/counts.ts'
import { mirrored } from '../../support/objects.ts'
import { makeUser } from '../../support/stores.ts'
import { ALIAS, apio, putInfo, readInfo, signedIn } from './requests.ts'

test('fields are written singly or together, trimmed, and answered as they are then', async () => {
  const cookie = await signedIn(await makeUser())
  const before = (await readInfo(cookie)).body
  const change = async (json: object, profile: object) => {
    const { status, body } = await putInfo(cookie, json)
    expect([status, body]).toEqual([200, { ...before, profile: { ...(before.profile as object), ...profile } }])
    expect((await readInfo(cookie)).body).toEqual(body)
  }
  await change({ first_name: '  Ann ' }, { first_name: 'Ann' })
  await change({ last_name: 'Ó Brien' }, { first_name: 'Ann', last_name: 'Ó Brien' })
  const all = { first_name: 'Bea', last_name: 'Lee', emailAddress: 'bea@lee.example' }
  await change({ ...all, emailAddress: ' bea@lee.example ' }, all)
})

test.each([
  [{ user_level: 16 }, /^user_level: /],
  [{ first_name: 'Ok', is_first_login: true, role: 'owner' }, /is_first_login: .*role: /],
  [{ first_name: 7, last_name: null, emailAddress: ['x'] }, /first_name: .*last_name: .*emailAddress: /],
  [{ first_name: ' ' }, /^first_name: /],
  [{ first_name: 'a\u0000b' }, /^first_name: /],
  [{ first_name: 'x'.repeat(101) }, /^first_name: /],
  [{ emailAddress: 'nobody' }, /^emailAddress: /],
  [{}, /first_name/],
  [{ profile: { first_name: 'Nested' } }, /^profile: /],
])('%j is refused by name, and nothing is changed', async (json, details) => {
  const cookie = await signedIn(await makeUser())
  const { status, body } = await putInfo(cookie, json)
  expect([status, body]).toEqual([400, { details: expect.stringMatching(details) }])
  expect((await readInfo(cookie)).body).toMatchObject({ profile: { first_name: 'Test', last_name: 'User' } })
})

test('without a session nothing is changed', async () => {
  expect((await apio('/api/v1/session/user_login_info/', { method: 'PUT', json: { first_name: 'X' } })).status).toBe(
    401,
  )
})

test('the deprecated URL does the same, and says where the new one is', async () => {
  const cookie = await signedIn(await makeUser())
  const changed = await apio(ALIAS, { method: 'PUT', cookie, json: { first_name: 'Ann' } })
  const read = await apio(ALIAS, { cookie })
  const refused = await apio(ALIAS, { cookie: 'none' })
  expect([changed.status, read.status, refused.status]).toEqual([200, 200, 401])
  expect(read.body).toEqual((await readInfo(cookie)).body)
  for (const { response } of [changed, read, refused]) {
    expect(response.headers.get('deprecation')).toMatch(/^@\d+$/)
    expect(response.headers.get('link')).toBe('</api/v1/session/user_login_info/>; rel="successor-version"')
  }
  expect((await readInfo(cookie)).response.headers.get('deprecation')).toBeNull()
})

test('reading and writing are activity: the session does not idle out', async () => {
  stopClock()
  const cookie = await signedIn(await makeUser({ config: { useInactivityBasedLogout: true } }))
  advanceClock(800)
  expect((await readInfo(cookie)).status).toBe(200)
  advanceClock(800)
  expect((await putInfo(cookie, { first_name: 'Ann' })).status).toBe(200)
  advanceClock(800)
  expect((await readInfo(cookie)).status).toBe(200)
  advanceClock(901)
  expect((await readInfo(cookie)).status).toBe(401)
})

test('reading costs one call of the object and one statement', async () => {
  const user = await makeUser()
  const { address } = user
  const cookie = await signedIn(user)
  await readInfo(cookie, { address })
  await mirrored(user)
  const counts = countCalls()
  expect((await readInfo(cookie, { address })).status).toBe(200)
  expect(counts).toMatchObject({ objectCalls: 1, d1Statements: 1, kvReads: 0 })
})

test('HEAD answers as GET without a body', async () => {
  const cookie = await signedIn(await makeUser())
  expect(await apio('/api/v1/session/user_login_info/', { method: 'HEAD', cookie })).toMatchObject({
    status: 200,
    body: {},
  })
})
