/** Inserting on a condition: check and write are one statement, so nothing comes between. */
import { getTableColumns, is, SQL, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { Database } from './database.ts'

/** A row to be written: of each column the value, or the SQL that computes it. */
export type RowOf<T extends SQLiteTable> = {
  readonly [Field in keyof T['$inferSelect']]: T['$inferSelect'][Field] | SQL
}

/**
 * The statement that inserts a row if `where` holds.
 * @param from SQL of what the row is computed from, once for each of its rows
 */
export function insertWhere<T extends SQLiteTable>(db: Database, table: T, row: RowOf<T>, where: SQL, from?: SQL) {
  const values = Object.entries(getTableColumns(table)).map(([field, column]) => {
    const value: unknown = row[field as keyof RowOf<T>]
    return is(value, SQL) ? value : sql`${sql.param(value, column)}`
  })
  const source = from === undefined ? sql`` : sql` FROM ${from}`
  return db.insert(table).select(sql`SELECT ${sql.join(values, sql`, `)}${source} WHERE ${where}`)
}
