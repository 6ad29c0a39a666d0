/** The mode table: every login mode, what is asked, and the state of the application server; then both databases. */
import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { identityStores, type LoginMode } from '../../../src/store/schema.ts'
import {
  applicationServer,
  deliverLateRequests,
  type Mishap,
  makeTheirUser,
  ourProfile,
  theirProfile,
  useApplicationServer,
} from '../../support/application-server.ts'
import { fireProfileAlarm, profileAlarm } from '../../support/objects.ts'
import { db, makeUser, type TestUser } from '../../support/stores.ts'
import { login, putInfo, readInfo, sessionFor } from './requests.ts'

useApplicationServer()

type State = 'up' | 'refusing' | 'slow' | 'down'
const MISHAPS: Record<State, Mishap> = { up: 'none', refusing: 'refused', slow: 'slow', down: 'down' }
const STATES = Object.keys(MISHAPS) as State[]

/** The status of a sign-in with the right password, per state. */
const LOGIN: Record<LoginMode, Record<State, number>> = {
  SERVER_LOGIN: { up: 200, refusing: 502, slow: 504, down: 503 },
  LOCAL_LOGIN_SHARED: { up: 200, refusing: 200, slow: 200, down: 200 },
  LOCAL_LOGIN_DEDICATED: { up: 200, refusing: 200, slow: 200, down: 200 },
  SSO_LOGIN_DEDICATED: { up: 401, refusing: 401, slow: 401, down: 401 },
  DJANGO_ONLY: { up: 200, refusing: 200, slow: 200, down: 200 },
}

/** Status of a change, and which databases have it then. */
type Outcome = readonly [status: number, ours: boolean, theirs: boolean]
const BOTH: Record<State, Outcome> = {
  up: [200, true, true],
  refusing: [502, false, false],
  slow: [504, false, false],
  down: [503, false, false],
}
const OURS: Record<State, Outcome> = {
  up: [200, true, false],
  refusing: [200, true, false],
  slow: [200, true, false],
  down: [200, true, false],
}
const PUT: Record<LoginMode, Record<State, Outcome>> = {
  SERVER_LOGIN: BOTH,
  LOCAL_LOGIN_SHARED: OURS,
  LOCAL_LOGIN_DEDICATED: BOTH,
  SSO_LOGIN_DEDICATED: OURS,
  DJANGO_ONLY: OURS,
}
const MODES = Object.keys(PUT) as LoginMode[]
const CELLS = MODES.flatMap((mode) => STATES.map((state) => ({ mode, state })))

/** A user of a mode, known on both sides; the sides have different passwords. */
async function userOf(loginMode: LoginMode): Promise<TestUser> {
  const user = await makeUser({ loginMode, password: 'our password' })
  await makeTheirUser(user, 'their password')
  return user
}

function enter(state: State): void {
  applicationServer.calls = []
  applicationServer.decide = () => MISHAPS[state]
}

async function changeName(user: TestUser, cookie: string, state: State, [status, ours, theirs]: Outcome) {
  enter(state)
  const answer = await putInfo(cookie, { first_name: 'Changed' })
  expect([answer.status, answer.body]).toEqual([
    status,
    status === 200
      ? expect.objectContaining({ profile: expect.objectContaining({ first_name: 'Changed' }) })
      : { details: expect.any(String) },
  ])
  await deliverLateRequests()
  const read = async () => [(await ourProfile(user))?.first_name, (await theirProfile(user))?.first_name]
  const expected = [ours ? 'Changed' : 'Test', theirs ? 'Changed' : 'Test']
  expect(await read()).toEqual(expected)
  // Nothing is left to be done that could still change one of them.
  expect(await profileAlarm(user)).toBeNull()
}

describe.each(CELLS)('$mode, application server $state', ({ mode, state }) => {
  const password = mode === 'SERVER_LOGIN' ? 'their password' : 'our password'

  test(`a sign-in answers ${LOGIN[mode][state]}`, async () => {
    const user = await userOf(mode)
    enter(state)
    const { status, body } = await login(user, { password })
    expect([status, body]).toEqual([
      LOGIN[mode][state],
      LOGIN[mode][state] === 200
        ? expect.objectContaining({ ids: expect.any(Object) })
        : { details: expect.any(String) },
    ])
    expect(applicationServer.calls.length).toBe(mode === 'SERVER_LOGIN' ? 1 : 0)
    const other = password === 'our password' ? 'their password' : 'our password'
    enter('up')
    expect((await login(user, { password: other })).status).toBe(401)
  })

  test('the profile is read from our database', async () => {
    const cookie = await sessionFor(await userOf(mode))
    enter(state)
    expect((await readInfo(cookie)).status).toBe(200)
    expect(applicationServer.calls).toEqual([])
  })

  const [status, ours, theirs] = PUT[mode][state]
  test(`a change answers ${status}; ours ${ours ? 'changes' : 'stays'}, theirs ${theirs ? 'changes' : 'stays'}`, async () => {
    const user = await userOf(mode)
    await changeName(user, await sessionFor(user), state, PUT[mode][state])
    if (PUT[mode] === OURS) expect(applicationServer.calls).toEqual([])
  })
})

describe('SSO_LOGIN_DEDICATED where the store says UPDATE_PROFILE_TO_BS_DB_SSO', () => {
  test.each(STATES)('a change goes to both, application server %s', async (state) => {
    const user = await userOf('SSO_LOGIN_DEDICATED')
    await db
      .update(identityStores)
      .set({ updateProfileToBsDbSso: true })
      .where(eq(identityStores.identityStoreId, user.identityStoreId))
    await changeName(user, await sessionFor(user), state, BOTH[state])
  })
})

test("a user without a mode has the store's", async () => {
  const user = await makeUser({ password: 'our password' })
  await makeTheirUser(user, 'their password')
  expect((await login(user, { password: 'their password' })).status).toBe(401)
  await db
    .update(identityStores)
    .set({ defaultLoginMode: 'SERVER_LOGIN' })
    .where(eq(identityStores.identityStoreId, user.identityStoreId))
  expect((await login(user, { password: 'their password' })).status).toBe(200)
})

test('a time-out of the write is unknown: 504, and both follow as the server did', async () => {
  const user = await userOf('SERVER_LOGIN')
  const cookie = await sessionFor(user)
  applicationServer.decide = ({ method }) => (method === 'PATCH' ? 'late' : 'none')
  const answer = await putInfo(cookie, { last_name: 'Late' })
  expect([answer.status, answer.body]).toEqual([504, { details: expect.stringContaining('within a minute') }])
  expect((await ourProfile(user))?.last_name).toBe('User')
  applicationServer.decide = () => 'none'
  // The late one lands, and the job sends it again: it is applied once.
  expect(await fireProfileAlarm(user)).toBe(true)
  await deliverLateRequests()
  expect(await theirProfile(user)).toMatchObject({ last_name: 'Late', version: 2 })
  expect(await ourProfile(user)).toEqual(await theirProfile(user))
  expect(await profileAlarm(user)).toBeNull()
})
