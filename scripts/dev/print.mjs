// What `npm run dev` says once it serves. Every line with curl works as it is printed.
import { relative } from 'node:path'
import { signedHeaders } from './signature.mjs'

/** One line per API and act, in the order in which they can be tried. A new API adds its rows here. */
const TRIALS = [
  {
    title: 'sign in (own API)',
    arguments: ({ base_url, users: [user] }, { cookiesPath }) => [
      ...['-c', cookiesPath, `${base_url}/sessions`, '-H', 'Content-Type: application/json'],
      ...['-d', JSON.stringify({ username: user.username, password: user.password })],
    ],
  },
  {
    title: 'check the session',
    arguments: ({ base_url }, { cookiesPath }) => ['-b', cookiesPath, `${base_url}/sessions/current`],
  },
  {
    title: "sign in (APIO); the application server checks this user's password",
    arguments: ({ base_url, users }, { cookiesPath }) => {
      const { username, password } = users.find(({ login_mode }) => login_mode === 'SERVER_LOGIN')
      return [
        ...['-c', cookiesPath, `${base_url}/api/v1/login/`, '-H', 'Content-Type: application/json'],
        ...['-d', JSON.stringify({ username, password })],
      ]
    },
  },
  {
    title: 'change the login profile, in both databases (APIO)',
    arguments: ({ base_url }, { cookiesPath }) => [
      ...['-b', cookiesPath, '-X', 'PUT', `${base_url}/api/v1/session/user_login_info/`],
      ...['-H', 'Content-Type: application/json', '-d', '{"first_name":"Samuel"}'],
    ],
  },
  {
    title: 'read the identity store (operator API)',
    arguments: ({ base_url, operator_token, identity_store_id }) => [
      ...['-H', `Authorization: Bearer ${operator_token}`, `${base_url}/operator/identity-stores/${identity_store_id}`],
    ],
  },
  {
    title: 'list the live sessions of all users (Slack)',
    arguments: ({ base_url, slack }) => [
      ...['-X', 'POST', '-H', `Authorization: Bearer ${slack.token}`, `${base_url}/api/admin.users.session.list`],
    ],
  },
  {
    title: 'log in to the API; with its access_token, GET /api/4.0/session_config (Looker)',
    arguments: ({ base_url, looker }) => [
      `${base_url}/api/4.0/login`,
      ...['-d', `client_id=${looker.client_id}`, '-d', `client_secret=${looker.client_secret}`],
    ],
  },
  {
    title: 'list the sessions of a user (Identity Center; this signature is good for 15 minutes)',
    arguments: ({ base_url, identity_store_id, huawei, users: [user] }) => {
      const url = `${base_url}/v1/identity-stores/${identity_store_id}/users/${user.id}/sessions`
      const headers = Object.entries(signedHeaders(url, huawei)).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
      return [...headers, url]
    },
  },
]

/** The text. `files` says where things are kept (state-files.mjs). */
export function howToTry(credentials, files) {
  const lines = TRIALS.map((trial) => {
    const words = ['curl', '-fsS', ...trial.arguments(credentials, files)]
    return `  # ${trial.title}\n  ${words.map(quoted).join(' ')}\n`
  })
  return [
    '',
    `Latchkey serves at ${credentials.base_url}  (API reference: ${credentials.base_url}/docs)`,
    `Credentials: ${relative(process.cwd(), files.credentialsPath)}`,
    '',
    'Try, in another terminal:',
    ...lines,
    'Ctrl-C stops it.',
    '',
  ].join('\n')
}

/** A word as a POSIX shell takes it. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
