/** Login modes as data: who checks the password, and where a change of the profile is written. Source: Netaxis APIO. */
import type { LoginMode } from '../store/schema.ts'

/** What a login mode means. */
export interface LoginModeRule {
  /** `nobody`: there is no password sign-in, only OpenID Connect and login tokens. */
  readonly passwordCheckedBy: 'latchkey' | 'application_server' | 'nobody'
  /** `as_the_store_says`: to both databases if the store's `updateProfileToBsDbSso` is on, else to ours alone. */
  readonly profileWrittenTo: 'ours' | 'both' | 'as_the_store_says'
}

/** The one rule per mode. Everything that depends on the mode asks here. */
export const LOGIN_MODE_RULES: Readonly<Record<LoginMode, LoginModeRule>> = {
  SERVER_LOGIN: { passwordCheckedBy: 'application_server', profileWrittenTo: 'both' },
  LOCAL_LOGIN_SHARED: { passwordCheckedBy: 'latchkey', profileWrittenTo: 'ours' },
  LOCAL_LOGIN_DEDICATED: { passwordCheckedBy: 'latchkey', profileWrittenTo: 'both' },
  SSO_LOGIN_DEDICATED: { passwordCheckedBy: 'nobody', profileWrittenTo: 'as_the_store_says' },
  DJANGO_ONLY: { passwordCheckedBy: 'latchkey', profileWrittenTo: 'ours' },
}

/** Whether a change of the profile goes to the application server's database as well as to ours. */
export function writesBoth(mode: LoginMode, updateProfileToBsDbSso: boolean): boolean {
  const { profileWrittenTo } = LOGIN_MODE_RULES[mode]
  return profileWrittenTo === 'both' || (profileWrittenTo === 'as_the_store_says' && updateProfileToBsDbSso)
}
