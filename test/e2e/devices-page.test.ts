/** `/sign-in` and `/devices` in a real browser without scripts: forms, keyboard, policy, and where they lead. */
import { createServer, type Server } from 'node:http'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { storedBy } from './support/console-page.ts'
import type { DevUser } from './support/dev-server.ts'
import { type Served, serve } from './support/served.ts'

/** Long enough for a test, short enough to wait for. */
const FRESH_SECONDS = 20
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
/** What the browser itself says of an answer that is no success. */
const STATUS_LINE = /^Failed to load resource: the server responded with a status of 4\d\d/

let server: Served
let browser: Browser
let application: Server
let applicationOrigin = ''
const complaints: string[] = []
const requested: string[] = []
const open: BrowserContext[] = []

beforeAll(async () => {
  if (noBrowser) return
  const port = await freePort()
  application = createServer((_request, response) => response.end('An application'))
  await new Promise<void>((resolve) => application.listen(port, '127.0.0.1', resolve))
  applicationOrigin = `http://127.0.0.1:${port}`
  const started = serve({ ALLOWED_ORIGINS: applicationOrigin, FRESH_SIGN_IN_SECONDS: String(FRESH_SECONDS) })
  browser = await sharedChromium()
  server = await started
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
  application?.close()
})

afterEach(async () => {
  for (const context of open.splice(0)) await context.close()
  // Whatever was tried: nothing was blocked by the policy, no script ran, and no other host was asked.
  expect(complaints.splice(0)).toEqual([])
  const own = server === undefined ? [] : [server.credentials.base_url, applicationOrigin]
  expect(requested.splice(0).filter((url) => !own.includes(new URL(url).origin))).toEqual([])
})

/** A page of a browser without scripts, whose console is listened to. */
async function newPage(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    baseURL: server.credentials.base_url,
    ...options,
  })
  open.push(context)
  const page = await context.newPage()
  page.on('console', (message) => STATUS_LINE.test(message.text()) || complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => requested.push(request.url()))
  return page
}

function user(id: string): DevUser {
  const found = server.credentials.users.find((one) => one.id === id)
  if (found === undefined) throw new Error(`no user ${id}`)
  return found
}

async function signIn(page: Page, { username, password }: DevUser, path = '/sign-in'): Promise<void> {
  await page.goto(path)
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Opens a session elsewhere, as a back end does. */
async function elsewhere({ id }: DevUser, userAgent: string): Promise<string> {
  const response = await fetch(`${server.credentials.base_url}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.credentials.service.token}` },
    body: JSON.stringify({ user_id: id, client: { address: '192.0.2.7', user_agent: userAgent } }),
  })
  expect(response.status).toBe(201)
  return ((await response.json()) as { token: string }).token
}

