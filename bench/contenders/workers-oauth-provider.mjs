// @cloudflare/workers-oauth-provider: access tokens in KV.
import { serveWorker } from '../workers.mjs'
import { mustBe, tripsOf } from './answers.mjs'

/** Starts the contender. Answers its scenarios and how to stop it. */
export async function startWorkersOauthProvider() {
  const { url, pid, stop } = await serveWorker({
    name: 'workers-oauth-provider',
    entry: 'bench/workers/workers-oauth-provider.js',
    kvNamespaces: { OAUTH_KV: 'oauth' },
  })
  const granted = await (await mustBe(200, fetch(`${url}/authorize`))).json()
  const body = new URLSearchParams({ grant_type: 'authorization_code', ...granted })
  const { access_token: token } = await (await mustBe(200, fetch(`${url}/token`, { method: 'POST', body }))).json()
  const headers = { authorization: `Bearer ${token}` }
  await mustBe(200, fetch(`${url}/api/check`, { headers }))
  const requests = [{ path: '/api/check', headers }]
  const scenarios = { oauth_provider: { url, pid, status: 200, requests } }
  return { scenarios, trips: await tripsOf(scenarios), stop }
}
