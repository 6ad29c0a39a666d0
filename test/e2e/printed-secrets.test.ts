/** What a served service prints and answers is searched for secrets: planted ones are found (support/watched-services.ts). */
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startDirectWorker } from '../faults/direct-worker.ts'
import { keepSecret, leaksSince } from '../support/secrets-shown.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { type Served, serve } from './support/served.ts'
import { lookedThrough } from './support/watched-services.ts'

/** The name of a variable that is wrong: it is logged and answered. Here it is said to be a secret. */
const PLANTED = 'COOKIE_SAME_SITE'
const [IN_LOG, IN_ANSWER] = ['a log line', 'an answer'].map((where) => `${where} shows ${PLANTED.slice(0, 12)}…`)

let broken: Served
let server: Served

beforeAll(async () => {
  broken = await serve({ [PLANTED]: 'nonsense' })
  server = await serve()
  keepSecret(PLANTED)
})

afterAll(async () => {
  await broken?.stop()
  await server?.stop()
})

/** What is found of what the asking brings about. */
async function found(ask: () => Promise<unknown>): Promise<string[]> {
  await ask()
  await lookedThrough()
  return [...new Set(leaksSince())]
}

test('a secret is found in what is printed, and in what is answered to `fetch`, to `node:http` and to a browser', async () => {
  const { base_url: url } = broken.credentials
  const seen = new Set<string>()
  const both = async () => {
    for (const leak of await found(() => fetch(`${url}/sessions/current`))) seen.add(leak)
    return [...seen].sort()
  }
  await expect.poll(both).toEqual([IN_LOG, IN_ANSWER])
  const byHttp = () =>
    new Promise((resolve) => get(`${url}/sessions/current`, (answer) => answer.resume().on('end', resolve)))
  expect(await found(byHttp)).toContain(IN_ANSWER)
  if (noBrowser) return
  const browser = await sharedChromium()
  const page = await (await browser.newContext()).newPage()
  expect(await found(() => page.goto(`${url}/sessions/current`))).toContain(IN_ANSWER)
  await browser.close()
  // What is still on its way.
  await expect.poll(() => found(async () => undefined)).toEqual([])
})

test('a campaign in which a secret is printed or answered fails', async () => {
  const [worker] = inject('model').workers
  const script = readFileSync(worker?.bundle ?? '', 'utf8')
  const direct = await startDirectWorker({
    version: { root: join(import.meta.dirname, '../..'), script },
    variables: { [PLANTED]: 'nonsense' },
    gateLimit: 1_000_000,
    logged: () => undefined,
  })
  await fetch(new URL('/healthz', direct.url))
  await expect(direct.stop()).rejects.toThrow(`secrets were shown: ${IN_LOG}; ${IN_ANSWER}`)
})

test('what was sent and handed out in the run is found as well, once it is answered again', async () => {
  const { base_url: url, identity_store_id: store, operator_token: operator } = server.credentials
  const operate = async (method: string, path: string, json: object) => {
    const headers = { authorization: `Bearer ${operator}`, 'content-type': 'application/json' }
    const address = `${url}/operator/identity-stores/${store}${path}`
    const answer = await fetch(address, { method, headers, body: JSON.stringify(json) })
    expect(answer.ok, await answer.clone().text()).toBe(true)
    return answer.json() as Promise<Record<string, string>>
  }
  const made = { kind: 'bearer', name: 'till', scopes: ['sessions:open'] }
  const { token = '' } = await operate('POST', '/credentials', made)
  const password = 'a password of some words'
  await operate('PATCH', '/users/U0000000004', { password })
  expect(await found(async () => undefined)).toEqual([])
  for (const secret of [token, password]) {
    const shown = () => operate('PATCH', '/users/U0000000004', { first_name: secret })
    expect(await found(shown)).toEqual([`an answer shows ${secret.slice(0, 12)}…`])
  }
})

test('a secret is found in what a stream tells, to `fetch` and to a browser', async () => {
  const { base_url: url, users } = server.credentials
  const { username, password } = users[0] ?? {}
  const told = '"reason":"logout"'
  keepSecret(told)
  const inStream = [`a stream shows ${told.slice(0, 12)}…`]

  const signedIn = await fetch(`${url}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password, transport: 'bearer' }),
  })
  const { token } = (await signedIn.json()) as { token: string }
  const headers = { authorization: `Bearer ${token}` }
  const stream = await fetch(`${url}/sessions/current/events`, { headers })
  const signOut = async () => {
    await fetch(`${url}/sessions/current`, { method: 'DELETE', headers })
    await new Response(stream.body).text()
  }
  expect(await found(signOut)).toEqual(inStream)

  if (noBrowser) return
  const browser = await sharedChromium()
  const page = await (await browser.newContext({ bypassCSP: true })).newPage()
  await page.goto(`${url}/healthz`)
  const signOutThere = `(async () => {
    const body = ${JSON.stringify(JSON.stringify({ username, password, transport: 'cookie' }))}
    await fetch('/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const socket = new WebSocket('/sessions/current/events')
    await new Promise((resolve) => { socket.onopen = resolve })
    const closed = new Promise((resolve) => { socket.onclose = resolve })
    await fetch('/sessions/current', { method: 'DELETE' })
    await closed
  })()`
  const seen = new Set<string>()
  for (const leak of await found(() => page.evaluate(signOutThere))) seen.add(leak)
  // What the browser tells comes when it comes.
  await expect.poll(async () => [...seen, ...(await found(async () => undefined))]).toEqual(inStream)
  await browser.close()
})
