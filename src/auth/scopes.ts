/** What a caller may do: the closed list of scopes. */
import type { CredentialKind } from '../store/schema.ts'

/** Every scope, with what it allows. */
export const SCOPES = {
  operator: 'All that begin with `operator:`. These belong to credentials of the service itself alone.',
  'operator:read': 'Read everything under /operator.',
  'operator:sessions': 'End sessions, unlock users, run and stop jobs.',
  'operator:policy': 'Preview and change session configs, and the session settings of groups and users.',
  'operator:stores': 'Make, change and delete identity stores, their users and their OpenID providers.',
  'operator:credentials': 'Make, change and revoke credentials: whoever may do that can give any power over a store.',
  'sessions:open': 'Open a session for a user whom the caller has verified.',
  'sessions:introspect': 'Ask whether a session token of the store is active.',
  'sessions:revoke': 'End a session of the store by its token.',
  'ssf.read': 'Read the own streams of security events (Shared Signals Framework).',
  'ssf.manage': 'Make, read, change and delete own streams of security events, and poll them.',
  'admin.users:read': 'Read the sessions and session settings of users, in the Slack API.',
  'admin.users:write': 'End sessions and change session settings of users, in the Slack API.',
  'IdentityCenter:user:listSessions': 'List sessions of users, in the Identity Center API.',
  'IdentityCenter:user:batchDeleteSession': 'End sessions of users, in the Identity Center API.',
  looker: 'Log in to the Looker API.',
} as const

export type Scope = keyof typeof SCOPES

/** What a route under /operator needs. */
export type OperatorScope = Extract<Scope, `operator:${string}`>

/** The scopes of operators, but for the one that stands for all. */
export const OPERATOR_SCOPES = Object.keys(SCOPES).filter((scope): scope is OperatorScope =>
  scope.startsWith('operator:'),
)

/** The operators' scopes that a credential's scopes come to. */
export function operatorScopes(scopes: readonly string[]): readonly OperatorScope[] {
  return OPERATOR_SCOPES.filter((scope) => scopes.includes(scope) || scopes.includes('operator'))
}

/** The scopes that a credential of an identity store may have. */
export const STORE_SCOPES = Object.keys(SCOPES).filter((scope) => !scope.startsWith('operator')) as Exclude<
  Scope,
  'operator' | OperatorScope
>[]

type StoreScope = (typeof STORE_SCOPES)[number]

/** The kinds of credentials that a scope can be used with: those that its API reads. */
export const SCOPE_KINDS: Readonly<Record<StoreScope, readonly CredentialKind[]>> = {
  'sessions:open': ['bearer'],
  'sessions:introspect': ['bearer', 'api_client'],
  'sessions:revoke': ['bearer', 'api_client'],
  'ssf.read': ['bearer'],
  'ssf.manage': ['bearer'],
  'admin.users:read': ['bearer'],
  'admin.users:write': ['bearer'],
  'IdentityCenter:user:listSessions': ['access_key'],
  'IdentityCenter:user:batchDeleteSession': ['access_key'],
  looker: ['api_client'],
}

/** Scopes of APIs that act with the role of a user. */
const OF_A_USER: ReadonlySet<StoreScope> = new Set(['admin.users:read', 'admin.users:write', 'looker'])

/** Whether a credential of no user would be of no use. An API client without scopes can only be meant to log in. */
export function needsOwner(kind: CredentialKind, scopes: readonly StoreScope[]): boolean {
  return scopes.some((scope) => OF_A_USER.has(scope)) || (kind === 'api_client' && scopes.length === 0)
}
