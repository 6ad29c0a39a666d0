/**
 * What people complain of in others' consoles, each as a test of this one. In the API's own tests: filters that look at
 * so many records and no more (session-lists), a limit that refuses with a choice (limit), checks that are no activity
 * (the client's countdown). In console-acts: ending a session of a user, with undo.
 */
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { noBrowser, sharedChromium } from './support/chromium.ts'
import { OF_A_STORE, signInWith, type Watched, watchedPage } from './support/console-page.ts'
import { type Served, serve } from './support/served.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
/** More than a page, which is 100. */
const CROWD = 130

let server: Served
let browser: Browser
let page: Page
/** Where the console's screens of the store are. */
let screens: string
/** What the page has asked for since the last look. */
let requested: string[] = []
let watched: Watched

describe.skipIf(noBrowser)('of', () => {
  beforeAll(async () => {
    const started = serve()
    browser = await sharedChromium()
    server = await started
    const { base_url: baseUrl, identity_store_id: storeId } = server.credentials
    screens = `${baseUrl}/console#/stores/${storeId}`
    await makeCrowd()
    watched = await watchedPage(browser, baseUrl, { viewport: { width: 1280, height: 900 } })
    page = watched.page
    page.on('request', (request) => requested.push(request.url()))
    await signInWith(server.credentials.operator_token, watched)
  })

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  afterEach(() => {
    // What is refused here, or cut off, browsers tell too.
    const complaints = watched.complaints.splice(0).filter((text) => !text.startsWith('Failed to load resource'))
    expect([complaints, watched.strangers]).toEqual([[], []])
  })

  test('lists that load everything, and say no number', async () => {
    requested = []
    await page.goto(`${screens}/sessions`)
    await page.getByText(`${CROWD} sessions live.`).waitFor()
    await rows().first().waitFor()
    expect(await rows().count()).toBe(100)
    const lists = requested.filter((url) => /\/sessions\?/.test(url))
    expect(lists.length).toBeGreaterThan(0)
    expect(lists.filter((url) => url.includes('cursor'))).toEqual([])
    // One look-up for the names of all of them.
    expect(requested.filter((url) => url.includes('/user-summaries?'))).toHaveLength(1)
    expect(requested.filter((url) => /\/users\/[^/]+$/.test(url))).toEqual([])
    await page
      .getByRole('link', { name: /^crowd\.\d+@pie\.example$/ })
      .first()
      .waitFor()
  })

  test('a selection that the next page forgets', async () => {
    await page.getByLabel('Select all of this page').click()
    await page.getByRole('button', { name: 'End 100 selected' }).waitFor()
    await page.getByRole('button', { name: 'Next page' }).click()
    await expect.poll(() => rows().count()).toBe(CROWD - 100)
    await page.getByRole('button', { name: 'End 100 selected' }).waitFor()
    await page.getByRole('button', { name: 'Select none' }).click()
  })

  test('figures that are claimed before they are known', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await page.route('**/user-summaries?*', (route) => held.then(() => route.continue()))
    await page.goto(`${screens}/users`)
    await rows().first().waitFor()
    const claims = page.locator('main').getByText(/^(?:Not known|never)$/)
    expect(await claims.count()).toBe(0)
    expect(await page.locator('.awaited').count()).toBeGreaterThan(0)
    release()
    await claims.first().waitFor()
    await page.unroute('**/user-summaries?*')
  })

  test('an error that signs the administrator out, or goes away', async () => {
    await page.goto(`${screens}/users`)
    await rows().first().waitFor()
    await page.route('**/operator/**', (route) => route.abort())
    await page.getByLabel('User name begins with').fill('crowd')
    await page.keyboard.press('Enter')
    const said = page.getByText('The service does not answer.')
    await said.waitFor({ timeout: 20_000 })
    await page.getByRole('heading', { name: 'Users' }).waitFor()
    expect(await page.getByLabel('Operator token').count()).toBe(0)
    await page.unroute('**/operator/**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await said.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'crowd.1@pie.example' }).waitFor()
  })

  test('refusals without a code, and without the request that support asks for', async () => {
    await page.goto(`${screens}/sessions?address=nonsense`)
    await page.getByText('Must be an address or a CIDR block.').waitFor()
    await page
      .getByText(/invalid_request · request \S+/)
      .first()
      .waitFor()
  })

  test.each([...OF_A_STORE, 'users/crowd-1'])(
    'lists that disagree: %s says whether it is exact or the mirror',
    async (section) => {
      await page.goto(`${screens}/${section}`)
      await page
        .getByText(/^(Exact|Mirror)\b/)
        .first()
        .waitFor()
    },
  )

  test('sessions of a face that another does not show; a sign-in from a new device that nobody notices', async () => {
    const [user] = server.credentials.users
    if (user === undefined) throw new Error('The demo store has no user.')
    await signIn(user, FIREFOX)
    const cookie = await signIn(user, PHONE)
    const own = await fetch(`${server.credentials.base_url}/devices`, { headers: { cookie, 'user-agent': PHONE } })
    expect(await own.text()).toContain('Firefox')
    await page.goto(`${screens}/users/${user.id}`)
    await expect.poll(() => page.getByText('New device').count()).toBeGreaterThan(0)
    await page.goto(`${screens}/sessions?user_id=${user.id}`)
    await expect.poll(() => rows().count()).toBe(2)
    await page.getByRole('link', { name: user.username }).first().waitFor()
  })

  test('all or nothing: the others end, the selected one stays', async () => {
    const [user] = server.credentials.users
    if (user === undefined) throw new Error('The demo store has no user.')
    await page.goto(`${screens}/users/${user.id}`)
    const select = page.getByRole('checkbox', { name: /^Select .* on Safari/ })
    await select.first().click()
    await page.getByRole('button', { name: 'End all but the 1 selected' }).click()
    await page.getByRole('button', { name: 'End 1 session' }).click()
    await page.getByText('1 session ended.').waitFor()
    await expect.poll(() => page.getByRole('button', { name: /^End .* session on/ }).count()).toBe(1)
  })

  test('ended sessions that are deleted, or do not say why, when and by whom', async () => {
    await page.goto(`${screens}/ended`)
    await page.getByText(/kept for \d+ days/).waitFor()
    const row = rows().filter({ hasText: 'john.doe' }).first()
    await row.getByText('The user, an administrator or a back end ended it.').waitFor()
    await row.getByText(/^credential:/).waitFor()
    await row.getByText(/^request /).waitFor()
  })

  test('not knowing when somebody signed in and out', async () => {
    await rows()
      .filter({ hasText: 'john.doe' })
      .getByRole('link', { name: /on Linux/ })
      .first()
      .click()
    const story = page.getByRole('listitem')
    await story.filter({ hasText: 'Opened by password' }).waitFor()
    await story.filter({ hasText: 'Ended. The user, an administrator' }).waitFor()
    await page.goto(`${screens}/users`)
    await page.getByRole('columnheader', { name: 'Last sign-in' }).waitFor()
    await expect.poll(() => rows().filter({ hasText: 'crowd-1' }).first().locator('time').count()).toBe(1)
  })

  test('not knowing which applications a session is for', async () => {
    await page.goto(`${screens}/sessions?user_id=crowd-3`)
    await rows()
      .getByRole('link', { name: /on Linux/ })
      .first()
      .click()
    await page.getByRole('heading', { name: 'Back ends that may check it' }).waitFor()
    const opener = page.getByRole('listitem').filter({ hasText: 'trusted back end' })
    await opener.getByText('Opened it').waitFor()
    await opener.getByText(/last used .*ago|last used now/).waitFor()
    await page.getByText('nobody can say which of them checked this session').waitFor()
  })

  test('one cause for every end: that of the limit is told from the others', async () => {
    const { identity_store_id: storeId } = server.credentials
    await operate('PUT', `/operator/identity-stores/${storeId}/groups/few/session-config`, {
      concurrent_sessions: { limit: 1, when_reached: 'evict_oldest', by_client_kind: null },
    })
    await operate('PATCH', `/operator/identity-stores/${storeId}/users/crowd-1`, { group_id: 'few' })
    await open('crowd-1', PHONE)
    await page.goto(`${screens}/ended?end_reason=evicted`)
    await rows().filter({ hasText: 'crowd.1@' }).first().getByText('The user had more sessions at once').waitFor()
    await rows()
      .getByRole('link', { name: /on Linux/ })
      .first()
      .click()
    await page.getByText("the limit of sessions at once of 1, which the group's session config says").waitFor()
  })

  test('ending many one by one; an end of all that does not follow the filter, or hides in a menu', async () => {
    await page.goto(`${screens}/sessions?user_id=crowd-2`)
    await rows().first().waitFor()
    await page.getByRole('button', { name: "End crowd-2's session on Firefox 140 on Linux" }).waitFor()
    await page.getByRole('button', { name: 'End all 1 that match' }).click()
    await page.getByText('Those that the filters of this list show').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.goto(`${screens}/sessions?client_kind=mobile`)
    await page.getByRole('button', { name: /^End all \d+ that match$/ }).waitFor()
    await page.goto(`${screens}/sessions`)
    const end = page.getByRole('button', { name: /^End all \d+$/ })
    await end.click()
    // The largest act wants the store's id.
    const confirm = page.getByRole('dialog').getByRole('button', { name: /^End \d+ sessions$/ })
    expect(await confirm.isDisabled()).toBe(true)
    await page.getByLabel(/^Type .* to go on$/).fill(server.credentials.identity_store_id)
    expect(await confirm.isEnabled()).toBe(true)
    await page.getByRole('button', { name: 'Cancel' }).click()
    for (const row of await rows()
      .all()
      .then((all) => all.slice(0, 2)))
      await row.getByRole('checkbox').click()
    await page.getByRole('button', { name: 'End 2 selected' }).click()
    await page.getByRole('button', { name: 'End 2 sessions' }).click()
    await page.goto(`${screens}/jobs`)
    await page.getByText('2 / 2').waitFor({ timeout: 30_000 })
  })

  test('verbs that may mean more than the end of a session', async () => {
    await page.goto(`${screens}/sessions`)
    await rows().first().waitFor()
    const words = await page.locator('main').getByRole('button').allTextContents()
    expect(words.filter((text) => /wipe|revoke|delete|remove|log ?out|kick/i.test(text))).toEqual([])
  })

  test('nowhere to see how many are signed in to all of it', async () => {
    await page.goto(`${screens}/overview`)
    const figure = page.locator('.figure').filter({ hasText: 'Live sessions' }).locator('strong')
    await expect.poll(async () => Number(await figure.textContent())).toBeGreaterThan(100)
    await page.getByRole('tab', { name: '7 days' }).click()
    await page
      .getByText(/sessions opened in 7 days/)
      .first()
      .waitFor()
  })

  test('not finding anybody, without a mouse', async () => {
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder(/A screen, a store/).waitFor()
    await page.keyboard.type('crowd.77')
    await page
      .getByRole('option', { name: /crowd\.77@pie\.example/ })
      .first()
      .waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /^crowd\.77@/ }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByPlaceholder(/A screen, a store/).fill('lock')
    await page.getByRole('option', { name: /Lockouts/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Lockouts' }).waitFor()
  })

  test('two administrators who undo each other: the second is told, and only what was changed is', async () => {
    const config = `/operator/identity-stores/${server.credentials.identity_store_id}/session-config`
    await page.goto(`${screens}/session-config`)
    await page.getByLabel('A user may have so many sessions at once').fill('9')
    await page.getByLabel('Of these on phones and tablets').fill('3')
    await page.getByRole('button', { name: 'Preview the change' }).click()
    await page.getByText(/^Ends now: \d+ of \d+ live sessions/).waitFor()
    await operate('PATCH', config, { overall_timeout_seconds: 86_400 })
    await page.getByRole('button', { name: /^Save/ }).last().click()
    await page.getByText('Somebody changed the config meanwhile.').waitFor()
    await page.getByRole('button', { name: /^Save( and|$)/ }).click()
    await page.getByText(/^Saved as version/).waitFor()
    expect(await operate('GET', config)).toMatchObject({
      overall_timeout_seconds: 86_400,
      concurrent_sessions: { limit: 9, by_client_kind: { web: null, mobile: 3 } },
    })
  })

  test('many users at once: imported, given settings, each with what became of it', async () => {
    await page.goto(`${screens}/users`)
    await page.getByRole('button', { name: 'Import users' }).click()
    await page
      .getByRole('textbox', { name: 'Users' })
      .fill('user_id,username\nnew-1,new.1@pie.example\ncrowd-1,crowd.1@pie.example')
    await page.getByRole('button', { name: 'Import 2 users' }).click()
    await page.getByText('1 user done, 1 not').waitFor()
    await page.getByText(/^crowd-1: conflict/).waitFor()
    await page.getByLabel('User name begins with').fill('new.')
    await page.keyboard.press('Enter')
    await page.getByRole('checkbox', { name: 'Select new.1@pie.example' }).click()
    await page.getByRole('button', { name: 'Settings of 1' }).click()
    await page.getByLabel('Sessions last, in hours').fill('12')
    await page.getByRole('button', { name: 'Set for 1 user' }).click()
    await page.getByText('1 user done', { exact: true }).waitFor()
    const path = `/operator/identity-stores/${server.credentials.identity_store_id}/users/new-1/session-settings`
    expect(await operate('GET', path)).toMatchObject({ duration_seconds: 43_200 })
  })

  test('an audit log that cannot be taken along', async () => {
    await page.goto(`${screens}/audit`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as CSV' }).click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^audit-.*\.csv$/)
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk)
    const lines = Buffer.concat(chunks).toString().split('\r\n')
    expect(lines[0]).toBe('"at","actor","action","subject","before","after","request_id","event_id"')
    expect(lines.some((line: string) => line.includes('"user.created","user:crowd-1"'))).toBe(true)
  })
})

const rows = () => page.locator('[data-row]')

async function operate(method: string, path: string, json?: object): Promise<unknown> {
  const response = await fetch(server.credentials.base_url + path, {
    method,
    headers: { authorization: `Bearer ${server.credentials.operator_token}`, 'content-type': 'application/json' },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

/** A back end opens a session. */
async function open(userId: string, userAgent: string): Promise<void> {
  const response = await fetch(`${server.credentials.base_url}/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.credentials.service.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: userId, client: { address: '203.0.113.7', user_agent: userAgent } }),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
}

/** So many users, each signed in once. */
async function makeCrowd(): Promise<void> {
  const ids = Array.from({ length: CROWD }, (_, index) => index)
  await operate('POST', `/operator/identity-stores/${server.credentials.identity_store_id}/users`, {
    users: ids.map((index) => ({ user_id: `crowd-${index}`, username: `crowd.${index}@pie.example` })),
  })
  while (ids.length > 0) await Promise.all(ids.splice(0, 10).map((index) => open(`crowd-${index}`, FIREFOX)))
}

async function signIn({ username, password }: { username: string; password: string }, userAgent: string) {
  const response = await fetch(`${server.credentials.base_url}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
    body: JSON.stringify({ username, password }),
  })
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}
