/** Requests to the APIO API as its clients send them. */
import { expect } from 'vitest'
import { type RequestOptions, send, tokenInCookie, USER_AGENT } from '../../support/requests.ts'
import { makeBearer, type TestUser } from '../../support/stores.ts'

export const INFO = '/api/v1/session/user_login_info/'
export const ALIAS = '/api/v1/session/login_info/'

/** An answer with its parsed body. */
export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly response: Response
}

/** Sends a request and reads the answer. */
export async function apio(path: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await send(path, options)
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text), response }
}

/** `POST /login/` with the user's password, or another one. */
export function login(user: TestUser, options: RequestOptions & { readonly password?: string } = {}): Promise<Answer> {
  const { password = user.password, ...rest } = options
  return apio('/api/v1/login/', { address: user.address, ...rest, json: { username: user.username, password } })
}

/** Signs in, expects it to succeed, and answers the cookie. */
export async function signedIn(user: TestUser, options: RequestOptions = {}): Promise<string> {
  const { status, body, response } = await login(user, options)
  expect(status, JSON.stringify(body)).toBe(200)
  const token = tokenInCookie(response)
  if (token === null) throw new Error('no cookie')
  return token
}

/** `GET` of the login profile. */
export function readInfo(cookie: string, options: RequestOptions = {}): Promise<Answer> {
  return apio(INFO, { cookie, ...options })
}

/** `PUT` of the login profile. */
export function putInfo(cookie: string, json: unknown, options: RequestOptions = {}): Promise<Answer> {
  return apio(INFO, { method: 'PUT', cookie, json, ...options })
}

/** A session of a user whom a trusted back end has verified: it takes no password. Answers the cookie. */
export async function sessionFor(user: TestUser): Promise<string> {
  const bearer = await makeBearer(user.identityStoreId, ['sessions:open'])
  const client = { address: user.address, user_agent: USER_AGENT }
  const { status, body } = await apio('/sessions', { bearer, json: { user_id: user.userId, client } })
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.token)
}
