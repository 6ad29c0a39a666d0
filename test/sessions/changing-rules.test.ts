import { env } from 'cloudflare:workers'
import { and, eq, sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { SessionTokens } from '../../src/auth/session-tokens.ts'
import { fail, ok } from '../../src/domain/result.ts'
import { readSettings } from '../../src/env.ts'
import { Sessions } from '../../src/sessions/service.ts'
import { attempt } from '../../src/store/database.ts'
import { users } from '../../src/store/schema.ts'
import { advanceClock, stopClock } from '../support/clock.ts'
import { breakD1Statements, breakStoreJobs, breakUserObjects } from '../support/faults.ts'
import { fireJobAlarm, mirrored, storeJobs } from '../support/objects.ts'
import { db } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

type User = Awaited<ReturnType<typeof newUser>>

const settings = readSettings(env)
if (!settings.ok) throw new Error(settings.error.join())
const tokens = new SessionTokens(settings.value.sessionTokenKeys)
const service = new Sessions({ db, config: env.CONFIG, users: env.USERS, jobs: env.JOBS, tokens })

function disable(user: User) {
  return service.changeRules(user.key, () =>
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
    ['the request died after the change', () => breakStoreJobs({ only: (c) => c.to === 'JOBS' && c.method === 'run' })],
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
      expect(await storeJobs(user.identityStoreId).list()).toMatchObject([{ job: { kind: 'tell_users' } }])
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
    const refused = await service.changeRules(user.key, async () => fail({ code: 'conflict', detail: '' } as const))
    expect(refused.ok).toBe(false)
    expect(await storeJobs(user.identityStoreId).list()).toEqual([])
    expect(await user.reasons([session])).toEqual(['alive'])
  })

  test('a hanging change that lands after the first look is found by the second', async () => {
    stopClock()
    const user = await newUser()
    const session = await user.open()
    await mirrored(user)
    const lost = await service.changeRules(user.key, async () =>
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
    const fault = breakStoreJobs({ only: (c) => c.to === 'JOBS' && c.method === 'run' })
    await disable(user)
    await service.changeRules(user.key, async () => fail({ code: 'conflict', detail: '' } as const))
    fault.repair()
    advanceClock(15)
    await fireJobAlarm(user.identityStoreId)
    expect(await user.reasons([session])).toEqual(['user_disabled'])
  })
})

test('a new password ends the sessions that were opened before it, and no later one', async () => {
  stopClock()
  const user = await newUser()
  const old = await user.open()
  advanceClock(1)
  const changed = await service.changeRules(user.key, async () => {
    await db
      .update(users)
      .set({ sessionsValidFrom: Date.now(), statusVersion: sql`status_version + 1` })
      .where(eq(users.userId, user.userId))
    return ok()
  })
  expect(changed.ok).toBe(true)
  const young = await user.open()
  expect(await user.reasons([old, young])).toEqual(['password_changed', 'alive'])
})
