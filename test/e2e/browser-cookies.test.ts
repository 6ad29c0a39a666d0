/** What a real browser makes of the session cookie: when answers cross, and on pages of another site. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type Pages, servePages } from './support/browser-pages.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { type Served, serve } from './support/served.ts'

const INFO = '/api/v1/session/user_login_info/'

let browser: Browser

beforeAll(async () => {
  if (!noBrowser) browser = await sharedChromium()
})

afterAll(async () => {
  await browser?.close()
})

/** A service whose cookie travels in some way, and an application's pages beside it. */
function serveWithPages(sameSite: 'Lax' | 'None') {
  const running: { server?: Served; pages?: Pages; application?: string } = {}
  beforeAll(async () => {
    const pagesPort = await freePort()
    running.application = `http://127.0.0.1:${await freePort()}`
    const origins = `http://127.0.0.1:${pagesPort},http://localhost:${pagesPort},${running.application}`
    running.server = await serve({ ALLOWED_ORIGINS: origins, COOKIE_SAME_SITE: sameSite })
    running.pages = await servePages(pagesPort, running.server.credentials.base_url)
  })
  afterAll(async () => {
    await running.pages?.stop()
    await running.server?.stop()
  })
  return {
    /** Where an application may be served. */
    get application() {
      return running.application ?? ''
    },
    get pages() {
      if (running.pages === undefined) throw new Error('not served')
      return running.pages
    },
    get server() {
      if (running.server === undefined) throw new Error('not started')
      return running.server
    },
  }
}

async function open(url: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(url)
  return page
}

/** The session cookies that a page's browser has; the device cookie beside them opens nothing. */
async function sessionCookies(page: Page, base: string) {
  return (await page.context().cookies(base)).filter(({ name }) => name.endsWith('sessionid'))
}

/** Sends a request as the page's script does; answers the status. */
function ask(page: Page, url: string, method = 'GET', json?: object): Promise<number> {
  return page.evaluate(
    async ([url, method, body]) => {
      const headers = body === null ? {} : { 'content-type': 'application/json' }
      // A browser's `fetch`, which the types here are not of.
      const response = await fetch(url, { method, credentials: 'include', headers, body } as RequestInit)
      return response.status
    },
    [url, method, json === undefined ? null : JSON.stringify(json)] as const,
  )
}

