/** What clients, back ends and administrators do, by every API. */
import {
  type Act,
  type Ask,
  check,
  end,
  endAll,
  life,
  list,
  numberOf,
  opening,
  rule,
  type Said,
  type Scene,
} from './act.ts'
import type { Session } from './ledger.ts'
import { PASSWORD } from './store.ts'

const CLIENT = { address: '192.0.2.7', user_agent: 'Mixed/1.0' }
/** Overall timeouts, in hours: nobody's session ends by these while a campaign runs. */
const HOURS = [48, 72, 96, 120, 144]

const get = (path: string, rest: Partial<Ask>): Ask => ({ method: 'GET', path, ...rest })
const post = (path: string, rest: Partial<Ask>): Ask => ({ method: 'POST', path, ...rest })
const patch = (path: string, rest: Partial<Ask>): Ask => ({ method: 'PATCH', path, ...rest })
const del = (path: string, rest: Partial<Ask>): Ask => ({ method: 'DELETE', path, ...rest })

const slack = ({ store }: Scene, method: string, form: Readonly<Record<string, string>>) =>
  post(`/api/admin.users.session.${method}`, { bearer: store.slack, form })
const storePath = ({ store }: Scene) => `/operator/identity-stores/${store.identityStoreId}`
const lookerPath = (userId: string) => `/api/4.0/users/${userId}/sessions`
const lookerToken = ({ store }: Scene) => store.accessTokens[0] ?? ''
const identityCenterPath = ({ store }: Scene, userId: string) =>
  `/v1/identity-stores/${store.identityStoreId}/users/${userId}/sessions`
const login = ({ store }: Scene, userId: string) => ({
  username: store.usernames[store.userIds.indexOf(userId)],
  password: PASSWORD,
})
const setActive = (active: boolean) => (userId: string, scene: Scene) =>
  patch(`${storePath(scene)}/users/${userId}`, { bearer: scene.operator, json: { active } })
const streamPath = ({ store }: Scene) => `/ssf/${store.identityStoreId}/streams`
/** As the console asks. */
const byConsole = ({ cookies }: Said, { origin }: Scene) => ({
  headers: { cookie: cookies[0]?.split(';')[0] ?? '', origin, 'latchkey-console': '1' },
})
/** A session of the same user, to end the other one with. */
const beside = ({ ledger }: Scene, { id, userId }: Session) =>
  ledger.live('web', userId).find((one) => one.id !== id)?.token ?? ''
const ids = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id)

const OPENINGS: readonly Act[] = [
  opening('a back end opens', 'own', 'web', ({ store }, userId) =>
    post('/sessions', { bearer: store.service, json: { user_id: userId, client: CLIENT } }),
  ),
  opening('a user signs in', 'own', 'web', (scene, userId) =>
    post('/sessions', { json: { ...login(scene, userId), transport: 'bearer' } }),
  ),
  opening('a user signs in on the page', 'Pages', 'web', (scene, userId) => {
    const { username = '', password } = login(scene, userId)
    return post('/sign-in', { form: { username, password } })
  }),
  opening('an APIO client logs in', 'APIO', 'web', (scene, userId) =>
    post('/api/v1/login/', { json: login(scene, userId) }),
  ),
  opening('a Looker client logs in', 'Looker', 'api', ({ store: { looker } }) =>
    post('/api/4.0/login', { form: { client_id: looker.clientId, client_secret: looker.clientSecret } }),
  ),
]

const CHECKS: readonly Act[] = [
  check('a check', 'own', 'web', ({ token }) => get('/sessions/current?touch=false', { bearer: token })),
  check('a check that touches', 'own', 'web', ({ token }) => get('/sessions/current', { cookie: token })),
  check(
    'a back end checks',
    'own',
    'web',
    ({ token }, { store }) => post('/sessions/check', { bearer: store.service, json: { token, client: CLIENT } }),
    ({ state }) => state === 'active',
  ),
  check(
    'an introspection',
    'own',
    'web',
    ({ token }, { store }) => post('/oauth2/introspect', { bearer: store.service, form: { token } }),
    ({ active }) => active,
  ),
  check('a user looks at the devices', 'Pages', 'web', ({ token }) => get('/devices', { cookie: token })),
  check('an APIO client reads the profile', 'APIO', 'web', ({ token }) =>
    get('/api/v1/session/user_login_info/', { cookie: token }),
  ),
  check('a Looker client reads its session', 'Looker', 'api', ({ token }) =>
    get('/api/4.0/session', { bearer: token }),
  ),
]

const LISTS: readonly Act[] = [
  list(
    'Slack lists a user',
    'Slack',
    (userId, scene) => slack(scene, 'list', { team_id: scene.store.identityStoreId, user_id: userId }),
    ({ active_sessions: all }) => all.map((one: { session_id: number }) => one.session_id),
  ),
  list(
    'Looker lists a user',
    'Looker',
    (userId, scene) => get(lookerPath(userId), { bearer: lookerToken(scene) }),
    ids,
  ),
  list(
    'Identity Center lists a user',
    'Identity Center',
    (userId, scene) => get(identityCenterPath(scene, userId), { sign: true }),
    ({ session_list: all }) => all.map((one: { session_id: string }) => one.session_id),
  ),
  list(
    'an operator lists a user',
    'operator',
    (userId, scene) => get(`${storePath(scene)}/users/${userId}/sessions`, { bearer: scene.operator }),
    ({ sessions }) => sessions.map((one: { session_id: string }) => one.session_id),
  ),
  // These two are D1's, which is behind.
  list(
    'Slack lists everybody',
    'Slack',
    (_userId, scene) => slack(scene, 'list', {}),
    () => [],
  ),
  list(
    'an operator lists everybody',
    'operator',
    (_userId, scene) => get(`${storePath(scene)}/sessions`, { bearer: scene.operator }),
    () => [],
  ),
]

