/** What must be as it was, and what must hold, after whatever was asked. */
import type { Caller } from '../mix/store.ts'
import type { Bystander, World } from './world.ts'

/** As much of a D1 database as is asked. */
export interface Rows {
  all(sql: string, ...values: readonly string[]): Promise<readonly Record<string, unknown>[]>
}

/** They count what was tried, also by whom nothing is known. */
const COUNTERS = new Set(['sign_in_attempts', 'call_counters'])

/** All rows of a store, by table, as text. */
export async function rowsOfStore(rows: Rows, identityStoreId: string): Promise<Readonly<Record<string, string>>> {
  const tables = await rows.all(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%identity_store_id%' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  )
  const found: Record<string, string> = {}
  for (const name of tables.map((table) => String(table.name)).filter((table) => !COUNTERS.has(table))) {
    const all = await rows.all(`SELECT * FROM "${name}" WHERE identity_store_id = ?`, identityStoreId)
    found[name] = all
      .map((row) => JSON.stringify(row))
      .toSorted()
      .join('\n')
  }
  return found
}

/** What is not as it was. */
export function differences(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  return Object.keys(after)
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name} of a store that nobody may change was\n${before[name]}\nand is\n${after[name]}`)
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
  return found
}
