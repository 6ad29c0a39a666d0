/** Lists of users and of audit events: filters, cursors, the bound of their work, and streams. */
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { ROLES } from '../../../src/domain/authority.ts'
import { nextSessionId } from '../../../src/domain/session-id.ts'
import { countCalls } from '../../support/counts.ts'
import { breakD1Statements } from '../../support/faults.ts'
import { send } from '../../support/requests.ts'
import { makeOperator, makeStore } from '../../support/stores.ts'
import { operate } from './operator.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const COUNT = 10_000

interface Event {
  readonly event_id: string
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly subject: string
}

interface User {
  readonly user_id: string
  readonly username: string | null
  readonly active: boolean
  readonly role: (typeof ROLES)[number]
  readonly group_id: string | null
}

let store = ''
let bearer = ''
let events: Event[] = []
let users: User[] = []

async function insert(sql: string, rows: readonly object[]): Promise<void> {
  for (let at = 0; at < rows.length; at += 2_500) {
    await env.DB.prepare(sql)
      .bind(store, JSON.stringify(rows.slice(at, at + 2_500)))
      .run()
  }
}

beforeAll(async () => {
  store = await makeStore()
  bearer = await makeOperator()
  let previous: string | null = null
  events = Array.from({ length: COUNT }, (_, index) => {
    // Ten a second; the clocks of those that wrote them differ a little.
    const at = START + index * 100 + (index % 3) * 150
    previous = nextSessionId(previous, at, crypto.getRandomValues(new Uint8Array(8)))
    const subject = index % 1_000 === 7 ? 'user:rare' : `user:${index % 7}`
    return {
      event_id: previous,
      at,
      actor: `credential:${index % 5}`,
      action: index % 2 === 0 ? 'a.made' : 'a.ended',
      subject,
    }
  })
  await insert(
    `INSERT INTO audit_events (identity_store_id, event_id, at, actor, action, subject, before, after, request_id)
     SELECT ?1, value ->> 'event_id', value ->> 'at', value ->> 'actor', value ->> 'action', value ->> 'subject', NULL, '{"n":1}', 'r' FROM json_each(?2)`,
    events,
  )
  users = Array.from({ length: COUNT }, (_, index) => ({
    user_id: `u-${String((index * 7_919) % COUNT).padStart(5, '0')}`,
    username: index % 11 === 0 ? null : `${'abc'[index % 3]}${index}@${store}`,
    active: index % 4 !== 0,
    role: ROLES[index % 50 === 0 ? 0 : (index % (ROLES.length - 1)) + 1] ?? 'member',
    group_id: index % 500 === 1 ? 'rare' : `g-${index % 3}`,
  }))
  await insert(
    `INSERT INTO users (identity_store_id, user_id, username, group_id, role, user_level, bot, active, sessions_valid_from, status_version, created_at, updated_at, deleted_at)
     SELECT ?1, value ->> 'user_id', value ->> 'username', value ->> 'group_id', value ->> 'role', 0, 0, value ->> 'active', 0, 1, 0, 0,
       iif(value ->> 'username' IS NULL, 1, NULL) FROM json_each(?2)`,
    users,
  )
})

/** Every row of a list, page by page; each page looks at so many rows at most. */
async function pages(list: 'audit-events' | 'users', query: Readonly<Record<string, string>>): Promise<string[]> {
  const found: string[] = []
  const counts = countCalls()
  let cursor: string | null = null
  do {
    const parameters = new URLSearchParams({ ...query, ...(cursor === null ? {} : { cursor }) })
    const before = counts.d1RowsRead
    const { status, body } = await operate(`/identity-stores/${store}/${list}?${parameters}`, { bearer })
    expect(status).toBe(200)
    expect(body.scanned).toBeLessThanOrEqual(2_000)
    // D1 counts a row once more for each step of the statement that it goes through.
    expect(counts.d1RowsRead - before).toBeLessThan(8 * 2_000)
    found.push(
      ...(body.users ?? body.audit_events).map(
        (row: { user_id?: string; event_id: string }) => row.user_id ?? row.event_id,
      ),
    )
    expect(body.next_cursor, 'the next page is this one').not.toBe(cursor ?? '')
    cursor = body.next_cursor
  } while (cursor !== null)
  return found
}

const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined })
const given = (query: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined))
const limit = fc.constantFrom('100', '250', '999', '1000')

