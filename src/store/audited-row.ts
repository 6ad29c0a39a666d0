/** The events of changes of one row: what it was before, what it is after, and where the change is made. */
import { getTableColumns, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { type AuditEntry, insertAuditEvent } from './audit-events.ts'
import type { Database } from './database.ts'
import { jsonBoolean, jsonObject, jsonObjectWith } from './json-object.ts'

/** What the audit log shows of a table's rows: some fields, under the names of their columns. */
export interface AuditView<Field extends string = string> {
  readonly table: SQLiteTable
  readonly fields: readonly Field[]
  /** SQL of a row as a JSON object. */
  readonly object: SQL
}

/** The view of some fields, and of what else is said of a row. */
export function auditView<Field extends string>(
  table: SQLiteTable,
  fields: readonly Field[],
  more: Readonly<Record<string, SQL>> = {},
): AuditView<Field> {
  return { table, fields, object: jsonObject({ ...shownColumns(table, fields), ...more }) }
}

/** SQL of each field under the name of its column, as JSON has it: of the column, or what `expression` answers. */
export function shownColumns<Field extends string>(
  table: SQLiteTable,
  fields: readonly Field[],
  expression?: (field: Field) => SQL,
): Record<string, SQL | SQLWrapper> {
  return Object.fromEntries(
    fields.map((field) => {
      const column = columnOf(table, field)
      const value = expression?.(field) ?? column
      if (column.dataType === 'json') return [column.name, sql`json(${value})`]
      return [column.name, column.dataType === 'boolean' ? jsonBoolean(value) : value]
    }),
  )
}

/** The values of those fields that are shown, under the names of their columns. What is undefined is left out. */
export function shownValues<Field extends string>(
  { table, fields }: AuditView<Field>,
  values: { readonly [F in Field]?: unknown },
): Record<string, unknown> {
  const named = fields.filter((field) => values[field] !== undefined)
  return Object.fromEntries(named.map((field) => [columnOf(table, field).name, values[field]]))
}

/** SQL of what is shown of a row; null where there is none. */
export function shownRow({ table, object }: AuditView, key: SQL): SQL {
  return sql`(SELECT ${object} FROM ${table} WHERE ${key})`
}

/** The condition that there is such a row. */
export function rowExists(table: SQLiteTable, key: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${table} WHERE ${key})`
}

/**
 * The statement that writes the event of a change of one row. It goes before the change, in the same batch.
 * @param values as `shownValues` answers them; null: the row goes
 * @param condition what must hold of the row besides, as for the change itself
 */
export function insertRowEvent(
  db: Database,
  entry: AuditEntry,
  view: AuditView,
  key: SQL,
  values: Readonly<Record<string, unknown>> | null,
  condition?: SQL,
) {
  return insertAuditEvent(db, entry, {
    before: shownRow(view, key),
    after: values === null ? null : shownRow({ ...view, object: jsonObjectWith(view.object, values) }, key),
    where: rowExists(view.table, condition === undefined ? key : sql`${key} AND ${condition}`),
  })
}

function columnOf(table: SQLiteTable, field: string) {
  const column = getTableColumns(table)[field]
  if (column === undefined) throw new Error(`no column for ${field}`)
  return column
}
