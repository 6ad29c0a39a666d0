/** What must be as it was, and what must hold, after whatever was asked. */
import { type Caller, LIMIT } from '../mix/store.ts'
import type { Bystander, World } from './world.ts'

/** As much of a D1 database as is asked. */
export interface Rows {
  all(sql: string, ...values: readonly string[]): Promise<readonly Record<string, unknown>[]>
}

/** They count what was tried, also by whom nothing is known. */
const COUNTERS = new Set(['sign_in_attempts', 'call_counters'])

/** Columns that a refused request may change in the store of its caller: whoever is refused has used something. */
const LEFT_BY_REFUSALS: Readonly<Record<string, readonly string[]>> = {
  credentials: ['last_used_at'],
  sessions: ['last_seen_at', 'recent_address', 'recent_user_agent', 'version'],
  event_stores: ['last_number'],
}
/** Events that tell of no more than that. */
const TOLD_OF_REFUSALS = /"type":"(?:session\.moved|sign_in\.locked_out)"/
/** A function of D1 takes 32 arguments at most: so many names with their values. */
const PAIRS = 16
/** Once more is enough to see whether the database is still behind the objects. */
const PAUSE_MILLISECONDS = 50
const PATIENCE = 100

/** What a refused request must leave as it is, once what was asked before is done. */
export async function settledRows(rows: Rows, identityStoreId: string): Promise<StoreRows> {
  let last = await rowsLeftAlone(rows, identityStoreId)
  for (let tries = 0; tries < PATIENCE; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS))
    const now = await rowsLeftAlone(rows, identityStoreId)
    if (differences(last, now).length === 0) return now
    last = now
  }
  throw new Error('the store does not come to rest')
}

async function rowsLeftAlone(rows: Rows, identityStoreId: string): Promise<StoreRows> {
  // Refused sign-ins are counted, and so is work that is tried again by itself.
  const {
    session_counters: _counted,
    failing_work: _tried,
    ...all
  } = await rowsOfStore(rows, identityStoreId, LEFT_BY_REFUSALS)
  return { ...all, events: all.events?.filter((row) => !TOLD_OF_REFUSALS.test(row)) ?? [] }
}

/** Rows as text, by table. */
type StoreRows = Readonly<Record<string, readonly string[]>>

/** All rows of a store, by table, as text. `without`: columns that are left out. */
export async function rowsOfStore(
  rows: Rows,
  identityStoreId: string,
  without: Readonly<Record<string, readonly string[]>> = {},
): Promise<StoreRows> {
  const columns = await rows.all(
    `SELECT t.name AS in_table, c.name AS column_name FROM sqlite_schema t, pragma_table_info(t.name) c
     WHERE t.type = 'table' AND t.sql LIKE '%identity_store_id%' AND t.name NOT LIKE '\\_%' ESCAPE '\\'`,
  )
  const looked = columns.map((one) => [String(one.in_table), String(one.column_name)] as const)
  const wanted = looked.filter(([table, column]) => !COUNTERS.has(table) && !without[table]?.includes(column))
  // One statement for all tables: each one's would be a trip.
  const texts = Array.from(
    Map.groupBy(wanted, ([table]) => table),
    ([table, all]) => {
      const pairs = all.map(([, column]) => `'${column}', "${column}"`)
      const objects = Array.from({ length: Math.ceil(pairs.length / PAIRS) }, (_, part) =>
        pairs.slice(part * PAIRS, (part + 1) * PAIRS),
      )
      const row = objects.map((part) => `json_object(${part.join()})`).join(' || ')
      return `(SELECT json_group_array(${row} || '') FROM "${table}" WHERE identity_store_id = ?1) AS "${table}"`
    },
  )
  const [found = {}] = await rows.all(`SELECT ${texts.join()}`, identityStoreId)
  return Object.fromEntries(Object.entries(found).map(([table, all]) => [table, JSON.parse(String(all))]))
}

/** What is not as it was: rows that are gone, and those that are new. */
export function differences(before: StoreRows, after: StoreRows): readonly string[] {
  return Object.entries(after).flatMap(([name, now]) => {
    const [was, is] = [new Set(before[name]), new Set(now)]
    const [gone, added] = [[...was.difference(is)], [...is.difference(was)]]
    if (gone.length + added.length === 0) return []
    return [`${name} of a store that was not to change had\n${gone.join('\n')}\nand has\n${added.join('\n')}`]
  })
}

/** Whether every session of the bystander lives, as its holder sees it. */
export async function deadOf(call: Caller, { sessions }: Bystander): Promise<readonly string[]> {
  const dead: string[] = []
  for (const { id, token } of sessions) {
    const path = '/sessions/current?touch=false'
    const alive = await call({ method: 'GET', path, bearer: token }).then(
      ({ body }) => body.id === id,
      () => false,
    )
    if (!alive) dead.push(`session ${id} of a store that nobody may change is dead`)
  }
  return dead
}

/** What D1 and the objects of a store say differently, and which users are over the highest limit. */
export async function contradictions(
  rows: Rows,
  call: Caller,
  { identityStoreId, sessions }: World,
): Promise<readonly string[]> {
  const records = await rows.all(
    'SELECT session_id, user_id, ended_at FROM sessions WHERE identity_store_id = ?',
    identityStoreId,
  )
  const ended = new Map(records.map((record) => [record.session_id, record.ended_at !== null]))
  const found: string[] = []
  for (const { id, token } of sessions) {
    const path = '/sessions/current?touch=false'
    const alive = await call({ method: 'GET', path, bearer: token }).then(
      () => true,
      () => false,
    )
    if (ended.get(id) === alive) found.push(`session ${id} is ${alive ? 'alive' : 'dead'}, and D1 says otherwise`)
  }
  return [...found, ...(await overLimit(rows, identityStoreId))]
}

/** Users with more live sessions than any config has allowed since the store was made. Groups may allow more. */
async function overLimit(rows: Rows, identityStoreId: string): Promise<readonly string[]> {
  const [limits] = await rows.all(
    `SELECT max(coalesce(json_extract(config, '$.concurrentSessionLimit'), 1e9)) AS highest FROM session_config_versions
     WHERE identity_store_id = ?1 AND version >= (SELECT min(version) FROM session_config_versions
       WHERE identity_store_id = ?1 AND json_extract(config, '$.concurrentSessionLimit') = ${LIMIT})`,
    identityStoreId,
  )
  const over = await rows.all(
    `SELECT s.user_id, count(*) AS live FROM sessions s JOIN users u USING (identity_store_id, user_id)
     WHERE s.identity_store_id = ?1 AND s.kind = 'web' AND s.ended_at IS NULL AND u.group_version = 0
       AND u.group_id IS NOT 'group' GROUP BY s.user_id HAVING live > CAST(?2 AS INTEGER)`,
    identityStoreId,
    String(limits?.highest),
  )
  return over.map(({ user_id, live }) => `${user_id} has ${live} sessions, over the limit of ${limits?.highest}`)
}
