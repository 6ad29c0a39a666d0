import { env, runInDurableObject } from 'cloudflare:test'
import { and, eq, isNull } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { UserRules } from '../../src/domain/policy.ts'
import { newRecordId } from '../../src/store/audit-events.ts'
import { sessions } from '../../src/store/schema.ts'
import { deleteUser, putUser, updateUser } from '../../src/store/user-changes.ts'
import { readUserRow } from '../../src/store/users.ts'
import { intercept } from '../support/bindings.ts'
import { mirrored, userObject } from '../support/objects.ts'
import { randomFrom } from '../support/random.ts'
import { db, makeStore } from '../support/stores.ts'
import { newUser } from '../support/users.ts'

type User = Awaited<ReturnType<typeof newUser>>

const USERS = 25
/** Of each kind: `npm test` has 100, `npm run interleavings` 500. */
const { INTERLEAVINGS } = env
const ROUNDS = INTERLEAVINGS / USERS

const seed = Date.now() % 1_000_000
const random = randomFrom(seed)

/** Up to some milliseconds; often none at all. */
function aWhile(): Promise<void> {
  const milliseconds = Math.floor(random() * 6)
  return milliseconds < 2 ? Promise.resolve() : scheduler.wait(milliseconds)
}

/** The mirror comes to D1 late, and its answer comes back late. */
function delayMirror(): void {
  intercept(async (call, goOn) => {
    if (call.to !== 'D1' || !call.statements.some((text) => /insert into "sessions"/i.test(text))) return goOn()
    await aWhile()
    const answer = await goOn()
    await aWhile()
    return answer
  })
}

/** As every setter does: changes D1, and tells only an object whose sessions D1 knows of. */
async function change(user: User, make: () => Promise<void>): Promise<void> {
  await aWhile()
  await make()
  const live = await db
    .select({ id: sessions.sessionId })
    .from(sessions)
    .where(
      and(
        eq(sessions.identityStoreId, user.identityStoreId),
        eq(sessions.userId, user.userId),
        isNull(sessions.endedAt),
      ),
    )
    .limit(1)
  await aWhile()
  if (live.length > 0) await user.stub.applyRules(user.key, await user.rules())
}

async function openLate(user: User): Promise<void> {
  await aWhile()
  const rules = await user.rules()
  await aWhile()
  await user.open({}, rules).catch((error: Error) => {
    if (error.message !== 'not opened: user_disabled') throw error
  })
}

async function knowledgeOf(user: User): Promise<UserRules> {
  return runInDurableObject(userObject(user.key), (_object, { storage }) => {
    const row = storage.sql.exec<{ knowledge: string }>('SELECT knowledge FROM owner').one()
    return JSON.parse(row.knowledge)
  })
}

type Change = (user: User) => Promise<unknown>

function entryOf({ identityStoreId, userId }: User) {
  const at = Date.now()
  const what = { actor: 'test', action: 'user.changed', subject: `user:${userId}`, requestId: 'request-1' }
  return { identityStoreId, eventId: newRecordId(at), at, ...what }
}

const PASSWORD: Change = (user) => updateUser(db, user.userId, { passwordHash: crypto.randomUUID() }, entryOf(user))
const DISABLE: Change = (user) => updateUser(db, user.userId, { active: false }, entryOf(user))
const ENABLE: Change = (user) => updateUser(db, user.userId, { active: true }, entryOf(user))
const DELETE: Change = (user) => deleteUser(db, user.userId, entryOf(user))
/** Makes the user again, if it is not there; enables it, if it is. */
const CREATE: Change = async (user) => {
  const row = await readUserRow(db, user.key)
  if (!row.ok || row.value === null) throw new Error('no row')
  if (row.value.deletedAt === null) return ENABLE(user)
  const { statusVersion: seen, ...fields } = row.value
  return putUser(db, user.userId, { ...fields, username: user.username, active: true }, 'hash', seen, entryOf(user))
}

/** In one order or another, and each told when it is told. */
const CHANGES: readonly (readonly Change[])[] = [
  [PASSWORD],
  [DISABLE],
  [DELETE],
  [async (user) => [await DISABLE(user), await ENABLE(user)]],
  [async (user) => [await DELETE(user), await CREATE(user)]],
  [PASSWORD, PASSWORD],
  [PASSWORD, DISABLE],
  [PASSWORD, async (user) => [await DISABLE(user), await ENABLE(user)]],
]

/** Runs `round` for every user at once, again and again, and `settle`s each. */
async function interleave(users: readonly User[], round: (user: User, round: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < ROUNDS; index += 1) await Promise.all(users.map((user) => round(user, index)))
}

