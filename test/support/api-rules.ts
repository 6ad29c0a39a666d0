/** Who may call which route, and what everybody else is told: by hand, and not from the code. */
import type { Scope } from '../../src/auth/scopes.ts'
import { sessionNumber } from '../../src/domain/session-id.ts'

const SESSIONS = ['member by cookie', 'member by bearer', 'administrator by cookie', 'administrator by bearer'] as const
export const CALLERS = [
  'nobody',
  ...SESSIONS,
  'operator',
  'operator by cookie',
  'bearer, no scope',
  'bearer, all other scopes',
  'bearer, the scope',
  'bearer of a member, the scope',
  'bearer of an administrator, the scope',
  'access token of a member',
  'access token of an administrator',
  'access key, all other scopes',
  'access key, the scope',
] as const
export type Caller = (typeof CALLERS)[number]

const BEARERS = CALLERS.filter((caller) => caller.startsWith('bearer'))
const SCOPED_BEARERS = BEARERS.filter((caller) => caller.endsWith('the scope'))
const ACCESS_TOKENS = CALLERS.filter((caller) => caller.startsWith('access token'))
const COOKIES = SESSIONS.filter((caller) => caller.endsWith('cookie'))

/** Whom or what a request is about. */
export interface About {
  readonly storeId: string
  readonly userId: string
  readonly username: string
  readonly sessionId: string
}

export interface Input {
  readonly query?: Record<string, string>
  readonly json?: unknown
  readonly form?: Record<string, string>
}

export interface Rule {
  readonly may: readonly Caller[]
  readonly scope?: Scope
  /** Refusals that are not those of the API. */
  readonly others?: Partial<Record<Caller, string>>
  /** What is told, to those who may, of whoever is not in the store. Null: the route is about nobody. */
  readonly foreign?: string
  /** The same of a colleague. Default: `in`. */
  readonly colleague?: string
  /** Default: malformed, where there is a body. */
  readonly input?: (about: About, ownStoreId: string) => Input
  /** Whether it ends the caller's session. */
  readonly ends?: true
}

/** Whom an API does not let in is told one of these. */
export interface Words {
  readonly nobody: string
  /** Default: as nobody. */
  readonly told?: Partial<Record<Caller, string>>
}

const only = (callers: readonly Caller[], word: string): Partial<Record<Caller, string>> =>
  Object.fromEntries(callers.map((caller) => [caller, word]))

const SLACK_LEVELS = {
  'bearer, no scope': 'missing_scope',
  'bearer, all other scopes': 'missing_scope',
  'bearer, the scope': 'not_allowed_token_type',
  'bearer of a member, the scope': 'not_an_admin',
}

export const WORDS: Readonly<Record<string, Words>> = {
  Sessions: {
    nobody: '401 unauthenticated',
    told: only(['operator', ...BEARERS, ...ACCESS_TOKENS], '401 wrong_token_kind'),
  },
  Pages: { nobody: '401' },
  Slack: {
    nobody: 'not_authed',
    told: {
      ...only(['member by bearer', 'administrator by bearer', ...ACCESS_TOKENS], 'not_allowed_token_type'),
      ...only(['access key, all other scopes', 'access key, the scope'], 'invalid_auth'),
      operator: 'team_access_not_granted',
      ...SLACK_LEVELS,
    },
  },
  'Identity Center': {
    nobody: '401 APIGW.0301',
    told: { 'access key, all other scopes': '403 IIC.1000' },
  },
  Looker: { nobody: '401' },
  APIO: { nobody: '401' },
  'Shared Signals': {
    nobody: '401 authentication_failed',
    told: only(['bearer, no scope', 'bearer, all other scopes'], '403 access_denied'),
  },
}

const slackUsers = ({ userId }: About): Input => ({ json: { user_ids: [userId] } })

export const ANYBODY: Rule = { may: CALLERS }
const HOLDER: Rule = { may: SESSIONS }
const COOKIE_HOLDER: Rule = { may: COOKIES }
/** It is no error without a session; that of an access token ends elsewhere. */
const SIGN_OUT: Rule = { may: CALLERS.filter((caller) => !ACCESS_TOKENS.includes(caller)), ends: true }
const LOOKER: Rule = { may: ACCESS_TOKENS }
const LOOKER_ADMINISTRATOR: Rule = {
  may: ['access token of an administrator'],
  others: { 'access token of a member': '403' },
}
const SLACK_READ: Rule = { may: ['bearer of an administrator, the scope'], scope: 'admin.users:read' }
const SLACK_WRITE: Rule = { ...SLACK_READ, scope: 'admin.users:write' }
const SIGNED: Rule = { may: ['access key, the scope'], foreign: '403 IIC.1000' }
/** For everybody, of a store that has a receiver. */
const DISCOVERY: Rule = { ...ANYBODY, foreign: '404 not_found' }
const SSF: Rule = { may: SCOPED_BEARERS, scope: 'ssf.manage', foreign: '401 authentication_failed' }
/** Who manages may read. */
const SSF_READ: Rule = { ...SSF, scope: 'ssf.read', may: [...SCOPED_BEARERS, 'bearer, all other scopes'] }

const slackList: Rule = {
  ...SLACK_READ,
  foreign: 'user_not_found',
  input: ({ userId }, ownStoreId) => ({ query: { user_id: userId, team_id: ownStoreId } }),
}

