/**
 * Statements for what happens often. To build one takes drizzle longer than it takes D1 to run it, so its text is
 * built once in an isolate, with placeholders for what differs.
 */
import { fillPlaceholders, type Query } from 'drizzle-orm'
import type { Database } from './database.ts'

/** A statement with its values, for a batch. */
export type Bound = D1PreparedStatement

/**
 * A statement that is built when it is first needed. Its rows come as D1 has them, under the names of the columns:
 * give each one a name of its own.
 */
export function statement(build: (db: Database) => { toSQL(): Query }) {
  let query: Query | undefined
  return (db: Database, values: Readonly<Record<string, unknown>>): Bound => {
    query ??= build(db).toSQL()
    return db.$client.prepare(query.sql).bind(...fillPlaceholders(query.params, values))
  }
}
