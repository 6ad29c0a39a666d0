/**
 * A real browser that listens to its session: one tab holds the stream for all, and all are told at once. And who
 * listens no more, without having said so.
 */
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { MAX_STREAMS_OF_SESSION } from '../../src/limits.ts'
import { freePort } from '../support/free-port.ts'
import { type Pages, servePages } from './support/browser-pages.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { type Served, serve } from './support/served.ts'

const EVENTS = '/sessions/current/events'
const PATIENCE = { timeout: 20_000, interval: 50 }

let browser: Browser
let server: Served
let pages: Pages
let script: string

beforeAll(async () => {
  const pagesPort = await freePort()
  server = await serve({ ALLOWED_ORIGINS: `http://127.0.0.1:${pagesPort}` })
  if (noBrowser) return
  pages = await servePages(pagesPort, server.credentials.base_url)
  browser = await sharedChromium()
  const entry = join(import.meta.dirname, '../../packages/client/src/browser.ts')
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm' })
  script = outputFiles[0]?.text ?? ''
})

afterAll(async () => {
  await browser?.close()
  await pages?.stop()
  await server?.stop()
})

/** A browser that is signed in, and its user's id. */
async function signedIn(): Promise<{ context: BrowserContext; userId: string }> {
  const context = await browser.newContext()
  await context.route('**/browser.js', (route) => route.fulfill({ contentType: 'text/javascript', body: script }))
  const user = server.credentials.users.find(({ login_mode }) => login_mode === 'LOCAL_LOGIN_SHARED')
  if (user === undefined) throw new Error('no user')
  const page = await context.newPage()
  await page.goto(`${pages.origin}/page`)
  const status = await page.evaluate(
    async ([username, password]) => {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ username, password })
      return (await fetch('/sessions', { method: 'POST', credentials: 'include', headers, body } as RequestInit)).status
    },
    [user.username, user.password] as const,
  )
  expect(status).toBe(201)
  await page.close()
  return { context, userId: user.id }
}

/** What tabs tell each other comes after a lock that one of them lets go: browsers promise no order. */
const SLOW_MESSAGES = `Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
  set(hear) {
    this.addEventListener('message', (event) => setTimeout(hear, 300, event))
  },
})`

/**
 * A tab that watches its session, and notes when it was told that it is over. `sockets`: the streams that it has; each that
 * it opens is counted in `opened` too.
 */
async function tab(context: BrowserContext, opened: string[]): Promise<Page & { readonly sockets: string[] }> {
  const page = await context.newPage()
  const sockets: string[] = []
  page.on('websocket', (socket) => {
    sockets.push(socket.url())
    opened.push(socket.url())
    socket.on('close', () => sockets.splice(sockets.indexOf(socket.url()), 1))
  })
  await page.goto(`${pages.origin}/page`)
  await page.evaluate(`(async () => {
    const { watchSession } = await import('/browser.js')
    globalThis.over = null
    globalThis.watch = watchSession({ onEnd: (reason) => { globalThis.over = { reason, at: Date.now() } } })
  })()`)
  return Object.assign(page, { sockets })
}

const over = (page: Page) => page.evaluate('over') as Promise<{ reason: string; at: number } | null>

describe.skipIf(noBrowser)('tabs that watch one session', () => {
  test('are all told of its end at once, by the stream that one of them holds', async () => {
    const { context, userId } = await signedIn()
    await context.addInitScript(SLOW_MESSAGES)
    const opened: string[] = []
    const tabs = [await tab(context, opened), await tab(context, opened)]
    const streams = () => tabs.flatMap(({ sockets }) => sockets)
    await vi.waitFor(() => expect(streams()).toEqual([`${pages.origin.replace('http', 'ws')}${EVENTS}`]), PATIENCE)

    // Whose tab is closed hands the stream to the next.
    const [holder] = tabs.splice(
      tabs.findIndex(({ sockets }) => sockets.length > 0),
      1,
    )
    await holder?.close()
    tabs.push(await tab(context, opened))
    await vi.waitFor(() => expect(streams()).toHaveLength(1), PATIENCE)

    const { base_url: url, identity_store_id: store, operator_token: operator } = server.credentials
    const endedAt = Date.now()
    const ended = await fetch(`${url}/operator/identity-stores/${store}/users/${userId}/sessions/end`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
      body: '{"all":true}',
    })
    expect(ended.status).toBe(200)
    for (const page of tabs) {
      await page.waitForFunction('over !== null')
      expect((await over(page))?.reason).toBe('revoked')
      // Far less than the minute after which a tab asks.
      expect(((await over(page))?.at ?? 0) - endedAt).toBeLessThan(15_000)
    }
    await vi.waitFor(() => expect(streams()).toEqual([]), PATIENCE)
    // Of three tabs one held it, and the next one after it.
    expect(opened).toHaveLength(2)
    await context.close()
  })

  test('of a foreign site are not listened to', async () => {
    const { context } = await signedIn()
    const page = await context.newPage()
    await page.goto(`${pages.otherSite}/page`)
    const opened = await page.evaluate(
      `new Promise((resolve) => {
        const socket = new WebSocket('${pages.origin.replace('http', 'ws')}${EVENTS}')
        socket.onopen = () => resolve(true)
        socket.onerror = () => resolve(false)
      })`,
    )
    expect(opened).toBe(false)
    await context.close()
  })
})

/** Listens by server-sent events over a connection of its own. */
async function connected(token: string): Promise<Socket> {
  const { host, hostname, port } = new URL(server.credentials.base_url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.write(`GET ${EVENTS} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n\r\n`)
  const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  return socket
}

test('whose connection is cut off holds no place in the object', async () => {
  const { base_url: url, service, users } = server.credentials
  const opened = await fetch(`${url}/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: users[0]?.id, client: { address: '192.0.2.7', user_agent: 'Device' } }),
  })
  expect(opened.status).toBe(201)
  const { token } = (await opened.json()) as { token: string }
  const sockets = await Promise.all(Array.from({ length: MAX_STREAMS_OF_SESSION }, () => connected(token)))
  const listen = async () => {
    const answer = await fetch(`${url}${EVENTS}`, { headers: { authorization: `Bearer ${token}` } })
    await answer.body?.cancel()
    return answer.status
  }
  expect(await listen()).toBe(409)
  for (const socket of sockets) socket.resetAndDestroy()
  await vi.waitFor(async () => expect(await listen()).toBe(200), PATIENCE)
})