async function someUsers(): Promise<User[]> {
  return Promise.all(Array.from({ length: USERS }, () => newUser()))
}

const NOBODY = { caller: null, requestId: null }

describe(`an opening that crosses a change, ${INTERLEAVINGS} times (seed ${seed})`, { timeout: 300_000 }, () => {
  test('of the settings ends under the newest settings', async () => {
    delayMirror()
    await interleave(await someUsers(), async (user, round) => {
      await Promise.all([openLate(user), change(user, () => user.changeSettingsInD1(28_800 + round))])
      await mirrored(user)
      const { settings } = await knowledgeOf(user)
      expect(settings.version).toBe((await user.rules()).settings?.version)
      expect(settings.value.durationSeconds).toBe(28_800 + round)
      await user.stub.end({ all: 'every kind' }, 'revoked', NOBODY)
    })
  })

  test('of the status leaves a blocked user without a session', async () => {
    delayMirror()
    await interleave(await someUsers(), async (user) => {
      await Promise.all([openLate(user), change(user, () => user.setActiveInD1(false))])
      await mirrored(user)
      expect(await user.stub.list({})).toEqual([])
      expect((await user.records()).filter(({ endedAt }) => endedAt === null)).toEqual([])
      await user.setActiveInD1(true)
      await user.stub.applyRules(user.key, await user.rules())
    })
  })

  test('of the config ends under the newest config', async () => {
    delayMirror()
    const identityStoreId = await makeStore()
    const users = await Promise.all(Array.from({ length: USERS }, () => newUser({ identityStoreId })))
    await interleave(users, async (user, round) => {
      await Promise.all([openLate(user), change(user, () => user.changeConfigInD1({ sessionMinutes: 100 + round }))])
      await mirrored(user)
      const [known, rules] = [await knowledgeOf(user), await user.rules()]
      // Others of the store change it meanwhile; what this user's change wrote must be known at least.
      expect(known.config.version).toBeGreaterThan(round)
      expect(known.config.value.sessionMinutes).toBeGreaterThanOrEqual(100 + round)
      expect(rules.config?.version).toBeGreaterThanOrEqual(known.config.version)
      await user.stub.end({ all: 'every kind' }, 'revoked', NOBODY)
    })
  })

  test('of what voids sessions leaves only those whose user was verified under what holds in the end', async () => {
    delayMirror()
    await interleave(await someUsers(), async (user, round) => {
      const before = await user.stub.list({})
      const opened: { readonly id: string; readonly epoch: number }[] = []
      const signIns = Array.from({ length: 2 }, async () => {
        await aWhile()
        const rules = await user.rules()
        await aWhile()
        const session = await user.open({}, rules).catch(() => null)
        if (session !== null) opened.push({ id: session.id, epoch: rules.status?.version ?? 0 })
      })
      const changes = (CHANGES[round % CHANGES.length] ?? []).map(async (make) => {
        await aWhile()
        await make(user)
        await aWhile()
        await user.stub.applyRules(user.key, await user.rules())
      })
      await Promise.all([...signIns, ...changes])
      await mirrored(user)
      const { status } = await user.rules()
      const live = (await user.stub.list({})).map(({ session }) => session.id)
      const good = opened.filter(({ epoch }) => epoch === status?.version && status.value.active)
      expect(live).toEqual(good.map(({ id }) => id).sort())
      // Every kind of change voids what was there.
      for (const { session } of before) expect(live).not.toContain(session.id)
      const records = (await user.records()).filter(({ endedAt }) => endedAt === null)
      expect(records.map(({ sessionId }) => sessionId)).toEqual(live)
      await CREATE(user)
      await user.stub.applyRules(user.key, await user.rules())
    })
  })

  test('by a reset leaves D1 and the object at one, and nothing of before the reset alive', async () => {
    delayMirror()
    await interleave(await someUsers(), async (user) => {
      const before = await user.open()
      let endedFrom = ''
      const reset = async () => {
        await aWhile()
        const ended = await user.stub.end({ all: 'every kind' }, 'revoked', NOBODY)
        endedFrom = [...ended].sort().at(-1) ?? ''
      }
      await Promise.all([openLate(user), reset()])
      await mirrored(user)
      expect(await user.reasons([before])).toEqual(['revoked'])
      const live = await user.stub.list({})
      const records = await user.records()
      expect(records.filter(({ endedAt }) => endedAt === null).map(({ sessionId }) => sessionId)).toEqual(
        live.map(({ session }) => session.id),
      )
      for (const { session } of live) expect(session.id > endedFrom).toBe(true)
    })
  })
})
