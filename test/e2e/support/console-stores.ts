/** Stores for tests of the console, made and looked at by the API. */
import { expect } from 'vitest'
import type { Served } from './served.ts'

export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

export const at = (store: string) => `/operator/identity-stores/${store}`

export function storesOf({ credentials: { base_url: baseUrl, operator_token: operator } }: Served) {
  /** Of the back end of each store. */
  const tokens = new Map<string, string>()

  async function call(method: string, path: string, body?: object, bearer: string | null = operator) {
    const authorization = bearer === null ? {} : { authorization: `Bearer ${bearer}` }
    const response = await fetch(baseUrl + path, {
      method,
      headers: { 'content-type': 'application/json', ...authorization },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
  }

  return {
    call,
    tokenOf: (store: string) => tokens.get(store) ?? '',
    /** A store with three users, but for the empty one, and a back end that opens sessions for them. */
    async make(store: string): Promise<void> {
      await call('PUT', at(store), { name: `Store ${store}` })
      if (store !== 'none') {
        const users = ['jo', 'busy', 'max'].map((name) => ({ user_id: name, username: `${name}@${store}.example` }))
        await call('POST', `${at(store)}/users`, { users })
      }
      const credential = { kind: 'bearer', name: 'back end', scopes: ['sessions:open', 'sessions:introspect'] }
      tokens.set(store, String((await call('POST', `${at(store)}/credentials`, credential)).body.token))
    },
    /** Answers the session's token. */
    async openSession(store: string, userId: string): Promise<string> {
      const client = { address: '192.0.2.1', user_agent: FIREFOX }
      const opened = await call('POST', '/sessions', { user_id: userId, client }, tokens.get(store) ?? '')
      expect(opened.status).toBe(201)
      return String(opened.body.token)
    },
    async liveOf(store: string, filter: string): Promise<unknown> {
      return (await call('GET', `${at(store)}/sessions/count?${filter}`)).body.count
    },
  }
}

export type Stores = ReturnType<typeof storesOf>
