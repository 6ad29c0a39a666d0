// iron-session: a sealed cookie.
import { serveWorker } from '../workers.mjs'
import { cookiesOf, mustBe } from './answers.mjs'

/** Starts the contender. Answers its scenarios and how to stop it. */
export async function startIronSession() {
  const { url, pid, stop } = await serveWorker({
    name: 'iron-session',
    entry: 'bench/workers/iron-session.js',
    bindings: { SECRET: 'a secret for a benchmark, 32 bytes' },
  })
  const headers = { cookie: cookiesOf(await mustBe(200, fetch(`${url}/sign-in`))) }
  await mustBe(200, fetch(`${url}/check`, { headers }))
  return { scenarios: { iron_session: { url, pid, status: 200, requests: [{ path: '/check', headers }] } }, stop }
}
