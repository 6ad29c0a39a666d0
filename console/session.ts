/** Who is signed in to the console, and how one signs in and out. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import { call } from './http.ts'

export type Scope =
  | 'operator:read'
  | 'operator:sessions'
  | 'operator:policy'
  | 'operator:stores'
  | 'operator:credentials'

/** Who acts: an operator, or an administrator of one store. */
export interface Me {
  readonly actor: string
  /** Of the credential; of an administrator, the user name. */
  readonly name: string
  /** Null: it is an operator. */
  readonly user_id: string | null
  readonly scopes: readonly Scope[]
  /** Null: every store. */
  readonly limited_store_ids: readonly string[] | null
  readonly session_id: string
  readonly expires_at: string
  readonly confirmed_until: string | null
}

const CURRENT = '/operator/console-sessions/current'

export const whoAmI = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }) => (await call<Me>(CURRENT, { signal })).body,
  staleTime: 30_000,
})

/** With an operator's token, which leaves the page at once: what stays is a cookie that no script reads. */
export async function signInAsOperator(token: string): Promise<void> {
  await call('/operator/console-sessions', { method: 'POST', headers: { authorization: `Bearer ${token}` } })
}

/** As a user who administers a store. */
export async function signInAsAdministrator(username: string, password: string): Promise<void> {
  await call('/sessions', { method: 'POST', body: { username, password } })
}

/** What the sign-in link says behind the `#`; it leaves the address before anything else is done with the page. */
const LINK = '#sign-in='
let codeOfLink = location.hash.startsWith(LINK) ? location.hash.slice(LINK.length) : null
if (codeOfLink !== null) history.replaceState(null, '', location.pathname)

/** The code of the link that led here, once; null if none did. */
export function takeCode(): string | null {
  const code = codeOfLink
  codeOfLink = null
  return code
}

/** With the code of a sign-in link. */
export async function signInByCode(code: string): Promise<void> {
  await call('/operator/console-sessions/by-code', { method: 'POST', body: { code } })
}

export async function signOut({ user_id: userId }: Me): Promise<void> {
  await call(userId === null ? CURRENT : '/sessions/current', { method: 'DELETE' })
}

/** The token again: good for the heavier acts of the next five minutes. */
export async function confirm(token: string): Promise<void> {
  await call(`${CURRENT}/confirm`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
}

/** Whether who is signed in may do what needs a scope. Before that is known: no. */
export function useMay(): (scope: Scope) => boolean {
  const me = useQuery(whoAmI)
  return (scope) => me.data?.scopes.includes(scope) ?? false
}
