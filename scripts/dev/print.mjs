// What `npm run dev` says once it serves. Every line works as it is printed, in any folder; no secret is printed, the
// lines read them from dev-credentials.json.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const SIGNATURE = fileURLToPath(new URL('signature.mjs', import.meta.url))
const JSON_BODY = "-H 'Content-Type: application/json'"

/**
 * One line per API and act, in the order in which they can be tried. A new API adds its rows here. `base` is the
 * service's address, `secret` what reads one, `cookies` a path, `curl` the command.
 */
const TRIALS = [
  {
    title: 'sign in (own API)',
    line: ({ curl, base, cookies, users: [user], secret }) =>
      `${curl} -c ${cookies} ${base}/sessions ${JSON_BODY} -d ${signIn(user, secret('users[0].password'))}`,
  },
  {
    title: 'check the session',
    line: ({ curl, base, cookies }) => `${curl} -b ${cookies} ${base}/sessions/current`,
  },
  {
    title: "sign in (APIO); the application server checks this user's password",
    line: ({ curl, base, cookies, users, secret }) => {
      const index = users.findIndex(({ login_mode }) => login_mode === 'SERVER_LOGIN')
      const body = signIn(users[index], secret(`users[${index}].password`))
      return `${curl} -c ${cookies} ${base}/api/v1/login/ ${JSON_BODY} -d ${body}`
    },
  },
  {
    title: 'change the login profile, in both databases (APIO)',
    line: ({ curl, base, cookies }) =>
      `${curl} -b ${cookies} -X PUT ${base}/api/v1/session/user_login_info/ ${JSON_BODY} -d '{"first_name":"Samuel"}'`,
  },
  {
    title: 'read the identity store (operator API)',
    line: ({ curl, base, store, secret }) =>
      `${curl} ${bearer(secret('operator_token'))} ${base}/operator/identity-stores/${store}`,
  },
  {
    title: 'list the live sessions of all users (Slack)',
    line: ({ curl, base, secret }) =>
      `${curl} -X POST ${bearer(secret('slack.token'))} ${base}/api/admin.users.session.list`,
  },
  {
    title: 'log in to the API; with its access_token, GET /api/4.0/session_config (Looker)',
    line: ({ curl, base, secret }) =>
      `${curl} ${base}/api/4.0/login -d "client_id=${secret('looker.client_id')}" ` +
      `-d "client_secret=${secret('looker.client_secret')}"`,
  },
  {
    title: 'list the sessions of a user (Identity Center)',
    line: ({ curl, base, store, users: [user], secret }) => {
      const url = `${base}/v1/identity-stores/${store}/users/${user.id}/sessions`
      const key = `ACCESS_KEY=${secret('huawei.ak')} SECRET_KEY=${secret('huawei.sk')}`
      return `${key} node ${quoted(SIGNATURE)} ${url} | ${curl} -H @- ${url}`
    },
  },
]

/** The text. `files` says where things are kept (state-files.mjs), `code` opens the console once. */
export function howToTry({ base_url: base, identity_store_id: store, users }, files, code) {
  const credentials = quoted(files.credentialsPath)
  const context = {
    base,
    store,
    users,
    cookies: quoted(files.cookiesPath),
    secret: (name) => `$(node -p 'require(process.argv[1]).${name}' ${credentials})`,
    // The certificate of `--local-protocol https` is nobody's.
    curl: base.startsWith('https:') ? 'curl -fsSk' : 'curl -fsS',
  }
  return [
    '',
    `Latchkey serves at ${base}  (API reference: ${base}/docs)`,
    `Console: ${base}/console#sign-in=${code}`,
    '  (signs in once, within five minutes; later with operator_token of the credentials)',
    `A user's own sessions: ${base}/devices`,
    `Credentials: ${relative(process.cwd(), files.credentialsPath)}`,
    '',
    'Try, in another terminal:',
    ...TRIALS.map(({ title, line }) => `  # ${title}\n  ${line(context)}\n`),
    'Ctrl-C stops it.',
    '',
  ].join('\n')
}

function bearer(secret) {
  return `-H "Authorization: Bearer ${secret}"`
}

/** A JSON body in double quotes, since a secret is read in it. */
function signIn({ username }, password) {
  return `"{\\"username\\":\\"${username}\\",\\"password\\":\\"${password}\\"}"`
}

/** A word as a POSIX shell takes it. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
