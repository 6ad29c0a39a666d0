/**
 * Every screen of the console with no session, one and 10 000, and what is done there by mouse and by keyboard alone.
 * 10 000 sessions take too long to open: their records are written into the database, where lists come from; what is
 * ended here was opened.
 */
import { execFileSync } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchChromium, noBrowser } from './support/chromium.ts'
import {
  byKeyboard,
  byMouse,
  type Hand,
  longestMotion,
  OF_A_STORE,
  open,
  PAST_UNDO_MILLISECONDS,
  signInWith,
  stopsOf,
  violations,
  type Watched,
  watchedPage,
} from './support/console-page.ts'
import { openLocalDatabase } from './support/local-database.ts'
import { type Served, serve } from './support/served.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const MANY = 10_000
/** How many sessions one user of each store for acts has. */
const ENDED_TOGETHER = 214
/** A machine may be busy. */
const PATIENT = { timeout: 20_000 }
const HANDS = { mouse: byMouse, keyboard: byKeyboard }

let server: Served
let browser: Browser
let baseUrl: string
let token: string
const tokens = new Map<string, string>()

beforeAll(async () => {
  if (noBrowser) return
  const started = serve()
  browser = await launchChromium()
  server = await started
  ;({ base_url: baseUrl, operator_token: token } = server.credentials)
  await Promise.all(['none', 'one', 'many', ...Object.keys(HANDS)].map(makeStore))
  await openSession('one', 'jo')
  writeMany()
  await Promise.all(
    Object.keys(HANDS).map(async (store) => {
      await openSession(store, 'jo')
      for (let session = 0; session < ENDED_TOGETHER; session += 1) await openSession(store, 'busy')
      for (let tries = 0; tries < 5; tries += 1) {
        await call('POST', '/sessions', { username: `max@${store}.example`, password: 'wrong' }, null)
      }
    }),
  )
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

async function call(method: string, path: string, body?: object, bearer: string | null = token) {
  const headers = { 'content-type': 'application/json', ...(bearer !== null && { authorization: `Bearer ${bearer}` }) }
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const response = await fetch(baseUrl + path, init)
  const text = await response.text()
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

const at = (store: string) => `/operator/identity-stores/${store}`

/** A store with three users, and a back end that opens sessions for them. */
async function makeStore(store: string): Promise<void> {
  await call('PUT', at(store), { name: `Store ${store}` })
  if (store !== 'none') {
    const users = ['jo', 'busy', 'max'].map((name) => ({ user_id: name, username: `${name}@${store}.example` }))
    await call('POST', `${at(store)}/users`, { users })
  }
  const credential = { kind: 'bearer', name: 'back end', scopes: ['sessions:open'] }
  tokens.set(store, String((await call('POST', `${at(store)}/credentials`, credential)).body.token))
}

async function openSession(store: string, userId: string): Promise<void> {
  const client = { address: '192.0.2.1', user_agent: FIREFOX }
  const opened = await call('POST', '/sessions', { user_id: userId, client }, tokens.get(store) ?? '')
  expect(opened.status).toBe(201)
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

/** The session of a store that has one. */
async function sessionOf(store: string): Promise<string> {
  const { sessions } = (await call('GET', `${at(store)}/sessions`)).body as { sessions: { session_id: string }[] }
  return sessions[0]?.session_id ?? ''
}

async function liveOf(store: string, filter: string): Promise<unknown> {
  return (await call('GET', `${at(store)}/sessions/count?${filter}`)).body.count
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
      // Console sessions of the tests before.
      .replace(/\n +- row "local development <browser>[\s\S]*$/, '')
      .replaceAll(/(?:( +- row "<hour> )\d+":\n +- cell "<hour>"\n +- cell "\d+"\n)+/g, '$1…"\n')
  )
}

describe.skipIf(noBrowser)('the console', () => {
  let watched: Watched

  /** Signed in, in a browser that looks so. */
  async function inConsole(options: Parameters<typeof watchedPage>[2] = {}) {
    watched = await watchedPage(browser, baseUrl, options)
    await signInWith(token, watched)
    return watched.page
  }

  beforeEach(() => async () => {
    expect([watched.complaints, watched.strangers]).toEqual([[], []])
    await watched.page.context().close()
  })

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
      ...(store === 'one'
        ? ([
            ['stores', '/stores'],
            ['operators', '/operators'],
          ] as const)
        : []),
      ...(store === 'one' ? ([['session', `/stores/one/sessions/${await sessionOf('one')}`]] as const) : []),
    ]
    for (const [section, path] of screens) {
      await open(page, path)
      if (section === 'sessions') await page.getByText(live).waitFor()
      if (section === 'users') await page.getByText('Not known').first().waitFor({ state: 'detached' })
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
    expect(await liveOf('one', '')).toBe(1)
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

  describe.each(Object.entries(HANDS))('by %s', (store, hand: Hand) => {
    test('a user is found, a session ended, taken back, and ended', async () => {
      const page = await inConsole()
      await page.clock.install()
      await open(page, `/stores/${store}/users`)
      await hand.write(page.getByLabel('User name begins with'), 'jo')
      await page.keyboard.press('Enter')
      await page.waitForLoadState('networkidle')
      await hand.press(page.getByRole('link', { name: `jo@${store}.example` }))
      const end = page.getByRole('button', { name: /^End .* session on/ })
      await hand.press(end)
      await hand.press(page.getByRole('button', { name: 'Undo' }))
      await page.clock.fastForward(PAST_UNDO_MILLISECONDS)
      await expect.poll(() => end.isEnabled(), PATIENT).toBe(true)
      expect(await liveOf(store, 'user_id=jo')).toBe(1)
      await hand.press(end)
      await page.clock.fastForward(PAST_UNDO_MILLISECONDS)
      await page.getByText('Not signed in').waitFor()
      await expect.poll(() => liveOf(store, 'user_id=jo'), PATIENT).toBe(0)
    })

    test('214 sessions that match are ended, and no more', async () => {
      const page = await inConsole()
      await openSession(store, 'max')
      await open(page, `/stores/${store}/sessions?user_id=busy`)
      await hand.press(page.getByRole('button', { name: `End all ${ENDED_TOGETHER} that match` }))
      await hand.press(page.getByRole('dialog').getByRole('button', { name: `End ${ENDED_TOGETHER} sessions` }))
      await page.getByText(`${ENDED_TOGETHER} sessions are being ended`).waitFor()
      await expect.poll(() => liveOf(store, 'user_id=busy'), PATIENT).toBe(0)
      expect(await liveOf(store, 'user_id=max')).toBe(1)
    })

    test('a policy is previewed, saved, and put back', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/session-config`)
      const limit = page.getByLabel('A user may have so many sessions at once')
      for (const [version, value] of [
        [2, '7'],
        [3, '3'],
      ] as const) {
        await hand.write(limit, value)
        await hand.press(page.getByRole('button', { name: 'Preview the change' }))
        await page.getByText('Ends now:').waitFor()
        await hand.press(page.getByRole('button', { name: /^Save/ }))
        await page.getByText(`Saved as version ${version}`).waitFor()
        await page.getByRole('row', { name: new RegExp(`^${version} `) }).waitFor()
      }
      await hand.press(page.getByRole('button', { name: 'Put back' }).first())
      await hand.press(page.getByRole('dialog').getByRole('button', { name: 'Put it back' }))
      await page.getByText('holds again').waitFor()
      expect((await call('GET', `${at(store)}/session-config`)).body).toMatchObject({
        concurrent_sessions: { limit: 7 },
      })
    })

    test('a user is unlocked', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/lockouts`)
      await hand.press(page.getByRole('button', { name: new RegExp(`^Unlock max@${store}`) }))
      await page.getByText('Nobody is locked out').waitFor()
      expect((await call('GET', `${at(store)}/lockouts`)).body.lockouts).toEqual([])
    })

    test('the audit log is exported', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/audit`)
      const download = page.waitForEvent('download')
      await hand.press(page.getByRole('button', { name: /^Export.*(?:NDJSON|lines)/ }))
      const lines = execFileSync('cat', [await (await download).path()], { encoding: 'utf8' })
      expect(
        lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).action),
      ).toContain('credential.created')
    })

    test('a credential is revoked', async () => {
      const page = await inConsole()
      await open(page, `/stores/${store}/credentials`)
      await hand.press(page.getByRole('button', { name: 'Revoke back end' }))
      await hand.press(page.getByRole('dialog').getByRole('button', { name: 'Revoke' }))
      await page.getByText('Revoked', { exact: true }).waitFor()
      const refused = await call('POST', '/sessions', { user_id: 'jo' }, tokens.get(store) ?? '')
      expect(refused.status).toBe(401)
    })
  })

  test('of two operators who change one config, the second is told', async () => {
    const page = await inConsole()
    await open(page, '/stores/none/session-config')
    await page.getByLabel('A user may have so many sessions at once').fill('5')
    await page.getByRole('button', { name: 'Preview the change' }).click()
    await page.getByText('Ends now:').waitFor()
    await call('PATCH', `${at('none')}/session-config`, { persistent_cookies: false })
    await page.getByRole('button', { name: /^Save/ }).click()
    await page
      .getByText(/changed meanwhile|somebody|another version/i)
      .first()
      .waitFor()
    const config = (await call('GET', `${at('none')}/session-config`)).body
    expect(config).toMatchObject({ persistent_cookies: false, concurrent_sessions: { limit: null } })
    // A refusal is told in the browser's console too.
    watched.complaints.splice(0)
  })

  test('an operator limited to one store sees nothing of another', async () => {
    const limited = { name: 'of one', scopes: ['operator:read', 'operator:sessions'], limited_store_ids: ['one'] }
    const made = await call('POST', '/operator/credentials', limited)
    watched = await watchedPage(browser, baseUrl, {})
    await signInWith(String(made.body.token), watched)
    const { page } = watched
    await page.getByRole('link', { name: 'Store one' }).waitFor()
    expect(await page.getByText('Store many').count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Operators' }).count()).toBe(0)
    await page.goto('/console#/stores/many/sessions')
    await page.getByText('identity_store_not_found').first().waitFor()
    watched.complaints.splice(0)
  })

  test('who signs out has no cookie any more', async () => {
    const page = await inConsole()
    const cookies = async () => (await page.context().cookies()).map(({ name }) => name)
    expect(await cookies()).toContain('latchkey-operator')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Operator token').waitFor()
    expect(await cookies()).not.toContain('latchkey-operator')
    watched.complaints.splice(0)
  })
})
