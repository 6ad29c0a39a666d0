/** What a caller may do: the closed list of scopes. */

/** Every scope, with what it allows. */
export const SCOPES = {
  operator: 'Everything under /operator; only credentials of the service itself have it.',
  'sessions:open': 'Open a session for a user whom the caller has verified.',
  'sessions:introspect': 'Ask whether a session token of the store is active.',
  'sessions:revoke': 'End a session of the store by its token.',
  'admin.users:read': 'Read the sessions and session settings of users, in the Slack API.',
  'admin.users:write': 'End sessions and change session settings of users, in the Slack API.',
  'IdentityCenter:user:listSessions': 'List sessions of users, in the Identity Center API.',
  'IdentityCenter:user:batchDeleteSession': 'End sessions of users, in the Identity Center API.',
  looker: 'Log in to the Looker API.',
} as const

export type Scope = keyof typeof SCOPES

/** The scopes that a credential of an identity store may have. */
export const STORE_SCOPES = Object.keys(SCOPES).filter((scope) => scope !== 'operator') as Exclude<Scope, 'operator'>[]
