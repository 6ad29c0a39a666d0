// `npm run logouts -- --rounds 10`: an OpenID provider signs users out, and everything is killed with SIGKILL as soon as a
// logout token is written down, before what it names has ended. Started again, that ends with nobody asking, nothing
// else does, and the same token is taken no second time.
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { openLocalDatabase } from '../e2e/support/local-database.ts'
import { freePort } from '../support/free-port.ts'
import { descendants, startServer } from './crash/server.mjs'

/** All are signed in with one session of the provider, so that one token names many. */
const USERS = ['out-1', 'out-2', 'out-3', 'out-4', 'out-5', 'out-6']
const BYSTANDER = 'out-bystander'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const NONCE = 'a nonce of the browser'
const CLIENT = { client_id: 'latchkey', client_secret: 'a secret of the client' }
const REDIRECT_URI = 'https://app.out.example/signed-in'
const POLL_MILLISECONDS = 100
/** A job that nobody does waits for its request for ten seconds. */
const PATIENCE_MILLISECONDS = 120_000

const rounds = Number(parseArgs({ options: { rounds: { type: 'string', default: '10' } } }).values.rounds)
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1_000) throw new Error('--rounds takes 1 to 1000')

const directory = mkdtempSync(join(tmpdir(), 'latchkey-logouts-'))
const port = await freePort()
const provider = await startProvider()
let server = await startServer(port, directory)
const { base_url: baseUrl, operator_token: operator, identity_store_id: storeId } = server.credentials
const store = `/operator/identity-stores/${storeId}`
let done = false

try {
  await call('POST', `${store}/users`, {
    users: [...USERS, BYSTANDER].map((userId) => ({
      ...{ user_id: userId, username: nameOf(userId), email_address: nameOf(userId), role: 'member' },
    })),
  })
  await call('PUT', `${store}/openid-provider`, { ...CLIENT, issuer: provider.issuer, redirect_uri: REDIRECT_URI })
  const bystander = await signIn(BYSTANDER, 'another')
  // The object of the store's jobs is there from the first one on.
  if ((await logOut(await logoutToken('nothing'))) !== 200) throw new Error('no logout token is taken')
  let between = 0
  for (let round = 1; round <= rounds; round += 1) if (await killedBetween(`round-${round}`)) between += 1
  await untilIn([bystander], (row) => row?.ended_at === null)
  const sessions = rounds * USERS.length
  console.log(`${rounds} kills, ${between} of them before it was done: ${sessions} sessions ended, the other one not`)
  done = true
} finally {
  await server.stop()
  provider.http.close()
  if (done) rmSync(directory, { recursive: true })
  else console.error(`The data is kept: ${directory}`)
}

/** Everybody signs in, and is signed out, with a kill. Answers whether it came before that was done. */
async function killedBetween(sid) {
  const ids = await Promise.all(USERS.map((userId) => signIn(userId, sid)))
  await untilIn(ids, (row) => row?.ended_at === null)
  const token = await logoutToken(sid)
  const jobs = openJobs()
  const isWaiting = jobs.prepare(`SELECT 1 FROM jobs WHERE job LIKE '%"looked":false%' AND instr(job, ?) > 0`)
  const runtimes = descendants(process.pid).filter(({ args }) => /workerd.* serve /.test(args))
  let answered = false
  const answer = logOut(token).then(
    () => (answered = true),
    () => undefined,
  )
  while (!answered && isWaiting.get(sid) === undefined) await new Promise(setImmediate)
  for (const { pid } of runtimes) process.kill(pid, 'SIGKILL')
  const isBetween = isWaiting.get(sid) !== undefined
  jobs.close()
  await answer
  await server.killEverything()
  server = await startServer(port, directory)
  await untilIn(ids, (row) => row?.end_reason === 'idp_logout')
  const status = await logOut(token)
  if (status !== 400) throw new Error(`the same token again is answered ${status}`)
  console.log(`${sid}: killed ${isBetween ? 'before' : 'when'} it was done, all has ended since`)
  return isBetween
}

function logoutToken(sid) {
  const now = Math.floor(Date.now() / 1000)
  const events = { [EVENT]: {} }
  const claims = {
    iss: provider.issuer,
    aud: CLIENT.client_id,
    iat: now,
    exp: now + 120,
    jti: `of ${sid}`,
    sid,
    events,
  }
  return provider.sign(claims, 'logout+jwt')
}

function nameOf(userId) {
  return `${userId}@out.example`
}

/** Signs a user in by the provider, in one of its sessions. Answers the id of ours. */
async function signIn(userId, sid) {
  const body = { nonce: NONCE, authorization_code: JSON.stringify({ userId, sid }), redirect_uri: REDIRECT_URI }
  const response = await fetch(`${baseUrl}/api/v1/openid/login/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  return (await (await fetch(`${baseUrl}/sessions/current`, { headers: { cookie } })).json()).id
}

/** What the provider tells us. */
async function logOut(token) {
  const response = await fetch(`${baseUrl}/oauth2/backchannel-logout/${storeId}`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  })
  return response.status
}

/** The jobs of the store, looked at from outside. */
function openJobs() {
  const folder = join(
    directory,
    'v3/do',
    readdirSync(join(directory, 'v3/do')).find((name) => name.endsWith('StoreJobs')),
  )
  for (const file of readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(folder, file), { readOnly: true, timeout: 5_000 })
    const [owner] = database.prepare('SELECT identity_store_id AS id FROM owner').all()
    if (owner?.id === storeId) return database
    database.close()
  }
  throw new Error('no jobs of the store')
}

function recordsOf(ids) {
  const database = openLocalDatabase(directory)
  try {
    const find = database.prepare('SELECT ended_at, end_reason FROM sessions WHERE session_id = ?')
    return ids.map((id) => find.get(id))
  } finally {
    database.close()
  }
}

/** Waits until D1 says of all these sessions what it should. */
async function untilIn(ids, isRight) {
  for (const until = Date.now() + PATIENCE_MILLISECONDS; !recordsOf(ids).every(isRight); ) {
    if (Date.now() > until) throw new Error(`wrong in D1: ${JSON.stringify(recordsOf(ids))}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
  }
}

/** A provider, whose codes say whom it has signed in. */
async function startProvider() {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }]
  const sign = (claims, typ) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', typ }).sign(privateKey)
  const http = createServer(async (request, response) => {
    let form = ''
    for await (const chunk of request) form += chunk
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await answerTo(request.url, new URLSearchParams(form))))
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const issuer = `http://127.0.0.1:${http.address().port}`
  async function answerTo(path, form) {
    if (path === '/jwks') return { keys }
    if (path === '/token') {
      const { userId, sid } = JSON.parse(form.get('code'))
      const now = Math.floor(Date.now() / 1000)
      const user = { sub: `subject of ${userId}`, sid, email: nameOf(userId), email_verified: true }
      const claims = { iss: issuer, aud: CLIENT.client_id, nonce: NONCE, iat: now, exp: now + 60, ...user }
      return { access_token: 'x', token_type: 'Bearer', id_token: await sign(claims, 'JWT') }
    }
    return {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }
  }
  return { issuer, http, sign }
}

async function call(method, path, body) {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}
