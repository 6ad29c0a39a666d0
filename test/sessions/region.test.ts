/** Where a user's object is asked to be. That the platform heeds it cannot be seen from here. */
import { env, exports } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { userObjectName } from '../../src/domain/ids.ts'
import type { SessionsEntrypoint } from '../../src/index.ts'
import { send, signIn } from '../support/requests.ts'
import { makeBearer, makeUser } from '../support/stores.ts'

const client = { address: '198.51.100.7', user_agent: 'Phone/1.0' }

/** The hints with which users' objects are got from now on, with the names of the objects. */
function hints() {
  const get = vi.spyOn(env.USERS, 'get')
  return () => get.mock.calls.map(([id, options]) => [id.name, options?.locationHint])
}

test('an opening by a back end asks for the region that it names', async () => {
  const { identityStoreId, userId } = await makeUser()
  const bearer = await makeBearer(identityStoreId, ['sessions:open'])
  const given = hints()
  const open = (more: object) => send('/sessions', { bearer, json: { user_id: userId, client, ...more } })
  for (const more of [{ region: 'weur' }, {}, { region: null }]) {
    const answer = await open(more)
    expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([
      201,
      expect.not.arrayContaining(['region']),
    ])
  }
  const name = userObjectName(identityStoreId, userId)
  expect(given()).toEqual([
    [name, 'weur'],
    [name, undefined],
    [name, undefined],
  ])
  for (const region of ['apac-ne', 'europe', 'WEUR', 7]) {
    expect(await (await open({ region })).json()).toMatchObject({ errors: [{ field: 'region', code: 'invalid' }] })
  }
  expect(given()).toHaveLength(3)
})

test('a bound Worker too; a sign-in of the user asks for none', async () => {
  const user = await makeUser()
  const { identityStoreId, userId } = user
  const props = { identityStoreId, scopes: ['sessions:open'] }
  const entrypoint = exports.SessionsEntrypoint as unknown as (options: object) => Pick<SessionsEntrypoint, 'open'>
  const given = hints()
  const asked = { userId, client: { address: null, userAgent: null }, region: 'sam' }
  expect(await entrypoint({ props }).open(asked)).toMatchObject({ ok: true })
  await signIn(user)
  expect(given().map(([, hint]) => hint)).toEqual(['sam', undefined])
})
