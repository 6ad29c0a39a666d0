/** The counters of sessions equal a recount, whatever comes to D1 and in whichever order. */
import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EndReason } from '../../src/domain/session.ts'
import { nextSessionId } from '../../src/domain/session-id.ts'
import worker from '../../src/index.ts'
import { removeEndedSessions } from '../../src/store/housekeeping.ts'
import { sessionCounters, sessions } from '../../src/store/schema.ts'
import { mirrorSessions, type SessionRecord } from '../../src/store/session-records.ts'
import { deleteUser } from '../../src/store/user-changes.ts'
import { stopClock } from '../support/clock.ts'
import { db, makeStore, makeUser } from '../support/stores.ts'

const HOUR = 3_600_000
/** Long ago, so that nothing of other tests is removed here. */
const START = 1_000_000 * HOUR
const REASONS: readonly EndReason[] = ['logout', 'revoked', 'expired', 'idle', 'evicted', 'replaced']

const BLANK = Object.fromEntries(Object.keys(sessions).map((field) => [field, null])) as unknown as SessionRecord

function record(identityStoreId: string, userId: string, openedAt: number): SessionRecord {
  const sessionId = nextSessionId(null, openedAt, crypto.getRandomValues(new Uint8Array(8)))
  const life = { openedAt, lastSeenAt: openedAt, persistent: false, credentialsType: 'password' } as const
  return { ...BLANK, identityStoreId, userId, sessionId, number: 1, version: 1, kind: 'web', ...life }
}

const ended = (one: SessionRecord, endedAt: number, endReason: EndReason): SessionRecord => ({
  ...one,
  version: one.version + 1,
  endedAt,
  endReason,
})

async function mirror(records: readonly SessionRecord[]): Promise<void> {
  const owned = records.map((one) => ({
    owner: { identityStoreId: one.identityStoreId, userId: one.userId },
    records: [one],
  }))
  expect((await mirrorSessions(db, owned)).ok).toBe(true)
}

/** What the counters say: the totals, and each hour of which they say anything. */
async function counted(identityStoreId: string) {
  const rows = await db.select().from(sessionCounters).where(eq(sessionCounters.identityStoreId, identityStoreId))
  const newest = rows.toSorted((a, b) => b.hour - a.hour)[0]
  return {
    live: newest?.liveSessions ?? 0,
    users: newest?.usersWithSessions ?? 0,
    hours: Object.fromEntries(
      rows.flatMap(({ hour, counts }) => Object.entries(counts).map(([what, count]) => [`${hour} ${what}`, count])),
    ),
  }
}

const hourOf = (at: number) => at - (at % HOUR)

/** The same, counted from all records that were ever mirrored as they are at last. */
function recount(records: Iterable<SessionRecord>) {
  const web = [...records].filter(({ kind }) => kind === 'web')
  const live = web.filter(({ endedAt }) => endedAt === null)
  const hours: Record<string, number> = {}
  const add = (at: number, what: string) => {
    hours[`${hourOf(at)} ${what}`] = (hours[`${hourOf(at)} ${what}`] ?? 0) + 1
  }
  for (const { openedAt, endedAt, endReason } of web) {
    add(openedAt, 'opened')
    if (endedAt !== null) add(endedAt, endReason ?? '')
  }
  return { live: live.length, users: new Set(live.map(({ userId }) => userId)).size, hours }
}

type Act =
  | { readonly do: 'open'; readonly user: number; readonly kind: 'web' | 'api'; readonly late: number }
  | { readonly do: 'end'; readonly which: number; readonly reason: EndReason; readonly late: number }
  | { readonly do: 'seen' | 'replay'; readonly which: number }
  | { readonly do: 'open and end'; readonly user: number; readonly reason: EndReason }
  | { readonly do: 'wait'; readonly minutes: number }
  | { readonly do: 'retention' | 'mirror' }

const which = fc.nat(30)
const late = fc.constantFrom(0, 0, 0, 90 * 60_000)
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant('open' as const),
    user: fc.nat(3),
    kind: fc.constantFrom('web' as const, 'web' as const, 'api' as const),
    late,
  }),
  fc.record({ do: fc.constant('end' as const), which, reason: fc.constantFrom(...REASONS), late }),
  fc.record({ do: fc.constantFrom('seen' as const, 'replay' as const), which }),
  fc.record({ do: fc.constant('open and end' as const), user: fc.nat(3), reason: fc.constantFrom(...REASONS) }),
  fc.record({ do: fc.constant('wait' as const), minutes: fc.nat(70) }),
  fc.record({ do: fc.constantFrom('retention' as const, 'mirror' as const, 'mirror' as const, 'mirror' as const) }),
)