async function statusOf(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${server.credentials.base_url}/sessions/current?touch=false`, { headers })).status
}

const others = (page: Page) => page.getByRole('list', { name: 'Other devices' }).getByRole('article')
const ended = (page: Page) => page.getByRole('list', { name: 'Ended in the last 28 days' }).getByRole('article')
const pathOf = (page: Page) => page.url().slice(server.credentials.base_url.length)

describe.skipIf(noBrowser)('without scripts', () => {
  let stalePage: Page
  let signedInAt = 0

  beforeAll(async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, baseURL: server.credentials.base_url })
    stalePage = await context.newPage()
    await signIn(stalePage, user('U0000000003'))
    signedInAt = Date.now()
  })

  afterAll(() => stalePage?.context().close())

  test('a breach of their policy would be heard', async () => {
    const page = await newPage()
    await page.route('**/sign-in', async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, body: (await response.text()).replace('<main', '<main style="color: red"') })
    })
    await page.goto('/sign-in')
    await expect.poll(() => complaints.length).toBe(1)
    expect(complaints.splice(0)[0]).toContain('Content Security Policy')
  })

  test('a user signs in, after a wrong password, and sees this device alone', async () => {
    const page = await newPage()
    const max = user('U0000000004')
    await signIn(page, { ...max, password: 'wrong' })
    await page.getByRole('alert').getByText('The user name or the password is wrong').waitFor()
    expect(await page.getByLabel('User name').inputValue()).toBe(max.username)
    await page.getByLabel('Password').fill(max.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('/devices')
    await page.getByText('You are signed in nowhere else.').waitFor()
    expect(await page.getByRole('article', { name: /^Chrome \d+ on Linux$/ }).textContent()).toContain('This device')
    expect(await page.getByText(max.username).count()).toBe(1)
    expect(await storedBy(page)).toBe('{}')
    // The one stylesheet is let in by its hash.
    const width = await page.locator('main').evaluate((main) => main.clientWidth)
    expect(width).toBeLessThan(1_000)
  })

  test('ends one, then all others, and sees what has ended and why', async () => {
    const page = await newPage()
    const john = user('U0000000001')
    const tokens = [await elsewhere(john, FIREFOX), await elsewhere(john, IPHONE), await elsewhere(john, FIREFOX)]
    await signIn(page, john)
    await page.waitForURL('/devices')
    expect(await others(page).count()).toBe(3)
    await page.getByRole('button', { name: 'End session on Safari 18 on Apple iPhone' }).click()
    await page.waitForURL('/devices?done=end&ended=1')
    await page.getByRole('status').getByText('The session has ended.').waitFor()
    expect(await Promise.all(tokens.map(statusOf))).toEqual([200, 401, 200])
    await page.getByText('Sign out everywhere else', { exact: true }).click()
    await page.getByRole('button', { name: 'End 2 sessions' }).click()
    await page.getByText('2 sessions have ended. You are signed in here only.').waitFor()
    expect(await Promise.all(tokens.map(statusOf))).toEqual([401, 401, 401])
    await vi.waitFor(
      async () => {
        await page.goto('/devices')
        expect(await ended(page).count()).toBe(3)
      },
      { timeout: 20_000, interval: 500 },
    )
    expect(await ended(page).first().textContent()).toMatch(/Ended (just now|\d+ minutes? ago)\. .+\./)
  })

  test('says “this was not me”, and is told what to do', async () => {
    const page = await newPage()
    const ada = user('U0000000002')
    const tokens = [await elsewhere(ada, FIREFOX), await elsewhere(ada, IPHONE)]
    await signIn(page, ada)
    await page.getByText('This was not me on Firefox 130 on Linux').click()
    await page.getByRole('button', { name: 'It was not me: end everything else' }).click()
    await page.getByRole('status').getByText('Change your password').waitFor()
    expect(await Promise.all(tokens.map(statusOf))).toEqual([401, 401])
    await page.getByText('You are signed in nowhere else.').waitFor()
  })

  test('leafs through many', async () => {
    const page = await newPage()
    const max = user('U0000000004')
    for (let time = 0; time < 6; time += 1) {
      await Promise.all(Array.from({ length: 10 }, () => elsewhere(max, FIREFOX)))
    }
    await signIn(page, max)
    await page.waitForURL('/devices')
    expect(await others(page).count()).toBe(50)
    await page.getByRole('link', { name: 'Older ones' }).first().click()
    expect(await others(page).count()).toBeGreaterThanOrEqual(10)
    expect(await page.getByText('This device', { exact: true }).count()).toBe(2)
    await page.getByRole('link', { name: 'Newest' }).click()
    expect(await others(page).count()).toBe(50)
  })

  test('signs out, and the cookie is gone', async () => {
    const page = await newPage()
    await signIn(page, user('U0000000008'))
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    expect((await page.context().cookies()).map(({ name }) => name)).toEqual(['latchkey_device'])
    const response = await page.goto('/devices')
    expect([response?.status(), pathOf(page)]).toEqual([401, '/devices'])
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('is told why a session has ended, and comes back to where it was', async () => {
    const page = await newPage()
    const jan = user('U0000000008')
    await signIn(page, jan)
    await page.waitForURL('/devices')
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === 'sessionid')
    const headers = { authorization: `Bearer ${await elsewhere(jan, FIREFOX)}` }
    await fetch(`${server.credentials.base_url}/sessions?except=current`, { method: 'DELETE', headers })
    expect(await statusOf(cookie?.value ?? '')).toBe(401)
    await page.goto('/devices')
    await page.getByRole('status').getByText('Your session has ended.').waitFor()
    await page.getByLabel('User name').fill(jan.username)
    await page.getByLabel('Password').fill(jan.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('/devices')
    expect(await others(page).count()).toBe(1)
  })

  test('does it all by the keyboard', async () => {
    const page = await newPage()
    const jan = user('U0000000008')
    const token = await elsewhere(jan, IPHONE)
    const focused = () => page.locator(':focus').textContent()
    await page.goto('/sign-in')
    for (const key of ['Tab', jan.username, 'Tab', jan.password, 'Tab', 'Space']) {
      if (key === 'Tab' || key === 'Space') await page.keyboard.press(key)
      else await page.keyboard.type(key)
    }
    await page.keyboard.press('Enter')
    await page.waitForURL('/devices')
    // It was asked to stay signed in.
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === 'sessionid')
    expect(cookie?.expires).toBeGreaterThan(0)
    const order: (string | null)[] = []
    for (let time = 0; time < 4; time += 1) {
      await page.keyboard.press('Tab')
      order.push(await focused())
    }
    expect(order).toEqual([
      'Sign out',
      'Sign out everywhere else',
      expect.stringMatching(/^End session/),
      expect.stringMatching(/^This was not me/),
    ])
    const outline = await page.locator(':focus').evaluate((element) => {
      const look = globalThis as unknown as {
        getComputedStyle: (of: unknown) => { outlineStyle: string; outlineWidth: string }
      }
      const { outlineStyle, outlineWidth } = look.getComputedStyle(element)
      return `${outlineStyle} ${outlineWidth}`
    })
    expect(outline).toBe('solid 3px')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('It was not me: end everything else')
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('Change your password').waitFor()
    expect(await statusOf(token)).toBe(401)
  })

  test.each([
    ['/docs', (base: string) => `${base}/docs`],
    ['APPLICATION/home?x=1', () => `${applicationOrigin}/home?x=1`],
    ['https://evil.example/', (base: string) => `${base}/devices`],
    ['//evil.example', (base: string) => `${base}/devices`],
    ['/\\evil.example', (base: string) => `${base}/devices`],
    ['javascript:alert(1)', (base: string) => `${base}/devices`],
  ] as const)('with return_to=%s it goes where it may', async (asked, expected) => {
    const page = await newPage()
    const target = asked.replace('APPLICATION', applicationOrigin)
    await signIn(page, user('U0000000006'), `/sign-in?return_to=${encodeURIComponent(target)}`)
    await page.waitForURL(expected(server.credentials.base_url))
  })

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [1_280, 'light'],
  ] as const)('nothing is wider than the window, at %i px in %s', async (width, colorScheme) => {
    const page = await newPage({ viewport: { width, height: 700 }, colorScheme })
    const grace = user('U0000000003')
    await elsewhere(grace, `${'Donaudampfschifffahrtsgesellschaft'.repeat(3)}/1.0`)
    await signIn(page, grace)
    await page.locator('li summary').first().click()
    const overflow = await page.locator('html').evaluate((html) => html.scrollWidth - html.clientWidth)
    expect(overflow).toBe(0)
  })

  test('who signed in long ago is asked again before others end, and then it is done', async () => {
    const grace = user('U0000000003')
    const token = await elsewhere(grace, FIREFOX)
    const wait = signedInAt + FRESH_SECONDS * 1000 + 1_000 - Date.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const page = stalePage
    await page.goto('/devices')
    await page.getByText('Sign out everywhere else', { exact: true }).click()
    await page.getByRole('button', { name: /^End (\d+ sessions|all others)$/ }).click()
    await page.getByRole('heading', { name: 'Sign in again to go on' }).waitFor()
    expect(await statusOf(token)).toBe(200)
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in and go on' }).click()
    await page.getByRole('alert').waitFor()
    expect(await statusOf(token)).toBe(200)
    await page.getByLabel('Password').fill(grace.password)
    await page.getByRole('button', { name: 'Sign in and go on' }).click()
    await page.getByRole('status').getByText('You are signed in here only.').waitFor()
    expect(await statusOf(token)).toBe(401)
    await page.getByText('You are signed in nowhere else.').waitFor()
  })
})
