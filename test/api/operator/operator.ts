/** What the tests of the operator API share: requests of an operator, and what the audit log says. */
import { expect } from 'vitest'
import { type RequestOptions, send } from '../../support/requests.ts'
import { makeOperator } from '../../support/stores.ts'

/** An answer, read. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came.
  readonly body: any
  readonly text: string
}

/** Sends a request with an operator's credential (default: a new one), to a path under `/operator`. */
export async function operate(path: string, options: RequestOptions = {}): Promise<Answer> {
  return read(await send(`/operator${path}`, { ...options, bearer: options.bearer ?? (await makeOperator()) }))
}

/** Reads an answer whole. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, text, body: text === '' ? null : JSON.parse(text) }
}

/** PUT with a JSON body. */
export function put(path: string, json: unknown): Promise<Answer> {
  return operate(path, { method: 'PUT', json })
}

/** PATCH with a JSON body. */
export function patch(path: string, json: unknown): Promise<Answer> {
  return operate(path, { method: 'PATCH', json })
}

/** DELETE. */
export function remove(path: string): Promise<Answer> {
  return operate(path, { method: 'DELETE' })
}

/** The newest audit events of a store, newest first. */
export async function auditEvents(identityStoreId: string): Promise<Answer['body'][]> {
  const answer = await operate(`/identity-stores/${identityStoreId}/audit-events`)
  expect(answer.status).toBe(200)
  return answer.body.audit_events
}