/** Who may, told once more. */
export const RULES: Readonly<Record<string, Rule>> = {
  checkSession: HOLDER,
  listenToSession: HOLDER,
  listSessions: HOLDER,
  endOtherSessions: HOLDER,
  endSession: { ...HOLDER, foreign: '404 session_not_found', colleague: '404 session_not_found' },
  signOut: SIGN_OUT,
  health: ANYBODY,
  openapi: ANYBODY,
  openapiOfOperators: ANYBODY,
  openapiOfVendors: ANYBODY,
  problems: ANYBODY,
  backchannelLogout: ANYBODY,

  signInPage: ANYBODY,
  signInByForm: ANYBODY,
  signOutByForm: SIGN_OUT,
  devicesPage: HOLDER,
  endByForm: {
    ...HOLDER,
    foreign: '404',
    colleague: '404',
    input: ({ sessionId }) => ({ form: { act: 'end', session_id: sessionId } }),
  },

  admin_users_session_setSettings: {
    ...SLACK_WRITE,
    foreign: 'user_not_found',
    input: ({ userId }) => ({ json: { user_ids: [userId], duration: 86_400 } }),
  },
  admin_users_session_getSettings: { ...SLACK_READ, foreign: 'user_not_found', input: slackUsers },
  admin_users_session_getSettings_get: {
    ...SLACK_READ,
    foreign: 'user_not_found',
    input: ({ userId }) => ({ query: { user_ids: userId } }),
  },
  admin_users_session_clearSettings: { ...SLACK_WRITE, foreign: 'user_not_found', input: slackUsers },
  admin_users_session_list: slackList,
  admin_users_session_list_get: slackList,
  admin_users_session_invalidate: {
    ...SLACK_WRITE,
    foreign: 'user_not_found',
    input: ({ userId, sessionId }) => ({ json: { user_id: userId, session_id: sessionNumber(sessionId) } }),
  },
  admin_users_session_reset: {
    ...SLACK_WRITE,
    foreign: 'user_not_found',
    input: ({ userId }) => ({ json: { user_id: userId } }),
  },
  admin_users_session_resetBulk: { ...SLACK_WRITE, foreign: 'user_not_found', input: slackUsers },
  auth_test: { may: BEARERS },
  auth_test_get: { may: BEARERS },
  api_test: ANYBODY,
  api_test_get: ANYBODY,

  lookerLogin: ANYBODY,
  lookerLoginUser: { ...LOOKER_ADMINISTRATOR, foreign: '404' },
  lookerLogout: { ...LOOKER, ends: true },
  lookerBareLogout: { ...LOOKER, ends: true },
  lookerAlive: ANYBODY,
  lookerVersions: ANYBODY,
  lookerBareAlive: ANYBODY,
  lookerBareVersions: ANYBODY,
  lookerSessionConfig: LOOKER,
  lookerBareSessionConfig: LOOKER,
  lookerSessionConfigUpdate: LOOKER_ADMINISTRATOR,
  lookerBareSessionConfigUpdate: LOOKER_ADMINISTRATOR,
  lookerSession: LOOKER,
  lookerSessionUpdate: LOOKER,
  lookerMe: LOOKER,
  lookerAllUserSessions: { ...LOOKER_ADMINISTRATOR, foreign: '404' },
  lookerUserSession: { ...LOOKER_ADMINISTRATOR, foreign: '404' },
  lookerDeleteUserSession: { ...LOOKER_ADMINISTRATOR, foreign: '404' },
  lookerAllUserLoginLockouts: LOOKER_ADMINISTRATOR,
  lookerSearchUserLoginLockouts: LOOKER_ADMINISTRATOR,
  lookerDeleteUserLoginLockout: { ...LOOKER_ADMINISTRATOR, foreign: '404', colleague: '404' },

  identityCenterListSessions: { ...SIGNED, scope: 'IdentityCenter:user:listSessions' },
  identityCenterBatchDeleteSessions: {
    ...SIGNED,
    scope: 'IdentityCenter:user:batchDeleteSession',
    input: ({ sessionId }) => ({ json: { session_ids: [sessionId] } }),
  },

  apioLogin: ANYBODY,
  apioTokenLogin: ANYBODY,
  apioOpenIdLogin: ANYBODY,
  // A sign-out ends whatever session comes with it.
  apioLogout: { ...HOLDER, ends: true, input: () => ({ json: {} }) },
  apioSessionInfo: COOKIE_HOLDER,
  apioSessionInfoAlias: COOKIE_HOLDER,
  apioChangeSessionInfo: COOKIE_HOLDER,
  apioChangeSessionInfoAlias: COOKIE_HOLDER,
  apioGenerateLoginToken: {
    ...COOKIE_HOLDER,
    foreign: '403',
    colleague: '403',
    input: ({ username }) => ({ json: { username } }),
  },

  ssfConfiguration: DISCOVERY,
  ssfKeys: DISCOVERY,
  createSsfStream: SSF,
  readSsfStreams: SSF_READ,
  patchSsfStream: SSF,
  putSsfStream: SSF,
  deleteSsfStream: SSF,
  pollSsfStream: { ...SSF, colleague: '404 not_found' },
  readSsfStatus: SSF_READ,
  changeSsfStatus: SSF,
  addSsfSubject: SSF,
  removeSsfSubject: SSF,
  verifySsfStream: SSF,
}