describe('the counters', () => {
  test('equal a recount of the records, in whichever order and however often these come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 60 }), async (acts) => {
        const store = await makeStore()
        const users = await Promise.all(Array.from({ length: 4 }, () => makeUser({ identityStoreId: store })))
        const userId = (index: number) => users[index]?.userId ?? ''
        /** Every session in its newest state, all the states it had, those that D1 is still to be told, and what is removed there. */
        const newest = new Map<string, SessionRecord>()
        let states: SessionRecord[] = []
        const waiting: SessionRecord[] = []
        const removed: SessionRecord[] = []
        let now = START
        const become = (one: SessionRecord) => {
          newest.set(one.sessionId, one)
          states.push(one)
          waiting.push(one)
        }
        const pick = (index: number) => [...newest.values()].at(index % Math.max(1, newest.size))
        for (const one of acts) {
          switch (one.do) {
            case 'open':
              become({ ...record(store, userId(one.user), now - one.late), kind: one.kind })
              break
            case 'end': {
              const found = pick(one.which)
              if (found?.endedAt === null) become(ended(found, Math.max(found.openedAt, now - one.late), one.reason))
              break
            }
            case 'seen': {
              const found = pick(one.which)
              if (found !== undefined) become({ ...found, version: found.version + 1, recentAddress: '192.0.2.9' })
              break
            }
            case 'replay': {
              const found = states.at(one.which % Math.max(1, states.length))
              if (found !== undefined) await mirror([found])
              // Whichever state that was, the newest is still to come.
              waiting.push(...(found === undefined ? [] : [newest.get(found.sessionId) ?? found]))
              break
            }
            case 'open and end':
              become(ended(record(store, userId(one.user), now), now, one.reason))
              break
            case 'wait':
              now += one.minutes * 60_000
              break
            case 'retention':
              // What is removed is known to D1 in its last state.
              await mirror(waiting.splice(0))
              await removeEndedSessions(db, now - HOUR)
              for (const found of newest.values()) {
                if ((found.endedAt ?? now) >= now - HOUR) continue
                removed.push(found)
                newest.delete(found.sessionId)
                states = states.filter(({ sessionId }) => sessionId !== found.sessionId)
              }
              break
            case 'mirror':
              await mirror(waiting.splice(0).toReversed())
          }
        }
        await mirror(waiting)
        expect(await counted(store)).toEqual(recount([...newest.values(), ...removed]))
        // Nothing but the deletion of the user: no session has ended by that.
        await deleteUser(db, userId(0), {
          eventId: crypto.randomUUID(),
          at: now,
          identityStoreId: store,
          actor: 'a',
          action: 'b',
          subject: 'c',
          requestId: 'd',
        })
        expect(await counted(store)).toEqual(recount([...newest.values(), ...removed]))
      }),
      { numRuns: 60 },
    )
  })
})

test('a migration counts what lives already, once', async () => {
  const store = await makeStore()
  const [one, two] = [await makeUser({ identityStoreId: store }), await makeUser({ identityStoreId: store })]
  const live = [one, one, two].map(({ userId }) => record(store, userId, START))
  const gone = ended(record(store, one.userId, START), START, 'logout')
  await mirror([...live, gone, { ...record(store, two.userId, START), kind: 'api' }])
  await db.delete(sessionCounters).where(eq(sessionCounters.identityStoreId, store))
  const fill = env.D1_MIGRATIONS.find(({ name }) => name === '0008_counters.sql')?.queries.at(-1) ?? ''
  expect(fill).toContain('INSERT INTO `session_counters`')
  for (let times = 0; times < 2; times += 1) {
    await env.DB.prepare(fill).run()
    expect(await counted(store)).toEqual({ live: 3, users: 2, hours: {} })
  }
})

test('old hours are removed hourly, but for the newest, which has the totals', async () => {
  const now = stopClock()
  const [quiet, busy] = [await makeStore(), await makeStore()]
  const user = await makeUser({ identityStoreId: quiet })
  for (const hours of [400, 300, 200]) await mirror([record(quiet, user.userId, now - hours * HOUR)])
  for (const hours of [170, 169, 167, 1, 0]) await mirror([record(busy, user.userId, now - hours * HOUR)])
  await worker.scheduled(createScheduledController(), env)
  const hours = async (store: string) => {
    const rows = await db.select().from(sessionCounters).where(eq(sessionCounters.identityStoreId, store))
    return rows.map(({ hour }) => (hourOf(now) - hour) / HOUR).toSorted((a, b) => b - a)
  }
  expect(await hours(quiet)).toEqual([200])
  expect(await hours(busy)).toEqual([167, 1, 0])
  expect(await counted(quiet)).toMatchObject({ live: 3, users: 1 })
})

test('an open writes two rows for the counters and an end one, however many sessions the user has', async () => {
  const store = await makeStore()
  const { userId } = await makeUser({ identityStoreId: store })
  const written = async (one: SessionRecord) => {
    const text = `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, ended_at, end_reason)
      VALUES (?, ?, ?, 1, ?, 'web', ?, 0, 0, 'password', ?, ?)
      ON CONFLICT DO UPDATE SET version = excluded.version, ended_at = excluded.ended_at, end_reason = excluded.end_reason WHERE excluded.version > version`
    const values = [store, userId, one.sessionId, one.version, one.openedAt, one.endedAt, one.endReason]
    const { meta } = await env.DB.prepare(text)
      .bind(...values)
      .run()
    return [meta.rows_written, meta.rows_read <= 8]
  }
  const first = record(store, userId, START)
  expect(await written(first)).toEqual([5, true])
  const many = Array.from({ length: 300 }, () => record(store, userId, START))
  await mirror(many)
  await mirror(many.slice(0, 200).map((one) => ended(one, START, 'logout')))
  const last = record(store, userId, START)
  expect(await written(last)).toEqual([5, true])
  expect(await written(ended(last, START, 'logout'))).toEqual([4, true])
  expect(await written(ended(last, START, 'logout'))).toEqual([0, true])
})
