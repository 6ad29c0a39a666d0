/** Lists and counts of sessions against a reference model: what fits is found, once, in order, with bounded work. */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { clientKind } from '../../../src/domain/client-kind.ts'
import { sessionNumber } from '../../../src/domain/session-id.ts'
import { intercept } from '../../support/bindings.ts'
import { makeOperator, makeStore } from '../../support/stores.ts'
import { operate } from './operator.ts'

const RECORDS = env.WHOLE ? 100_000 : 50_000
const BATCH = 5_000
/** Of each record of a page two rows: one of the index, one of the table; and of the users on it what holds for them. */
const ROWS_OF_A_REQUEST = 2 * 2_001 + 4 * 1_000 + 20
const START = Date.UTC(2026, 0, 1)
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile'
const REASONS = ['logout', 'revoked', 'expired', 'idle', 'evicted'] as const
const TYPES = ['password', 'openid', 'trusted_back_end'] as const
const COUNTRIES = ['DE', 'FR', null] as const

interface Line {
  readonly sessionId: string
  readonly userId: string
  readonly kind: 'web' | 'api'
  readonly openedAt: number
  readonly endedAt: number | null
  readonly endReason: string | null
  readonly credentialsType: string
  readonly address: string
  readonly userAgent: string
  readonly recentAddress: string | null
  readonly recentUserAgent: string | null
  readonly country: string | null
  readonly openedBy: string
}

