/** Bodies as Looker's clients send them and expect them. */
import type { z } from 'zod'
import type { SessionError } from '../../domain/errors.ts'
import { fail, type Result } from '../../domain/result.ts'
import { readBody, utf8 } from '../../http/body.ts'
import { parseValue } from '../parse.ts'

/**
 * A body that is JSON whatever its label says: the python client sends some under a form's media type.
 * Errors: `request_too_large`, `request_timeout`, `invalid_request`.
 */
export async function parseAnyJson<T>(request: Request, schema: z.ZodType<T>): Promise<Result<T, SessionError>> {
  const body = await readBody(request)
  if (!body.ok) return body
  const value = jsonObject(utf8(body.value))
  return value === null ? badBody('The body is not a JSON object.') : parseValue(value, schema)
}

/** A request that cannot be read at all. */
export function badBody(message: string): Result<never, SessionError> {
  return fail({ code: 'invalid_request', issues: [{ field: '', code: 'invalid', message }] })
}

function jsonObject(text: string | null): object | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text)
    return typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/** A body with only the fields that were asked for; all of them if none was named. */
export function selectFields(body: object, fields: string | undefined): object {
  const names = new Set(fields?.split(',').flatMap((name) => name.trim() || []))
  return names.size === 0 ? body : Object.fromEntries(Object.entries(body).filter(([name]) => names.has(name)))
}
