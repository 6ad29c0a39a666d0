/** Calls of the service: the console's cookie travels by itself, the header says that the console asks. */

import { whoAsks } from './common/attention.ts'

/** A refusal, in the service's own words. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | null
  /** The fields of the problem document beside its detail. */
  readonly problem: Readonly<Record<string, unknown>>

  constructor(status: number, problem: Readonly<Record<string, unknown>>, requestId: string | null) {
    const said = [problem.detail, problem.title].find((text) => typeof text === 'string')
    super(said ?? `The service answered ${status}.`)
    this.status = status
    this.code = typeof problem.code === 'string' ? problem.code : String(status)
    this.requestId = requestId
    this.problem = problem
  }
}

export interface Answer<T> {
  readonly body: T
  readonly headers: Headers
}

interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Calls `path` of this origin. Throws a `Refusal` for an error, and what `fetch` throws where nobody answers. */
export async function call<T>(path: string, { method = 'GET', body, headers, signal }: Call = {}): Promise<Answer<T>> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    // What is sent while the page is left arrives all the same.
    keepalive: method !== 'GET',
    headers: {
      'latchkey-console': method === 'GET' ? whoAsks() : '1',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
  const text = await response.text()
  if (!response.ok) throw new Refusal(response.status, parsed(text), response.headers.get('x-request-id'))
  return { body: (text === '' ? undefined : JSON.parse(text)) as T, headers: response.headers }
}

/** What `path` exports as `type`, whole. Throws as `call` does. */
export async function exportOf(path: string, type: string): Promise<Blob> {
  const response = await fetch(path, {
    credentials: 'same-origin',
    headers: { 'latchkey-console': '1', accept: type },
  })
  if (response.ok) return response.blob()
  throw new Refusal(response.status, parsed(await response.text()), response.headers.get('x-request-id'))
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
