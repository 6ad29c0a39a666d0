/**
 * Pages of the rows that pass a filter which no index covers. At most a fixed number of rows is looked at in one
 * request, whatever the filter.
 */
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { ok, type Result } from '../domain/result.ts'
import { MAX_SCANNED_ROWS } from '../limits.ts'
import type { Unavailable } from '../time-limit.ts'
import { attempt, type Database } from './database.ts'

/** Some rows, and how it goes on. */
export interface ScannedPage<Row> {
  readonly rows: readonly Row[]
  /** How many rows were looked at. */
  readonly scanned: number
  /** The last row that was looked at, whether the filter let it through or not; null: there are no more. */
  readonly last: Row | null
}

export interface Scan<Row> {
  /** SQL of the candidate rows: a SELECT along an index, without order and limit. */
  readonly from: SQL
  /** SQL of the order of that index, by the names of its columns. */
  readonly order: SQL
  /** SQL of what must hold of a row; undefined: nothing. */
  readonly filter: SQL | undefined
  readonly limit: number
  /** Makes a row of one as D1 has it, under the names of the columns. */
  readonly toRow: (found: Found) => Row
}

type Found = Readonly<Record<string, unknown>>

/** A page of rows. */
export async function scan<Row>(
  db: Database,
  { from, order, filter, limit, toRow }: Scan<Row>,
): Promise<Result<ScannedPage<Row>, Unavailable>> {
  const most = filter === undefined ? limit + 1 : MAX_SCANNED_ROWS
  const found = await attempt(() =>
    db.all<Found & Place>(sql`SELECT * FROM (
SELECT *, coalesce(${filter ?? sql`true`}, false) AS matches, row_number() OVER (ORDER BY ${order}) AS place, count(*) OVER () AS looked_at
FROM (${from} ORDER BY ${order} LIMIT ${most}))
WHERE matches OR place = looked_at ORDER BY place LIMIT ${limit + 1}`),
  )
  if (!found.ok) return found
  const matching = found.value.filter(({ matches }) => matches === 1)
  const rows = matching.slice(0, limit)
  // With the page full, the next one begins after its last row; else all were looked at, to the last.
  const last = matching.length > limit ? rows.at(-1) : found.value.at(-1)
  if (last === undefined) return ok({ rows: [], scanned: 0, last: null })
  const isEnd = last.place === last.looked_at && last.looked_at < most
  return ok({ rows: rows.map(toRow), scanned: last.place, last: isEnd ? null : toRow(last) })
}

/** A row of a table out of one as D1 has it. */
export function rowOfTable<T extends SQLiteTable>(table: T, row: Found): T['$inferSelect'] {
  const fields = Object.entries(getTableColumns(table)).map(([field, column]) => {
    const value = row[column.name]
    return [field, value === null ? null : column.mapFromDriverValue(value)]
  })
  return Object.fromEntries(fields)
}

interface Place {
  readonly matches: number
  readonly place: number
  readonly looked_at: number
}
