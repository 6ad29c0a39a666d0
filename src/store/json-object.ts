/** JSON objects that the database makes. Names of members come from the code, never from outside. */
import { is, SQL, type SQLWrapper, sql } from 'drizzle-orm'

/** SQL of a JSON object. Booleans must come as `jsonBoolean`. */
export function jsonObject(members: Readonly<Record<string, SQL | SQLWrapper>>): SQL {
  const parts = Object.entries(members).flatMap(([name, value]) => [sql.raw(`'${name}'`), sql`${value}`])
  return sql`json_object(${sql.join(parts, sql`, `)})`
}

/** SQL of a JSON boolean, from a column or condition. Null is false. */
export function jsonBoolean(value: SQL | SQLWrapper): SQL {
  return sql`json(iif(${value}, 'true', 'false'))`
}

/** SQL of a JSON boolean or null, from a column. */
export function jsonBooleanOrNull(value: SQL | SQLWrapper): SQL {
  return sql`json(CASE ${value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)`
}

/** SQL of a JSON object in which some members are set to new values, or to what SQL computes. */
export function jsonObjectWith(object: SQL, members: Readonly<Record<string, unknown>>): SQL {
  const parts = Object.entries(members).map(
    ([name, value]) =>
      sql`, ${sql.raw(`'$.${name}'`)}, ${is(value, SQL) ? value : sql`json(${JSON.stringify(value)})`}`,
  )
  return sql`json_set(${object}${sql.join(parts)})`
}
