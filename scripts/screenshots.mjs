// Takes the pictures of docs/pictures: the main screens, light and dark, wide and narrow, of a service of its own that is
// filled with demo data. `npm run screenshots -- FOLDER` puts them elsewhere.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchChromium } from '../test/e2e/support/chromium.ts'
import { startDev } from '../test/e2e/support/dev-server.ts'
import { freePort } from '../test/support/free-port.ts'
import { serviceClient } from './dev/service-client.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TARGET = resolve(ROOT, process.argv[2] ?? 'docs/pictures')
const WIDE = { width: 1_280, height: 800 }
const NARROW = { width: 360, height: 800 }
const SESSIONS = 500
/** A third of PNG's size. */
const SMALL = { format: 'webp', quality: 85 }
const LONG_MILLISECONDS = 3_600_000
const SETTLED_MILLISECONDS = 1_500

const persistTo = mkdtempSync(join(tmpdir(), 'latchkey-screenshots-'))
const port = String(await freePort())
const server = await startDev(
  ROOT,
  ['--port', port, '--persist-to', persistTo, '--demo-sessions', String(SESSIONS)],
  persistTo,
)
const browser = await launchChromium()
try {
  mkdirSync(TARGET, { recursive: true })
  const state = await signedIn()
  const devices = await signedInUser()
  for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      const options = { viewport, colorScheme, reducedMotion: 'reduce' }
      const console = await browser.newContext({ ...options, storageState: state })
      for (const [name, visit] of Object.entries(await screens(size))) {
        await take(await console.newPage(), visit, `${name}-${size}-${colorScheme}`)
      }
      await console.close()
      const pages = await browser.newContext({ ...options, storageState: devices, javaScriptEnabled: false })
      await take(
        await pages.newPage(),
        (page) => page.goto(`${server.credentials.base_url}/devices`),
        `devices-${size}-${colorScheme}`,
      )
      await pages.close()
    }
  }
} finally {
  await browser.close()
  await server.stop()
  rmSync(persistTo, { recursive: true, force: true })
}

/** What is shown of the console, by the pictures' names. */
async function screens(size) {
  const { base_url: baseUrl, identity_store_id: store } = server.credentials
  const at = (path) => async (page) => {
    await page.goto(`${baseUrl}/console#/stores/${store}/${path}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    // Narrow screens hide the switcher.
    if (size === 'wide') await page.getByRole('combobox').filter({ hasText: 'Pie' }).first().waitFor()
    await page.waitForLoadState('networkidle')
  }
  const sessions = async (page) => {
    await at('sessions')(page)
    await page.getByText(/sessions live/).waitFor()
    await page.getByRole('link', { name: '@pie.example' }).first().waitFor()
  }
  const main = { overview: at('overview'), 'live-sessions': sessions }
  if (size === 'narrow') return main
  const { session_id: session } = await aBusySession()
  return {
    ...main,
    session: at(`sessions/${session}`),
    map: at('map'),
    'session-config': async (page) => {
      await at('session-config')(page)
      await page.getByLabel('A user may have so many sessions at once').fill('1')
      await page.getByRole('button', { name: 'Preview the change' }).click()
      await page.getByRole('button', { name: /^Save/ }).scrollIntoViewIfNeeded()
    },
  }
}

async function take(page, visit, name) {
  await visit(page)
  await page.waitForTimeout(SETTLED_MILLISECONDS)
  const { data } = await (await page.context().newCDPSession(page)).send('Page.captureScreenshot', SMALL)
  writeFileSync(join(TARGET, `${name}.webp`), Buffer.from(data, 'base64'))
  await page.close()
}

/** The cookies of an operator who followed the link that the start printed. */
async function signedIn() {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(/\S+\/console#sign-in=[\w-]+/.exec(server.output())?.[0] ?? '')
  await page.getByRole('heading', { name: 'Stores' }).waitFor()
  const state = await context.storageState()
  await context.close()
  return state
}

/** The cookies of a user who is signed in elsewhere too, and was. */
async function signedInUser() {
  const { base_url: baseUrl, users, service } = server.credentials
  const { id, username, password } = users.find(({ id }) => id === 'U0000000003')
  const backEnd = serviceClient(baseUrl, service.token)
  const agents = [
    'Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Mobile Safari/537.36',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:148.0) Gecko/20100101 Firefox/148.0',
  ]
  const location = { city: 'Lisbon', country: 'PT' }
  for (const [index, user_agent] of agents.entries()) {
    const client = { address: `192.0.2.${7 + index}`, user_agent }
    const { token } = await backEnd.call('POST', '/sessions', { user_id: id, client, location })
    if (index === 2) await serviceClient(baseUrl, token).call('DELETE', '/sessions/current')
  }
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${baseUrl}/sign-in`)
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/devices')
  const state = await context.storageState()
  await context.close()
  return state
}

/** A session whose client has moved, and which outlives the pictures. */
async function aBusySession() {
  const { base_url: baseUrl, operator_token: token, identity_store_id: store } = server.credentials
  const path = `/operator/identity-stores/${store}/sessions`
  const { sessions } = await serviceClient(baseUrl, token).call('GET', `${path}?limit=1000`)
  for (const session of sessions) {
    const story = await serviceClient(baseUrl, token).call('GET', `${path}/${session.session_id}`)
    const lasts = Date.parse(session.expires_at) - Date.now() > LONG_MILLISECONDS
    if (story.timeline.length > 1 && session.idles_out_at === null && lasts) return session
  }
  return sessions[0]
}