const ENDS: readonly Act[] = [
  end('a user signs out', 'own', 'web', 'logout', ({ token }) => del('/sessions/current', { bearer: token })),
  end('a back end revokes', 'own', 'web', 'revoked', ({ token }, { store }) =>
    post('/oauth2/revoke', { bearer: store.service, form: { token } }),
  ),
  end('a user signs out on the page', 'Pages', 'web', 'logout', ({ token }) => post('/sign-out', { cookie: token })),
  end('a user ends another on the page', 'Pages', 'web', 'revoked', (session, scene) =>
    post('/devices', { cookie: beside(scene, session), form: { act: 'end', session_id: session.id } }),
  ),
  end('an APIO client logs out', 'APIO', 'web', 'logout', ({ token }) =>
    post('/api/v1/logout/', { cookie: token, json: {} }),
  ),
  end('Slack invalidates', 'Slack', 'web', 'revoked', ({ id, userId }, scene) =>
    slack(scene, 'invalidate', { user_id: userId, session_id: String(numberOf(id)) }),
  ),
  end('Looker ends one', 'Looker', 'web', 'revoked', ({ id, userId }, scene) =>
    del(`${lookerPath(userId)}/${id}`, { bearer: lookerToken(scene) }),
  ),
  end('Identity Center ends one', 'Identity Center', 'web', 'revoked', ({ id, userId }, scene) =>
    post(`${identityCenterPath(scene, userId)}/batch-delete`, { sign: true, json: { session_ids: [id] } }),
  ),
  end('an operator ends one', 'operator', 'web', 'revoked', ({ id, userId }, scene) =>
    post(`${storePath(scene)}/users/${userId}/sessions/end`, { bearer: scene.operator, json: { session_ids: [id] } }),
  ),
  end('a Looker client logs out', 'Looker', 'api', 'logout', ({ token }) => del('/api/4.0/logout', { bearer: token })),
  endAll(
    'a user ends the others',
    'own',
    ['revoked'],
    (_userId, _scene, { token }) => del('/sessions?except=current', { bearer: token }),
    { spares: true },
  ),
  endAll('Slack resets', 'Slack', ['revoked'], (userId, scene) => slack(scene, 'reset', { user_id: userId })),
  endAll(
    'Slack resets in bulk',
    'Slack',
    ['revoked'],
    (userId, scene) => slack(scene, 'resetBulk', { user_ids: userId }),
    {
      later: true,
    },
  ),
  endAll('an operator ends all', 'operator', ['revoked'], (userId, scene) =>
    post(`${storePath(scene)}/users/${userId}/sessions/end`, { bearer: scene.operator, json: { all: true } }),
  ),
  endAll('an operator disables and enables', 'operator', ['user_disabled', 'password_changed'], setActive(false), {
    until: setActive(true),
  }),
]

const RULES: readonly Act[] = [
  rule(
    'Slack sets a duration',
    'Slack',
    'user',
    HOURS.map((hours) => hours * 3_600),
    (seconds, userId, scene) => slack(scene, 'setSettings', { user_ids: userId, duration: String(seconds) }),
  ),
  rule(
    'an operator sets a duration',
    'operator',
    'user',
    HOURS.map((hours) => hours * 3_600),
    (seconds, userId, scene) => ({
      method: 'PUT',
      path: `${storePath(scene)}/users/${userId}/session-settings`,
      bearer: scene.operator,
      json: { duration_seconds: seconds, desktop_app_browser_quit: null },
    }),
  ),
  rule(
    'Looker changes the config',
    'Looker',
    'config',
    HOURS.map((hours) => hours * 60),
    (minutes, _userId, scene) =>
      patch('/api/4.0/session_config', { bearer: lookerToken(scene), json: { session_minutes: minutes } }),
  ),
  rule(
    'an operator changes the config',
    'operator',
    'config',
    HOURS.map((hours) => hours * 60),
    (minutes, _userId, scene) =>
      patch(`${storePath(scene)}/session-config`, {
        bearer: scene.operator,
        json: { overall_timeout_seconds: minutes * 60 },
      }),
  ),
]

/** Needs a receiver of streams. */
export const STREAM_LIFE = life('a receiver makes, asks and deletes a stream', 'Shared Signals', {
  make: (scene) => {
    const delivery = { method: 'urn:ietf:rfc:8936' }
    return post(streamPath(scene), { bearer: scene.store.streams, json: { delivery } })
  },
  look: ({ body }, scene) =>
    post(`${streamPath(scene)}/${body.stream_id}/poll`, {
      bearer: scene.store.streams,
      json: { returnImmediately: true },
    }),
  remove: ({ body }, scene) => del(`${streamPath(scene)}?stream_id=${body.stream_id}`, { bearer: scene.store.streams }),
})

/** What is made and taken away. */
export const LIVES: readonly Act[] = [
  STREAM_LIFE,
  life('an operator signs in to the console and out', 'operator', {
    make: ({ operator, origin }) =>
      post('/operator/console-sessions', { bearer: operator, headers: { origin, 'latchkey-console': '1' } }),
    look: (made, scene) => get('/operator/console-sessions/current', byConsole(made, scene)),
    remove: (made, scene) => del('/operator/console-sessions/current', byConsole(made, scene)),
  }),
]

export const ACTS: readonly Act[] = [...OPENINGS, ...CHECKS, ...LISTS, ...ENDS, ...RULES, ...LIVES]
