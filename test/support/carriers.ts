/** What callers of some kinds send along, for tests of who may call what. */
import type { Scope } from '../../src/auth/scopes.ts'
import { ORIGIN, type RequestOptions, send } from './requests.ts'
import { makeApiClient, makeOperator, type TestUser } from './stores.ts'

/** An operator in the console. Default: one that may do everything. */
export async function inConsole(bearer?: string): Promise<RequestOptions> {
  const token = bearer ?? (await makeOperator())
  const opened = await send('/operator/console-sessions', { method: 'POST', bearer: token })
  const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  return { origin: ORIGIN, headers: { cookie, 'latchkey-console': '1' } }
}

/** An API client of a store. */
export async function byBasic(identityStoreId: string, scopes: readonly Scope[]): Promise<RequestOptions> {
  const { clientId, clientSecret } = await makeApiClient(identityStoreId, scopes)
  return { headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` } }
}

/** The access token of a user who has logged in at Looker's API. */
export async function accessToken({ identityStoreId, userId }: TestUser): Promise<string> {
  const { clientId, clientSecret } = await makeApiClient(identityStoreId, ['looker'], { ownerUserId: userId })
  const form = { client_id: clientId, client_secret: clientSecret }
  return ((await (await send('/api/4.0/login', { form })).json()) as { access_token: string }).access_token
}
