/** The console in a browser, against the running service. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { launchChromium, noBrowser } from './support/chromium.ts'
import { OF_A_STORE, PAST_UNDO_MILLISECONDS, violations } from './support/console-page.ts'
import { type DevServer, startDev } from './support/dev-server.ts'
import { copyProject, type ProjectCopy } from './support/project-copy.ts'

const MAX_FIRST_LOAD_BYTES = 300_000

let project: ProjectCopy
let server: DevServer
let browser: Browser
let baseUrl: string
let store: string

beforeAll(async () => {
  project = copyProject()
  const started = startDev(project.directory, ['--port', String(await freePort())])
  if (!noBrowser) browser = await launchChromium()
  server = await started
  baseUrl = server.credentials.base_url
  store = `/stores/${server.credentials.identity_store_id}`
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
  project.remove()
})

test('loads at most 300 kB at first, compressed; the globe only with the map', () => {
  const assets = join(project.directory, '.wrangler/state/dev/assets')
  const page = readFileSync(join(assets, 'console.html'), 'utf8')
  const [script = '', style = ''] = ['js', 'css'].map(
    (type) => new RegExp(`/(console/[^"]+\\.${type})"`).exec(page)?.[1],
  )
  const first = [script, style, ...importedBy(join(assets, script)).map((name) => `console/${name}`)]
  const bytes = first.map((name) => gzipSync(readFileSync(join(assets, name))).byteLength)
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(MAX_FIRST_LOAD_BYTES)
  const globe = readdirSync(join(assets, 'console')).filter((name) => /^globe-.*\.js$/.test(name))
  expect(globe).toHaveLength(1)
  expect(first).not.toContain(`console/${globe[0]}`)
})

describe.skipIf(noBrowser)('the link that a start prints', () => {
  test('signs in once; it is sent to nobody and leaves the address', async () => {
    const link = /\S+\/console#sign-in=[\w-]{43}/.exec(server.output())?.[0] ?? ''
    const page = await browser.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(link)
    await page.getByRole('heading', { name: 'Stores' }).waitFor()
    const code = link.split('=')[1] ?? ''
    expect([page.url(), ...asked].filter((url) => url.includes(code))).toEqual([])
    await page.context().close()

    const another = await browser.newPage()
    await another.goto(link)
    await another.getByRole('alert').getByText('was used already').waitFor()
    expect(another.url()).toBe(`${baseUrl}/console`)
    await another.getByLabel('Operator token').waitFor()
    await another.context().close()
    expect(server.output().split(code)).toHaveLength(2)
  })
})

describe.skipIf(noBrowser)('signed in', () => {
  let page: Page
  /** What the browser has complained of since the sign-in: errors, and breaches of the page's policy. */
  let complaints: string[]
  let requested: string[]

  beforeEach(async () => {
    page = await browser.newPage()
    complaints = []
    requested = []
    page.on('request', (request) => requested.push(request.url()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => complaints.push(message.text()))
    await page.clock.install()
    await page.goto(`${baseUrl}/console`)
    await page.getByLabel('Operator token').fill(server.credentials.operator_token)
    // Who is not signed in is told so, and browsers say that too.
    expect(complaints.filter((text) => !text.includes('status of 401'))).toEqual([])
    complaints.length = 0
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Stores' }).waitFor()
    return async () => {
      expect(complaints).toEqual([])
      expect(requested.filter((url) => new URL(url).origin !== baseUrl && !url.startsWith('data:'))).toEqual([])
      await page.context().close()
    }
  })

  test('finds a user, ends a session, takes it back, and ends it', async () => {
    const [user] = server.credentials.users
    if (user === undefined) throw new Error('The demo store has no user.')
    const cookie = await signIn(user)
    await page.goto(`${baseUrl}/console#${store}/users`)
    await page.getByLabel('User name begins with').fill(user.username.slice(0, 4))
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: user.username }).click()
    await page.getByRole('heading', { name: user.username }).waitFor()

    const end = page.getByRole('button', { name: /^End .* session on/ })
    await end.click()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.clock.fastForward(PAST_UNDO_MILLISECONDS)
    await expect.poll(() => end.isEnabled()).toBe(true)
    expect(await isLive(cookie)).toBe(true)

    await end.click()
    await page.clock.fastForward(PAST_UNDO_MILLISECONDS)
    await page.getByText('Not signed in').waitFor()
    expect(await isLive(cookie)).toBe(false)
  })

  test('shows what a policy ends before it is saved', async () => {
    await page.goto(`${baseUrl}/console#${store}/session-config`)
    await page.getByLabel('A user may have so many sessions at once').fill('7')
    await page.getByRole('button', { name: 'Preview the change' }).click()
    await page.getByText('Ends now:').waitFor()
    expect(await sessionLimit()).not.toBe(7)
    await page.getByRole('button', { name: /^Save/ }).click()
    await page.getByText(/^Saved as version/).waitFor()
    expect(await sessionLimit()).toBe(7)
  })

  test('selects by keys alone', async () => {
    const [, user] = server.credentials.users
    if (user === undefined) throw new Error('The demo store has no second user.')
    await signIn(user)
    await page.goto(`${baseUrl}/console#${store}/sessions?user_id=${user.id}`)
    await page.getByRole('button', { name: /^End .* session on/ }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByRole('button', { name: 'End 1 selected' }).waitFor()
    await page.keyboard.press('/')
    expect(await page.locator(':focus').getAttribute('name')).toBe('user_id')
  })

  test.each(['light', 'dark'] as const)('is accessible, in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme })
    const [user] = server.credentials.users
    const paths = [
      ...OF_A_STORE.map((section) => `${store}/${section}`),
      `${store}/users/${user?.id}`,
      '/stores',
      '/operators',
    ]
    const found: string[] = []
    for (const path of paths) {
      await page.goto(`${baseUrl}/console#${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForLoadState('networkidle')
      found.push(...(await violations(page)).map((violation) => `${path}: ${violation}`))
    }
    expect(found).toEqual([])
  })
})

/** The scripts that a script imports at once. */
function importedBy(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)].map(([, name]) => name ?? '')
}

async function signIn({ username, password }: { username: string; password: string }): Promise<string> {
  const response = await fetch(`${baseUrl}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

async function isLive(cookie: string): Promise<boolean> {
  return (await fetch(`${baseUrl}/sessions/current`, { headers: { cookie } })).ok
}

async function sessionLimit(): Promise<number | null> {
  const { operator_token: token, identity_store_id: storeId } = server.credentials
  const path = `/operator/identity-stores/${storeId}/session-config`
  const response = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${token}` } })
  const body: { concurrent_sessions: { limit: number | null } } = await response.json()
  return body.concurrent_sessions.limit
}
