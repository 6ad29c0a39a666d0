// The demo identity store: who is in it, and which credentials it has.

export const STORE_ID = 'd-0000000001'
export const STORE = { name: 'Pie', default_login_mode: 'LOCAL_LOGIN_SHARED', state: 'active' }

const GROUP = 'pie'

/** Users, without their passwords. The first one is an ordinary admin, whom others may reset. */
export const USERS = [
  user('U0000000001', 'john.doe', 'John', 'Doe', { role: 'admin', user_level: 12 }),
  user('U0000000002', 'ada.pie', 'Ada', 'Pie', { role: 'primary_owner', user_level: 12 }),
  user('U0000000003', 'grace.hill', 'Grace', 'Hill', { role: 'admin', user_level: 8 }),
  user('U0000000004', 'max.member', 'Max', 'Member', { role: 'member' }),
  user('U0000000005', 'sam.server', 'Sam', 'Server', { login_mode: 'SERVER_LOGIN' }),
  user('U0000000006', 'dee.dedicated', 'Dee', 'Dedicated', { login_mode: 'LOCAL_LOGIN_DEDICATED' }),
  user('U0000000007', 'sol.single', 'Sol', 'Single', { login_mode: 'SSO_LOGIN_DEDICATED' }),
  user('U0000000008', 'jan.django', 'Jan', 'Django', { login_mode: 'DJANGO_ONLY' }),
  user('U0000000009', 'robin.bot', 'Robin', 'Bot', { bot: true }),
  user('U0000000010', 'dora.disabled', 'Dora', 'Disabled', { active: false }),
]

/** Credentials, by the name under which the seeding knows them. */
export const CREDENTIALS = {
  service: {
    kind: 'bearer',
    name: 'trusted back end',
    scopes: ['sessions:open', 'sessions:introspect', 'sessions:revoke'],
  },
  slack: {
    kind: 'bearer',
    name: 'Slack app',
    scopes: ['admin.users:read', 'admin.users:write'],
    owner_user_id: 'U0000000002',
  },
  slackReadOnly: {
    kind: 'bearer',
    name: 'Slack app, read only',
    scopes: ['admin.users:read'],
    owner_user_id: 'U0000000002',
  },
  looker: { kind: 'api_client', name: 'Looker API', scopes: ['looker'], owner_user_id: 'U0000000001' },
  huawei: {
    kind: 'access_key',
    name: 'Identity Center',
    scopes: ['IdentityCenter:user:listSessions', 'IdentityCenter:user:batchDeleteSession'],
  },
  huaweiDenied: { kind: 'access_key', name: 'Identity Center, without permissions', scopes: [] },
}

function user(userId, localPart, firstName, lastName, rest) {
  return {
    user_id: userId,
    username: `${localPart}@pie.example`,
    role: 'member',
    user_level: 0,
    login_mode: 'LOCAL_LOGIN_SHARED',
    bot: false,
    active: true,
    first_name: firstName,
    last_name: lastName,
    email_address: `${localPart}@pie.example`,
    group_id: GROUP,
    ...rest,
  }
}
