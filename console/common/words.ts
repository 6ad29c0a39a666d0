/** What the API's values are called on screens. The sentences of reasons come from the API. */
export const CREDENTIALS: Readonly<Record<string, string>> = {
  password: 'Password',
  trusted_back_end: 'Trusted back end',
  openid: 'OpenID',
  login_token: 'Login token',
  api_client: 'API client',
  sudo: 'Another session',
}
export const CLIENT_KINDS: Readonly<Record<string, string>> = { web: 'Web', mobile: 'Mobile' }
export const END_REASONS: Readonly<Record<string, string>> = {
  logout: 'Signed out',
  revoked: 'Ended by somebody',
  expired: 'Overall timeout',
  idle: 'Inactivity timeout',
  evicted: 'Session limit',
  replaced: 'Signed in again',
  user_disabled: 'User disabled',
  password_changed: 'Password changed',
  parent_ended: 'Parent session ended',
  idp_logout: 'Signed out at the provider',
}
export const ROLES: Readonly<Record<string, string>> = {
  primary_owner: 'Primary owner',
  owner: 'Owner',
  admin: 'Administrator',
  member: 'Member',
}
export const WHEN_REACHED: Readonly<Record<string, string>> = {
  evict_oldest: 'The oldest session ends',
  evict_least_recently_seen: 'The session not seen for longest ends',
  refuse: 'The new sign-in is refused',
}

/** "1 session", "214 sessions". */
export function many(count: number, one: string): string {
  return `${count.toLocaleString('en')} ${one}${count === 1 ? '' : 's'}`
}

/** "Chrome 141" for "Chrome 141.0.0.0". */
const withoutZeros = (name: string) => name.replace(/(?<=\d)(\.0)+$/, '')

/** "Firefox on macOS". */
export function clientName(client: { readonly browser: string | null; readonly operating_system: string | null }) {
  const known = [client.browser, client.operating_system].filter((part) => part !== null)
  return known.length === 0 ? 'An unknown client' : known.map(withoutZeros).join(' on ')
}
