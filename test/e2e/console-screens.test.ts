/**
 * Every screen of the console with no session, one and 10 000: what is there, how it looks, and what keys do. 10 000
 * sessions take too long to open: their records are written into the database, where lists come from.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import {
  byKeyboard,
  cookiesOf,
  longestMotion,
  OF_A_STORE,
  open,
  stopsOf,
  violations,
  type Watched,
  watchedPage,
} from './support/console-page.ts'
import { at, FIREFOX, type Stores, storesOf } from './support/console-stores.ts'
import { openLocalDatabase } from './support/local-database.ts'
import { type Receiver, receive } from './support/receiver.ts'
import { type Served, serve } from './support/served.ts'

const MANY = 10_000
const MAX_FIRST_LOAD_BYTES = 300_000
/** A machine may be busy. */
const PATIENT = { timeout: 20_000 }

let server: Served
let browser: Browser
let receiver: Receiver
let stores: Stores
let baseUrl: string
let token: string
let cookies: Awaited<ReturnType<typeof cookiesOf>>
/** Of a session, and of endpoints for events: a webhook, and a stream of security events. */
const ids = { session: '', webhook: '', stream: '' }

beforeAll(async () => {
  if (noBrowser) return
  const started = serve()
  receiver = await receive()
  browser = await sharedChromium()
  server = await started
  stores = storesOf(server)
  ;({ base_url: baseUrl, operator_token: token } = server.credentials)
  await Promise.all(['none', 'one', 'many'].map(stores.make))
  await makeEndpoints()
  await stores.openSession('one', 'jo')
  const { sessions } = (await stores.call('GET', `${at('one')}/sessions`)).body as {
    sessions: { session_id: string }[]
  }
  ids.session = sessions[0]?.session_id ?? ''
  await vi.waitFor(() => expect(receiver.messages).toHaveLength(1), PATIENT)
  writeMany()
  cookies = await cookiesOf(browser, baseUrl, token)
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
  receiver?.stop()
})

/** Of store `one`: what its events are sent to. */
async function makeEndpoints(): Promise<void> {
  const path = `${at('one')}/event-endpoints`
  const webhook = { kind: 'webhook', url: receiver.url, types: ['session.*'], description: 'Warehouse' }
  ids.webhook = String((await stores.call('POST', path, webhook)).body.endpoint_id)
  const credential = { kind: 'bearer', name: 'security team', scopes: ['ssf.manage'] }
  const { body } = await stores.call('POST', `${at('one')}/credentials`, credential)
  const stream = { delivery: { method: 'urn:ietf:rfc:8936' }, description: 'Security team' }
  ids.stream = String((await stores.call('POST', '/ssf/one/streams', stream, String(body.token))).body.stream_id)
}

/** Records of sessions as objects would have written them: of users who have no other. */
function writeMany(): void {
  const database = openLocalDatabase(server.persistTo)
  database
    .prepare(
      `INSERT INTO sessions (identity_store_id, user_id, session_id, number, version, kind, opened_at, last_seen_at,
         persistent, credentials_type, address, user_agent)
       WITH RECURSIVE nth(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM nth WHERE n + 1 < ?)
       SELECT 'many', 'busy', printf('01990000-0000-7000-8000-%012x', n), n + 1, 1, 'web', ? - n * 60000,
         ? - n * 60000, 0, 'password', '192.0.2.' || (n % 250), ? FROM nth`,
    )
    .run(MANY, Date.now(), Date.now(), FIREFOX)
  database.close()
}

