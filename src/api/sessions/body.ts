/** Answers of the own API. */
import { respond } from '../../http/common-headers.ts'
import type { RequestContext } from '../context.ts'

interface ResponseParts {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** JSON that no cache may keep, built with the headers that every response has. */
export function privateJson(body: unknown, context: RequestContext, init?: ResponseParts): Response {
  return privateText(JSON.stringify(body), context, init)
}

/** The same of JSON text. */
export function privateText(
  text: string,
  context: RequestContext,
  { status = 200, headers }: ResponseParts = {},
): Response {
  return respond(text, status, context.headers, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...headers,
  })
}
