/** What the tests of the Identity Center API share: its paths, and answers read whole. */
import { type SignedOptions, sendSigned, type TestKey } from '../../support/access-keys.ts'
import type { TestUser } from '../../support/stores.ts'

type Target = Pick<TestUser, 'identityStoreId' | 'userId'>

/** An answer, read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came.
  readonly body: any
}

/** The path of a user's sessions. */
export function sessionsPath({ identityStoreId, userId }: Target): string {
  return `/v1/identity-stores/${identityStoreId}/users/${userId}/sessions`
}

/** Lists a user's sessions. */
export async function list(key: TestKey, user: Target, options: SignedOptions = {}): Promise<Answer> {
  return read(await sendSigned(key, sessionsPath(user), options))
}

/** Ends sessions of a user. */
export function batchDelete(key: TestKey, user: Target, ids: unknown, options: SignedOptions = {}): Promise<Answer> {
  return post(key, user, JSON.stringify({ session_ids: ids }), options)
}

/** Posts any body to batch-delete. */
export async function post(key: TestKey, user: Target, body: string, options: SignedOptions = {}): Promise<Answer> {
  return read(await sendSigned(key, `${sessionsPath(user)}/batch-delete`, { method: 'POST', body, ...options }))
}

/** Reads an answer whole. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text === '' ? null : JSON.parse(text) }
}
