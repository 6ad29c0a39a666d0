/** Lists in pages. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { ok, type Result } from '../../domain/result.ts'
import { parseQuery } from '../parse.ts'
import { PageQuery } from './schemas.ts'

/** A page, and the cursor of the next one; null: there is none. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  readonly nextCursor: string | null
}

/** The page that the query asks for. Errors: `invalid_request`, and those of `read`. */
export async function readPage<Row>(
  request: Request,
  read: (cursor: string | null, limit: number) => Promise<Result<readonly Row[], SessionError>>,
  cursorOf: (row: Row) => string,
  Query: z.ZodType<z.infer<typeof PageQuery>> = PageQuery,
): Promise<Result<Page<Row>, SessionError>> {
  const query = parseQuery(request, Query)
  if (!query.ok) return query
  const { limit, cursor } = query.value
  // One more than asked for: it tells whether there is another page.
  const found = await read(cursor ?? null, limit + 1)
  if (!found.ok) return found
  const rows = found.value.slice(0, limit)
  const last = rows.at(-1)
  return ok({ rows, nextCursor: found.value.length > limit && last !== undefined ? cursorOf(last) : null })
}