describe('audit events', () => {
  const instant = fc.nat(COUNT * 100 + 1_000).map((after) => new Date(START + after).toISOString())
  const filter = fc.record({
    limit,
    actor: maybe(fc.constantFrom('credential:1', 'credential:4', 'credential:none')),
    action: maybe(fc.constantFrom('a.made', 'a.ended')),
    subject: maybe(fc.constantFrom('user:rare', 'user:3', 'user:none')),
    after: maybe(instant),
    before: maybe(instant),
  })

  /** What a query is to find. */
  function matching(query: Readonly<Record<string, string | undefined>>): string[] {
    return events
      .filter(({ at, ...event }) => {
        const inTime =
          (query.after === undefined || at >= Date.parse(query.after)) &&
          (query.before === undefined || at < Date.parse(query.before))
        return (
          inTime &&
          (['actor', 'action', 'subject'] as const).every((name) => (query[name] ?? event[name]) === event[name])
        )
      })
      .map(({ event_id }) => event_id)
      .toReversed()
  }

  test('are found as a filter says, each once, newest first', async () => {
    const before = new Date(START + COUNT * 50).toISOString()
    const examples = [{ limit: '1000' }, { limit: '100', subject: 'user:rare' }, { limit: '1000', before }]
    await fc.assert(
      fc.asyncProperty(filter, async (query) => {
        expect(await pages('audit-events', given(query))).toEqual(matching(query))
      }),
      { numRuns: 12, examples: examples.map((query): [never] => [query as never]) },
    )
  })

  /** Asks for a stream; answers its reader. */
  async function stream(query: string, of = store) {
    const response = await send(`/operator/identity-stores/${of}/audit-events${query}`, {
      bearer,
      headers: { accept: 'application/x-ndjson' },
    })
    return response
  }

  const idsIn = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).event_id)

  test('are streamed, all of them, in order and each once, also what a filter leaves', async () => {
    const response = await stream('')
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const text = await response.text()
    expect(idsIn(text)).toEqual(matching({}))
    const { at, ...newest } = events.at(-1) as Event
    expect(JSON.parse(text.split('\n', 1)[0] ?? '')).toEqual({
      ...newest,
      at: new Date(at).toISOString(),
      before: null,
      after: { n: 1 },
      request_id: 'r',
      seal: null,
    })
    expect(idsIn(await (await stream('?actor=credential:1&action=a.ended')).text())).toEqual(
      matching({ actor: 'credential:1', action: 'a.ended' }),
    )
    expect(await (await stream('?actor=credential:none')).text()).toBe('')
  })

  test('are read no further than the reader takes them, and from the last one on', async () => {
    const counts = countCalls()
    const reader = (await stream('')).body?.getReader()
    const first = idsIn(new TextDecoder().decode((await reader?.read())?.value))
    expect(first).toEqual(matching({}).slice(0, first.length))
    // Whoever read ahead would do so meanwhile.
    for (let times = 0; times < 30; times += 1) await env.DB.prepare('SELECT 1').run()
    expect(counts.d1RowsRead).toBeLessThan(15_000)
    await reader?.cancel()
    const taken = counts.d1RowsRead
    for (let times = 0; times < 30; times += 1) await env.DB.prepare('SELECT 1').run()
    expect(counts.d1RowsRead).toBe(taken)
    const rest = await (await stream(`?cursor=${first.at(-1)}`)).text()
    expect(idsIn(rest)).toEqual(matching({}).slice(first.length))
  })

  test('break off when D1 does, and are refused where nothing was sent yet', async () => {
    const response = await stream('')
    const fault = breakD1Statements(/audit_events/)
    await expect(response.text()).rejects.toThrow()
    expect((await stream('')).status).toBe(503)
    fault.repair()
    expect((await stream('', 'nowhere')).status).toBe(404)
    expect((await stream('?before=yesterday')).status).toBe(400)
  })

  test.each(['actor=', 'after=1', 'until=x', 'limit=1001'])('refuse %s', async (query) => {
    const answer = await operate(`/identity-stores/${store}/audit-events?${query}`, { bearer })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: query.split('=')[0] }] } })
  })
})

describe('users', () => {
  const filter = fc.record({
    limit,
    username: maybe(fc.constantFrom('a', 'B1', 'c99', 'nobody')),
    active: maybe(fc.constantFrom('true', 'false')),
    role: maybe(fc.constantFrom(...ROLES)),
    group_id: maybe(fc.constantFrom('rare', 'g-1', 'none')),
  })

  test('are found as a filter says, each once, by id or by user name', async () => {
    // The last is found by looking at more rows than one request may.
    const examples = [{ limit: '1000' }, { limit: '100', username: 'a' }, { limit: '250', group_id: 'rare' }]
    await fc.assert(
      fc.asyncProperty(filter, async (query) => {
        const { username, active, role, group_id } = query
        const key = username === undefined ? 'user_id' : 'username'
        const expected = users
          .filter((user) => user.username?.startsWith(username?.toLowerCase() ?? '') === true)
          .filter((user) => active === undefined || String(user.active) === active)
          .filter((user) => (role ?? user.role) === user.role && (group_id ?? user.group_id) === user.group_id)
          .toSorted((a, b) => ((a[key] ?? '') < (b[key] ?? '') ? -1 : 1))
        expect(await pages('users', given(query))).toEqual(expected.map(({ user_id }) => user_id))
      }),
      { numRuns: 12, examples: examples.map((query): [never] => [query as never]) },
    )
  })

  test('of another store are neither found nor looked at', async () => {
    const other = await makeStore()
    for (const query of ['', '?username=a', '?role=member']) {
      const { body } = await operate(`/identity-stores/${other}/users${query}`, { bearer })
      expect(body).toEqual({ users: [], next_cursor: null, scanned: 0 })
    }
  })

  test.each(['active=yes', 'role=king', 'group_id=a%20b', 'username=', 'name=x'])('refuse %s', async (query) => {
    const answer = await operate(`/identity-stores/${store}/users?${query}`, { bearer })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: query.split('=')[0] }] } })
  })
})