/** The same numbers each time. */
function random(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

let store: string
let bearer: string
let lines: Line[]

beforeAll(async () => {
  store = await makeStore()
  bearer = await makeOperator()
  const next = random(7)
  lines = Array.from({ length: RECORDS }, (_, index) => {
    const openedAt = START + index * 1_000
    const ended = next(4) > 0
    const moved = next(10) === 0
    const time = openedAt.toString(16).padStart(12, '0')
    const tail = index.toString(16).padStart(12, '0')
    return {
      sessionId: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`,
      userId: `u${next(500)}`,
      kind: next(20) === 0 ? 'api' : 'web',
      openedAt,
      // Many end in the same instant.
      endedAt: ended ? openedAt + 1_000 + 60_000 * next(1_000) - (openedAt % 60_000) : null,
      endReason: ended ? (REASONS[next(REASONS.length)] as string) : null,
      credentialsType: TYPES[next(TYPES.length)] as string,
      address: `192.0.${next(4)}.${next(250)}`,
      userAgent: next(5) === 0 ? PHONE : 'desktop',
      recentAddress: moved ? `198.51.100.${next(250)}` : null,
      recentUserAgent: moved ? PHONE : null,
      country: COUNTRIES[next(COUNTRIES.length)] as string | null,
      openedBy: `credential:${next(40)}`,
    }
  })
  await env.DB.prepare(
    `INSERT INTO users (identity_store_id, user_id, role, user_level, bot, active, sessions_valid_from, status_version, created_at, updated_at)
     SELECT DISTINCT ?1, value, 'member', 0, 0, 1, 0, 1, 0, 0 FROM json_each(?2)`,
  )
    .bind(store, JSON.stringify([...new Set(lines.map(({ userId }) => userId))]))
    .run()
  for (let at = 0; at < RECORDS; at += BATCH) {
    const rows = lines.slice(at, at + BATCH).map((line) => ({ ...line, number: sessionNumber(line.sessionId) }))
    await env.DB.prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at, persistent,
         credentials_type, address, user_agent, recent_address, recent_user_agent, opened_by, location, ended_at, end_reason)
       SELECT ?1, value ->> 'userId', value ->> 'sessionId', value ->> 'number', 1, value ->> 'kind', value ->> 'openedAt',
         value ->> 'openedAt', 0, value ->> 'credentialsType', value ->> 'address', value ->> 'userAgent',
         value ->> 'recentAddress', value ->> 'recentUserAgent', value ->> 'openedBy',
         iif(value ->> 'country' IS NULL, NULL, json_object('country', value ->> 'country')),
         value ->> 'endedAt', value ->> 'endReason' FROM json_each(?2)`,
    )
      .bind(store, JSON.stringify(rows))
      .run()
  }
}, 120_000)

/** What the model says: ids, in order. */
function expected(query: Record<string, string>): string[] {
  const { state = 'live', user_id: userId } = query
  const now = (line: Line) => (line.recentAddress === null ? line.userAgent : line.recentUserAgent)
  const from = (line: Line) => [line.address, line.recentAddress]
  const prefix = query.address?.endsWith('/24') === true ? query.address.replace(/\d+\/24$/, '') : null
  const fits = lines.filter(
    (line) =>
      line.kind === 'web' &&
      (state === 'live') === (line.endedAt === null) &&
      (userId === undefined || line.userId === userId) &&
      (query.client_kind === undefined || clientKind(now(line)) === query.client_kind) &&
      (query.credentials_type === undefined || line.credentialsType === query.credentials_type) &&
      (query.country === undefined || line.country === query.country) &&
      (query.end_reason === undefined || line.endReason === query.end_reason) &&
      (query.opened_by === undefined || line.openedBy === query.opened_by) &&
      (query.address === undefined ||
        from(line).some((one) => (prefix === null ? one === query.address : one?.startsWith(prefix) === true))) &&
      (query.opened_after === undefined || line.openedAt >= Date.parse(query.opened_after)) &&
      (query.opened_before === undefined || line.openedAt < Date.parse(query.opened_before)),
  )
  const byEnd = state === 'ended' && userId === undefined
  fits.sort((a, b) => (byEnd ? (b.endedAt ?? 0) - (a.endedAt ?? 0) : 0) || (a.sessionId < b.sessionId ? 1 : -1))
  return fits.map(({ sessionId }) => sessionId)
}

/** Rows that D1 read since. */
function countRows() {
  const rows = { read: 0 }
  type Sender = { _sendOrThrow: (...query: unknown[]) => Promise<unknown> }
  const sender: Sender = Object.getPrototypeOf(Reflect.get(env.DB, 'alwaysPrimarySession'))
  const send = sender._sendOrThrow
  sender._sendOrThrow = async function (this: Sender, ...query) {
    const answer = (await send.apply(this, query)) as { meta: D1Meta } | { meta: D1Meta }[]
    for (const { meta } of [answer].flat()) rows.read += meta.rows_read
    return answer
  }
  return { rows, stop: () => Object.assign(sender, { _sendOrThrow: send }) }
}

const filters: readonly Record<string, string>[] = [
  { opened_after: new Date(START + 99_000_000).toISOString() },
  { state: 'ended', opened_after: new Date(START + 99_000_000).toISOString() },
  { user_id: 'u7' },
  { user_id: 'u7', state: 'ended' },
  { user_id: 'u8', state: 'ended', end_reason: 'idle', client_kind: 'mobile' },
  { client_kind: 'mobile', country: 'DE' },
  { address: '192.0.2.7' },
  { address: '198.51.100.0/24' },
  { credentials_type: 'openid', opened_before: new Date(START + 20_000_000).toISOString() },
  {
    state: 'ended',
    end_reason: 'evicted',
    country: 'FR',
    opened_after: new Date(START + 50_000_000).toISOString(),
    opened_before: new Date(START + 70_000_000).toISOString(),
  },
  { country: 'XX' },
  { opened_by: 'credential:7' },
]

describe.each(filters)('%j', (filter) => {
  test('is found whole, once and in order, 2 000 records at a time', async () => {
    const found: string[] = []
    let cursor: string | null = null
    do {
      const query = new URLSearchParams({ ...filter, limit: '700', ...(cursor !== null && { cursor }) })
      const meter = countRows()
      const { status, body } = await operate(`/identity-stores/${store}/sessions?${query}`, { bearer })
      meter.stop()
      expect(status, JSON.stringify(body)).toBe(200)
      expect(meter.rows.read).toBeGreaterThan(0)
      expect(meter.rows.read).toBeLessThanOrEqual(ROWS_OF_A_REQUEST)
      expect(body.scanned).toBeLessThanOrEqual(2_000)
      expect(body).toMatchObject({ source: 'mirror', may_be_behind_seconds: 10 })
      found.push(...body.sessions.map((session: { session_id: string }) => session.session_id))
      expect(body.next_cursor, 'the next page is this one').not.toBe(cursor ?? '')
      cursor = body.next_cursor
    } while (cursor !== null)
    expect(found).toEqual(expected(filter))
  }, 120_000)

  test('is counted, exactly as far as 10 000 records', async () => {
    const query = new URLSearchParams(filter)
    const { body } = await operate(`/identity-stores/${store}/sessions/count?${query}`, { bearer })
    const count = expected(filter).length
    if (body.exact) expect(body.count).toBe(count)
    else expect(body.count).toBeLessThanOrEqual(count)
    if ('user_id' in filter) expect(body.exact).toBe(true)
  })
})

test('a page without a filter reads what it shows', async () => {
  const meter = countRows()
  const { body } = await operate(`/identity-stores/${store}/sessions?state=ended&limit=50`, { bearer })
  meter.stop()
  expect(body.sessions.map((session: { session_id: string }) => session.session_id)).toEqual(
    expected({ state: 'ended' }).slice(0, 50),
  )
  expect(body.scanned).toBe(50)
  expect(meter.rows.read).toBeLessThanOrEqual(2 * 51 + 10)
})

test('all live ones are more than are counted', async () => {
  const { body } = await operate(`/identity-stores/${store}/sessions/count`, { bearer })
  expect(body).toEqual({ count: 10_000, exact: false })
})

test('a cursor of another list, or of none, is refused', async () => {
  const { body } = await operate(`/identity-stores/${store}/sessions?limit=1`, { bearer })
  for (const [state, cursor] of [
    ['ended', body.next_cursor],
    ['live', `5~${body.next_cursor}`],
    ['live', 'x'],
  ]) {
    const { status } = await operate(`/identity-stores/${store}/sessions?state=${state}&cursor=${cursor}`, { bearer })
    expect([state, cursor, status]).toEqual([state, cursor, 400])
  }
})

test('one session is looked up in a few rows', async () => {
  const line = lines.find(({ endedAt, kind }) => endedAt !== null && kind === 'web') as Line
  let statements = 0
  intercept((call, goOn) => {
    if (call.to === 'D1') statements += call.statements.length
    return goOn()
  })
  const meter = countRows()
  const { body } = await operate(`/identity-stores/${store}/sessions/${line.sessionId}`, { bearer })
  meter.stop()
  expect(body).toMatchObject({ session_id: line.sessionId, source: 'mirror', end_reason: line.endReason })
  expect(meter.rows.read).toBeLessThanOrEqual(15)
  expect(statements).toBeLessThanOrEqual(4)
})
