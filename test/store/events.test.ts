/** The outbox: every transition of a session record is told once, whatever comes to D1 and however often. */
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EndReason } from '../../src/domain/session.ts'
import { nextSessionId } from '../../src/domain/session-id.ts'
import { readEvents, setFeed } from '../../src/store/events.ts'
import { keepHouse, removeEvents } from '../../src/store/housekeeping.ts'
import { sessions } from '../../src/store/schema.ts'
import { mirrorSessions, type SessionRecord } from '../../src/store/session-records.ts'
import { db, makeStore } from '../support/stores.ts'

const START = 3_600_000_000_000 - 10
const BLANK = Object.fromEntries(Object.keys(sessions).map((field) => [field, null])) as unknown as SessionRecord

function record(identityStoreId: string, userId: string, openedAt: number): SessionRecord {
  const sessionId = nextSessionId(null, openedAt, crypto.getRandomValues(new Uint8Array(8)))
  const life = { openedAt, lastSeenAt: openedAt, persistent: false, credentialsType: 'password' } as const
  return { ...BLANK, identityStoreId, userId, sessionId, number: 1, version: 1, kind: 'web', ...life }
}

function ended(one: SessionRecord, endReason: EndReason): SessionRecord {
  return { ...one, version: one.version + 1, endedAt: one.openedAt + 1, endReason, endedBy: 'user:somebody' }
}

async function mirror(records: readonly SessionRecord[]): Promise<void> {
  const owned = records.map((one) => ({ owner: one, records: [one] }))
  expect((await mirrorSessions(db, owned)).ok).toBe(true)
}

function entry(identityStoreId: string) {
  const what = { actor: 'a', action: 'b', subject: 'c', requestId: 'd' }
  return { identityStoreId, eventId: crypto.randomUUID(), at: Date.now(), ...what }
}

async function storeWithFeed(): Promise<string> {
  const store = await makeStore()
  const set = await setFeed(db, true, entry(store))
  expect(set.ok && set.value?.recording).toBe(true)
  return store
}

/** Every event that is kept of a store, in short, once their numbers were looked at. */
async function told(store: string): Promise<string[]> {
  const read = await readEvents(db, store, 0, 10_000)
  if (!read.ok) throw new Error('no events')
  expect(read.value.events.map(({ number }) => number)).toEqual(read.value.events.map((_, index) => index + 1))
  return read.value.events.map(({ type, data }) => `${type} ${data.session_id} ${data.reason ?? ''}`.trim())
}

type Act =
  | { readonly do: 'open' | 'open and end'; readonly user: number; readonly kind: 'web' | 'api' }
  | { readonly do: 'end' | 'seen' | 'replay'; readonly which: number }
  | { readonly do: 'mirror' }
const kind = fc.constantFrom('web' as const, 'api' as const)
const which = fc.nat(30)
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ do: fc.constantFrom('open' as const, 'open and end' as const), user: fc.nat(2), kind }),
  fc.record({ do: fc.constantFrom('end' as const, 'seen' as const, 'replay' as const), which }),
  fc.record({ do: fc.constant('mirror' as const) }),
)

