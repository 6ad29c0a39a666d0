// better-auth on D1, with and without its cookie cache, and its sign-in.
import { serveWorker } from '../workers.mjs'
import { cookiesOf, mustBe, tripsOf } from './answers.mjs'
import { HASHED } from './hashed.mjs'

const USERS = 64
const HASHED_USERS = 16
const PASSWORD = 'correct horse battery staple'

/** Starts the contender. Answers its scenarios and how to stop it. */
export async function startBetterAuth() {
  const { url, pid, stop } = await serveWorker({
    name: 'better-auth',
    entry: 'bench/workers/better-auth.js',
    d1Databases: { DB: 'better-auth' },
    bindings: { SECRET: 'a secret for a benchmark, 32 bytes' },
  })
  const post = (path, body) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { origin: url, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await mustBe(200, fetch(`${url}/migrate`))
  const emails = Array.from({ length: USERS }, (_, index) => `user${index}@pie.example`)
  for (const email of emails) await mustBe(200, post('/d1/sign-up/email', { email, password: PASSWORD, name: 'Pie' }))

  const signedIn = async (base) =>
    cookiesOf(await mustBe(200, post(`${base}/sign-in/email`, { email: emails[0], password: PASSWORD })))
  const check = async (base) => {
    const headers = { cookie: await signedIn(base) }
    const answer = await mustBe(200, fetch(`${url}${base}/get-session`, { headers }))
    if ((await answer.json())?.user?.email !== emails[0]) throw new Error('better-auth does not know its own session')
    return { url, pid, status: 200, requests: [{ path: `${base}/get-session`, headers }] }
  }
  const hashed = Array.from({ length: HASHED_USERS }, (_, index) => `hashed${index}@pie.example`)
  for (const email of hashed) {
    await mustBe(200, post('/hashed/sign-up/email', { email, password: PASSWORD, name: 'Pie' }))
  }
  const signIns = (base, users) =>
    users.map((email) => ({
      method: 'POST',
      path: `${base}/sign-in/email`,
      headers: { origin: url, 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    }))
  const signIn = { url, pid, status: 200, writes: true }
  const scenarios = {
    better_auth: await check('/d1'),
    better_auth_cached: await check('/cached'),
    better_auth_sign_in: { ...signIn, requests: signIns('/d1', emails) },
    better_auth_sign_in_hashed: { ...signIn, requests: signIns('/hashed', hashed), ...HASHED },
  }
  const { better_auth_sign_in_hashed: _, ...differing } = scenarios
  return {
    scenarios,
    trips: await tripsOf(differing),
    stop,
  }
}