describe.skipIf(noBrowser)('a cookie that stays on its site', () => {
  const service = serveWithPages('Lax')
  const user = () => {
    const found = service.server.credentials.users.find(({ login_mode }) => login_mode === 'LOCAL_LOGIN_SHARED')
    if (found === undefined) throw new Error('no user')
    return { username: found.username, password: found.password }
  }
  const signIn = (page: Page) => ask(page, '/sessions', 'POST', user())

  for (const [method, path, late] of [
    ['GET', '/sessions/current', 401],
    ['GET', INFO, 401],
    ['DELETE', '/sessions/current', 204],
    ['POST', '/api/v1/logout/', 200],
  ] as const) {
    test(`a ${method} ${path} that is overtaken by a sign-in does not take its cookie away`, async () => {
      const page = await open(`${service.pages.origin}/page`)
      expect(await signIn(page)).toBe(201)
      const held = service.pages.hold(path)
      const overtaken = ask(page, path, method)
      await held
      expect(await signIn(page)).toBe(201)
      service.pages.release()
      expect(await overtaken).toBe(late)
      expect(await ask(page, '/sessions/current')).toBe(200)
      await page.context().close()
    })
  }

  test('of ten sign-ins, each among polls, every one ends signed in', async () => {
    const page = await open(`${service.pages.origin}/page`)
    await signIn(page)
    const after: number[] = []
    for (let round = 0; round < 10; round += 1) {
      let signedIn = false
      const polls = Array.from({ length: 4 }, async () => {
        while (!signedIn) await ask(page, '/sessions/current')
      })
      expect(await signIn(page)).toBe(201)
      signedIn = true
      await Promise.all(polls)
      after.push(await ask(page, '/sessions/current'))
    }
    expect(after).toEqual(Array(10).fill(200))
    await page.context().close()
  })

  test('on a page of another site the cookie is dropped, as long as it is SameSite=Lax', async () => {
    const page = await open(`${service.pages.otherSite}/page`)
    const base = service.server.credentials.base_url
    expect(await ask(page, `${base}/sessions`, 'POST', user())).toBe(201)
    expect(await ask(page, `${base}/sessions/current`)).toBe(401)
    await page.context().close()
  })

  describe('the documented application on a sibling host', () => {
    let application: ChildProcess

    beforeAll(() => {
      const document = readFileSync(join(import.meta.dirname, '../../docs/sessions.md'), 'utf8')
      const code = /^```js\n([\s\S]*?)^```$/m.exec(document)?.[1] ?? ''
      const file = join(service.server.persistTo, 'app.mjs')
      writeFileSync(file, code)
      const { base_url: LATCHKEY, service: back } = service.server.credentials
      const environment = { ...process.env, LATCHKEY, APP: service.application, CREDENTIAL: back.token }
      application = spawn('node', [file], { env: environment, stdio: 'inherit' })
    })

    afterAll(() => {
      application?.kill()
    })

    test('knows its user until the session ends, wherever that is', async () => {
      const user = service.server.credentials.users.find(({ login_mode }) => login_mode === 'LOCAL_LOGIN_SHARED')
      await vi.waitFor(() => fetch(service.application), { timeout: 20_000, interval: 100 })
      const page = await open(service.application)
      const signIn = async () => {
        await page.fill('[name=username]', user?.username ?? '')
        await page.fill('[name=password]', user?.password ?? '')
        await page.click('#sign-in button')
        await page.waitForSelector(`text=Hello ${user?.id}`)
      }
      await signIn()
      await page.click('text=Sign out')
      await page.waitForSelector('#sign-in')
      await signIn()
      const [cookie] = await page.context().cookies(service.application)
      expect(cookie).toMatchObject({ name: 'app_session', httpOnly: true })
      const ended = await fetch(`${service.server.credentials.base_url}/sessions/current`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${cookie?.value}` },
      })
      expect(ended.status).toBe(204)
      await page.goto(service.application)
      await page.waitForSelector('#sign-in')
      await page.context().close()
    })
  })
})

describe.skipIf(noBrowser)('a cookie that travels to pages of other sites', () => {
  const service = serveWithPages('None')

  test('signs in, checks and signs out there, and at home', async () => {
    const { base_url: base, users } = service.server.credentials
    const user = users.find(({ login_mode }) => login_mode === 'LOCAL_LOGIN_SHARED')
    const json = { username: user?.username, password: user?.password, persistent: true }
    for (const origin of [service.pages.otherSite, service.pages.origin]) {
      const page = await open(`${origin}/page`)
      expect(await ask(page, `${base}/sessions`, 'POST', json)).toBe(201)
      expect(await ask(page, `${base}/sessions/current`)).toBe(200)
      const [cookie] = await sessionCookies(page, base)
      expect(cookie).toMatchObject({ name: 'sessionid', httpOnly: true, secure: true, sameSite: 'None' })
      expect(cookie?.partitionKey).toContain(new URL(origin).hostname)
      expect(await ask(page, `${base}/sessions/current`, 'DELETE')).toBe(204)
      expect(await ask(page, `${base}/sessions/current`)).toBe(401)
      expect(await sessionCookies(page, base)).toEqual([])
      await page.context().close()
    }
  })

  test('takes the place of a cookie from before it travelled so: there are never two', async () => {
    const { base_url: base, users } = service.server.credentials
    const user = users.find(({ login_mode }) => login_mode === 'LOCAL_LOGIN_SHARED')
    const json = { username: user?.username, password: user?.password }
    const bearer = await fetch(`${base}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...json, transport: 'bearer' }),
    })
    const { token } = (await bearer.json()) as { token: string }
    const page = await open(`${service.pages.origin}/page`)
    await page.context().addCookies([{ name: 'sessionid', value: token, url: base, httpOnly: true, sameSite: 'Lax' }])
    expect(await ask(page, `${base}/sessions/current`)).toBe(200)
    expect(await ask(page, `${base}/sessions`, 'POST', json)).toBe(201)
    expect(await ask(page, `${base}/sessions/current`)).toBe(200)
    expect(await sessionCookies(page, base)).toHaveLength(1)
    await page.context().close()
  })
})
