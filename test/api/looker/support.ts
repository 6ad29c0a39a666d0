/** An identity store with its people, and the calls that Looker's clients make. */
import { expect } from 'vitest'
import type { Role } from '../../../src/domain/authority.ts'
import type { SessionConfig } from '../../../src/domain/policy.ts'
import { stopClock } from '../../support/clock.ts'
import { fireJobAlarm, storeJobs } from '../../support/objects.ts'
import { type RequestOptions, send } from '../../support/requests.ts'
import { makeApiClient, makeStore, makeUser, type TestUser, type UserOptions } from '../../support/stores.ts'

/** A user who has logged in at Looker's API. */
export interface LoggedIn {
  readonly user: TestUser
  readonly token: string
  readonly clientId: string
  readonly clientSecret: string
}

/** Makes a user and an API client of that user's, and logs in with it. */
export async function logIn(
  role: Role = 'admin',
  options: Omit<UserOptions, 'role'> & { readonly config?: Partial<SessionConfig> } = {},
): Promise<LoggedIn> {
  const { config, ...rest } = options
  const identityStoreId = options.identityStoreId ?? (await makeStore({ ...(config && { config }) }))
  const user = await makeUser({ ...rest, identityStoreId, role })
  const client = await makeApiClient(identityStoreId, ['looker'], { ownerUserId: user.userId })
  return { user, ...client, token: await accessToken(client) }
}

/** Logs in once more. */
export async function accessToken(client: { clientId: string; clientSecret: string }): Promise<string> {
  const form = { client_id: client.clientId, client_secret: client.clientSecret }
  const answer = await looker('POST', '/login', null, { form })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body.access_token
}

/** Logs in on behalf of another user, and expects it to succeed. */
export async function sudo(token: string, user: Pick<TestUser, 'userId'>): Promise<string> {
  const answer = await looker('POST', `/login/${user.userId}`, token)
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body.access_token
}

/** One call under `/api/4.0`, or of the root for a path with two slashes. The body is JSON; `{}` for none. */
export async function looker(
  method: string,
  path: string,
  token: string | null,
  options: Omit<RequestOptions, 'method' | 'bearer'> = {},
) {
  const url = path.startsWith('//') ? path.slice(1) : `/api/4.0${path}`
  const response = await send(url, { method, origin: null, ...(token !== null && { bearer: token }), ...options })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
}

/** Changes the config and expects it to succeed. */
export async function patchConfig(token: string, json: object) {
  const answer = await looker('PATCH', '/session_config', token, { json })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return answer.body
}

/** Lets a store's jobs run by their alarms, the clock going from one to the next, for at most so many seconds. */
export async function finishJobs(identityStoreId: string, seconds = 3_600): Promise<void> {
  const end = Date.now() + seconds * 1000
  for (let fired = 0; fired < 1_000; ) {
    const [next] = await storeJobs(identityStoreId).list()
    if (next === undefined || next.dueAt > end) return
    if (next.dueAt > Date.now()) stopClock(next.dueAt)
    if (await fireJobAlarm(identityStoreId)) fired += 1
    // The platform has fired it already.
    else await scheduler.wait(1)
  }
  throw new Error('jobs are left')
}
