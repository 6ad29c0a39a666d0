/** Calls of the Slack API as its clients make them, and a team to make them in. */
import type { Scope } from '../../../src/auth/scopes.ts'
import type { SessionConfig } from '../../../src/domain/policy.ts'
import type { StoreState } from '../../../src/store/schema.ts'
import { type RequestOptions, send } from '../../support/requests.ts'
import { makeBearer, makeStore, makeUser, type TestUser, type UserOptions } from '../../support/stores.ts'

/** What came back, read. */
export interface SlackAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every form
  readonly body: any
}

/** A team: an identity store, an owner, and the owner's token. */
export interface Team {
  readonly id: string
  readonly owner: TestUser
  readonly token: string
  call(method: string, form?: Record<string, string>, options?: RequestOptions): Promise<SlackAnswer>
  user(options?: UserOptions): Promise<TestUser>
  /** A token of its own, for a user with this role. */
  tokenOf(options: UserOptions, scopes?: readonly Scope[]): Promise<string>
}

export const SCOPES: readonly Scope[] = ['admin.users:read', 'admin.users:write']

export async function makeTeam(
  options: {
    role?: UserOptions['role']
    state?: StoreState
    config?: Partial<SessionConfig>
    scopes?: readonly Scope[]
  } = {},
): Promise<Team> {
  const { role = 'owner', scopes = SCOPES, ...store } = options
  const id = await makeStore(store)
  const user = (options: UserOptions = {}) => makeUser({ identityStoreId: id, ...options })
  const owner = await user({ role })
  const token = await makeBearer(id, scopes, { ownerUserId: owner.userId })
  return {
    id,
    owner,
    token,
    user,
    call: (method, form = {}, options = {}) => call(method, { bearer: token, form, ...options }),
    async tokenOf(options, scopes = SCOPES) {
      return makeBearer(id, scopes, { ownerUserId: (await user(options)).userId })
    },
  }
}

/** Calls a method; `session.x` is short for `admin.users.session.x`. */
export async function call(method: string, options: RequestOptions = {}): Promise<SlackAnswer> {
  const name = method.startsWith('session.') ? `admin.users.${method}` : method
  const response = await send(`/api/${name}`, { method: 'POST', origin: null, ...options })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}
