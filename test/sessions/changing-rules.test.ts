import { env } from 'cloudflare:workers'
import { and, eq, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { SessionTokens } from '../../src/auth/session-tokens.ts'
import { countersOf } from '../../src/counters.ts'
import { fail } from '../../src/domain/result.ts'
import { Sessions } from '../../src/sessions/service.ts'
import { readSettings } from '../../src/settings.ts'
import { type AuditEntry, newRecordId } from '../../src/store/audit-events.ts'
import { attempt } from '../../src/store/database.ts'
import { users } from '../../src/store/schema.ts'
import { updateUser } from '../../src/store/user-changes.ts'
import { intercept } from '../support/bindings.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { countCalls } from '../support/counts.ts'
import { breakD1Statements, breakStoreJobs, breakUserObjects } from '../support/faults.ts'
import { fireJobAlarm, mirrored, storeJobs } from '../support/objects.ts'
import { check, type RequestOptions, send, signIn } from '../support/requests.ts'
import { cheapHash, db, makeOperator } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

type User = Awaited<ReturnType<typeof newUser>>

const settings = readSettings(env)
if (!settings.ok) throw new Error(settings.error.join())
const counters = countersOf(undefined)
const tokens = new SessionTokens(settings.value.sessionTokenKeys)
const service = new Sessions({ db, config: env.CONFIG, users: env.USERS, jobs: env.JOBS, tokens, counters })

function disable(user: User) {
  return service.changes.changeRules(user.key, () =>
    attempt(() =>
      db
        .update(users)
        .set({ active: false, statusVersion: sql`status_version + 1` })
        .where(and(eq(users.identityStoreId, user.identityStoreId), eq(users.userId, user.userId))),
    ),
  )
}

describe('disabling a user', () => {
  test('ends all sessions at once, and none can be opened, also with rules that were read before', async () => {
    const user = await newUser()
    const before = await user.rules()
    const [web, api] = [await user.open(), await user.open({ kind: 'api', apiClientId: 'client' })]
    expect((await disable(user)).ok).toBe(true)
    expect(await user.reasons([web, api])).toEqual(['user_disabled', 'user_disabled'])
    await expect(user.open({}, before)).rejects.toThrow('user_disabled')
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
  })

  const interrupted: [string, () => { repair(): void }][] = [
    [
      'the request died after the change',
      () => breakStoreJobs({ only: (c) => c.to === 'JOBS' && c.method === 'confirm' }),
    ],
    ["the user's object could not be told", () => breakUserObjects()],
    ['D1 made the change without saying so', () => breakD1Statements(/update "users"/i, { when: 'after' })],
  ]
  for (const [name, interrupt] of interrupted) {
    test(`is finished by the job alone if ${name}`, async () => {
      stopClock()
      const user = await newUser()
      const session = await user.open()
      await mirrored(user)
      const fault = interrupt()
      expect((await disable(user)).ok).toBe(false)
      fault.repair()
      expect(await user.reasons([session])).toEqual(['alive'])
      expect(await storeJobs(user.identityStoreId).list()).toMatchObject([{ job: { kind: 'apply_rules' } }])
      advanceClock(15)
      await fireJobAlarm(user.identityStoreId)
      expect(await user.reasons([session])).toEqual(['user_disabled'])
      advanceClock(60)
      await fireJobAlarm(user.identityStoreId)
      expect(await storeJobs(user.identityStoreId).list()).toEqual([])
    })
  }

  test('that was never made changes nothing, and leaves no job if it was refused', async () => {
    const user = await newUser()
    const session = await user.open()
    const refused = await service.changes.changeRules(user.key, async () =>
      fail({ code: 'conflict', detail: '' } as const),
    )
    expect(refused.ok).toBe(false)
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
    expect(await user.reasons([session])).toEqual(['alive'])
  })

  test('a hanging change that lands after the first look is found by the second', async () => {
    stopClock()
    const user = await newUser()
    const session = await user.open()
    await mirrored(user)
    const lost = await service.changes.changeRules(user.key, async () =>
      fail({ code: 'unavailable', what: 'D1', retryAfterSeconds: 5 } as const),
    )
    expect(lost.ok).toBe(false)
    advanceClock(15)
    await fireJobAlarm(user.identityStoreId)
    expect(await user.reasons([session])).toEqual(['alive'])
    await user.setActiveInD1(false)
    advanceClock(35)
    await fireJobAlarm(user.identityStoreId)
    expect(await user.reasons([session])).toEqual(['user_disabled'])
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
  })

  test('one change that is refused does not take the job from another that was made', async () => {
    stopClock()
    const user = await newUser()
    const session = await user.open()
    const fault = breakStoreJobs({ only: (c) => c.to === 'JOBS' && c.method === 'confirm' })
    await disable(user)
    await service.changes.changeRules(user.key, async () => fail({ code: 'conflict', detail: '' } as const))
    fault.repair()
    advanceClock(15)
    await fireJobAlarm(user.identityStoreId)
    expect(await user.reasons([session])).toEqual(['user_disabled'])
  })
})

/** A new password, as the operators' API writes it. */
function changePassword(user: User) {
  const { userId } = user
  return service.changes.changeRules(user.key, () =>
    updateUser(db, userId, { passwordHash: cheapHash('new') }, entry(user)),
  )
}

function entry({ identityStoreId, userId }: User): AuditEntry {
  const at = Date.now()
  const what = { actor: 'test', action: 'user.updated', subject: `user:${userId}`, requestId: 'request-1' }
  return { identityStoreId, eventId: newRecordId(at), at, ...what }
}

test('a new password ends the sessions that were opened before it, and no later one, in the same millisecond', async () => {
  stopClock()
  const user = await newUser()
  const old = await user.open()
  expect((await changePassword(user)).ok).toBe(true)
  const young = await user.open()
  expect(await user.reasons([old, young])).toEqual(['password_changed', 'alive'])
})

describe('a sign-in that is held between look-up and opening', () => {
  const changes: [string, (user: User) => Promise<unknown>, number][] = [
    ['a new password', changePassword, 401],
    ['a disable', (user) => operate(user, { method: 'PATCH', json: { active: false } }), 403],
    [
      'a disable and an enable',
      async (user) => {
        await operate(user, { method: 'PATCH', json: { active: false } })
        await operate(user, { method: 'PATCH', json: { active: true } })
      },
      401,
    ],
    ['a delete', (user) => operate(user, { method: 'DELETE' }), 403],
    [
      'a delete and a new user of the id',
      async (user) => {
        await operate(user, { method: 'DELETE' })
        await operate(user, { method: 'PUT', json: { username: user.username } })
      },
      401,
    ],
    ['another name', (user) => operate(user, { method: 'PATCH', json: { first_name: 'Another' } }), 201],
  ]
  async function operate({ identityStoreId, userId }: User, options: RequestOptions): Promise<void> {
    const path = `/operator/identity-stores/${identityStoreId}/users/${userId}`
    expect((await send(path, { bearer: await makeOperator(), ...options })).ok).toBe(true)
  }

  for (const [what, change, status] of changes) {
    for (const seen of ['has sessions', 'never signed in']) {
      test(`by a user who ${seen} comes to ${status} after ${what}`, async () => {
        const user = await newUser()
        if (seen === 'has sessions') await user.open()
        const leave = intercept(async (call, goOn) => {
          if (call.to !== 'USERS' || call.method !== 'open') return goOn()
          leave()
          await change(user)
          return goOn()
        })
        const { username, password, address } = user
        const answer = await send('/sessions', { address, json: { username, password, transport: 'bearer' } })
        expect(answer.status).toBe(status)
        expect(await user.stub.list({})).toHaveLength(status === 201 ? (seen === 'has sessions' ? 2 : 1) : 0)
      })
    }
  }

  test('for a user that a back end vouches for is a conflict: it is to look again', async () => {
    const user = await newUser()
    const before = await user.rules()
    await changePassword(user)
    const opening = { credentialsType: 'trusted_back_end' } as const
    await expect(user.open(opening, before)).rejects.toThrow('conflict')
    await user.open(opening)
  })
})

test('a disable whose object was not told, and the enable after it, end the sessions all the same', async () => {
  stopClock()
  const user = await newUser()
  const session = await user.open()
  await mirrored(user)
  const fault = breakUserObjects()
  expect((await disable(user)).ok).toBe(false)
  fault.repair()
  await user.setActiveInD1(true)
  expect(await user.reasons([session])).toEqual(['alive'])
  advanceClock(15)
  await fireJobAlarm(user.identityStoreId)
  expect(await user.reasons([session])).toEqual(['password_changed'])
})

test('what was learned of a session is not answered from while its objects are told', async () => {
  const user = await newUser()
  const session = await signIn(user)
  const old = { headers: { 'cache-control': 'max-age=60' } }
  await check(session, old)
  let asked: number | undefined
  intercept(async (call, goOn) => {
    if (call.to === 'JOBS' && call.method === 'confirm') {
      const counts = countCalls()
      await check(session, old)
      asked = counts.objectCalls
    }
    return goOn()
  })
  const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
  await send(path, { method: 'PATCH', bearer: await makeOperator(), json: { active: false } })
  expect(asked).toBe(1)
})

test('what was learned of a session is not answered from after a change whose objects could not be told', async () => {
  const user = await newUser()
  const session = await signIn(user)
  const old = { headers: { 'cache-control': 'max-age=60' } }
  await check(session, old)
  const fault = breakStoreJobs({ only: (call) => call.to === 'JOBS' && call.method === 'confirm' })
  const path = `/operator/identity-stores/${user.identityStoreId}/users/${user.userId}`
  const json = { active: false }
  expect((await send(path, { method: 'PATCH', bearer: await makeOperator(), json })).status).toBe(503)
  fault.repair()
  const counts = countCalls()
  await check(session, old)
  expect(counts.objectCalls).toBe(1)
})