describe('sessions', () => {
  test('are told opened once and ended once, in whichever order and however often their states come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 50 }), async (acts) => {
        const store = await storeWithFeed()
        const users = ['user-1', 'user-2', 'user-3']
        const newest = new Map<string, SessionRecord>()
        const states: SessionRecord[] = []
        const waiting: SessionRecord[] = []
        const become = (one: SessionRecord) => {
          newest.set(one.sessionId, one)
          states.push(one)
          waiting.push(one)
        }
        for (const one of acts) {
          const found = 'which' in one ? [...newest.values()].at(one.which % Math.max(1, newest.size)) : undefined
          switch (one.do) {
            case 'open':
            case 'open and end': {
              const opened = { ...record(store, users[one.user] ?? '', START), kind: one.kind }
              become(one.do === 'open' ? opened : ended(opened, 'replaced'))
              break
            }
            case 'end':
              if (found?.endedAt === null) become(ended(found, 'revoked'))
              break
            case 'seen':
              if (found !== undefined) become({ ...found, version: found.version + 1, lastSeenAt: START + 1 })
              break
            case 'replay': {
              const old = states.at(one.which % Math.max(1, states.length))
              if (old !== undefined) waiting.push(old)
              break
            }
            case 'mirror':
              await mirror(waiting.splice(0).toReversed())
          }
        }
        await mirror(waiting)
        await mirror(states)
        const expected = [...newest.values()].flatMap(({ sessionId, endReason }) => [
          `session.opened ${sessionId}`,
          ...(endReason === null ? [] : [`session.ended ${sessionId} ${endReason}`]),
        ])
        const found = await told(store)
        expect(found.toSorted()).toEqual(expected.toSorted())
        // Nobody is told of an end before the opening.
        for (const one of newest.keys()) {
          const ends = found.findIndex((text) => text.startsWith(`session.ended ${one}`))
          if (ends >= 0) expect(found.indexOf(`session.opened ${one}`)).toBeLessThan(ends)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('that move are told, and that nothing else of them changed', async () => {
    const store = await storeWithFeed()
    const opened = { ...record(store, 'user-1', START), address: '192.0.2.1', userAgent: 'A' }
    const seen = { ...opened, version: 2, lastSeenAt: START + 1 }
    const moved = { ...seen, version: 3, recentAddress: '192.0.2.2', recentUserAgent: 'A' }
    const back = { ...seen, version: 4 }
    const other = { ...seen, version: 5, recentAddress: '192.0.2.1', recentUserAgent: 'B' }
    for (const one of [opened, seen, moved, moved, back, other]) await mirror([one])
    const read = await readEvents(db, store, 1, 10)
    const data = read.ok ? read.value.events.map((event) => event.data) : []
    expect(data.map((one) => [one.another_address, one.another_user_agent])).toEqual([
      [true, false],
      [true, false],
      [false, true],
    ])
    // Where from and with what, is for those who may look at the session.
    expect(JSON.stringify(data)).not.toMatch(/192\.0\.2|"[AB]"/)
  })
})

test('whoever reads on from where it was misses nothing, while many write', async () => {
  const store = await storeWithFeed()
  const all = Array.from({ length: 120 }, (_, index) => record(store, `user-${index % 7}`, START))
  const heard: number[] = []
  let writing = true
  const reader = async () => {
    for (let after = 0; ; ) {
      const last = !writing
      const page = await readEvents(db, store, after, 7)
      if (!page.ok) continue
      heard.push(...page.value.events.map(({ number }) => number))
      after = heard.at(-1) ?? 0
      if (last && page.value.events.length === 0) return
    }
  }
  const writers = async () => {
    await Promise.all(all.map((one) => mirror([one]).then(() => mirror([ended(one, 'logout')]))))
    writing = false
  }
  await Promise.all([reader(), reader(), writers()])
  const numbers = Array.from({ length: 240 }, (_, index) => index + 1)
  expect(heard.toSorted((a, b) => a - b)).toEqual(numbers.flatMap((number) => [number, number]))
})

test('a store that wants no events pays no row, neither written nor read', async () => {
  const [without, feeding] = [await makeStore(), await storeWithFeed()]
  const cost = async (store: string, version: number, endedAt: number | null) => {
    const { meta } = await env.DB.prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent, credentials_type, ended_at, end_reason)
       VALUES (?, 'user', 'session', 1, ?, 'web', 0, 0, 0, 'password', ?, 'logout')
       ON CONFLICT DO UPDATE SET version = excluded.version, ended_at = excluded.ended_at, end_reason = excluded.end_reason WHERE excluded.version > version`,
    )
      .bind(store, version, endedAt)
      .run()
    return { written: meta.rows_written, read: meta.rows_read }
  }
  const [opened, ends] = [await cost(without, 1, null), await cost(without, 2, 1)]
  expect([opened.written, ends.written]).toEqual([5, 4])
  // As many as without the triggers; how many that are, the neighbours of the store's counters decide.
  expect(opened.read + ends.read).toBeLessThanOrEqual(7)
  const [told, toldEnd] = [await cost(feeding, 1, null), await cost(feeding, 2, 1)]
  // The event, and the number of the last one.
  expect([told.written, toldEnd.written]).toEqual([7, 6])
  expect(told.read + toldEnd.read).toBeLessThanOrEqual(14)
})

test('old events are removed hourly, from the first one on, so that none is missing between others', async () => {
  const store = await storeWithFeed()
  for (const at of [1, 2, 90, 3]) await mirror([record(store, 'user', at)])
  expect(await removeEvents(db, 50)).toMatchObject({ ok: true })
  const kept = await readEvents(db, store, 0, 10)
  expect(kept.ok && kept.value.events.map(({ at }) => at).filter((at) => at < 1_000)).toEqual([90, 3])
  await keepHouse(
    db,
    { sessionRecordDays: 1, auditDays: 1, credentialDays: 1, eventDays: 1 },
    Date.now() + 2 * 86_400_000,
  )
  expect((await readEvents(db, store, 0, 10)).ok && (await told(store))).toEqual([])
})
