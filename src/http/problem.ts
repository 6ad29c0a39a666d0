/** Problem details (RFC 9457). */
import { type CommonHeaders, respond } from './common-headers.ts'

export interface Problem {
  readonly status: number
  /** The kind of problem: the last part of `type`. */
  readonly code: string
  readonly title: string
  readonly detail?: string
  /** More members. */
  readonly extra?: Record<string, unknown>
  readonly headers?: Record<string, string>
}

/** A problem document. `type` is relative to the service: `/docs/problems#code`. */
export function problemResponse(problem: Problem, common: CommonHeaders): Response {
  const { status, code, title, detail, extra, headers } = problem
  const body = {
    type: `/docs/problems#${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...extra,
    request_id: common['x-request-id'],
  }
  return respond(JSON.stringify(body), status, common, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...headers,
  })
}
