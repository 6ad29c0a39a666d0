import { and, eq, isNull } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { sessions } from '../../src/store/schema.ts'
import { breakD1, breakD1Statements, breakD1Writes, type Fault } from '../support/faults.ts'
import { fireUserAlarm, mirrored, mirroredByAlarm, userObject } from '../support/objects.ts'
import { check, send, signIn } from '../support/requests.ts'
import { db, makeUser, type TestUser } from '../support/stores.ts'

/** Ids of a user's live sessions, as the object and as D1 have them. */
async function liveOf(user: TestUser): Promise<{ object: string[]; d1: string[] }> {
  const object = await userObject(user).list({})
  const d1 = await db
    .select({ id: sessions.sessionId })
    .from(sessions)
    .where(
      and(
        eq(sessions.identityStoreId, user.identityStoreId),
        eq(sessions.userId, user.userId),
        isNull(sessions.endedAt),
      ),
    )
  return { object: object.map(({ session }) => session.id).sort(), d1: d1.map(({ id }) => id).sort() }
}

const KINDS: readonly (readonly [string, Fault])[] = [
  ['fails before the commit', { how: 'fail', when: 'before' }],
  ['fails after the commit', { how: 'fail', when: 'after' }],
  ['hangs', { how: 'hang' }],
  ['hangs after the commit', { how: 'hang', when: 'after' }],
]

describe('with all of D1 down', () => {
  test('a check, the own list and a sign-out work', async () => {
    const user = await makeUser()
    const [phone, laptop] = [await signIn(user), await signIn(user)]
    breakD1()
    expect((await check(phone)).status).toBe(200)
    const list = await send('/sessions', { bearer: laptop.token })
    expect(list.status).toBe(200)
    expect(((await list.json()) as { sessions: unknown[] }).sessions).toHaveLength(2)
    expect((await send('/sessions/current', { method: 'DELETE', bearer: phone.token })).status).toBe(204)
    expect((await check(phone)).status).toBe(401)
    expect((await send(`/sessions?except=current`, { method: 'DELETE', bearer: laptop.token })).status).toBe(200)
  })

  test('what ended meanwhile is in D1 after the repair, by the alarm alone', async () => {
    const user = await makeUser()
    const session = await signIn(user)
    await mirrored(user)
    const fault = breakD1()
    await send('/sessions/current', { method: 'DELETE', bearer: session.token })
    await fireUserAlarm(user)
    expect(fault.hits).toBeGreaterThan(0)
    fault.repair()
    expect((await liveOf(user)).d1).toEqual([session.id])
    await fireUserAlarm(user)
    expect(await liveOf(user)).toEqual({ object: [], d1: [] })
  })

  for (const [name, fault] of KINDS) {
    test(`a sign-in answers 503 and opens nothing if D1 ${name}`, async () => {
      const user = await makeUser()
      breakD1(fault)
      const { username, password, address } = user
      const answer = await send('/sessions', { address, json: { username, password, transport: 'bearer' } })
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('5')
      expect(await userObject(user).list({})).toEqual([])
    })
  }
})

describe('with one statement of a sign-in broken', () => {
  for (const [name, fault] of KINDS) {
    test(`and all others well, it is a session or a 503, whichever it is that ${name}`, async () => {
      const outcomes: number[] = []
      for (let broken = 0; ; broken += 1) {
        const user = await makeUser()
        let seen = 0
        const ongoing = breakD1({ ...fault, only: () => seen++ === broken })
        const { username, password, address } = user
        const answer = await send('/sessions', { address, json: { username, password, transport: 'bearer' } })
        outcomes.push(answer.status)
        if (answer.status === 201) {
          const { id, token } = (await answer.json()) as { id: string; token: string }
          expect((await check({ id, token, user })).status).toBe(200)
        } else {
          expect(answer.status).toBe(503)
          expect(await userObject(user).list({})).toEqual([])
        }
        // Opened or not: when all is well again the object and D1 agree.
        await fireUserAlarm(user)
        const hit = ongoing.hits > 0
        ongoing.repair()
        await mirroredByAlarm(user)
        const { object, d1 } = await liveOf(user)
        expect(d1).toEqual(object)
        if (!hit) break
      }
      // Counters and user are one trip, which must answer. From where it was, and the mirror, come after the answer.
      expect(outcomes).toEqual([503, 201, 201, 201])
    }, 30_000)
  }
})

describe('with only the writes of D1 broken', () => {
  for (const [name, fault] of KINDS) {
    test(`a trusted opening and its end succeed and are mirrored later, if D1 ${name}`, async () => {
      const user = await makeUser()
      const session = await signIn(user)
      await mirrored(user)
      const ongoing = breakD1Writes(fault)
      const second = await send('/sessions/current', { bearer: session.token, userAgent: 'Another' })
      expect(second.status).toBe(200)
      expect((await send('/sessions/current', { method: 'DELETE', bearer: session.token })).status).toBe(204)
      ongoing.repair()
      await mirroredByAlarm(user)
      const { object, d1 } = await liveOf(user)
      expect(d1).toEqual(object)
      expect(d1).toEqual([])
    }, 30_000)
  }
})

test('a mirror whose commit was not learned of is repeated and changes nothing more', async () => {
  const user = await makeUser()
  const fault = breakD1Statements(/insert into "sessions"/, { when: 'after', times: 3 })
  const session = await signIn(user)
  await mirroredByAlarm(user)
  expect(fault.hits).toBe(3)
  const rows = await db.select().from(sessions).where(eq(sessions.sessionId, session.id))
  expect(rows).toMatchObject([{ version: 1, endedAt: null }])
})