/** What differs from one run to the next, by what it is. */
function masked(snapshot: string): string {
  return (
    snapshot
      .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, '<instant>')
      .replaceAll(/\d\d-\d\d \d\d:\d\d UTC/g, '<hour>')
      .replaceAll(/\b(?:now|yesterday|tomorrow|in \d+ \w+\.?|\d+ \w+\.? ago)(?= <instant>)/g, '<when>')
      .replaceAll(/\b[\da-f]{16}\b/g, '<public id>')
      .replaceAll(/Chrome [\d.]+ on \w+/g, '<browser>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<instant>')
      .replaceAll(/ssf_key:[\w-]{43}/g, '<key>')
      .replaceAll(/evt_[\da-f]+_\d+/g, '<event>')
      .replaceAll(/127\.0\.0\.1:\d+/g, '<host>')
      .replaceAll(/\b\d+ ms\b/g, '<span>')
      // Console sessions of the tests before.
      .replace(/\n +- row "local development <browser>[\s\S]*$/, '')
      .replaceAll(/(?:( +- row "<hour> )\d+":\n +- cell "<hour>"\n +- cell "\d+"\n)+/g, '$1…"\n')
  )
}

test('loads at most 300 kB at first, compressed; the globe only with the map', () => {
  const assets = join(inject('model').state, 'dev/assets')
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

/** The scripts that a script imports at once. */
function importedBy(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)].map(([, name]) => name ?? '')
}

describe.skipIf(noBrowser)('the console', () => {
  let watched: Watched

  /** Signed in, in a browser that looks so. */
  async function inConsole(options: Parameters<typeof watchedPage>[2] = {}) {
    watched = await watchedPage(browser, baseUrl, { storageState: cookies, ...options })
    return watched.page
  }

  beforeEach(() => async () => {
    expect([watched.complaints, watched.strangers]).toEqual([[], []])
    await watched.page.context().close()
  })

  /** Screens that look the same however many sessions there are: once in each scheme. */
  const OF_NO_SIZE = ['stores', 'operators', 'session', 'webhook', 'stream'] as const
  const pathOf = (name: (typeof OF_NO_SIZE)[number]) => {
    if (name === 'stores' || name === 'operators') return `/${name}`
    return `/stores/one/${name === 'session' ? 'sessions' : 'endpoints'}/${ids[name]}`
  }

  test.each([
    ['none', 'light', 'Nobody is signed in'],
    ['one', 'dark', '1 session live'],
    ['many', 'light', '10,000 sessions live'],
  ] as const)('store %s: every screen is there and accessible, in %s', async (store, colorScheme, live) => {
    const page = await inConsole({ colorScheme, viewport: { width: 1_280, height: 800 }, reducedMotion: 'reduce' })
    const found: string[] = []
    const ofStore = (section: string) => [section, `/stores/${store}/${section}`] as const
    const screens = [
      ...[...OF_A_STORE, ...(store === 'none' ? [] : ['users/jo'])].map(ofStore),
      ...(store === 'none' ? [] : OF_NO_SIZE.map((name) => [name, pathOf(name)] as const)),
    ]
    for (const [section, path] of screens) {
      await open(page, path)
      if (section === 'sessions') await page.getByText(live).waitFor()
      await page.locator('.awaited').first().waitFor({ state: 'detached' })
      found.push(...(await violations(page)).map((violation) => `${section}: ${violation}`))
      if (store !== 'one') continue
      const snapshot = masked(await page.getByRole('main').ariaSnapshot())
      await expect(`${snapshot}\n`).toMatchFileSnapshot(`snapshots/console/${section.replace('/', '-')}.txt`)
    }
    expect(found).toEqual([])
  })

  test('of 10 000 it shows a page, and the next', async () => {
    const page = await inConsole()
    await open(page, '/stores/many/sessions')
    const rows = page.getByRole('table', { name: 'Live sessions' }).getByRole('row')
    const first = await rows.nth(1).getAttribute('data-row')
    expect(await rows.count()).toBeLessThanOrEqual(101)
    await page.getByRole('checkbox', { name: 'Select all of this page' }).click()
    await page.getByRole('button', { name: /^Next|^Older/ }).click()
    await expect.poll(() => rows.nth(1).getAttribute('data-row'), PATIENT).not.toBe(first)
    await page.getByRole('button', { name: 'End 100 selected' }).waitFor()
  })

  test('the keys go through a screen in the order in which it is read, and see where they are', async () => {
    const page = await inConsole()
    await open(page, '/stores/one/sessions')
    await page.getByRole('button', { name: /^End jo's session/ }).waitFor()
    const stops = await stopsOf(page)
    const order = [
      /^Overview$/,
      /^Live sessions$/,
      /^Credentials$/,
      /^Sign out$/,
      /^End all 1$/,
      /^User id$/,
      /^Filter$/,
      /^End jo/,
    ]
    expect(order.map((name) => stops.findIndex((stop) => name.test(stop.name)))).toEqual(
      order.map((name) => stops.findIndex((stop) => name.test(stop.name))).sort((a, b) => a - b),
    )
    expect(order.filter((name) => !stops.some((stop) => name.test(stop.name)))).toEqual([])
    expect(stops.filter(({ shown }) => !shown).map(({ name }) => name)).toEqual([])
  })

  test('a row is found and selected by keys alone', async () => {
    const page = await inConsole()
    await open(page, '/stores/one/sessions?user_id=jo')
    await page.getByRole('button', { name: /^End jo's session/ }).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByRole('button', { name: 'End 1 selected' }).waitFor()
    await page.keyboard.press('/')
    expect(await page.locator(':focus').getAttribute('name')).toBe('user_id')
  })

  test('Escape closes what is asked, does nothing, and leads back to where one was', async () => {
    const page = await inConsole()
    for (const [path, opener] of [
      ['/stores/one/sessions', 'End all 1'],
      ['/stores/one/credentials', 'Revoke back end'],
      ['/stores', 'Edit Store one'],
    ] as const) {
      await open(page, path)
      const button = page.getByRole('button', { name: opener })
      await byKeyboard.press(button)
      await page.getByRole('dialog').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await expect.poll(() => button.evaluate((one) => one === one.ownerDocument.activeElement), PATIENT).toBe(true)
    }
    await page.keyboard.press('Control+k')
    const palette = page.getByPlaceholder(/^A screen/)
    await palette.waitFor()
    await page.keyboard.press('Escape')
    await palette.waitFor({ state: 'detached' })
    expect(await stores.liveOf('one', '')).toBe(1)
  })

  test('a list that is asked for every five seconds comes once, as long as nothing changes', async () => {
    const page = await inConsole()
    await page.clock.install()
    const answers: { status: number; bytes: number }[] = []
    page.on('response', async (response) => {
      if (!/\/sessions\?/.test(response.url())) return
      answers.push({ status: response.status(), bytes: response.status() === 304 ? 0 : (await response.body()).length })
    })
    await open(page, '/stores/one/sessions')
    for (const polls of [2, 3]) {
      await page.clock.fastForward(5_500)
      await expect.poll(() => answers.length, PATIENT).toBe(polls)
    }
    expect(answers).toEqual([
      { status: 200, bytes: expect.any(Number) },
      { status: 304, bytes: 0 },
      { status: 304, bytes: 0 },
    ])
    await page.getByRole('button', { name: /^End jo's session/ }).waitFor()
  })

  test('a breach of its policy would be heard', async () => {
    const page = await inConsole()
    await open(page, '/stores')
    await page.getByRole('main').evaluate((main) => main.setAttribute('style', 'color: red'))
    await expect
      .poll(() => watched.complaints.filter((one) => one.startsWith('policy: ')), PATIENT)
      .toEqual(['policy: style-src-attr inline'])
    watched.complaints.splice(0)
  })

  test('nothing moves for who wants no motion', async () => {
    const page = await inConsole({ reducedMotion: 'reduce' })
    await open(page, '/stores/one/sessions')
    await page.getByRole('button', { name: 'End all 1' }).click()
    await page.getByRole('dialog').waitFor()
    expect(await longestMotion(page)).toBeLessThanOrEqual(0.001)
  })

  test.each(['light', 'dark'] as const)("the users' own pages are accessible, in %s", async (colorScheme) => {
    watched = await watchedPage(browser, baseUrl, { colorScheme })
    const { page } = watched
    const user = server.credentials.users.find(({ role }) => role === 'member')
    await page.goto('/sign-in')
    const found = [...(await violations(page))]
    await page.getByLabel('User name').fill(user?.username ?? '')
    await page.getByLabel('Password').fill(user?.password ?? '')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('**/devices')
    found.push(...(await violations(page)))
    expect(found).toEqual([])
  })
})
